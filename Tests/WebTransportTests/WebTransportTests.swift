import ConnectionPair
import Framing
import MediaStreams
import QUIC
import Session
import Testing
import WebTransport
import Wire

@Suite struct WebTransportTests {
    @Test func `a first frame leaves one round trip after the first packet`() throws {
        let pair = try WebTransportPair()
        let start = pair.pair.now
        pair.onClientOpened = { try? $0.send(frame: frame(0), delivery: .datagram) }
        pair.pair.run { pair.firstFrameAt != nil }
        // 25 ms each way: open at the client after one round trip, and the frame is there half a round trip later.
        #expect(pair.openedAt.client?.since(start) == .milliseconds(50))
        #expect(pair.firstFrameAt?.since(start) == .milliseconds(75))
        #expect(pair.serverEvents == [.requested(AttachRequest()), .opened, .frame(frame(0))])
    }

    @Test func `who asks and for what comes from the query and the Authorization field`() throws {
        var configuration = WebTransportClientConfiguration(authority: "localhost")
        configuration.model = "a model/1"
        configuration.secret = "ek_123"
        let pair = try WebTransportPair(client: configuration)
        pair.open()
        #expect(pair.serverEvents.first == .requested(AttachRequest(secret: "ek_123", model: "a model/1")))

        configuration.secret = nil
        configuration.path = "/v1/realtime?client_secret=ek%5F9&x=%ZZ"
        configuration.model = nil
        let page = try WebTransportPair(client: configuration)
        page.open()
        #expect(page.serverEvents.first == .requested(AttachRequest(secret: "ek_9")))
    }

    @Test func `frames arrive by every primitive, both ways, and a mode may change at any frame`() throws {
        let pair = try WebTransportPair()
        pair.open()
        let frames = (0..<30).map { frame(UInt16($0)) }
        for (index, frame) in frames.enumerated() {
            let delivery: Delivery = [.datagram, .stream, .streamPerFrame][index % 3]
            try pair.send(frame: frame, delivery: delivery)
            try pair.onServer { try $0.send(frame: frame, delivery: delivery, now: pair.pair.now) }
            pair.pair.run(for: .milliseconds(20))
        }
        pair.pair.run(for: .seconds(1))
        #expect(pair.serverEvents.frames.sorted { $0.sequence < $1.sequence } == frames)
        #expect(pair.clientEvents.frames.sorted { $0.sequence < $1.sequence } == frames)
    }

    @Test func `events arrive in order, both ways, however long`() throws {
        let pair = try WebTransportPair()
        pair.open()
        let events = (0..<20).map { "{\"n\":\($0),\"pad\":\"" + String(repeating: "x", count: $0 * 10_000) + "\"}" }
        for event in events {
            try pair.send(event: event)
            try pair.onServer { try $0.send(event: Array(event.utf8)) }
            pair.pair.run(for: .milliseconds(100))
        }
        pair.pair.run(for: .seconds(2))
        #expect(pair.serverEvents.texts == events)
        #expect(pair.clientEvents.texts == events)
    }

    @Test func `an event over the limit closes the session with a code and a reason`() throws {
        var configuration = WebTransportServerConfiguration()
        configuration.limits.streams.eventByteCount = 1000
        let pair = try WebTransportPair(server: configuration)
        pair.open()
        try pair.send(event: String(repeating: "x", count: 1000))
        try pair.send(event: String(repeating: "x", count: 1001))
        pair.pair.run { pair.clientEvents.close != nil }
        #expect(pair.serverEvents.texts == [String(repeating: "x", count: 1000)])
        #expect(pair.clientEvents.close == TransportClose(code: 1, reason: "an event is longer than 1000 bytes", origin: .peer))
        #expect(pair.serverEvents.close?.origin == .transportError)
    }

