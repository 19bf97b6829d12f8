import ConnectionPair
import Framing
import MediaStreams
import QUIC
import RoQ
import Session
import Testing
import Wire

@Suite struct RoQTransportTests {
    @Test func `the first event asks for a session and follows its acceptance`() throws {
        let pair = try RoQPair()
        try pair.open()
        #expect(pair.clientEvents.first == .opened)
        #expect(pair.serverEvents == [.requested(AttachRequest()), .opened, .event(Array("{\"type\":\"hello\"}".utf8))])
    }

    @Test func `frames arrive by every primitive, both ways, and a mode may change at any frame`() throws {
        let pair = try RoQPair()
        try pair.open()
        let frames = (0..<30).map { frame(UInt16($0)) }
        for (index, frame) in frames.enumerated() {
            let delivery: Delivery = [.datagram, .stream, .streamPerFrame][index % 3]
            try pair.onClient { client throws(SendRefusal) in try client.send(frame: frame, delivery: delivery, now: pair.pair.now) }
            try pair.onServer { try $0.send(frame: frame, delivery: delivery, now: pair.pair.now) }
            pair.pair.run(for: .milliseconds(20))
        }
        pair.pair.run(for: .seconds(1))
        #expect(pair.serverEvents.frames.sorted { $0.sequence < $1.sequence } == frames)
        #expect(pair.clientEvents.frames.sorted { $0.sequence < $1.sequence } == frames)
    }

    @Test func `the fate of a datagram comes back under its frame's number`() throws {
        let pair = try RoQPair()
        try pair.open()
        var lost = -1
        pair.pair.isLost = { isFromClient, number in isFromClient && number == lost }
        for sequence in 100..<110 as Range<UInt16> {
            if sequence == 102 { lost = pair.pair.sentCount.client }
            try pair.onClient { client throws(SendRefusal) in try client.send(frame: frame(sequence), delivery: .datagram, now: pair.pair.now) }
            pair.pair.run(for: .milliseconds(20))
        }
        pair.pair.run(for: .seconds(1))
        let missing = Set(100..<110).subtracting(pair.serverEvents.frames.map(\.sequence))
        #expect(missing == [102])
        for sequence in 100..<110 as Range<UInt16> {
            let fate: TransportEvent = missing.contains(sequence) ? .frameLost(sequence: sequence) : .frameAcknowledged(sequence: sequence)
            #expect(pair.clientEvents.contains(fate))
        }
    }

    @Test func `an event of the greatest length arrives, and one over it costs the connection`() throws {
        var small = RoQConfiguration()
        small.limits.streams.eventByteCount = 100_000
        let pair = try RoQPair(server: small)
        try pair.open()
        let longest = [UInt8](repeating: 0x20, count: 100_000)
        try pair.onClient { client throws(SendRefusal) in try client.send(event: longest) }
        pair.pair.run { pair.serverEvents.texts.count == 2 }
        #expect(pair.serverEvents.last == .event(longest))
        try pair.onClient { client throws(SendRefusal) in try client.send(event: longest + [0x20]) }
        pair.pair.run { pair.clientEvents.close != nil }
        #expect(pair.clientEvents.close?.code == RoQErrorCode.packetError.rawValue)
        #expect(pair.serverEvents.close?.origin == .transportError)
    }

    @Test func `a close carries its code and reason, after the events before it`() throws {
        let pair = try RoQPair()
        try pair.open()
        try pair.onServer {
            try $0.send(event: Array("{\"type\":\"error\"}".utf8))
            $0.close(code: 77, reason: "enough")
        }
        #expect(pair.serverEvents.close == TransportClose(code: 77, reason: "enough", origin: .local))
        pair.pair.run { pair.clientEvents.close != nil }
        #expect(pair.clientEvents.texts == ["{\"type\":\"error\"}"])
        #expect(pair.clientEvents.close == TransportClose(code: 77, reason: "enough", origin: .peer))
    }

    @Test func `a refusal closes the connection and says why`() throws {
        let pair = try RoQPair()
        pair.acceptsAll = false
        pair.onServerEvent = { pair, event in
            if case .requested = event { try? pair.onServer { $0.refuse(status: 401, message: "no such secret") } }
        }
        try pair.open()
        pair.pair.run { pair.clientEvents.close != nil }
        #expect(pair.clientEvents.close == TransportClose(code: 1, reason: "401 no such secret", origin: .peer))
    }

