package import QUIC

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

    /// Takes out the newest that is good for one of these protocols.
    mutating func take(for alpn: [String]) -> SessionTicket? {
        guard let index = tickets.lastIndex(where: { alpn.contains($0.alpn) }) else { return nil }
        return tickets.remove(at: index)
    }
}
