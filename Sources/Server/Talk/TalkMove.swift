package import Wire

/// A session's move to another transport in mid-prompt, as the talker saw it.
package struct TalkMove: Hashable, Sendable {
    package enum Outcome: Hashable, Sendable {
        case underWay
        /// From the first thought of it to `session.resumed`.
        case moved(took: Duration)
        /// The session went on where it was.
        case failed(reason: String)
    }

    package let transport: TalkTransport
    /// How much of the clip was spoken when it began.
    package let spoken: Duration
    private let began: Instant
    private(set) package var outcome = Outcome.underWay

    package init(transport: TalkTransport, spoken: Duration, began: Instant) {
        self.transport = transport
        self.spoken = spoken
        self.began = began
    }

    package var isUnderWay: Bool { outcome == .underWay }

    package mutating func end(now: Instant) {
        if isUnderWay { outcome = .moved(took: now - began) }
    }

    package mutating func fail(_ reason: String) {
        if isUnderWay { outcome = .failed(reason: reason) }
    }
}
