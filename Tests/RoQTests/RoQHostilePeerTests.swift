import ConnectionPair
import Framing
import QUIC
import RoQ
import Session
import Testing
import Wire

/// A peer that writes bytes of its own to the QUIC connection, against our server.
@Suite struct RoQHostilePeerTests {
    private func establish(_ configuration: RoQConfiguration = RoQConfiguration()) throws -> RoQPair {
        let pair = try RoQPair(server: configuration)
        pair.pair.clientHandler = nil
        pair.pair.run { pair.pair.server?.isEstablished == true }
        return pair
    }

    private func closeCode(_ pair: RoQPair) -> UInt64? {
        pair.pair.run(for: .seconds(1)) { pair.pair.client.isClosing }
        for case .closed(.application(let code, _)) in pair.pair.clientEvents { return code }
        return nil
    }

    private let event: [UInt8] = [1, 14, 0x80, 112, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0x7D]

    @Test func `a bidirectional stream is fatal`() throws {
        let pair = try establish()
        let stream = try pair.pair.client.openStream(.bidirectional)
        try pair.pair.client.write([0], to: stream)
        #expect(closeCode(pair) == RoQErrorCode.streamCreationError.rawValue)
    }

    @Test(arguments: [[0], [0x40], [0, 0], [0, 0x40, 0], [0] + [UInt8](repeating: 0xFF, count: 40)] as [[UInt8]])
    func `a datagram that is no RTP packet is a packet error`(bytes: [UInt8]) throws {
        let pair = try establish()
        try pair.pair.client.sendDatagram(bytes, id: 0)
        #expect(closeCode(pair) == RoQErrorCode.packetError.rawValue)
    }

    @Test(arguments: [[0, 1, 0], [0, 0x80, 0xFF, 0xFF, 0xFF], [0, 0], [1, 2, 0x80, 0x70]] as [[UInt8]])
    func `a stream that holds no RTP packets is a packet error`(bytes: [UInt8]) throws {
        let pair = try establish()
        let stream = try pair.pair.client.openStream(.unidirectional)
        try pair.pair.client.write(bytes, to: stream)
        #expect(closeCode(pair) == RoQErrorCode.packetError.rawValue)
    }

    @Test func `a stream that ends inside a packet is a packet error`() throws {
        let pair = try establish()
        let stream = try pair.pair.client.openStream(.unidirectional)
        try pair.pair.client.write([0, 20, 0x80], to: stream, isFinal: true)
        #expect(closeCode(pair) == RoQErrorCode.packetError.rawValue)
    }

    @Test func `RTCP and other payload types are let pass`() throws {
        let pair = try establish()
        try pair.pair.client.sendDatagram([0, 0x80, 200, 0, 1, 0, 0, 0, 0], id: 0)
        try pair.pair.client.sendDatagram([0, 0x80, 96] + [UInt8](repeating: 0, count: 20), id: 1)
        let stream = try pair.pair.client.openStream(.unidirectional)
        try pair.pair.client.write(event, to: stream)
        #expect(closeCode(pair) == nil)
        #expect(pair.serverEvents.texts == ["{}"])
    }

    @Test func `an unknown flow's stream is stopped, its datagrams dropped, and a flood of them ends`() throws {
        var configuration = RoQConfiguration()
        configuration.limits.unknownFlowArrivals = 10
        let pair = try establish(configuration)
        let stream = try pair.pair.client.openStream(.unidirectional)
        try pair.pair.client.write([9, 1, 1], to: stream)
        pair.pair.run(for: .milliseconds(200))
        #expect(throws: QUICRefusal.noSuchStream) { try pair.pair.client.write([1], to: stream) }
        for number in 0..<9 as Range<UInt64> { try pair.pair.client.sendDatagram([9, 1, 1], id: number) }
        #expect(closeCode(pair) == nil)
        try pair.pair.client.sendDatagram([9, 1, 1], id: 9)
        #expect(closeCode(pair) == RoQErrorCode.unknownFlowID.rawValue)
    }

    @Test func `events without end before the acceptance cost the connection`() throws {
        let pair = try establish()
        pair.acceptsAll = false
        let stream = try pair.pair.client.openStream(.unidirectional)
        try pair.pair.client.write([1], to: stream)
        var packet: [UInt8] = []
        packet.append(varInt: 60_012)
        packet += [0x80, 112] + [UInt8](repeating: 0, count: 10) + [UInt8](repeating: 0x20, count: 60_000)
        for _ in 0..<5 {
            while (try? pair.pair.client.write(packet, to: stream)) == nil { pair.pair.run(for: .milliseconds(50)) }
        }
        #expect(closeCode(pair) == RoQErrorCode.generalError.rawValue)
    }

    @Test func `a stream may be reset inside a packet`() throws {
        let pair = try establish()
        let stream = try pair.pair.client.openStream(.unidirectional)
        try pair.pair.client.write([0, 20, 0x80], to: stream)
        pair.pair.run(for: .milliseconds(100))
        pair.pair.client.reset(stream, code: RoQErrorCode.frameCancelled.rawValue)
        #expect(closeCode(pair) == nil)
    }

    @Test func `after a stream is stopped, the frames go on over another`() throws {
        let pair = try establish()
        let events = try pair.pair.client.openStream(.unidirectional)
        try pair.pair.client.write(event, to: events)
        pair.pair.run { pair.serverEvents.contains(.opened) }
        try pair.onServer { try $0.send(frame: frame(1), delivery: .stream, now: pair.pair.now) }
        pair.pair.run(for: .milliseconds(100))
        guard case .streamData(let first, _, _)? = pair.pair.clientEvents.last else { return #expect(Bool(false), "no stream came") }
        pair.pair.client.stopSending(first, code: RoQErrorCode.frameCancelled.rawValue)
        pair.pair.run(for: .milliseconds(200))
        try pair.onServer { try $0.send(frame: frame(2), delivery: .stream, now: pair.pair.now) }
        pair.pair.run(for: .milliseconds(200))
        let later = pair.pair.clientEvents.compactMap { if case .streamData(let stream, let bytes, _) = $0, stream != first { bytes } else { nil } }
        #expect(later.contains { $0.starts(with: [0, 0x40, 92]) })
    }

    @Test func `any mangled byte of a datagram is a frame, dropped or a named error`() throws {
        let sample: [UInt8] = [0, 0xB2, 111, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 1, 2, 3, 3]
        let pair = try establish()
        let stream = try pair.pair.client.openStream(.unidirectional)
        try pair.pair.client.write(event, to: stream)
        pair.pair.run { pair.serverEvents.contains(.opened) }
        guard let quic = pair.pair.server else { return #expect(Bool(false), "no server") }
        for index in sample.indices {
            for value in [0, 1, 0x40, 0x7F, 0x80, 0xC0, 0xFF] as [UInt8] {
                var mangled = sample
                mangled[index] = value
                let transport = RoQTransport(role: .server, quic: quic)
                transport.handle(.established(alpn: "roq-14"), now: .zero)
                transport.handle(.datagram(mangled), now: .zero)
                while let event = transport.pollEvent() {
                    if case .closed(let close) = event { #expect(close.code == RoQErrorCode.packetError.rawValue) }
                }
            }
        }
    }
}
