import Framing
import Opus
import Session
import Testing
import WebSocket
import Wire

private func frame(_ number: UInt16) -> MediaFrame {
    MediaFrame(
        sequence: number, timestamp: MediaTime(ticks: UInt32(number) * 960), marker: number == 0,
        payload: [0xF8, UInt8(truncatingIfNeeded: number)])
}

@Suite struct WebSocketTransportTests {
    @Test(arguments: WebSocketForm.allCases)
    func `a client opens with one request, and frames and events come in order`(form: WebSocketForm) throws {
        let pair = WebSocketPair(form)
        #expect(pair.clientEvents.first == .opened)
        #expect(pair.serverEvents.first == .requested(AttachRequest()))
        if form == .openAI {
            var audio = AudioSettings()
            audio.input.format = .opus
            pair.server?.adopt(audio)
        }
        for number in 0..<3 { try pair.client.send(frame: frame(UInt16(number)), delivery: .stream, now: pair.now) }
        try pair.client.send(event: Array(#"{"type":"input_audio_buffer.commit"}"#.utf8))
        pair.pump()
        #expect(pair.frames.map(\.payload) == (0..<3).map { frame(UInt16($0)).payload })
        #expect(pair.frames.map(\.sequence) == [0, 1, 2])
        #expect(pair.frames.map(\.marker) == [true, false, false])
        #expect(pair.serverEvents.last == .event(Array(#"{"type":"input_audio_buffer.commit"}"#.utf8)))
        if form == .rtp { #expect(pair.frames == (0..<3).map { frame(UInt16($0)) }) }
    }

    @Test(arguments: WebSocketForm.allCases)
    func `a close reaches the peer with code and reason, and both streams end`(form: WebSocketForm) {
        let pair = WebSocketPair(form)
        pair.server?.close(code: 7, reason: "enough", now: pair.now)
        pair.pass(.seconds(3))
        #expect(WebSocketPair.close(in: pair.clientEvents) == TransportClose(code: 7, reason: "enough", origin: .peer))
        #expect(WebSocketPair.close(in: pair.serverEvents)?.origin == .local)
        #expect(pair.serverStreamEnded)
        #expect(pair.client.isClosed)
        #expect(pair.server?.isClosed == true)
        #expect(throws: SendRefusal.notOpen) { try pair.client.send(event: []) }
    }

    @Test func `a stream that ends without a close ends the attachment`() {
        let pair = WebSocketPair(.rtp)
        pair.server?.streamEnded(now: pair.now)
        pair.pump()
        // Nobody said goodbye: the session may go on over another connection.
        #expect(WebSocketPair.close(in: pair.serverEvents)?.origin == .transportError)
    }

    @Test func `a peer that does not read loses its connection, and its queue is bounded`() throws {
        var limits = WebSocketLimits()
        limits.queuedEvents = 8
        let pair = WebSocketPair(.rtp, limits: limits)
        pair.clientReads = false
        let server = try #require(pair.server)
        for number in 0..<8 { try server.send(frame: frame(UInt16(number)), delivery: .stream, now: pair.now) }
        #expect(throws: SendRefusal.queueFull) { try server.send(frame: frame(9), delivery: .stream, now: pair.now) }
        pair.pass(.seconds(31))
        #expect(WebSocketPair.close(in: pair.serverEvents)?.origin == .timeout)
    }

    @Test func `a silent peer is pinged, and one that is gone is given up`() throws {
        let pair = WebSocketPair(.rtp)
        pair.pass(.seconds(300))
        #expect(WebSocketPair.close(in: pair.serverEvents) == nil)
        pair.clientReads = false
        // Nothing that the server says arrives any more.
        pair.pass(.seconds(61))
        #expect(WebSocketPair.close(in: pair.clientEvents)?.origin == .timeout)
    }

    @Test func `what breaks the protocol is told its code`() throws {
        let pair = WebSocketPair(.openAI)
        let server = try #require(pair.server)
        server.receive([0x82, 0x80, 0, 0, 0, 0], now: pair.now)
        #expect(server.pollEvent() == .closed(TransportClose(
            code: 1003, reason: "binary messages belong to the sub-protocol parallax.rtp", origin: .transportError)))
        let write = try #require(server.pollWrite(1_000, now: pair.now))
        #expect(write.bytes.contains([0x03, 0xEB]))
        #expect(!write.isEnd)
        #expect(server.pollWrite(1_000, now: pair.now + .seconds(2))?.isEnd == true)
    }
}

