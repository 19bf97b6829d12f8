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

    mutating func handle(_ event: QUICEvent, now: Instant) {
        switch consume self {
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
        case .webTransport(var transport):
            defer { self = .webTransport(transport) }
            return transport.pollEvent()
        case .roq(var transport):
            defer { self = .roq(transport) }
            return transport.pollEvent()
        }
    }

    mutating func send(event: [UInt8]) throws(SendRefusal) {
        switch consume self {
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
        case .webTransport(var transport):
            transport.close(code: code, reason: reason)
            self = .webTransport(transport)
        case .roq(var transport):
            transport.close(code: code, reason: reason)
            self = .roq(transport)
        }
    }
}