    @Test func `the fate of a datagram comes back under its frame's number`() throws {
        let pair = try WebTransportPair()
        pair.open()
        var lost = -1
        pair.pair.isLost = { isFromClient, number in isFromClient && number == lost }
        for sequence in 65530..<65535 as Range<UInt16> {
            if sequence == 65532 { lost = pair.pair.sentCount.client }
            try pair.send(frame: frame(sequence), delivery: .datagram)
            pair.pair.run(for: .milliseconds(20))
        }
        pair.pair.run(for: .seconds(1))
        let missing = Set(65530..<65535).subtracting(pair.serverEvents.frames.map(\.sequence))
        #expect(missing == [65532])
        for sequence in 65530..<65535 as Range<UInt16> {
            let fate: TransportEvent = missing.contains(sequence) ? .frameLost(sequence: sequence) : .frameAcknowledged(sequence: sequence)
            #expect(pair.clientEvents.contains(fate))
        }
    }

    @Test(arguments: [true, false])
    func `a close carries code and reason to the other end, and then the connection goes`(isByClient: Bool) throws {
        let pair = try WebTransportPair()
        pair.open()
        let reason = String(repeating: "ü", count: 700)
        if isByClient {
            pair.onClient { $0.close(code: 0xFFFF_FFFF, reason: reason) }
        } else {
            try pair.onServer { $0.close(code: 0xFFFF_FFFF, reason: reason) }
        }
        pair.pair.run(for: .seconds(1))
        let shortened = String(repeating: "ü", count: 512)
        let local = isByClient ? pair.clientEvents : pair.serverEvents
        let remote = isByClient ? pair.serverEvents : pair.clientEvents
        #expect(local.last == .closed(TransportClose(code: 0xFFFF_FFFF, reason: shortened, origin: .local)))
        #expect(remote.last == .closed(TransportClose(code: 0xFFFF_FFFF, reason: shortened, origin: .peer)))
        #expect(pair.pair.client.isClosing)
        #expect(pair.pair.server?.isClosing == true)
        #expect(throws: SendRefusal.notOpen) { try pair.send(event: "{}") }
    }

    @Test func `an event sent right before a close still arrives`() throws {
        let pair = try WebTransportPair()
        pair.open()
        try pair.onServer {
            try $0.send(event: Array("{\"type\":\"error\"}".utf8))
            $0.close(code: 3, reason: "bye")
        }
        pair.pair.run(for: .seconds(1))
        #expect(pair.clientEvents.texts == ["{\"type\":\"error\"}"])
        #expect(pair.clientEvents.close?.code == 3)
    }

    @Test func `a drain reaches the other end`() throws {
        let pair = try WebTransportPair()
        pair.open()
        try pair.onServer { $0.drain() }
        pair.onClient { $0.drain() }
        pair.pair.run(for: .milliseconds(200))
        #expect(pair.clientEvents.contains(.draining))
        #expect(pair.serverEvents.contains(.draining))
    }

    @Test func `a refusal carries its status`() throws {
        let pair = try WebTransportPair()
        pair.refusal = (401, "Unknown secret.")
        pair.pair.run { pair.clientEvents.close != nil }
        #expect(pair.clientEvents.close == TransportClose(code: 401, reason: "the server answered 401", origin: .peer))
    }

    @Test func `the message of a refusal is JSON, whatever it says`() throws {
        let raw = try RawClient()
        raw.acceptsAll = false
        try raw.sendSettings()
        let stream = try raw.request(RawClient.connect)
        raw.run()
        raw.server?.refuse(status: 400, message: "no \"such\" \\ \n secret")
        raw.run()
        var frames = HTTP3FrameReader()
        var body = ""
        for case .streamData(stream, let bytes, _) in raw.pair.clientEvents { frames.append(bytes) }
        while let frame = try frames.next() { if case .data(let bytes) = frame { body += String(decoding: bytes, as: UTF8.self) } }
        #expect(body.hasSuffix("\"message\":\"no \\\"such\\\" \\\\   secret\"}}\n"))
    }

    @Test func `another path is 404`() throws {
        var configuration = WebTransportClientConfiguration(authority: "localhost")
        configuration.path = "/chat"
        let pair = try WebTransportPair(client: configuration)
        pair.pair.run { pair.clientEvents.close != nil }
        #expect(pair.clientEvents.close?.code == 404)
        #expect(!pair.serverEvents.contains(.requested(AttachRequest())))
    }

