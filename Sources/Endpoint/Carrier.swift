internal import QUIC
internal import WebRTC
internal import Wire

/// What carries the datagrams of one peer: a QUIC connection, whose transport ALPN then chooses, or WebRTC, which is its
/// own transport. A closed set, so that another one makes the compiler name every place to think.
enum Carrier {
    case quic(QUICConnection)
    case webRTC(WebRTCPeer)

    var deadline: Instant? {
        switch self {
        case .quic(let quic): quic.deadline
        case .webRTC(let peer): peer.deadline
        }
    }

    /// Over on both sides, with nothing left to send.
    var isClosed: Bool {
        switch self {
        case .quic(let quic): quic.isClosed
        case .webRTC(let peer): peer.isClosed
        }
    }

    /// Closing has begun on the wire.
    var isClosing: Bool {
        switch self {
        case .quic(let quic): quic.isClosing
        case .webRTC(let peer): peer.isClosed
        }
    }

    /// Where the peer is; port 0 at no address while nobody knows.
    var remote: PeerAddress {
        switch self {
        case .quic(let quic): quic.path.remote
        case .webRTC(let peer): peer.path?.remote ?? PeerAddress(high: 0, low: 0, port: 0)
        }
    }

    /// The smallest round trip seen; zero before the first.
    var minimumRTT: Duration {
        switch self {
        case .quic(let quic): quic.minimumRTT
        case .webRTC(let peer): peer.minimumRTT
        }
    }

    func handleTimeout(now: Instant) {
        switch self {
        case .quic(let quic): quic.handleTimeout(now: now)
        case .webRTC(let peer): peer.handleTimeout(now: now)
        }
    }

    func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit? {
        switch self {
        case .quic(let quic): quic.pollTransmit(into: buffer, now: now)
        case .webRTC(let peer): peer.pollTransmit(into: buffer, now: now)
        }
    }

    /// Ends it below any transport: nothing that waits is sent any more.
    func abandon(reason: String, now: Instant) {
        switch self {
        case .quic(let quic): quic.close(code: 0, reason: reason)
        case .webRTC(let peer): peer.abandon(reason: reason, now: now)
        }
    }
}