@Suite struct WebSocketAudioTests {
    /// A second of a tone, as the base64 of little-endian samples.
    private func tone(milliseconds: Int) -> String {
        var bytes: [UInt8] = []
        for index in 0..<(24 * milliseconds) {
            let sample = Int16(index % 48 < 24 ? 4_000 : -4_000)
            bytes += [UInt8(truncatingIfNeeded: sample), UInt8(truncatingIfNeeded: sample >> 8)]
        }
        return JSON.encodeBase64(bytes)
    }

    @Test func `PCM becomes Opus frames of 20 ms, and a commit fills the last one with silence`() {
        let pair = WebSocketPair(.openAI)
        pair.say(#"{"type":"input_audio_buffer.append","audio":"\#(tone(milliseconds: 50))"}"#)
        #expect(pair.frames.count == 2)
        pair.say(#"{"type":"input_audio_buffer.append","audio":"\#(tone(milliseconds: 20))"}"#)
        #expect(pair.frames.count == 3)
        pair.say(#"{"type":"input_audio_buffer.commit"}"#)
        #expect(pair.frames.count == 4)
        #expect(pair.server?.paddedSampleCount == 240)
        #expect(pair.frames.map(\.sequence) == [0, 1, 2, 3])
        #expect(pair.frames.allSatisfy { OpusPacket.duration(of: $0.payload) == .milliseconds(20) })
        pair.say(#"{"type":"input_audio_buffer.commit"}"#)
        #expect(pair.frames.count == 4)
    }

    @Test func `a long append is encoded in turns, and the commit behind it waits`() {
        var limits = WebSocketLimits()
        limits.framesPerTurn = 10
        let pair = WebSocketPair(.openAI, limits: limits)
        pair.say(#"{"type":"input_audio_buffer.append","audio":"\#(tone(milliseconds: 1_000))"}"#)
        #expect(pair.frames.count == 10)
        pair.say(#"{"type":"input_audio_buffer.commit"}"#)
        pair.pass(.milliseconds(1))
        #expect(pair.frames.count == 50)
        #expect(pair.serverEvents.last == .event(Array(#"{"type":"input_audio_buffer.commit"}"#.utf8)))
    }

    @Test func `a clear takes back what is left of a frame`() {
        let pair = WebSocketPair(.openAI)
        pair.say(#"{"type":"input_audio_buffer.append","audio":"\#(tone(milliseconds: 10))"}"#)
        pair.say(#"{"type":"input_audio_buffer.clear"}"#)
        pair.say(#"{"type":"input_audio_buffer.commit"}"#)
        #expect(pair.frames.isEmpty)
    }

    @Test(arguments: ["???", "QUI", "QQ=="])
    func `audio that is none is refused with the client's event id`(audio: String) {
        let pair = WebSocketPair(.openAI)
        pair.say(#"{"type":"input_audio_buffer.append","event_id":"e1","audio":"\#(audio)"}"#)
        guard case .refused(let error, eventID: "e1") = pair.serverEvents.last else {
            Issue.record("no refusal, but \(String(describing: pair.serverEvents.last))")
            return
        }
        #expect(error.param == "audio")
    }

    @Test(arguments: ["audio/pcm", "audio/pcmu", "audio/pcma"])
    func `an answer goes out as events in the session's format, in order with the others`(format: String) throws {
        let pair = WebSocketPair(.openAI)
        let server = try #require(pair.server)
        var audio = AudioSettings()
        audio.output.format.type = format
        server.adopt(audio)
        var encoder = try OpusEncoder(sampleRate: .hertz24000)
        try server.send(event: Array(
            #"{"type":"response.content_part.added","response_id":"r","item_id":"i","output_index":0,"content_index":0}"#.utf8))
        try server.send(event: Array(#"{"type":"output_audio_buffer.started","response_id":"r"}"#.utf8))
        for number in 0..<12 {
            let packet = try encoder.encode([Float](repeating: 0.1, count: 480).span)
            let frame = MediaFrame(sequence: UInt16(number), timestamp: MediaTime(ticks: 0), marker: false, payload: packet)
            try server.send(frame: frame, delivery: .stream, now: pair.now)
        }
        try server.send(event: Array(#"{"type":"response.output_audio.done","response_id":"r"}"#.utf8))
        var reader = WebSocketReader(expectsMask: false, maximumByteCount: 1 << 20)
        let write = try #require(server.pollWrite(1 << 20, now: pair.now))
        reader.append(write.bytes)
        var texts: [String] = []
        while let message = try reader.next() { if case .text(let text) = message { texts.append(String(decoding: text, as: UTF8.self)) } }
        #expect(texts.count == 5)
        #expect(texts.last?.contains("response.output_audio.done") == true)
        let deltas = texts.filter { $0.contains("response.output_audio.delta") }
        #expect(deltas.count == 2)
        #expect(deltas.allSatisfy { $0.contains(#""item_id":"i""#) && $0.contains(#""response_id":"r""#) })
        // 200 ms and 40 ms.
        let sampleBytes = format == "audio/pcm" ? 960 : 160
        let sizes = deltas.map { text in
            (text.split(separator: "\"").first { $0.count > 100 }).flatMap { JSON.decodeBase64(String($0)) }?.count
        }
        #expect(sizes == [10 * sampleBytes, 2 * sampleBytes])
    }

    @Test func `audio that was cleared is not sent`() throws {
        let pair = WebSocketPair(.openAI)
        let server = try #require(pair.server)
        pair.clientReads = false
        try server.send(event: Array(#"{"type":"output_audio_buffer.started","response_id":"r"}"#.utf8))
        for number in 0..<3 { try server.send(frame: frame(UInt16(number)), delivery: .stream, now: pair.now) }
        try server.send(event: Array(#"{"type":"output_audio_buffer.cleared","response_id":"r"}"#.utf8))
        pair.clientReads = true
        pair.pump()
        #expect(pair.answerFrames.isEmpty)
        #expect(pair.texts.count == 2)
    }
}

@Suite struct WebSocketUpgradeTests {
    private func fields(_ changes: [String: String]) -> [String: String] {
        ["upgrade": "websocket", "connection": "keep-alive, Upgrade", "sec-websocket-version": "13",
         "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ=="].merging(changes) { $1 }
    }

    @Test func `the key of RFC 6455 section 1-3 is answered as there`() {
        #expect(WebSocketUpgrade.accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    }

    @Test(arguments: [
        (nil, WebSocketForm.openAI, nil, nil),
        ("realtime, openai-insecure-api-key.sk-1, openai-beta.realtime-v1", .openAI, "realtime", "sk-1"),
        ("openai-insecure-api-key.ek_2,openai-beta.realtime-v1", .openAI, "openai-beta.realtime-v1", "ek_2"),
        ("realtime, parallax.rtp", .rtp, "parallax.rtp", nil),
        ("chat", .openAI, nil, nil),
    ] as [(String?, WebSocketForm, String?, String?)])
    func `the sub-protocols that browsers need are told apart`(
        offer: String?, form: WebSocketForm, subprotocol: String?, secret: String?
    ) throws {
        let upgrade = try WebSocketUpgrade(fields: fields(offer.map { ["sec-websocket-protocol": $0] } ?? [:]))
        #expect(upgrade.form == form)
        #expect(upgrade.subprotocol == subprotocol)
        #expect(upgrade.secret == secret)
    }

    @Test func `what is no upgrade is refused by its reason`() {
        #expect(throws: WebSocketUpgrade.Refusal.notAnUpgrade) { try WebSocketUpgrade(fields: [:]) }
        #expect(throws: WebSocketUpgrade.Refusal.version) { try WebSocketUpgrade(fields: fields(["sec-websocket-version": "8"])) }
        for key in ["", "short", "dGhlIHNhbXBsZSBub25j====", "dGhlIHNhbXBsZSBub25jZSBpcyBsb25n"] {
            #expect(throws: WebSocketUpgrade.Refusal.malformedKey) { try WebSocketUpgrade(fields: fields(["sec-websocket-key": key])) }
        }
    }
}
