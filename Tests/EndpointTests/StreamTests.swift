import Endpoint
import QUIC
import Session
import Testing
import WebSocket
import Wire

/// A server and a client over a stream that takes everything at once: whose sockets would be the driver's.
private final class StreamHouse {
    let server: ServerEndpoint
    let client: ClientEndpoint
    var handle: StreamHandle?
    var refusal: CallRefusal?
    var notices: [EndpointNotice] = []
    var serverNotices: [ServerNotice] = []
    var now = Instant(nanoseconds: 1_000_000_000)
    /// How much of what the server writes the client's stream takes.
    var clientReads = true
    private var request: [UInt8] = []
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)

    init(_ form: WebSocketForm, secret: String? = nil, configure: (inout ServerConfiguration) -> Void = { _ in }) throws {
        var configuration = ServerConfiguration(credentials: try .selfSigned(.ed25519, unixSeconds: 1_790_000_000))
        configure(&configuration)
        server = ServerEndpoint(configuration: configuration, entropy: Entropy(seed: 1), now: now)
        var webSocket = WebSocketClientConfiguration(authority: "localhost")
        webSocket.form = form
        webSocket.secret = secret
        var talker = ClientConfiguration()
        talker.mode = .stream
        let path = NetworkPath(local: PeerAddress(ipv4: 10, 0, 0, 2, port: 9), remote: PeerAddress(ipv4: 10, 0, 0, 1, port: 443))
        client = ClientEndpoint(
            transport: .webSocket(webSocket), serverName: "localhost", credentials: ClientCredentials(.insecure),
            quic: QUICConfiguration(), client: talker, path: path, entropy: Entropy(seed: 2), now: now)
        pump()
    }

    deinit { buffer.deallocate() }

    func pump() {
        var moved = true
        while moved {
            moved = false
            while let write = client.pollWrite(16_384, now: now) {
                moved = true
                deliver(write)
            }
            while server.pollTransmit(into: buffer, now: now) != nil {}
            while let ready = server.pollReadyStream() {
                while clientReads || server.hasEnded(ready), let write = server.pollWrite(16_384, of: ready, now: now) {
                    moved = true
                    if !write.bytes.isEmpty { client.receive(stream: write.bytes, now: now) }
                    if write.isEnd { client.streamEnded(now: now) }
                }
            }
            while let notice = client.pollNotice() { notices.append(notice) }
            while let notice = server.pollNotice() { serverNotices.append(notice) }
        }
    }

    private func deliver(_ write: StreamWrite) {
        if let handle {
            if !write.bytes.isEmpty { server.receive(write.bytes, on: handle, now: now) }
            if write.isEnd { server.streamEnded(handle, now: now) }
            return
        }
        request += write.bytes
        guard let head = WebSocketHead(request), let upgrade = try? WebSocketUpgrade(fields: head.fields) else { return }
        let bearer = head.fields["authorization"].map { String($0.dropFirst("Bearer ".count)) }
        let offer = StreamOffer(
            request: AttachRequest(secret: bearer ?? upgrade.secret, model: "named"), form: upgrade.form,
            remoteAddress: PeerAddress(ipv4: 10, 0, 0, 2, port: 9))
        switch server.acceptStream(offer, now: now) {
        case .success(let handle):
            self.handle = handle
            client.receive(stream: upgrade.response, now: now)
        case .failure(let refusal): self.refusal = refusal
        }
    }

    func pass(_ time: Duration) {
        let end = now + time
        pump()
        while let next = earliest(client.deadline, server.deadline), next <= end {
            now = max(now, next)
            if let deadline = client.deadline, deadline <= now { client.handleTimeout(now: now) }
            if let deadline = server.deadline, deadline <= now { server.handleTimeout(now: now) }
            pump()
        }
        now = end
        pump()
    }

    func speak(frames count: Int) {
        for index in 0..<count {
            client.capture(payload: House.payload(index), duration: .milliseconds(20), now: now)
            pass(.milliseconds(20))
        }
        client.commit(now: now)
        client.requestResponse(now: now)
        pass(.seconds(3))
    }

    var answers: [[UInt8]] { notices.compactMap { if case .realtime(.answerFrame(let frame)) = $0 { frame.payload } else { nil } } }
    var receipt: Receipt? {
        for case .realtime(.receipt(let receipt)) in notices { return receipt }
        return nil
    }
}

