/// How the frames of a session are carried, chosen for each direction by
/// `session.parallax.reliability.mode` and changeable at any frame boundary.
package enum ReliabilityMode: String, CaseIterable, Codable, Hashable, Sendable {
    /// One datagram a frame, sent once.
    case datagram
    /// The same; the encoder puts a coarse copy of each frame into the next (Opus in-band FEC).
    case fec
    /// One datagram a frame, which also holds the frames before it (RFC 2198).
    case red
    /// One datagram a frame, sent again when it is lost, until the frame is too old.
    case nack
    /// A stream a frame, abandoned when the frame is too old.
    case deadline
    /// A reliable stream a frame: everything arrives, and no frame waits for another.
    case streamPerFrame = "stream-per-frame"
    /// One reliable stream for all frames: everything arrives, in order.
    case stream
    /// One datagram a frame, and what is lost again on a reliable stream: live where the network lets it be, and whole
    /// at the commit.
    case repair
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
    /// One datagram, and a reliable stream where it was lost.
    case repaired

    /// Whether the transport promises that the frame arrives while the connection lives.
    package var isReliable: Bool {
        switch self {
        case .streamPerFrame, .stream, .repaired: true
        case .datagram, .redundant, .resent, .expiring: false
        }
    }

    /// The same for a frame that a reliable mode has promised and that goes out again: a mode that came since, by the client's wish or by
    /// a move, does not take the promise back.
    var asPromised: Delivery { isReliable ? self : .streamPerFrame }

    /// Whether the frame travels in datagrams.
    package var usesDatagrams: Bool {
        switch self {
        case .datagram, .redundant, .resent, .repaired: true
        case .streamPerFrame, .expiring, .stream: false
        }
    }
}

extension ReliabilityMode {
    /// Whether frames travel in datagrams, so that a transport without them cannot do it.
    package var usesDatagrams: Bool { ReliabilitySettings(mode: self).delivery.usesDatagrams }
}
