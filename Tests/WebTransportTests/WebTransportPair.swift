import ConnectionPair
import Framing
import QUIC
import Session
import WebTransport
import Wire

/// A WebTransport client and server over QUIC in virtual time. The server accepts whoever asks, unless told not to.
final class WebTransportPair {
    let pair: ConnectionPair
    let client: WebTransportClient
    private(set) var server: WebTransportServer?
    private(set) var clientEvents: [TransportEvent] = []
    private(set) var serverEvents: [TransportEvent] = []
    /// When the client and the server handed up `opened`.
    private(set) var openedAt: (client: Instant?, server: Instant?)
    private(set) var firstFrameAt: Instant?
    var acceptsAll = true
    var refusal: (status: Int, message: String)?
    /// Called right after the client is open.
    var onClientOpened: (WebTransportPair) -> Void = { _ in }

    init(
        client clientConfiguration: WebTransportClientConfiguration = WebTransportClientConfiguration(authority: "localhost:4433"),
        server serverConfiguration: WebTransportServerConfiguration = WebTransportServerConfiguration(),
        quic: QUICConfiguration = QUICConfiguration()
    ) throws {
        pair = try ConnectionPair(alpn: "h3", serverConfiguration: quic)
        client = WebTransportClient(quic: pair.client, configuration: clientConfiguration)
        pair.clientHandler = { [unowned self] event, now in
            client.handle(event, now: now)
            drainClient()
        }
        pair.onServerMade = { [unowned self] quic in server = WebTransportServer(quic: quic, configuration: serverConfiguration) }
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

    func send(event: String) throws {
        try client.send(event: Array(event.utf8))
        drainClient()
    }

    func send(frame: MediaFrame, delivery: Delivery) throws(SendRefusal) { try client.send(frame: frame, delivery: delivery, now: pair.now) }

    func onClient(_ body: (WebTransportClient) throws -> Void) rethrows {
        try body(client)
        drainClient()
    }

    func onServer(_ body: (WebTransportServer) throws -> Void) throws {
        guard let server else { return }
        defer { drainServer() }
        try body(server)
    }

    private func drainClient() {
        while let event = client.pollEvent() {
            clientEvents.append(event)
            if event == .opened {
                openedAt.client = pair.now
                onClientOpened(self)
            }
        }
    }

    private func drainServer() {
        while let event = server?.pollEvent() {
            serverEvents.append(event)
            switch event {
            case .requested where refusal != nil: server?.refuse(status: refusal?.status ?? 0, message: refusal?.message ?? "")
            case .requested where acceptsAll: server?.accept()
            case .opened: openedAt.server = pair.now
            case .frame where firstFrameAt == nil: firstFrameAt = pair.now
            default: break
            }
        }
    }

    @discardableResult
    func open() -> Bool { pair.run { openedAt.server != nil && client.isAnswered } }
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
