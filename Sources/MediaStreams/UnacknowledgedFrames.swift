internal import Session
internal import Wire

/// The frames that were sent in datagrams and are sent again when those are lost: kept until the peer has acknowledged one
/// of their datagrams, or they are too old. Bounded by age and by number.
struct UnacknowledgedFrames {
    private struct Kept {
        var frame: MediaFrame
        var expiry: Instant
        /// How often it was sent again: the fate of an earlier datagram says nothing any more.
        var attempt: UInt16 = 0
    }

    private var kept: [UInt16: Kept] = [:]
    /// In the order of sending; holds acknowledged ones until their time has come.
    private var order: BoundedQueue<(sequence: UInt16, expiry: Instant)>
    /// When frames whose fate nobody has told are sent again: half of their time after the last of them, and once more.
    ///
    /// ngtcp2 0.12 forgets to report a datagram that is lost with bytes of a stream that a probe has sent again, as the last
    /// frame of a prompt with its commit. Behind the last frame there is no other whose acknowledgement would tell.
    private(set) var probe: Instant?
    /// When the last probe is due.
    private var lastProbe = Instant.zero

    init(limit: Int) { order = BoundedQueue(limit: limit) }

    mutating func insert(_ frame: MediaFrame, age: Duration, now: Instant) {
        dropExpired(now: now)
        if order.count == order.limit, let oldest = order.popFirst() { kept[oldest.sequence] = nil }
        kept[frame.sequence] = Kept(frame: frame, expiry: now + age)
        order.append((frame.sequence, now + age))
        probe = now + age / 2
        lastProbe = now + age * 3 / 4
    }

    mutating func acknowledged(_ sequence: UInt16) {
        guard !kept.isEmpty else { return }
        kept[sequence] = nil
        guard kept.isEmpty else { return }
        order.removeAll()
        probe = nil
    }

    /// The frame to send again, and which time that is; `nil` where it is not one of these, is no longer worth it, or was
    /// sent again after the datagram that this is about.
    mutating func lost(_ sequence: UInt16, attempt: UInt16, now: Instant) -> (frame: MediaFrame, attempt: UInt16)? {
        guard let found = kept[sequence], found.attempt == attempt else { return nil }
        guard found.expiry > now else {
            kept[sequence] = nil
            return nil
        }
        kept[sequence]?.attempt = attempt &+ 1
        return (found.frame, attempt &+ 1)
    }

    /// The frames of which nothing is known when `probe` has come, in the order of sending, with how often each was sent.
    mutating func takeSilent(now: Instant) -> [(sequence: UInt16, attempt: UInt16)] {
        guard let probe, probe <= now else { return [] }
        self.probe = probe < lastProbe ? lastProbe : nil
        dropExpired(now: now)
        var silent: [(sequence: UInt16, attempt: UInt16)] = []
        for _ in 0..<order.count {
            guard let entry = order.popFirst() else { break }
            order.append(entry)
            if let found = kept[entry.sequence] { silent.append((entry.sequence, found.attempt)) }
        }
        return silent
    }

    private mutating func dropExpired(now: Instant) {
        while let first = order.first, first.expiry <= now {
            _ = order.popFirst()
            // The number may have come around to a frame that is young.
            if let found = kept[first.sequence], found.expiry <= now { kept[first.sequence] = nil }
        }
    }
}
