import ConnectionPair
import Framing
import HTTP3
import QUIC
import Testing
import Wire

@Suite struct HTTP3ConnectionTests {
    @Test func `a request and its response travel with content and trailers`() throws {
        let server = try HTTP3Pair(.server)
        try server.writeControl()
        let stream = try server.write(
            try headers(get + [HeaderField("content-length", "5")]) + frame(0x0, Array("he".utf8)) + frame(0x21, [9])
                + frame(0x0, Array("llo".utf8)) + (try headers([HeaderField("x-trailer", "1")])),
            to: .bidirectional, isFinal: true)
        server.run()
        let request = HTTPRequest(method: "GET", authority: "a", path: "/", fields: [HeaderField("content-length", "5")])
        #expect(server.events.filter { if case .streamClosed = $0 { false } else { true } } == [
            .settings(HTTP3Settings()), .request(stream, request), .content(stream, Array("he".utf8)),
            .content(stream, Array("llo".utf8)), .finished(stream),
        ])
        #expect(server.closeCode == nil)
    }

    @Test func `a client hears the final response, not the interim one`() throws {
        let client = try HTTP3Pair(.client)
        let stream = try client.onHTTP { try $0.request(HTTPRequest(method: "GET", authority: "a", path: "/"), isFinal: true) }
        let opened = try #require(stream)
        client.run()
        try client.write(
            try headers([HeaderField(":status", "103")]) + headers([HeaderField(":status", "204")]), to: opened, isFinal: true)
        client.run()
        #expect(client.events.prefix(2) == [.response(opened, HTTPResponse(status: 204)), .finished(opened)])
    }

    @Test func `an unknown unidirectional stream is stopped and GREASE is let pass`() throws {
        let server = try HTTP3Pair(.server)
        try server.writeControl(frame(0x21, [1, 2, 3]))
        let stream = try server.write([0x21, 1, 2, 3], to: .unidirectional)
        try server.write([0x40], to: .unidirectional, isFinal: true)  // ends before its type is whole
        server.run()
        #expect(throws: QUICRefusal.self) { try server.write([4], to: stream) }
        #expect(server.closeCode == nil)
    }

    @Test func `after GOAWAY a new request is rejected`() throws {
        let server = try HTTP3Pair(.server)
        try server.writeControl()
        try server.write(try headers(get), to: .bidirectional)
        server.run()
        _ = try server.onHTTP { $0.sendGoaway() }
        let late = try server.write(try headers(get), to: .bidirectional)
        #expect(server.reset(of: late) == .requestRejected)
        #expect(server.closeCode == nil)
    }

    @Test func `requests over the limit are rejected, and a flood of resets ends the connection`() throws {
        var limits = HTTP3Limits()
        limits.openRequests = 2
        limits.totalRequests = 20
        let server = try HTTP3Pair(.server, limits: limits)
        try server.writeControl()
        try server.write(try headers(get), to: .bidirectional)
        try server.write(try headers(get), to: .bidirectional)
        let third = try server.write(try headers(get), to: .bidirectional)
        #expect(server.reset(of: third) == .requestRejected)
        var code: HTTP3ErrorCode?
        for _ in 0..<20 where code == nil {
            server.reset(try server.write(try headers(get), to: .bidirectional))
            code = server.closeCode
        }
        #expect(code == .excessiveLoad)
    }
}

/// The cases of h3spec, and those of RFC 9114 that it leaves out.
@Suite struct HTTP3ConformanceTests {
    @Test(arguments: [
        ([0] + frame(0x21, []), .missingSettings),
        ([0] + frame(0x7, [0]), .missingSettings),
        ([0] + frame(0x4, []) + frame(0x4, []), .frameUnexpected),
        ([0] + frame(0x4, []) + frame(0x0, [1]), .frameUnexpected),
        ([0] + frame(0x4, []) + frame(0x1, [1]), .frameUnexpected),
        ([0] + frame(0x4, []) + frame(0x5, [1]), .frameUnexpected),
        ([0] + frame(0x4, []) + frame(0x2, []), .frameUnexpected),
        ([0] + frame(0x4, []) + frame(0x3, [0]), .idError),
        ([0] + frame(0x4, []) + frame(0xD, [5]) + frame(0xD, [4]), .idError),
        ([0] + frame(0x4, []) + frame(0x7, [4]) + frame(0x7, [5]), .idError),
        ([0] + frame(0x4, [0x2, 1]), .settingsError),
        ([0] + frame(0x4, [0x6, 1, 0x6, 1]), .settingsError),
        ([0] + frame(0x4, [0x8, 2]), .settingsError),
        ([0] + frame(0x4, [0x6]), .frameError),
        ([1, 0], .streamCreationError),
        ([2, 0x3F, 0xE1, 0x1F], .qpackEncoderStreamError),
        ([3, 0x00], .qpackDecoderStreamError),
    ] as [([UInt8], HTTP3ErrorCode)])
    func `a client's unidirectional stream that breaks a rule closes the connection`(bytes: [UInt8], code: HTTP3ErrorCode) throws {
        let server = try HTTP3Pair(.server)
        try server.write(bytes, to: .unidirectional)
        #expect(server.closeCode == code)
    }

