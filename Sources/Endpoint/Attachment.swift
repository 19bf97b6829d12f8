internal import QUIC
internal import RoQ
internal import Session
internal import WebRTC
internal import WebSocket
internal import WebTransport
internal import Wire

/// The transport of one connection: a closed set, so that another one makes the compiler name every place to think.
/// - Parameter End: which end of WebTransport; the others are one type at both.
enum Attachment<End: WebTransportEnd> {
    case webTransport(End)
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

    /// The frames that come from now on are sent like this: what a receiver that asks for lost ones must know.
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

// MARK: What only a server does

extension Attachment<WebTransportServer> {
    /// ALPN decides (RFC 7301).
    init(alpn: String, quic: QUICConnection, configuration: ServerConfiguration) {
        self = if alpn == "h3" {
            .webTransport(WebTransportServer(quic: quic, configuration: configuration.webTransport))
        } else {
            .roq(RoQTransport(role: .server, quic: quic, configuration: configuration.roq))
        }
    }

    func accept(now: Instant) {
        switch self {
        case .webTransport(let transport): transport.accept()
        case .roq(let transport): transport.accept()
        case .webRTC(let peer): peer.accept(now: now)
        case .webSocket(let transport): transport.accept()
        }
    }

    func refuse(status: Int, message: String, now: Instant) {
        switch self {
        case .webTransport(let transport): transport.refuse(status: status, message: message)
        case .roq(let transport): transport.refuse(status: status, message: message)
        case .webRTC(let peer): peer.refuse(status: status, message: message, now: now)
        case .webSocket(let transport): transport.refuse(status: status, message: message, now: now)
        }
    }

    func drain() {
        switch self {
        case .webTransport(let transport): transport.drain()
        case .roq(let transport): transport.drain()
        case .webRTC(let peer): peer.drain()
        // The core's own events say that the session will end.
        case .webSocket: break
        }
    }

    /// The audio formats in force: for a transport whose events carry audio.
    func adopt(_ audio: AudioSettings) {
        if case .webSocket(let transport) = self { transport.adopt(audio) }
    }

    /// A session goes on here that was elsewhere before.
    func goOn(at place: AudioPlace) {
        if case .webSocket(let transport) = self { transport.goOn(at: place) }
    }
}

extension Capabilities {
    /// Of a connection that has not said which transport it speaks.
    static let undecided = Capabilities(transport: "quic", modes: [])
}