@Suite struct StreamTests {
    @Test(arguments: WebSocketForm.allCases)
    func `a prompt over a stream is intact, and its echo comes back whole`(form: WebSocketForm) throws {
        let house = try StreamHouse(form)
        #expect(house.notices.contains(.opened))
        house.speak(frames: 50)
        let receipt = try #require(house.receipt)
        #expect(receipt.verdict == .intact)
        #expect(receipt.transport == "websocket")
        #expect(receipt.mode == .stream)
        #expect(house.answers == (0..<50).map(House.payload))
        #expect(house.notices.contains(.realtime(.outputStopped)))
    }

    @Test func `in OpenAI's form an answer is sent ahead of its play-out, as RTP in its own time`() throws {
        let quick = try StreamHouse(.openAI)
        for index in 0..<50 { quick.client.capture(payload: House.payload(index), duration: .milliseconds(20), now: quick.now) }
        quick.client.commit(now: quick.now)
        quick.client.requestResponse(now: quick.now)
        quick.pass(.milliseconds(100))
        #expect(quick.answers.count == 50)
        let paced = try StreamHouse(.rtp)
        for index in 0..<50 { paced.client.capture(payload: House.payload(index), duration: .milliseconds(20), now: paced.now) }
        paced.client.commit(now: paced.now)
        paced.client.requestResponse(now: paced.now)
        paced.pass(.milliseconds(100))
        #expect(paced.answers.count == 6)
    }

    @Test func `a close by the client ends session, connection and stream`() throws {
        let house = try StreamHouse(.rtp)
        house.pass(.milliseconds(100))
        house.client.close(now: house.now)
        house.pass(.seconds(1))
        #expect(house.server.isIdle)
        #expect(house.serverNotices.contains { if case .sessionClosed(_, let close) = $0 { close.origin == .peer } else { false } })
        #expect(house.client.isClosed)
    }

    @Test func `a stream that breaks ends its connection, and its handle leads nowhere`() throws {
        let house = try StreamHouse(.rtp)
        let handle = try #require(house.handle)
        house.server.streamEnded(handle, now: house.now)
        house.pump()
        house.pass(.seconds(1))
        #expect(house.server.connectionCount == 0)
        house.server.receive([1, 2, 3], on: handle, now: house.now)
        #expect(house.server.pollWrite(100, of: handle, now: house.now) == nil)
    }

    @Test func `who may come in is decided before the stream is`() throws {
        let secret: (inout ServerConfiguration) -> Void = { $0.secret = "right" }
        #expect(try StreamHouse(.rtp, secret: "wrong", configure: secret).refusal == .unauthorized("The secret is missing or wrong."))
        #expect(try StreamHouse(.rtp, secret: "right", configure: secret).refusal == nil)
        #expect(try StreamHouse(.rtp, configure: { $0.limits.connections = 0 }).refusal == .full(retryAfterSeconds: 1))
        #expect(try StreamHouse(.rtp, configure: { $0.webSocket = nil }).refusal == .unsupported("This server speaks no WebSocket."))
    }

    @Test func `a client that does not read is closed, and the server keeps nothing of it`() throws {
        let house = try StreamHouse(.rtp)
        house.clientReads = false
        house.client.requestResponse(now: house.now)
        house.pump()
        house.pass(.seconds(40))
        #expect(house.server.connectionCount == 0)
        // For a while it may come back by another connection.
        house.pass(.seconds(40))
        #expect(house.server.counters.sessionsClosed == 1)
    }
}
