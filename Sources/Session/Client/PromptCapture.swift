import Wire

/// The prompt that is being spoken: gives its frames their numbers and their places in media time, and sums them up.
struct PromptCapture: Sendable {
    /// The number of its first frame.
    private(set) var first: UInt16
    private(set) var frames = 0
    /// `nil` where nobody asks for it.
    private var hash: FrameHash?
    /// When media time began.
    private var origin: Instant?
    /// Where the next frame lies in it.
    private var next = MediaTime(ticks: 0)

    /// - Parameter isHashed: whether prompts end with a manifest.
    init(first: UInt16, isHashed: Bool) {
        self.first = first
        hash = isHashed ? FrameHash() : nil
    }

    /// The next frame. Media time follows the clock across the pause before a marked one.
    /// - Parameter marker: whether a talk spurt begins; `nil` says so of the first frame.
    mutating func frame(payload: [UInt8], duration: Duration, marker: Bool?, now: Instant) -> MediaFrame {
        let isFirst = marker ?? (frames == 0)
        let origin = origin ?? now
        self.origin = origin
        if isFirst {
            let elapsed = MediaTime(ticks: 0).advanced(by: now.since(origin))
            if elapsed.since(next) > .zero { next = elapsed }
        }
        let frame = MediaFrame(
            sequence: first &+ UInt16(truncatingIfNeeded: frames), timestamp: next, marker: isFirst, payload: payload)
        next = next.advanced(by: duration)
        frames += 1
        hash?.update(payload)
        return frame
    }

    /// The prompt is over, and the next begins behind it.
    /// - Returns: what the server should have of it; `nil` where nobody asks for that.
    mutating func end() -> Manifest? {
        defer { begin() }
        guard let sum = hash?.hexadecimal() else { return nil }
        return Manifest(firstSequence: first, frames: frames, sha256: sum)
    }

    /// Another prompt begins behind this one.
    mutating func begin() {
        first &+= UInt16(truncatingIfNeeded: frames)
        frames = 0
        if hash != nil { hash = FrameHash() }
    }
}
