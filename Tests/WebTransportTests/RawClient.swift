import ConnectionPair
import Framing
import HTTP3
import QUIC
import Session
import WebTransport
import Wire

/// A client that writes bytes of its own to the QUIC connection, against our server.
final class RawClient {
    let pair: ConnectionPair
    private(set) var server: WebTransportServer?
    private(set) var events: [TransportEvent] = []
    var acceptsAll = true

    init(_ configuration: WebTransportServerConfiguration = WebTransportServerConfiguration()) throws {
        pair = try ConnectionPair(alpn: "h3")
        pair.onServerMade = { [unowned self] in server = WebTransportServer(quic: $0, configuration: configuration) }
        pair.serverHandler = { [unowned self] event, now in
            server?.handle(event, now: now)
            while let event = server?.pollEvent() {
                events.append(event)
                if acceptsAll, case .requested = event { server?.accept() }
            }
        }
        pair.run { pair.server?.isEstablished == true }
    }

    var quic: QUICConnection { pair.client }

    func run(_ duration: Duration = .milliseconds(300)) { pair.run(for: duration) }

    /// Control stream and SETTINGS.
    func sendSettings(_ settings: [HTTP3Settings.Setting] = [.init(.h3Datagram, 1), .init(.enableWebTransport, 1)]) throws {
        var bytes: [UInt8] = [0]
        bytes.append(http3Frame: HTTP3FrameType.settings, payload: HTTP3Settings(settings).payload)
        try write(bytes, to: .unidirectional)
    }

    @discardableResult
    func write(_ bytes: [UInt8], to kind: StreamKind, isFinal: Bool = false) throws -> StreamID {
        let stream = try quic.openStream(kind)
        try quic.write(bytes, to: stream, isFinal: isFinal)
        return stream
    }

    @discardableResult
    func request(_ fields: [HeaderField], isFinal: Bool = false) throws -> StreamID {
        let section = try QPACKEncoder().encode(fields, stream: 0)
        var bytes: [UInt8] = []
        bytes.append(http3Frame: HTTP3FrameType.headers, payload: section)
        return try write(bytes, to: .bidirectional, isFinal: isFinal)
    }

    func write(_ capsule: Capsule, to stream: StreamID, isFinal: Bool = false) throws {
        var bytes: [UInt8] = []
        bytes.append(http3Frame: HTTP3FrameType.data, payload: capsule.bytes)
        try quic.write(bytes, to: stream, isFinal: isFinal)
    }

    static let connect = [
        HeaderField(":method", "CONNECT"), HeaderField(":protocol", "webtransport"), HeaderField(":scheme", "https"),
        HeaderField(":authority", "localhost"), HeaderField(":path", "/v1/realtime"),
    ]

    /// Opens a session and answers its CONNECT stream.
    @discardableResult
    func open() throws -> StreamID {
        try sendSettings()
        let stream = try request(Self.connect)
        pair.run { events.contains(.opened) }
        return stream
    }

    /// The code that the server closes the connection with, within half a second.
    var closeCode: UInt64? {
        run(.milliseconds(500))
        for case .closed(.application(let code, _)) in pair.clientEvents { return code }
        return nil
    }

    struct Answer {
        var fields: [HeaderField] = []
        var capsules: [Capsule] = []
        var isFinal = false
        var status: String? { fields.first(":status") }
    }

    /// What came on `stream` so far.
    func answer(on stream: StreamID) throws -> Answer {
        var answer = Answer()
        var frames = HTTP3FrameReader()
        for case .streamData(stream, let bytes, let isFinal) in pair.clientEvents {
            frames.append(bytes)
            answer.isFinal = answer.isFinal || isFinal
        }
        var capsules = CapsuleReader()
        while let frame = try frames.next() {
            switch frame {
            case .headers(let section): answer.fields += try QPACKDecoder().decode(section, stream: stream.rawValue)
            case .data(let bytes): capsules.append(bytes)
            default: break
            }
        }
        if answer.status == "200" { while let capsule = try capsules.next() { answer.capsules.append(capsule) } }
        return answer
    }

    /// The code by which the server reset `stream`.
    func reset(of stream: StreamID) -> UInt64? {
        for case .streamReset(stream, let code) in pair.clientEvents { return code }
        return nil
    }

    /// Whether the server has asked us to stop sending on `stream`.
    func isStopped(_ stream: StreamID) -> Bool {
        do throws(QUICRefusal) {
            try quic.write([0], to: stream)
            return false
        } catch {
            return error == .noSuchStream
        }
    }
}
