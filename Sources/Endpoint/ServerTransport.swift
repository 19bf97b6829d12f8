internal import QUIC
internal import RoQ
internal import Session
internal import WebTransport
internal import Wire

/// The transport of one connection: a closed set, so that a fifth makes the compiler name every place to think.
///
/// The mutating methods take the transport out of the enum while they change it: its arrays then have one owner and are
/// changed in place.
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

    mutating func handle(_ event: QUICEvent, now: Instant) {
        switch consume self {
        case .undecided: self = .undecided
        case .webTransport(var transport):
            transport.handle(event, now: now)
            self = .webTransport(transport)
        case .roq(var transport):
            transport.handle(event, now: now)
            self = .roq(transport)
        }
    }

    mutating func pollEvent() -> TransportEvent? {
        switch consume self {
        case .undecided:
            self = .undecided
            return nil
        case .webTransport(var transport):
            defer { self = .webTransport(transport) }
            return transport.pollEvent()
        case .roq(var transport):
            defer { self = .roq(transport) }
            return transport.pollEvent()
        }
    }

    mutating func accept() {
        switch consume self {
        case .undecided: self = .undecided
        case .webTransport(var transport):
            transport.accept()
            self = .webTransport(transport)
        case .roq(var transport):
            transport.accept()
            self = .roq(transport)
        }
    }

    mutating func refuse(status: Int, message: String) {
        switch consume self {
        case .undecided: self = .undecided
        case .webTransport(var transport):
            transport.refuse(status: status, message: message)
            self = .webTransport(transport)
        case .roq(var transport):
            transport.refuse(status: status, message: message)
            self = .roq(transport)
        }
    }

    mutating func send(event: [UInt8]) throws(SendRefusal) {
        switch consume self {
        case .undecided:
            self = .undecided
            throw .notOpen
        case .webTransport(var transport):
            defer { self = .webTransport(transport) }
            try transport.send(event: event)
        case .roq(var transport):
            defer { self = .roq(transport) }
            try transport.send(event: event)
        }
    }

    mutating func send(frame: MediaFrame, delivery: Delivery) throws(SendRefusal) {
        switch consume self {
        case .undecided:
            self = .undecided
            throw .notOpen
        case .webTransport(var transport):
            defer { self = .webTransport(transport) }
            try transport.send(frame: frame, delivery: delivery)
        case .roq(var transport):
            defer { self = .roq(transport) }
            try transport.send(frame: frame, delivery: delivery)
        }
    }

    mutating func close(code: UInt32, reason: String) {
        switch consume self {
        case .undecided: self = .undecided
        case .webTransport(var transport):
            transport.close(code: code, reason: reason)
            self = .webTransport(transport)
        case .roq(var transport):
            transport.close(code: code, reason: reason)
            self = .roq(transport)
        }
    }

    mutating func drain() {
        switch consume self {
        case .undecided: self = .undecided
        case .webTransport(var transport):
            transport.drain()
            self = .webTransport(transport)
        case .roq(var transport):
            transport.drain()
            self = .roq(transport)
        }
    }
}
