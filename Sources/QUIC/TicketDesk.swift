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
    /// How long a ticket is good (RFC 8446 section 4.6.1 allows seven days).
    package var ticketLifetime = Duration.seconds(6 * 3600)
    /// Tickets that are remembered, and so may bring early data; over it the oldest may not any more.
    package var rememberedTickets = 65_536

    package init() {}
}

/// A server's tickets and its memory of them: one for all its connections.
///
/// Early data can be recorded and sent again by anybody on the way (RFC 8446 section 8, RFC 9001 section 9.2). So it is taken once
/// for each ticket, and only for tickets that this desk gave: GnuTLS asks `admitsEarlyData` before it takes any. Servers
/// that share a secret resume each other's connections, and take no early data for each other's tickets. Confined to the thread of its
/// connections.
package final class TicketDesk {
    package let limits: EarlyDataLimits
    private let secret: [UInt8]
    private let binding: [UInt8]
    let antiReplay: gnutls_anti_replay_t
    /// The time of the connection that is reading; callbacks have no argument for it.
    var now = Instant.zero
    /// The tickets that this desk gave.
    package private(set) var memory: TicketMemory
    /// Of the ClientHello that is being read.
    private var offered: [UInt8]?
    /// Tickets that brought early data a second time.
    package private(set) var replaysRefused = 0
    /// Tickets with early data that this desk did not give, or too long ago.
    package private(set) var strangersRefused = 0

    /// - Parameter binding: what clients remember beside a ticket, transport parameters and SETTINGS; a server that has others
    ///   knows none of the tickets, so that it never takes early data that was sent under promises it does not keep
    ///   (RFC 9001 section 7.4.1).
    package init(secret: [UInt8], binding: [UInt8], limits: EarlyDataLimits = EarlyDataLimits()) {
        self.limits = limits
        memory = TicketMemory(limits: limits)
        self.secret = secret
        self.binding = binding
        var allocated: gnutls_anti_replay_t?
        guard gnutls_anti_replay_init(&allocated) == 0, let allocated else { preconditionFailure("GnuTLS is out of memory") }
        antiReplay = allocated
        gnutls_anti_replay_set_window(allocated, UInt32(clamping: limits.ticketLifetime.nanoseconds / 1_000_000))
        gnutls_anti_replay_set_ptr(allocated, Unmanaged.passUnretained(self).toOpaque())
        // Meant for a database of ClientHellos, each by its binder; it is asked for nothing but early data.
        gnutls_anti_replay_set_add_function(allocated) { desk, _, _, _ in
            guard let desk else { return Refusal.database }
            return Unmanaged<TicketDesk>.fromOpaque(desk).takeUnretainedValue().admitsEarlyData() ? 0 : Refusal.exists
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
    private func setKey(_ session: gnutls_session_t, alpn: [UInt8]) {
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

    /// A ClientHello is about to be read by a session that speaks these protocols, best first.
    func considers(_ offer: TicketOffer, for session: gnutls_session_t, speaking protocols: [[UInt8]]) {
        offered = offer.ticketOfEarlyData
        if let chosen = protocols.first(where: offer.protocols.contains) { setKey(session, alpn: chosen) }
    }

    /// A ticket is about to be sent.
    func gives(_ ticket: [UInt8]) { memory.add(ticket, now: now) }

    /// Takes the place of a server that gave these tickets, and hears of none any more that it gives.
    package func adopt(_ memory: TicketMemory) { self.memory = memory }

    /// Whether the ClientHello that is being read may bring early data. Its ticket may not a second time.
    private func admitsEarlyData() -> Bool {
        guard let ticket = offered else { return false }
        offered = nil
        switch memory.use(ticket, now: now) {
        case .good: return true
        case .used: replaysRefused += 1
        case .unknown: strangersRefused += 1
        }
        return false
    }
}
