internal import Wire

/// The tickets that a server has given, while they are good, and which of them have brought early data: each may once
/// (RFC 8446 section 8.1).
///
/// What it does not know has been given by another server, by one before a restart, or too long ago.
package struct TicketMemory: Sendable {
    package enum Standing: Hashable, Sendable {
        case good
        case used
        case unknown
    }

    private var isUsed: [[UInt8]: Bool] = [:]
    /// In the order in which they were given, and so in that in which they expire.
    private var order: BoundedQueue<(expiry: Instant, name: [UInt8])>
    private let lifetime: Duration

    package init(limits: EarlyDataLimits = EarlyDataLimits()) {
        order = BoundedQueue(limit: limits.rememberedTickets)
        lifetime = limits.ticketLifetime
    }

    package var count: Int { order.count }

    /// Whether it has the ticket, be it used or not.
    package func holds(_ ticket: [UInt8]) -> Bool { isUsed[Self.name(ticket)] != nil }

    /// A ticket is given. Over the limit the oldest is forgotten: it costs its client a round trip.
    mutating func add(_ ticket: [UInt8], now: Instant) {
        forget(now: now)
        let name = Self.name(ticket)
        guard isUsed[name] == nil else { return }
        if order.count >= order.limit, let oldest = order.popFirst() { isUsed[oldest.name] = nil }
        guard order.append((now + lifetime, name)) else { return }
        isUsed[name] = false
    }

    /// A ticket brings early data.
    /// - Returns: how it stood until now.
    mutating func use(_ ticket: [UInt8], now: Instant) -> Standing {
        forget(now: now)
        let name = Self.name(ticket)
        guard let wasUsed = isUsed[name] else { return .unknown }
        isUsed[name] = true
        return wasUsed ? .used : .good
    }

    private mutating func forget(now: Instant) {
        while let first = order.first, first.expiry <= now {
            isUsed[first.name] = nil
            _ = order.popFirst()
        }
    }

    /// Half a SHA-256: two tickets of one name would have to be looked for, and who found them had both given to him.
    private static func name(_ ticket: [UInt8]) -> [UInt8] { Array(sha256(ticket).prefix(16)) }
}
