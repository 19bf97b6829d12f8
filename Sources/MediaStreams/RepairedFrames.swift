internal import QUIC
internal import Session
internal import Wire

/// The frames of mode `repair` that the peer has not acknowledged: each is under way in a datagram, and once that is declared
/// lost, on a stream. Bounded by number: what goes over is put on a stream at once, which keeps it by QUIC's own means.
struct RepairedFrames {
    private struct Kept {
        var frame: MediaFrame
        /// When it was last sent, by whatever means.
        var sent: Instant
        /// Handed to a stream, or waiting for one.
        var isOnStream = false
    }

    private var kept: [UInt16: Kept] = [:]
    /// In the order of sending; holds acknowledged ones until they come to its head.
    private var order: BoundedQueue<UInt16>
    /// Which frame a stream carries.
    private var streams: [StreamID: UInt16] = [:]
    /// The last frame that was sent.
    private(set) var last: UInt16 = 0
    /// Whether a frame was sent since the last talk ended.
    private var hasSpoken = false
    /// When frames of whose fate nothing is known go on streams: a while after the last of them. ngtcp2 0.12 starts no loss
    /// timer for packets of datagrams alone, and may forget to report one (`OutstandingDatagrams`).
    private(set) var silenceEnd: Instant?

    private static let patience = Duration.milliseconds(500)

    init(limit: Int) { order = BoundedQueue(limit: limit) }

    var isEmpty: Bool { kept.isEmpty }

    /// - Returns: a frame that there is no longer room for, and that must go on a stream now.
    mutating func insert(_ frame: MediaFrame, now: Instant) -> MediaFrame? {
        while let first = order.first, kept[first] == nil { _ = order.popFirst() }
        var evicted: MediaFrame?
        if order.count == order.limit, let oldest = order.popFirst(), let found = kept.removeValue(forKey: oldest), !found.isOnStream {
            evicted = found.frame
        }
        kept[frame.sequence] = Kept(frame: frame, sent: now)
        order.append(frame.sequence)
        // A session that moved sends frames once more, behind newer ones.
        if !hasSpoken || Int16(bitPattern: frame.sequence &- last) > 0 { last = frame.sequence }
        hasSpoken = true
        silenceEnd = now + Self.patience
        return evicted
    }

    /// - Returns: whether frames of this mode belong to the talk that ends now.
    mutating func endTalk() -> Bool {
        defer { hasSpoken = false }
        return hasSpoken
    }

    /// The peer has the frame.
    mutating func acknowledged(_ sequence: UInt16) {
        guard kept.removeValue(forKey: sequence) != nil, kept.isEmpty else { return }
        order.removeAll()
        silenceEnd = nil
    }

    /// The datagram was lost: the frame to put on a stream; `nil` where it is none of these, or is on one.
    mutating func lost(_ sequence: UInt16, now: Instant) -> MediaFrame? {
        guard let found = kept[sequence], !found.isOnStream else { return nil }
        kept[sequence]?.isOnStream = true
        kept[sequence]?.sent = now
        return found.frame
    }

    mutating func carry(_ sequence: UInt16, on stream: StreamID) { streams[stream] = sequence }

    /// The peer has all of the stream.
    mutating func closed(_ stream: StreamID) {
        if let sequence = streams.removeValue(forKey: stream) { acknowledged(sequence) }
    }

    /// The frames of which nothing is known after `silenceEnd`: they are to go on streams.
    mutating func takeSilent(now: Instant) -> [MediaFrame] {
        guard let silenceEnd, silenceEnd <= now else { return [] }
        self.silenceEnd = nil
        return frames().compactMap { lost($0.sequence, now: now) }
    }

    /// Frames for a closing marker with this much room, those that were sent longest ago first.
    mutating func copies(_ room: Int, now: Instant, byteCount: (MediaFrame) -> Int) -> [MediaFrame] {
        var room = room
        var copies: [MediaFrame] = []
        for frame in frames().sorted(by: { (kept[$0.sequence]?.sent ?? now) < (kept[$1.sequence]?.sent ?? now) }) {
            guard byteCount(frame) <= room else { continue }
            room -= byteCount(frame)
            kept[frame.sequence]?.sent = now
            copies.append(frame)
        }
        return copies
    }

    /// What is kept, in the order of sending.
    private func frames() -> [MediaFrame] {
        var rest = order
        var frames: [MediaFrame] = []
        while let sequence = rest.popFirst() {
            if let found = kept[sequence] { frames.append(found.frame) }
        }
        return frames
    }
}
