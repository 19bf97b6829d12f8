internal import QUIC
package import RoQ
internal import Session
package import WebRTC
package import WebSocket
package import WebTransport
internal import Wire

/// Which transport a client speaks, and how.
package enum ClientTransport: Sendable {
    case webTransport(WebTransportClientConfiguration)
    case roq(RoQConfiguration)
    case webRTC(WebRTCClientConfiguration)
    /// Over a stream to the server, TLS and all, that the driver opens.
    case webSocket(WebSocketClientConfiguration)
}

/// The transport of a client's connection; see `ServerTransport` for the shape.
enum ClientAttachment {
    case webTransport(WebTransportClient)
    case roq(RoQTransport)
    case webRTC(WebRTCPeer)
    case webSocket(WebSocketTransport)

    var capabilities: Capabilities {
        switch self {
        case .webTransport(let transport): transport.capabilities
        case .roq(let transport): transport.capabilities
        case .webRTC(let peer): peer.capabilities
        case .webSocket(let transport): transport.capabilities
        }
    }

    func handle(_ event: QUICEvent, now: Instant) {
        switch self {
        case .webTransport(let transport): transport.handle(event, now: now)
        case .roq(let transport): transport.handle(event, now: now)
        case .webRTC, .webSocket: break
        }
    }

    func pollEvent() -> TransportEvent? {
        switch self {
        case .webTransport(let transport): transport.pollEvent()
        case .roq(let transport): transport.pollEvent()
        case .webRTC(let peer): peer.pollEvent()
        case .webSocket(let transport): transport.pollEvent()
        }
    }

    func send(event: [UInt8], now: Instant) throws(SendRefusal) {
        switch self {
        case .webTransport(let transport): try transport.send(event: event)
        case .roq(let transport): try transport.send(event: event)
        case .webRTC(let peer): try peer.send(event: event, now: now)
        case .webSocket(let transport): try transport.send(event: event)
        }
    }

    func send(frame: MediaFrame, delivery: Delivery, now: Instant) throws(SendRefusal) {
        switch self {
        case .webTransport(let transport): try transport.send(frame: frame, delivery: delivery, now: now)
        case .roq(let transport): try transport.send(frame: frame, delivery: delivery, now: now)
        case .webRTC(let peer): try peer.send(frame: frame, delivery: delivery, now: now)
        case .webSocket(let transport): try transport.send(frame: frame, delivery: delivery, now: now)
        }
    }

    /// The talk is over: nothing follows that would show the loss of what was sent.
    func endTalk(now: Instant) {
        switch self {
        case .webTransport(let transport): transport.endTalk(now: now)
        case .roq(let transport): transport.endTalk(now: now)
        case .webRTC(let peer): peer.endTalk(now: now)
        // Nothing is lost that somebody would have to be told of.
        case .webSocket: break
        }
    }

    func close(code: UInt32, reason: String, now: Instant) {
        switch self {
        case .webTransport(let transport): transport.close(code: code, reason: reason)
        case .roq(let transport): transport.close(code: code, reason: reason)
        case .webRTC(let peer): peer.close(code: code, reason: reason, now: now)
        case .webSocket(let transport): transport.close(code: code, reason: reason, now: now)
        }
    }

    /// The frames that come from now on are sent like this.
    func receives(_ delivery: Delivery, now: Instant) {
        if case .webRTC(let peer) = self { peer.receives(delivery, now: now) }
    }

    /// These frames were sent, the last included, whether they came or not.
    func expect(from first: UInt16, through last: UInt16, now: Instant) {
        if case .webRTC(let peer) = self { peer.expect(from: first, through: last, now: now) }
    }

    /// When `handleTimeout` is wanted, apart from the carrier's own deadline.
    var deadline: Instant? {
        switch self {
        case .webTransport(let transport): transport.deadline
        case .roq(let transport): transport.deadline
        // The carrier's own.
        case .webRTC, .webSocket: nil
        }
    }

    func handleTimeout(now: Instant) {
        switch self {
        case .webTransport(let transport): transport.handleTimeout(now: now)
        case .roq(let transport): transport.handleTimeout(now: now)
        case .webRTC, .webSocket: break
        }
    }
}