    @Test(arguments: [("https://good.example", nil), ("https://bad.example", 403), (nil, nil)] as [(String?, UInt64?)])
    func `only pages of allowed origins may connect`(origin: String?, code: UInt64?) throws {
        var configuration = WebTransportClientConfiguration(authority: "localhost")
        configuration.origin = origin
        var server = WebTransportServerConfiguration()
        server.allowedOrigins = ["https://good.example"]
        let pair = try WebTransportPair(client: configuration, server: server)
        pair.pair.run(for: .milliseconds(500))
        #expect(pair.clientEvents.close?.code == code)
    }

    @Test func `what comes before the acceptance is kept and follows it`() throws {
        var server = WebTransportServerConfiguration()
        server.limits.earlyDatagrams = 64
        let pair = try WebTransportPair(server: server)
        pair.acceptsAll = false
        pair.onClientOpened = { pair in
            try? pair.send(event: "{\"early\":true}")
            for sequence in 0..<100 as Range<UInt16> {
                try? pair.send(frame: frame(sequence), delivery: sequence < 10 ? .streamPerFrame : .datagram)
            }
        }
        pair.pair.run(for: .milliseconds(500))
        #expect(pair.serverEvents == [.requested(AttachRequest())])
        try pair.onServer { $0.accept() }
        #expect(pair.serverEvents.texts == ["{\"early\":true}"])
        // Ten streams, and the 64 datagrams of the limit.
        #expect(Set(pair.serverEvents.frames.map(\.sequence)) == Set(0..<74))
    }

    @Test(arguments: ["webtransport", "webtransport-h3"])
    func `both protocol tokens open a session`(token: String) throws {
        var configuration = WebTransportClientConfiguration(authority: "localhost")
        configuration.connectProtocol = token
        let pair = try WebTransportPair(client: configuration)
        #expect(pair.open())
    }

    @Test func `with session flow control everything still arrives, within renewed credit`() throws {
        var client = WebTransportClientConfiguration(authority: "localhost")
        client.asksForSessionFlowControl = true
        client.limits.sessionWindowByteCount = 2000
        client.limits.sessionUnidirectionalStreams = 4
        var server = WebTransportServerConfiguration()
        server.limits.sessionWindowByteCount = 2000
        server.limits.sessionUnidirectionalStreams = 4
        let pair = try WebTransportPair(client: client, server: server)
        pair.open()
        for sequence in 0..<60 as Range<UInt16> {
            let delivery: Delivery = sequence % 2 == 0 ? .streamPerFrame : .stream
            try pair.send(frame: frame(sequence), delivery: delivery)
            try pair.onServer { try $0.send(frame: frame(sequence), delivery: delivery, now: pair.pair.now) }
        }
        pair.pair.run(for: .seconds(10)) { pair.serverEvents.frames.count == 60 && pair.clientEvents.frames.count == 60 }
        #expect(Set(pair.serverEvents.frames.map(\.sequence)) == Set(0..<60))
        #expect(Set(pair.clientEvents.frames.map(\.sequence)) == Set(0..<60))
        #expect(pair.serverEvents.close == nil)
    }

    @Test func `an idle timeout is told as such`() throws {
        var quic = QUICConfiguration()
        quic.idleTimeout = .seconds(1)
        let pair = try WebTransportPair(quic: quic)
        pair.open()
        pair.pair.run(for: .seconds(5))
        #expect(pair.serverEvents.close?.origin == .timeout)
        #expect(pair.clientEvents.close?.origin == .timeout)
    }

    @Test func `frames survive loss on streams`() throws {
        let pair = try WebTransportPair()
        pair.open()
        pair.pair.isLost = { _, number in number % 7 == 3 }
        for sequence in 0..<200 as Range<UInt16> {
            try pair.send(frame: frame(sequence), delivery: sequence % 2 == 0 ? .streamPerFrame : .stream)
            pair.pair.run(for: .milliseconds(20))
        }
        pair.pair.run(for: .seconds(5))
        #expect(Set(pair.serverEvents.frames.map(\.sequence)) == Set(0..<200))
    }
}
