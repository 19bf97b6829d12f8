import ConnectionPair
import Framing
import HTTP3
import MediaStreams
import QUIC
import Session
import Testing
import WebTransport
import Wire

@Suite struct WebTransportHostilePeerTests {
    /// An RTP packet of 15 bytes.
    private func rtp(_ sequence: UInt8) -> [UInt8] { [0x80, 111, 0, sequence] + [UInt8](repeating: 0, count: 8) + [1, 2, 3] }

    /// The start of a stream of session 0 with one such packet.
    private func mediaStream(_ sequence: UInt8) -> [UInt8] { [0x40, 0x54, 0, 0, 15] + rtp(sequence) }

    @Test(arguments: [false, true])
    func `the server sends every setting that browsers key on`(isDraft07: Bool) throws {
        var configuration = WebTransportServerConfiguration()
        configuration.advertisesDraft07 = isDraft07
        let raw = try RawClient(configuration)
        raw.run()
        var reader = HTTP3FrameReader()
        for case .streamData(StreamID(3), let bytes, _) in raw.pair.clientEvents { reader.append(Array(bytes.dropFirst())) }
        guard case .settings(let settings)? = try reader.next() else {
            Issue.record("no SETTINGS")
            return
        }
        for identifier in [0x8, 0x33, 0xFFD277, 0x2B60_3742, 0x14E9_CD29, 0x2C7C_F000] as [UInt64] {
            #expect(settings[.init(rawValue: identifier)] == 1)
        }
        for identifier in [0x2B61, 0x2B64, 0x2B65] as [UInt64] { #expect(settings[.init(rawValue: identifier)] ?? 0 > 0) }
        #expect(settings[.webTransportMaxSessionsDraft07] == (isDraft07 ? 1 : nil))
    }

    @Test func `a CONNECT is not acted on before the SETTINGS`() throws {
        let raw = try RawClient()
        try raw.request(RawClient.connect)
        raw.run()
        #expect(raw.events.isEmpty)
        try raw.sendSettings()
        raw.run()
        #expect(raw.events == [.requested(AttachRequest()), .opened])
    }

    @Test func `the draft-02 dialect is answered in kind`() throws {
        let raw = try RawClient()
        try raw.sendSettings()
        let stream = try raw.request(RawClient.connect + [HeaderField("sec-webtransport-http3-draft02", "1")])
        raw.run()
        let answer = try raw.answer(on: stream)
        #expect(answer.fields.first("sec-webtransport-http3-draft") == "draft02")
    }

    @Test func `a second session is rejected and the first lives on`() throws {
        let raw = try RawClient()
        try raw.open()
        let second = try raw.request(RawClient.connect)
        raw.run()
        #expect(raw.reset(of: second) == HTTP3ErrorCode.requestRejected.rawValue)
        try raw.quic.sendDatagram([0, 0] + rtp(7), id: 0)
        raw.run()
        #expect(raw.events.frames.map(\.sequence) == [7])
    }

    @Test(arguments: [
        ([HeaderField(":method", "GET"), HeaderField(":path", "/")], "404"),
        ([HeaderField(":method", "GET"), HeaderField(":path", "/v1/realtime?x")], "405"),
        ([HeaderField(":method", "HEAD"), HeaderField(":path", "/v1/realtime")], "405"),
        ([HeaderField(":method", "CONNECT"), HeaderField(":protocol", "websocket"), HeaderField(":path", "/v1/realtime")], "501"),
    ] as [([HeaderField], String)])
    func `a plain request gets its status`(fields: [HeaderField], status: String) throws {
        let raw = try RawClient()
        try raw.sendSettings()
        let stream = try raw.request(fields + [HeaderField(":scheme", "https"), HeaderField(":authority", "localhost")], isFinal: true)
        raw.run()
        let answer = try raw.answer(on: stream)
        #expect(answer.status == status)
        #expect(answer.isFinal)
        #expect(raw.closeCode == nil)
    }

    @Test func `a close reason of a gigabyte costs the session at its length`() throws {
        let raw = try RawClient()
        let stream = try raw.open()
        var capsule: [UInt8] = []
        capsule.append(varInt: 0x2843)
        capsule.append(varInt: 1 << 30)
        var bytes: [UInt8] = []
        bytes.append(http3Frame: HTTP3FrameType.data, payload: capsule)
        try raw.quic.write(bytes, to: stream)
        raw.run()
        #expect(raw.events.close?.code == HTTP3ErrorCode.messageError.rawValue)
        #expect(raw.reset(of: stream) == HTTP3ErrorCode.messageError.rawValue)
    }

    @Test func `the end of the CONNECT stream is a close with code 0`() throws {
        let raw = try RawClient()
        let stream = try raw.open()
        try raw.quic.write([], to: stream, isFinal: true)
        raw.run()
        #expect(raw.events.last == .closed(TransportClose(code: 0, reason: "", origin: .peer)))
        let answer = try raw.answer(on: stream)
        #expect(answer.isFinal)
        #expect(raw.closeCode == HTTP3ErrorCode.noError.rawValue)
    }

    @Test func `a reset of the CONNECT stream ends the session`() throws {
        let raw = try RawClient()
        let stream = try raw.open()
        raw.quic.reset(stream, code: 0x10C)
        raw.run()
        #expect(raw.events.close == TransportClose(code: 0x10C, reason: "the session's stream was reset", origin: .peer))
    }

    @Test func `when the peer ends the session, its streams are reset with WT_SESSION_GONE`() throws {
        let raw = try RawClient()
        let connect = try raw.open()
        let events = try raw.write([0x40, 0x41, 0] + Array("{}\n".utf8), to: .bidirectional)
        raw.run()
        try raw.write(.closeSession(code: 1, reason: "x"), to: connect, isFinal: true)
        raw.run()
        #expect(raw.events.close == TransportClose(code: 1, reason: "x", origin: .peer))
        #expect(raw.reset(of: events) == HTTP3ErrorCode.sessionGone.rawValue)
    }

    @Test func `a second bidirectional stream is refused, and the session lives on`() throws {
        let raw = try RawClient()
        try raw.open()
        try raw.write([0x40, 0x41, 0] + Array("{}\n".utf8), to: .bidirectional)
        let second = try raw.write([0x40, 0x41, 0] + Array("{}\n".utf8), to: .bidirectional)
        raw.run()
        #expect(raw.reset(of: second) == WebTransportErrorCode.http3(4).rawValue)
        #expect(raw.events.texts == ["{}"])
        #expect(raw.events.close == nil)
    }

    @Test(arguments: [true, false])
    func `a stream of no possible session is H3_ID_ERROR, session or not`(isOpen: Bool) throws {
        let raw = try RawClient()
        if isOpen { try raw.open() }
        try raw.write([0x40, 0x54, 3, 0], to: .unidirectional)
        #expect(raw.closeCode == HTTP3ErrorCode.idError.rawValue)
        #expect(raw.events.close?.code == HTTP3ErrorCode.idError.rawValue)
    }

    @Test func `early streams over the limit are rejected, the others served`() throws {
        var configuration = WebTransportServerConfiguration()
        configuration.limits.earlyStreams = 2
        let raw = try RawClient(configuration)
        try raw.sendSettings()
        var streams: [StreamID] = []
        for sequence in 0..<4 as Range<UInt8> {
            streams.append(try raw.write(mediaStream(sequence), to: .unidirectional))
            raw.run(.milliseconds(30))
        }
        try raw.request(RawClient.connect)
        raw.run()
        #expect(raw.events.frames.map(\.sequence) == [0, 1])
        #expect(streams.filter(raw.isStopped) == Array(streams[2...]))
    }

    @Test func `a datagram of another session is dropped, one that names no stream is H3_DATAGRAM_ERROR`() throws {
        let raw = try RawClient()
        try raw.open()
        try raw.quic.sendDatagram([1, 0] + rtp(1), id: 0)
        #expect(raw.closeCode == nil)
        #expect(raw.events.frames.isEmpty)
        try raw.quic.sendDatagram([0x40], id: 1)
        #expect(raw.closeCode == HTTP3ErrorCode.datagramError.rawValue)
    }

    @Test func `a frame that is no RTP closes the session with a packet error`() throws {
        let raw = try RawClient()
        let stream = try raw.open()
        try raw.quic.sendDatagram([0, 0, 1, 2, 3], id: 0)
        raw.run()
        let answer = try raw.answer(on: stream)
        #expect(answer.capsules == [.closeSession(code: 3, reason: "a packet is no RTP")])
        #expect(raw.events.close == TransportClose(code: 3, reason: "a packet is no RTP", origin: .transportError))
    }

    @Test func `a peer of Safari's draft gets credit right after the 200`() throws {
        let raw = try RawClient()
        try raw.sendSettings([.init(.h3Datagram, 1), .init(.webTransportMaxSessions, 1)])
        let stream = try raw.request(RawClient.connect)
        raw.run()
        let answer = try raw.answer(on: stream)
        #expect(answer.status == "200")
        #expect(answer.capsules == [
            .maxData(1024 * 1024), .maxStreams(16, isUnidirectional: false), .maxStreams(256, isUnidirectional: true),
        ])
    }

    @Test func `more than the session's credit is a flow control error`() throws {
        var configuration = WebTransportServerConfiguration()
        configuration.limits.sessionWindowByteCount = 100
        let raw = try RawClient(configuration)
        try raw.sendSettings([.init(.h3Datagram, 1), .init(.webTransportEnabled, 1), .init(.webTransportInitialMaxData, 5)])
        let connect = try raw.request(RawClient.connect)
        raw.run()
        try raw.write([0x40, 0x41, 0] + [UInt8](repeating: 0x20, count: 101), to: .bidirectional)
        raw.run()
        #expect(raw.reset(of: connect) == HTTP3ErrorCode.flowControlError.rawValue)
        #expect(raw.events.close?.code == HTTP3ErrorCode.flowControlError.rawValue)
    }

    @Test func `streams that never finish are bounded`() throws {
        var configuration = WebTransportServerConfiguration()
        configuration.limits.streams.incompleteStreams = 5
        let raw = try RawClient(configuration)
        try raw.open()
        var streams: [StreamID] = []
        for _ in 0..<8 {
            streams.append(try raw.write([0x40, 0x54, 0, 0, 15, 0x80], to: .unidirectional))
            raw.run(.milliseconds(30))
        }
        raw.run()
        #expect(streams.filter(raw.isStopped) == Array(streams[5...]))
        #expect(raw.events.close == nil)
    }

    @Test func `a thousand streams opened and finished leave the session as it was`() throws {
        let raw = try RawClient()
        try raw.open()
        for round in 0..<1000 {
            try raw.write(mediaStream(UInt8(truncatingIfNeeded: round)), to: .unidirectional, isFinal: true)
            if round % 50 == 49 { raw.run(.milliseconds(100)) }
        }
        raw.run()
        #expect(raw.events.frames.count == 1000)
        #expect(raw.events.close == nil)
    }

    @Test func `any mangled byte of a stream or datagram ends in a frame, nothing or a named error`() throws {
        let raw = try RawClient()
        try raw.open()
        guard let quic = raw.pair.server else {
            Issue.record("no server")
            return
        }
        let sample = mediaStream(1)
        for index in sample.indices {
            for value in [0, 1, 2, 3, 0x3F, 0x40, 0x7F, 0x80, 0xC0, 0xFF] as [UInt8] {
                var mangled = sample
                mangled[index] = value
                // A machine of its own on the same connection, with an open session.
                let server = WebTransportServer(quic: quic)
                try openSession(server)
                server.handle(.streamData(StreamID(6), Array(mangled[..<index]), isFinal: false), now: .zero)
                server.handle(.streamData(StreamID(6), Array(mangled[index...]), isFinal: true), now: .zero)
                server.handle(.datagram(Array(mangled[3...])), now: .zero)
                while let event = server.pollEvent() {
                    if case .closed(let close) = event { #expect(close.reason != "") }
                }
            }
        }
    }

    /// Feeds SETTINGS and CONNECT to a machine as if they had come.
    private func openSession(_ server: WebTransportServer) throws {
        var control: [UInt8] = [0]
        control.append(http3Frame: HTTP3FrameType.settings, payload: HTTP3Settings([.init(.h3Datagram, 1)]).payload)
        server.handle(.streamData(StreamID(2), control, isFinal: false), now: .zero)
        var connect: [UInt8] = []
        connect.append(http3Frame: HTTP3FrameType.headers, payload: try QPACKEncoder().encode(RawClient.connect, stream: 0))
        server.handle(.streamData(StreamID(0), connect, isFinal: false), now: .zero)
        while server.pollEvent() != nil {}
        server.accept()
    }
}
