/// How the frames of a session are carried, chosen for each direction by
/// `session.parallax.reliability.mode` and changeable at any frame boundary.
package enum ReliabilityMode: String, CaseIterable, Codable, Hashable, Sendable {
    /// One datagram a frame, sent once.
    case datagram
    /// A reliable stream a frame: everything arrives, and no frame waits for another.
    case streamPerFrame = "stream-per-frame"
    /// One reliable stream for all frames: everything arrives, in order.
    case stream

    /// Which primitive of the transport carries a frame in this mode.
    package var delivery: Delivery {
        switch self {
        case .datagram: .datagram
        case .streamPerFrame: .streamPerFrame
        case .stream: .stream
        }
    }

    /// Whether the transport promises that every frame arrives while the connection lives.
    package var isReliable: Bool { delivery != .datagram }
}

/// The primitive that carries one frame. Every transport maps these to its own means; a receiver
/// accepts all of them at any time.
package enum Delivery: Hashable, Sendable {
    /// One datagram, sent once.
    case datagram
    /// One datagram that also holds the `depth` frames before this one (RFC 2198).
    case redundant(depth: Int)
    /// One datagram, sent again where it was lost, as long as the frame is no older than this.
    case resent(within: Duration)
    /// A reliable stream of its own.
    case streamPerFrame
    /// A stream of its own, abandoned when the frame is older than this.
    case expiring(within: Duration)
    /// The one reliable stream for all frames.
    case stream
}

extension ReliabilityMode {
    /// Modes with a name and a promise, but not built yet. A session that is asked for one says so, instead of
    /// taking it for a misspelling. To build one: give it a case above and take it out here.
    package static let plannedNames = ["fec", "red", "nack", "deadline", "repair"]
}
