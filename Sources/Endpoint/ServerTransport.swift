internal import QUIC
internal import RoQ
internal import Session
internal import WebTransport
internal import Wire

/// The transport of one connection: a closed set, so that a fifth makes the compiler name every place to think.
enum ServerTransport {
    /// The handshake has not said which.
    case undecided
    case webTransport(WebTransportServer)
    case roq(RoQTransport)

    /// ALPN decides (RFC 7301).
    init(alpn: String, quic: QUICConnection, configuration: ServerConfiguration) {
        self = if alpn == "h3" {
            .webTransport(WebTransportServer(quic: quic, configuration: configuration.webTransport))
        } else {
            .roq(RoQTransport(role: .server, quic: quic, configuration: configuration.roq))
        }
    }

    var capabilities: Capabilities {
        switch self {
        case .undecided: Capabilities(transport: "quic", modes: [])
        case .webTransport(let transport): transport.capabilities
        case .roq(let transport): transport.capabilities
        }
    }

    func handle(_ event: QUICEvent, now: Instant) {
        switch self {
        case .undecided: break
        case .webTransport(let transport): transport.handle(event, now: now)
        case .roq(let transport): transport.handle(event, now: now)
        }
    }

    func pollEvent() -> TransportEvent? {
        switch self {
        case .undecided: nil
        case .webTransport(let transport): transport.pollEvent()
        case .roq(let transport): transport.pollEvent()
        }
    }

    func accept() {
        switch self {
        case .undecided: break
        case .webTransport(let transport): transport.accept()
        case .roq(let transport): transport.accept()
        }
    }

    func refuse(status: Int, message: String) {
        switch self {
        case .undecided: break
        case .webTransport(let transport): transport.refuse(status: status, message: message)
        case .roq(let transport): transport.refuse(status: status, message: message)
        }
    }

    func send(event: [UInt8], now: Instant) throws(SendRefusal) {
        switch self {
        case .undecided: throw .notOpen
        case .webTransport(let transport): try transport.send(event: event)
        case .roq(let transport): try transport.send(event: event)
        }
    }

    func send(frame: MediaFrame, delivery: Delivery, now: Instant) throws(SendRefusal) {
        switch self {
        case .undecided: throw .notOpen
        case .webTransport(let transport): try transport.send(frame: frame, delivery: delivery)
        case .roq(let transport): try transport.send(frame: frame, delivery: delivery)
        }
    }

    func close(code: UInt32, reason: String) {
        switch self {
        case .undecided: break
        case .webTransport(let transport): transport.close(code: code, reason: reason)
        case .roq(let transport): transport.close(code: code, reason: reason)
        }
    }

    func drain() {
        switch self {
        case .undecided: break
        case .webTransport(let transport): transport.drain()
        case .roq(let transport): transport.drain()
        }
    }
}
