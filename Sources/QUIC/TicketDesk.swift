internal import CNgtcp2
internal import Wire

/// How a server gives tickets, and takes early data for them.
package struct EarlyDataConfiguration: Sendable {
    /// Keys are made of it. Servers that share it resume each other's connections, and a server that keeps it resumes those from
    /// before its restart. Random for each process when `nil`.
    package var secret: [UInt8]?
    package var limits = EarlyDataLimits()

    package init() {}
}

package struct EarlyDataLimits: Hashable, Sendable {
    /// How long a ticket is good (RFC 8446 section 4.6.1 allows seven days), and how long a first flight is remembered.
    package var ticketLifetime = Duration.seconds(6 * 3600)
    /// First flights with early data that are remembered. While so many are, early data is refused and connections take
    /// their full round trip.
    package var rememberedFlights = 65_536

    package init() {}
}

/// A server's tickets and its memory of the flights that used them: one for all its connections.
///
/// Early data can be recorded and sent again by anybody on the way (RFC 8446 section 8, RFC 9001 section 9.2). GnuTLS refuses it
/// for a ticket older than this desk or older than its lifetime, and asks `remember` whether the same ClientHello came
/// before. Confined to the thread of its connections.
package final class TicketDesk {
    package let limits: EarlyDataLimits
    private let secret: [UInt8]
    private let binding: [UInt8]
    let antiReplay: gnutls_anti_replay_t
    /// The time of the connection that is reading; callbacks have no argument for it.
    var now = Instant.zero
    private var seen: Set<[UInt8]> = []
    private var order: BoundedQueue<(expiry: Instant, flight: [UInt8])>
    /// Flights that came a second time, or when the memory was full.
    package private(set) var replaysRefused = 0
    package private(set) var flightsOverLimit = 0

    /// - Parameter binding: what clients remember beside a ticket, transport parameters and SETTINGS; a server that has others
    ///   knows none of the tickets, so that it never takes early data that was sent under promises it does not keep
    ///   (RFC 9001 section 7.4.1).
    package init(secret: [UInt8], binding: [UInt8], limits: EarlyDataLimits = EarlyDataLimits()) {
        self.limits = limits
        order = BoundedQueue(limit: limits.rememberedFlights)
        self.secret = secret
        self.binding = binding
        var allocated: gnutls_anti_replay_t?
        guard gnutls_anti_replay_init(&allocated) == 0, let allocated else { preconditionFailure("GnuTLS is out of memory") }
        antiReplay = allocated
        gnutls_anti_replay_set_window(allocated, UInt32(clamping: limits.ticketLifetime.nanoseconds / 1_000_000))
        gnutls_anti_replay_set_ptr(allocated, Unmanaged.passUnretained(self).toOpaque())
        gnutls_anti_replay_set_add_function(allocated) { desk, _, flight, _ in
            guard let desk, let flight = flight?.pointee else { return Refusal.database }
            let bytes = Array(UnsafeBufferPointer(start: flight.data, count: Int(flight.size)))
            return Unmanaged<TicketDesk>.fromOpaque(desk).takeUnretainedValue().remember(bytes) ? 0 : Refusal.exists
        }
    }

    deinit { gnutls_anti_replay_deinit(antiReplay) }

    private enum Refusal {
        static let exists: Int32 = -308  // GNUTLS_E_DB_ENTRY_EXISTS
        static let database: Int32 = -40  // GNUTLS_E_DB_ERROR
    }

    /// Lets a session take early data, where its ticket allows it.
    func enable(_ session: gnutls_session_t) {
        gnutls_db_set_cache_expiration(session, Int32(clamping: limits.ticketLifetime.components.seconds))
        gnutls_anti_replay_enable(session, antiReplay)
        // RFC 9001 section 4.6.1: QUIC's own limits bound early data.
        gnutls_record_set_max_early_data_size(session, 0xFFFF_FFFF)
    }

    /// Gives a session the key of tickets, from which GnuTLS derives others that change with time, before the ClientHello is read.
    ///
    /// Each protocol has a key of its own: RFC 8446 section 4.2.10 wants early data refused for another one than the ticket's, and
    /// GnuTLS does not look.
    func setKey(_ session: gnutls_session_t, alpn: [UInt8]) {
        // A name, a cipher's key and a MAC's: 64 bytes.
        var key = [UInt8](repeating: 0, count: 64)
        let bound = binding + alpn
        let status = gnutls_hmac_fast(GNUTLS_MAC_SHA512, secret, secret.count, bound, bound.count, &key)
        precondition(status == 0, "GnuTLS has HMAC with SHA-512")
        // A second ClientHello, after a HelloRetryRequest, finds the key set and is refused one: it stays.
        key.withUnsafeMutableBufferPointer { key in
            var datum = gnutls_datum_t(data: key.baseAddress, size: UInt32(key.count))
            _ = gnutls_session_ticket_enable_server(session, &datum)
        }
    }

    /// Whether this flight is new, and is remembered from now on.
    /// - Parameter flight: what GnuTLS makes of a ClientHello: the binder of its ticket (RFC 8446 section 8.2).
    func remember(_ flight: [UInt8]) -> Bool {
        while let first = order.first, first.expiry <= now {
            seen.remove(first.flight)
            _ = order.popFirst()
        }
        guard !seen.contains(flight) else {
            replaysRefused += 1
            return false
        }
        guard order.append((now + limits.ticketLifetime, flight)) else {
            flightsOverLimit += 1
            return false
        }
        seen.insert(flight)
        return true
    }
}
