import ConnectionPair
import Framing
import HTTP3
import QUIC
import Wire

/// Our HTTP/3 at one end, and at the other a peer that writes bytes of its own to the QUIC connection.
final class HTTP3Pair {
    let pair: ConnectionPair
    private(set) var http: HTTP3Connection?
    private(set) var events: [HTTP3Event] = []
    private let role: QUICConnection.Role

    /// - Parameter role: which end ours is.
    init(_ role: QUICConnection.Role, limits: HTTP3Limits = HTTP3Limits(), quic: QUICConfiguration = QUICConfiguration()) throws {
        self.role = role
        pair = try ConnectionPair(alpn: "h3", clientConfiguration: quic, serverConfiguration: quic)
        let settings = HTTP3Settings([.init(.enableConnectProtocol, 1), .init(.h3Datagram, 1)])
        let handler: (QUICEvent, Instant) -> Void = { [unowned self] event, _ in
            http?.handle(event)
            while let event = http?.pollEvent() { events.append(event) }
        }
        switch role {
        case .client:
            http = HTTP3Connection(role: .client, quic: pair.client, settings: settings, limits: limits)
            pair.clientHandler = handler
        case .server:
            pair.onServerMade = { [unowned self] in http = HTTP3Connection(role: .server, quic: $0, settings: settings, limits: limits) }
            pair.serverHandler = handler
        }
        pair.run { pair.server?.isEstablished == true }
        pair.pump()
    }

    /// The end that the test writes for.
    private var peer: QUICConnection? { role == .server ? pair.client : pair.server }
    private var peerEvents: [QUICEvent] { role == .server ? pair.clientEvents : pair.serverEvents }

    @discardableResult
    func write(_ bytes: [UInt8], to kind: StreamKind, isFinal: Bool = false) throws -> StreamID {
        guard let peer else { throw QUICRefusal.notEstablished }
        let stream = try peer.openStream(kind)
        try peer.write(bytes, to: stream, isFinal: isFinal)
        return stream
    }

    func write(_ bytes: [UInt8], to stream: StreamID, isFinal: Bool = false) throws {
        try peer?.write(bytes, to: stream, isFinal: isFinal)
    }

    func reset(_ stream: StreamID) { peer?.reset(stream, code: HTTP3ErrorCode.requestCancelled.rawValue) }

    /// A control stream with SETTINGS and `more` frames.
    @discardableResult
    func writeControl(_ more: [UInt8] = []) throws -> StreamID { try write([0] + frame(0x4, []) + more, to: .unidirectional) }

    func onHTTP<Value>(_ body: (inout HTTP3Connection) throws -> Value) throws -> Value? {
        guard var connection = http else { return nil }
        http = nil
        defer { http = connection }
        return try body(&connection)
    }

    func run(_ duration: Duration = .milliseconds(200)) { pair.run(for: duration) }

    /// The code that our end closes the connection with.
    var closeCode: HTTP3ErrorCode? {
        run()
        for case .closed(.application(let code, _)) in peerEvents { return HTTP3ErrorCode(rawValue: code) }
        return nil
    }

    /// The code by which our end reset `stream`.
    func reset(of stream: StreamID) -> HTTP3ErrorCode? {
        run()
        for case .streamReset(stream, let code) in peerEvents { return HTTP3ErrorCode(rawValue: code) }
        return nil
    }
}

func frame(_ type: UInt64, _ payload: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(http3Frame: type, payload: payload)
    return bytes
}

func headers(_ fields: [HeaderField]) throws -> [UInt8] { frame(0x1, try QPACKEncoder().encode(fields, stream: 0)) }

let get = [
    HeaderField(":method", "GET"), HeaderField(":scheme", "https"), HeaderField(":authority", "a"), HeaderField(":path", "/"),
]
