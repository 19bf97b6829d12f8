internal import Session
internal import Wire

/// The frames that were sent in datagrams and are sent again when those are lost: kept until the peer has acknowledged one
/// of their datagrams, or they are too old. Bounded by age and by number.
struct UnacknowledgedFrames {
    private struct Kept {
        var frame: MediaFrame
        var expiry: Instant
    }

    private var kept: [UInt16: Kept] = [:]
    /// In the order of sending; holds acknowledged ones until their time has come.
    private var order: BoundedQueue<(sequence: UInt16, expiry: Instant)>

    init(limit: Int) { order = BoundedQueue(limit: limit) }

    /// How many frames are kept.
    var count: Int { kept.count }

    mutating func insert(_ frame: MediaFrame, until expiry: Instant, now: Instant) {
        dropExpired(now: now)
        if order.count == order.limit, let oldest = order.popFirst() { kept[oldest.sequence] = nil }
        kept[frame.sequence] = Kept(frame: frame, expiry: expiry)
        order.append((frame.sequence, expiry))
    }

    mutating func acknowledged(_ sequence: UInt16) {
        guard !kept.isEmpty else { return }
        kept[sequence] = nil
        if kept.isEmpty { order.removeAll() }
    }

    /// The frame to send again; `nil` where it is not one of these, or no longer worth it.
    mutating func lost(_ sequence: UInt16, now: Instant) -> MediaFrame? {
        guard let found = kept[sequence] else { return nil }
        guard found.expiry > now else {
            kept[sequence] = nil
            return nil
        }
        return found.frame
    }

    private mutating func dropExpired(now: Instant) {
        while let first = order.first, first.expiry <= now {
            _ = order.popFirst()
            // The number may have come around to a frame that is young.
            if let found = kept[first.sequence], found.expiry <= now { kept[first.sequence] = nil }
        }
    }
}
