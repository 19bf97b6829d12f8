internal import Wire

/// The datagrams that were sent and whose fate is not known yet, in the order of sending.
///
/// ngtcp2 0.12 forgets to report a lost datagram when its packet also carried a stream's bytes and a probe timeout had
/// already sent those again. Every frame must be accounted for, so the connection keeps this list and declares
/// lost what stayed silent for long after a later datagram was acknowledged.
struct OutstandingDatagrams {
    private struct Entry {
        let id: UInt64
        let sentAt: Instant
    }

    /// More are in flight only on links of several seconds; beyond it the oldest is no longer watched here.
    private static let limit = 4096
    private var entries: BoundedQueue<Entry> = BoundedQueue(limit: limit)
    /// Fates that came out of order, removed from the queue when they reach its head.
    private var settled: Set<UInt64> = []

    mutating func sent(_ id: UInt64, at now: Instant) {
        if entries.count == Self.limit { _ = entries.popFirst() }
        entries.append(Entry(id: id, sentAt: now))
    }

    /// The fate of `id` is known.
    mutating func settle(_ id: UInt64) {
        if let first = entries.first, first.id == id {
            _ = entries.popFirst()
            skipSettled()
        } else if !entries.isEmpty, settled.count < Self.limit {
            settled.insert(id)
        }
    }

    /// A datagram that was sent before `instant` and is still unsettled.
    mutating func popSilent(sentBefore instant: Instant) -> UInt64? {
        guard let first = entries.first, first.sentAt < instant else { return nil }
        _ = entries.popFirst()
        skipSettled()
        return first.id
    }

    private mutating func skipSettled() {
        while let first = entries.first, settled.remove(first.id) != nil { _ = entries.popFirst() }
        if entries.isEmpty { settled.removeAll() }
    }
}
