import ConnectionPair
import Framing
import QUIC
import RoQ
import Session
import Wire

/// Two RoQ transports over QUIC in virtual time. The server accepts whoever asks, unless told not to.
final class RoQPair {
    let pair: ConnectionPair
    let client: RoQTransport
    private(set) var server: RoQTransport?
    private(set) var clientEvents: [TransportEvent] = []
    private(set) var serverEvents: [TransportEvent] = []
    var acceptsAll = true
    /// Called for what the server hands up, before it is listed.
    var onServerEvent: (RoQPair, TransportEvent) -> Void = { _, _ in }

    init(
        client clientConfiguration: RoQConfiguration = RoQConfiguration(), server serverConfiguration: RoQConfiguration = RoQConfiguration(),
        quic: QUICConfiguration = QUICConfiguration()
    ) throws {
        pair = try ConnectionPair(alpn: "roq-14", serverConfiguration: quic)
        client = RoQTransport(role: .client, quic: pair.client, configuration: clientConfiguration)
        pair.clientHandler = { [unowned self] event, now in
            client.handle(event, now: now)
            drainClient()
        }
        pair.onServerMade = { [unowned self] quic in
            server = RoQTransport(role: .server, quic: quic, configuration: serverConfiguration)
        }
        pair.serverHandler = { [unowned self] event, now in
            server?.handle(event, now: now)
            drainServer()
        }
        pair.timers.deadline = { [unowned self] in earliest(client.deadline, server?.deadline) }
        pair.timers.handle = { [unowned self] now in
            client.handleTimeout(now: now)
            server?.handleTimeout(now: now)
        }
    }

    func onClient<Value, Failure: Error>(_ body: (RoQTransport) throws(Failure) -> Value) throws(Failure) -> Value {
        defer { drainClient() }
        return try body(client)
    }

    func onServer(_ body: (RoQTransport) throws -> Void) throws {
        guard let server else { return }
        defer { drainServer() }
        try body(server)
    }

    private func drainClient() { while let event = client.pollEvent() { clientEvents.append(event) } }

    private func drainServer() {
        while let event = server?.pollEvent() {
            serverEvents.append(event)
            if acceptsAll, case .requested = event { server?.accept() }
            onServerEvent(self, event)
        }
    }

    /// Runs the handshake and the client's first event.
    func open() throws {
        pair.run { pair.client.isEstablished }
        pair.pump()
        try onClient { client throws(SendRefusal) in try client.send(event: Array("{\"type\":\"hello\"}".utf8)) }
        pair.run { serverEvents.contains(.opened) }
    }
}

func frame(_ sequence: UInt16, byteCount: Int = 80) -> MediaFrame {
    MediaFrame(
        sequence: sequence, timestamp: MediaTime(ticks: UInt32(sequence) &* 960), marker: sequence == 0,
        payload: (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &+ Int(sequence)) })
}

extension [TransportEvent] {
    var frames: [MediaFrame] { compactMap { if case .frame(let frame) = $0 { frame } else { nil } } }
    var texts: [String] { compactMap { if case .event(let bytes) = $0 { String(decoding: bytes, as: UTF8.self) } else { nil } } }
    var close: TransportClose? { lazy.compactMap { if case .closed(let close) = $0 { close } else { nil } }.first }
}
