internal import QUIC
internal import WebRTC
internal import WebSocket
internal import Wire

/// What carries the bytes of one peer: a QUIC connection, whose transport ALPN then chooses, or WebRTC and WebSocket, which are
/// their own transports; the last over a stream that somebody else holds (`ServerEndpoint+Streams.swift`). A closed set, so that another one makes the compiler name every place to think.
enum Carrier {
    case quic(QUICConnection)
    case webRTC(WebRTCPeer)
    case webSocket(WebSocketTransport)

    var deadline: Instant? {
        switch self {
        case .quic(let quic): quic.deadline
        case .webRTC(let peer): peer.deadline
        case .webSocket(let transport): transport.deadline
        }
    }

    /// Over on both sides, with nothing left to send.
    var isClosed: Bool {
        switch self {
        case .quic(let quic): quic.isClosed
        case .webRTC(let peer): peer.isClosed
        case .webSocket(let transport): transport.isClosed
        }
    }

    /// Closing has begun on the wire.
    var isClosing: Bool {
        switch self {
        case .quic(let quic): quic.isClosing
        case .webRTC(let peer): peer.isClosed
        case .webSocket(let transport): transport.isClosing
        }
    }

    /// Where the peer is; port 0 at no address while nobody knows.
    var remote: PeerAddress {
        switch self {
        case .quic(let quic): quic.path.remote
        case .webRTC(let peer): peer.path?.remote ?? PeerAddress(high: 0, low: 0, port: 0)
        case .webSocket(let transport): transport.remote
        }
    }

    /// The smallest round trip seen; zero before the first.
    var minimumRTT: Duration {
        switch self {
        case .quic(let quic): quic.minimumRTT
        case .webRTC(let peer): peer.minimumRTT
        case .webSocket(let transport): transport.minimumRTT
        }
    }

    func handleTimeout(now: Instant) {
        switch self {
        case .quic(let quic): quic.handleTimeout(now: now)
        case .webRTC(let peer): peer.handleTimeout(now: now)
        case .webSocket(let transport): transport.handleTimeout(now: now)
        }
    }

    func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit? {
        switch self {
        case .quic(let quic): quic.pollTransmit(into: buffer, now: now)
        case .webRTC(let peer): peer.pollTransmit(into: buffer, now: now)
        // Its bytes belong to a stream.
        case .webSocket: nil
        }
    }

    /// Ends it below any transport: nothing that waits is sent any more.
    func abandon(reason: String, now: Instant) {
        switch self {
        case .quic(let quic): quic.close(code: 0, reason: reason)
        case .webRTC(let peer): peer.abandon(reason: reason, now: now)
        case .webSocket(let transport): transport.abandon(reason: reason, now: now)
        }
    }
}
