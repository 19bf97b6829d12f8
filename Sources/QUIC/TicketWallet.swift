package import Wire

/// The tickets that servers gave a client, at most one a protocol. Each is used once: an observer who saw two connections with
/// one ticket would know them for the same client's (RFC 8446 appendix C.4).
package struct TicketWallet: Hashable, Sendable {
    /// The newest last.
    package private(set) var tickets: [SessionTicket] = []
    /// The protocols of a server that anybody has.
    private static let limit = 8

    package init(_ tickets: [SessionTicket] = []) {
        for ticket in tickets { put(ticket) }
    }

    package mutating func put(_ ticket: SessionTicket) {
        tickets.removeAll { $0.alpn == ticket.alpn && $0.serverName == ticket.serverName }
        tickets.append(ticket)
        if tickets.count > Self.limit { tickets.removeFirst() }
    }

    /// Throws away what no server takes any more.
    package mutating func removeExpired(now: Instant) { tickets.removeAll { $0.isExpired(at: now) } }

    /// Takes out the newest that is good for one of these protocols.
    package mutating func take(for alpn: [String], now: Instant) -> SessionTicket? {
        removeExpired(now: now)
        guard let index = tickets.lastIndex(where: { alpn.contains($0.alpn) }) else { return nil }
        return tickets.remove(at: index)
    }
}

// As a file: tickets one after another, each behind its length in 32 bits.
extension TicketWallet {
    package func encoded(_ clock: WallClock) -> [UInt8] {
        var bytes: [UInt8] = []
        for ticket in tickets {
            let encoded = ticket.encoded(clock)
            bytes.append(bigEndian: UInt32(clamping: encoded.count))
            bytes += encoded
        }
        return bytes
    }

    /// Reads what `encoded` wrote, perhaps in another process.
    /// - Throws: where any of it is no ticket.
    package init(parsing bytes: [UInt8], _ clock: WallClock) throws(ParseError) {
        var reader = ByteReader(bytes.span)
        while !reader.isAtEnd {
            let length = Int(try reader.readUInt32())
            put(try SessionTicket(parsing: try reader.readBytes(length), clock))
        }
    }
}
