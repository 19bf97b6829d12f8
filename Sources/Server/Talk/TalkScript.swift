package import Session
internal import Wire

/// What `talk` says, and how long it waits for what.
package struct TalkScript: Sendable {
    /// The clip's Opus packets, in order.
    package var frames: [[UInt8]]
    package var frameDuration = Duration.milliseconds(20)
    /// Asks for another mode once so much of the clip is spoken.
    package var modeChange: (after: Duration, mode: ReliabilityMode)?
    /// Moves the session to another connection once so much of the clip is spoken.
    package var move: (after: Duration, transport: TalkTransport)?
    package var limits = TalkLimits()

    package init(frames: [[UInt8]]) { self.frames = frames }
}

/// How long `talk` waits for the server.
package struct TalkLimits: Hashable, Sendable {
    /// From the first packet until the session is open.
    package var connect = Duration.seconds(10)
    /// From the commit to the receipt: longer than any wait that the server grants.
    package var receipt = Duration.seconds(130)
    /// Between two signs of life of the answer.
    package var answer = Duration.seconds(10)
    /// After the answer's last event where it had no manifest, for frames that were overtaken by it.
    package var stragglers = Duration.milliseconds(200)
    /// For the peer to have everything before the connection closes.
    package var close = Duration.seconds(1)
    /// The most frames of the answer that are kept: 15 minutes.
    package var answerFrames = 45_000

    package init() {}
}