    @Test(arguments: [0, 2, 3] as [UInt8])
    func `a critical stream comes once and stays open`(type: UInt8) throws {
        let start = type == 0 ? [0] + frame(0x4, []) : [type]
        let twice = try HTTP3Pair(.server)
        try twice.write(start, to: .unidirectional)
        try twice.write(start, to: .unidirectional)
        #expect(twice.closeCode == .streamCreationError)

        let ended = try HTTP3Pair(.server)
        try ended.write(start, to: .unidirectional, isFinal: true)
        #expect(ended.closeCode == .closedCriticalStream)

        let reset = try HTTP3Pair(.server)
        let stream = try reset.write(start, to: .unidirectional)
        reset.run()
        reset.reset(stream)
        #expect(reset.closeCode == .closedCriticalStream)
    }

    @Test(arguments: [
        (frame(0x0, [1]), .frameUnexpected),
        (frame(0x4, []), .frameUnexpected),
        (frame(0x3, [0]), .frameUnexpected),
        (frame(0x7, [0]), .frameUnexpected),
        (frame(0xD, [0]), .frameUnexpected),
        (frame(0x5, [0]), .frameUnexpected),
        (frame(0x6, []), .frameUnexpected),
        (frame(0x1, [0x00, 0x00, 0xFF, 0x24]), .qpackDecompressionFailed),
        (frame(0x1, [0x02, 0x00, 0x80]), .qpackDecompressionFailed),
        ([0x21, 1, 0, 0x40, 0x41, 0], .frameError),
    ] as [([UInt8], HTTP3ErrorCode)])
    func `a request stream that breaks a rule of the connection closes it`(bytes: [UInt8], code: HTTP3ErrorCode) throws {
        let server = try HTTP3Pair(.server)
        try server.writeControl()
        try server.write(bytes, to: .bidirectional)
        #expect(server.closeCode == code)
    }

    @Test(arguments: [
        get + [HeaderField(":method", "GET")],
        Array(get.dropFirst()),
        Array(get.dropLast()),
        get + [HeaderField(":status", "200")],
        get + [HeaderField("a", "b"), HeaderField(":path", "/")],
        [HeaderField("a", "b")] + get,
        get + [HeaderField(":unknown", "")],
        get + [HeaderField("connection", "close")],
        get + [HeaderField("te", "gzip")],
        get + [HeaderField("Upper", "x")],
        get + [HeaderField("x", "a\nb")],
        get + [HeaderField("host", "another")],
        get + [HeaderField(":protocol", "webtransport")],
        get + [HeaderField("content-length", "x")],
        [HeaderField(":method", "CONNECT"), HeaderField(":scheme", "https"), HeaderField(":authority", "a"), HeaderField(":path", "/")],
        get.map { $0.name == ":path" ? HeaderField(":path", "") : $0 },
        get.filter { $0.name != ":authority" },
    ])
    func `a malformed request costs its stream and no more`(fields: [HeaderField]) throws {
        let server = try HTTP3Pair(.server)
        try server.writeControl()
        let stream = try server.write(try headers(fields), to: .bidirectional)
        #expect(server.reset(of: stream) == .messageError)
        #expect(server.closeCode == nil)
        let next = try server.write(try headers(get), to: .bidirectional)
        server.run()
        #expect(server.events.contains { if case .request(next, _) = $0 { true } else { false } })
    }

