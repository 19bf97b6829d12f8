internal import Wire

/// The newest frames that a reliable mode sent: what the peer lacks when it comes back on another connection is sent again.
package struct FrameLog: Sendable {
    private var frames: BoundedQueue<MediaFrame>

    package init(limit: Int) { frames = BoundedQueue(limit: limit) }

    package mutating func append(_ frame: MediaFrame) {
        if frames.count >= frames.limit { _ = frames.popFirst() }
        frames.append(frame)
    }

    /// The frames from this number on, in order; the rest is forgotten, since the peer has it.
    package mutating func takeFrames(from sequence: UInt16) -> [MediaFrame] {
        var taken: [MediaFrame] = []
        while let frame = frames.popFirst() {
            if Int16(bitPattern: frame.sequence &- sequence) >= 0 { taken.append(frame) }
        }
        return taken
    }
}
