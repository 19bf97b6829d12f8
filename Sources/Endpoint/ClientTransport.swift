internal import QUIC
package import RoQ
internal import Session
package import WebTransport
internal import Wire

/// Which transport a client speaks, and how.
package enum ClientTransport: Sendable {
    case webTransport(WebTransportClientConfiguration)
    case roq(RoQConfiguration)

    /// The protocols to offer.
    var alpn: [String] {
        switch self {
        case .webTransport: ["h3"]
        case .roq: RoQConfiguration.defaultALPN
        }
    }
}

/// The transport of a client's connection; see `ServerTransport` for the shape.
enum ClientAttachment {
    case webTransport(WebTransportClient)
    case roq(RoQTransport)

    init(_ transport: ClientTransport, quic: QUICConnection) {
        self = switch transport {
        case .webTransport(let configuration): .webTransport(WebTransportClient(quic: quic, configuration: configuration))
        case .roq(let configuration): .roq(RoQTransport(role: .client, quic: quic, configuration: configuration))
        }
    }

    var capabilities: Capabilities {
        switch self {
        case .webTransport(let transport): transport.capabilities
        case .roq(let transport): transport.capabilities
        }
    }

    func handle(_ event: QUICEvent, now: Instant) {
        switch self {
        case .webTransport(let transport): transport.handle(event, now: now)
        case .roq(let transport): transport.handle(event, now: now)
        }
    }

    func pollEvent() -> TransportEvent? {
        switch self {
        case .webTransport(let transport): transport.pollEvent()
        case .roq(let transport): transport.pollEvent()
        }
    }

    func send(event: [UInt8], now: Instant) throws(SendRefusal) {
        switch self {
        case .webTransport(let transport): try transport.send(event: event)
        case .roq(let transport): try transport.send(event: event)
        }
    }

    func send(frame: MediaFrame, delivery: Delivery, now: Instant) throws(SendRefusal) {
        switch self {
        case .webTransport(let transport): try transport.send(frame: frame, delivery: delivery)
        case .roq(let transport): try transport.send(frame: frame, delivery: delivery)
        }
    }

    func close(code: UInt32, reason: String) {
        switch self {
        case .webTransport(let transport): transport.close(code: code, reason: reason)
        case .roq(let transport): transport.close(code: code, reason: reason)
        }
    }
}