    @Test func `content that does not match its length is malformed`() throws {
        for content in [[], [1], [1, 2, 3]] as [[UInt8]] {
            let server = try HTTP3Pair(.server)
            try server.writeControl()
            let stream = try server.write(
                try headers(get + [HeaderField("content-length", "2")]) + frame(0x0, content), to: .bidirectional, isFinal: true)
            #expect(server.reset(of: stream) == .messageError)
        }
    }

    @Test func `frames after the trailers and HEADERS after a CONNECT are unexpected`() throws {
        let trailers = try HTTP3Pair(.server)
        try trailers.writeControl()
        try trailers.write(try headers(get) + headers([HeaderField("a", "b")]) + frame(0x0, [1]), to: .bidirectional)
        #expect(trailers.closeCode == .frameUnexpected)

        let connect = try HTTP3Pair(.server)
        try connect.writeControl()
        let request = get.filter { $0.name != ":method" } + [HeaderField(":protocol", "webtransport")]
        try connect.write(
            try headers([HeaderField(":method", "CONNECT")] + request) + headers([HeaderField("a", "b")]), to: .bidirectional)
        #expect(connect.closeCode == .frameUnexpected)
    }

    @Test func `a stream that ends before its request is incomplete, inside a frame a frame error`() throws {
        let server = try HTTP3Pair(.server)
        try server.writeControl()
        let stream = try server.write([], to: .bidirectional, isFinal: true)
        #expect(server.reset(of: stream) == .requestIncomplete)
        try server.write([0x1, 5, 0], to: .bidirectional, isFinal: true)
        #expect(server.closeCode == .frameError)
    }

    @Test(arguments: [
        ([1, 0], .idError),
        ([0] + frame(0x4, []) + frame(0xD, [0]), .frameUnexpected),
        ([0] + frame(0x4, []) + frame(0x7, [3]), .idError),
    ] as [([UInt8], HTTP3ErrorCode)])
    func `a server's unidirectional stream that breaks a rule closes the connection`(bytes: [UInt8], code: HTTP3ErrorCode) throws {
        let client = try HTTP3Pair(.client)
        try client.write(bytes, to: .unidirectional)
        #expect(client.closeCode == code)
    }

    @Test func `a server opens no bidirectional streams and promises no push`() throws {
        let opened = try HTTP3Pair(.client)
        try opened.write([0x0, 0], to: .bidirectional)
        #expect(opened.closeCode == .streamCreationError)

        let promised = try HTTP3Pair(.client)
        let stream = try promised.onHTTP { try $0.request(HTTPRequest(method: "GET", authority: "a", path: "/"), isFinal: true) }
        promised.run()
        try promised.write(frame(0x5, [0, 0, 0]), to: try #require(stream))
        #expect(promised.closeCode == .idError)
    }

    @Test func `a peer that allows no control stream is told so`() throws {
        var quic = QUICConfiguration()
        quic.limits.peerUnidirectionalStreams = 0
        let server = try HTTP3Pair(.server, quic: quic)
        #expect(server.closeCode == .streamCreationError)
    }

    @Test func `any mangled byte of a control or request stream is taken, refused or named`() throws {
        let control = [0] + frame(0x4, HTTP3Settings([.init(.h3Datagram, 1)]).payload) + frame(0xD, [4]) + frame(0x7, [8])
        let request = try headers(get) + frame(0x0, [1, 2, 3])
        let server = try HTTP3Pair(.server)
        let quic = try #require(server.pair.server)
        for (bytes, stream) in [(control, StreamID(2)), (request, StreamID(0))] {
            for index in bytes.indices {
                for value in [0, 1, 2, 3, 0x3F, 0x40, 0x7F, 0x80, 0xC0, 0xFF] as [UInt8] {
                    var mangled = bytes
                    mangled[index] = value
                    // The whole and its pieces of one byte, each against a machine of its own on the same connection.
                    var whole = HTTP3Connection(role: .server, quic: quic, settings: HTTP3Settings())
                    whole.handle(.streamData(stream, mangled, isFinal: false))
                    var pieces = HTTP3Connection(role: .server, quic: quic, settings: HTTP3Settings())
                    for byte in mangled { pieces.handle(.streamData(stream, [byte], isFinal: false)) }
                    #expect(whole.failure == pieces.failure)
                }
            }
        }
    }
}