    @Test(arguments: [Delivery.datagram, .streamPerFrame])
    func `frames before the acceptance are kept within their limit, and one over it is lost only as a datagram`(delivery: Delivery) throws {
        var configuration = RoQConfiguration()
        configuration.limits.earlyFrames = 64
        let pair = try RoQPair(server: configuration)
        pair.acceptsAll = false
        try pair.open()
        for sequence in 0..<65 as Range<UInt16> {
            if sequence == 64 {
                pair.pair.run(for: .milliseconds(200))
                #expect(pair.serverEvents.close == nil)
            }
            try pair.onClient { client throws(SendRefusal) in try client.send(frame: frame(sequence), delivery: delivery, now: pair.pair.now) }
        }
        pair.pair.run(for: .milliseconds(200))
        #expect(pair.serverEvents.frames.isEmpty)
        guard delivery == .datagram else {
            #expect(pair.serverEvents.close?.code == RoQErrorCode.generalError.rawValue)
            return
        }
        try pair.onServer { $0.accept() }
        #expect(pair.serverEvents.frames.map(\.sequence) == Array(0..<64))
    }

    @Test func `a stranger that sends only media gets a session when the server allows it`() throws {
        for isAllowed in [true, false] {
            var configuration = RoQConfiguration()
            configuration.allowsMediaOnlyPeers = isAllowed
            let pair = try RoQPair(server: configuration)
            pair.pair.run { pair.pair.client.isEstablished }
            try pair.onClient { client throws(SendRefusal) in try client.send(frame: frame(1), delivery: .datagram, now: pair.pair.now) }
            pair.pair.run(for: .milliseconds(200))
            #expect(pair.serverEvents == (isAllowed ? [.requested(AttachRequest()), .opened, .frame(frame(1))] : []))
        }
    }

    @Test func `a peer without datagrams leaves the stream modes`() throws {
        var quic = QUICConfiguration()
        quic.limits.maximumDatagramFrame = 0
        let pair = try RoQPair(quic: quic)
        try pair.open()
        let capabilities = pair.onClient { client throws(Never) in client.capabilities }
        #expect(capabilities == Capabilities(transport: "roq", modes: [.deadline, .streamPerFrame, .stream]))
        #expect(throws: SendRefusal.tooLarge(maximum: 0)) {
            try pair.onClient { client throws(SendRefusal) in try client.send(frame: frame(1), delivery: .datagram, now: pair.pair.now) }
        }
    }

    @Test func `a frame over the path's limit is refused with the limit`() throws {
        let pair = try RoQPair()
        try pair.open()
        var refusal: SendRefusal?
        do throws(SendRefusal) {
            try pair.onClient { client throws(SendRefusal) in try client.send(frame: frame(1, byteCount: 1500), delivery: .datagram, now: pair.pair.now) }
        } catch { refusal = error }
        guard case .tooLarge(let maximum) = refusal else { return #expect(Bool(false), "no refusal") }
        try pair.onClient { client throws(SendRefusal) in try client.send(frame: frame(2, byteCount: maximum - 12), delivery: .datagram, now: pair.pair.now) }
        pair.pair.run { !pair.serverEvents.frames.isEmpty }
        #expect(pair.serverEvents.frames == [frame(2, byteCount: maximum - 12)])
    }

    @Test func `frames wait for stream credit and all arrive`() throws {
        var quic = QUICConfiguration()
        quic.limits.peerUnidirectionalStreams = 4
        let pair = try RoQPair(quic: quic)
        try pair.open()
        for sequence in 0..<100 as Range<UInt16> {
            try pair.onClient { client throws(SendRefusal) in try client.send(frame: frame(sequence), delivery: .streamPerFrame, now: pair.pair.now) }
        }
        pair.pair.run(for: .seconds(10)) { pair.serverEvents.frames.count == 100 }
        #expect(Set(pair.serverEvents.frames.map(\.sequence)) == Set(0..<100))
    }

    @Test func `a full queue refuses, and what it took arrives`() throws {
        var configuration = RoQConfiguration()
        configuration.limits.streams.queuedFrames = 10
        var quic = QUICConfiguration()
        quic.limits.peerUnidirectionalStreams = 2
        let pair = try RoQPair(client: configuration, quic: quic)
        try pair.open()
        var taken = 0
        do throws(SendRefusal) {
            while true {
                try pair.onClient { client throws(SendRefusal) in try client.send(frame: frame(UInt16(taken)), delivery: .streamPerFrame, now: pair.pair.now) }
                taken += 1
            }
        } catch { #expect(error == .queueFull) }
        #expect(taken == 11)
        pair.pair.run(for: .seconds(5)) { pair.serverEvents.frames.count == taken }
        #expect(pair.serverEvents.frames.map(\.sequence) == Array(0..<11))
    }
}
