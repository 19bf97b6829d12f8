import Endpoint
import NIOCore
import QUIC
import Server
import Session
import Testing
import WebSocket
import Wire

/// WebSocket beside HTTP: who is let in, and a turn on real sockets.
@Suite struct WebSocketServiceTests {
    private func service(_ refusal: CallRefusal) -> HTTPService {
        let desk = CallDesk(
            answer: { _ in .failure(.draining) }, patch: { _, _, _ in .failure(.draining) }, hangUp: { _ in .failure(.draining) },
            mint: { _, _, _ in .failure(.draining) }, status: { nil })
        let offer = TransportOffer(
            address: PeerAddress(ipv4: 127, 0, 0, 1, port: 4433), alpn: ["h3"], certificateSHA256: [UInt8](repeating: 0xAB, count: 32))
        return HTTPService(desk: desk, streams: StreamDesk(accept: { _ in .failure(refusal) }), offer: offer)
    }

    private static let upgrade = [
        "upgrade": "websocket", "connection": "Upgrade", "sec-websocket-version": "13", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    ]

    @Test(arguments: [
        ([:], .draining, 426, "upgrade_required"),
        (["sec-websocket-version": "8"], .draining, 426, "upgrade_required"),
        (["sec-websocket-key": "no"], .draining, 400, "invalid_value"),
        (upgrade, .unauthorized("no"), 401, "invalid_api_key"),
        (upgrade, .full(retryAfterSeconds: 1), 503, "server_full"),
        (upgrade, .draining, 503, "server_draining"),
    ] as [([String: String], CallRefusal, Int, String)])
    func `who is not taken in hears why by status and code`(
        changes: [String: String], refusal: CallRefusal, status: Int, code: String
    ) async throws {
        let fields = changes.isEmpty ? [:] : Self.upgrade.merging(changes) { $1 }
        let outcome = await service(refusal).openStream(HTTPCall("GET", "/v1/realtime", fields: fields))
        guard case .failure(let error) = outcome else {
            Issue.record("\(String(describing: outcome))")
            return
        }
        #expect(error.status == status)
        #expect(error.code == code)
    }

    @Test func `other requests are not looked at`() async {
        let service = service(.draining)
        let elsewhere = await service.openStream(HTTPCall("GET", "/healthz", fields: Self.upgrade))
        #expect(elsewhere == nil)
        let posted = await service.openStream(HTTPCall("POST", "/v1/realtime", fields: Self.upgrade))
        #expect(posted == nil)
        let answer = await service.answer(HTTPCall("POST", "/v1/realtime"))
        #expect(answer.status == 405)
    }

    @Test(arguments: WebSocketForm.allCases)
    func `a clip is spoken over TLS on real sockets, its prompt is intact, and the server stops at once`(form: WebSocketForm) async throws {
        let configuration = ServerConfiguration(
            credentials: try .selfSigned(.ecdsaP256, unixSeconds: Int(SystemClock.wallClockSeconds())))
        let server = try await blocking {
            try SessionServer(host: "127.0.0.1", port: 0, configuration: configuration, http: HTTPConfiguration(), onNotice: { _ in })
        }
        let hash = configuration.credentials.certificateSHA256
        let script = TalkScript.patient((0..<25).map { [0x08, UInt8($0), 1, 2, 3] })
        let report = try await blocking {
            var ways = try SessionWays.testing(port: server.local.port, trust: .certificateSHA256(hash))
            ways.makeTransport = { [authority = ways.target.authority] _, _ in
                var webSocket = WebSocketClientConfiguration(authority: authority)
                webSocket.form = form
                return .webSocket(webSocket)
            }
            return try TalkRunner(over: .websocket, ways: ways, script: script) { transport, path, now in
                var client = ClientConfiguration()
                client.mode = .stream
                return ClientEndpoint(
                    transport: transport, serverName: "localhost", credentials: ClientCredentials(.insecure),
                    quic: QUICConfiguration(), client: client, path: path, entropy: .system, now: now)
            }.wait()
        }
        #expect(report.failure == nil)
        #expect(report.receipt?.verdict == .intact)
        #expect(report.answer.map(\.payload) == script.frames)
        try await blocking { try server.stop(grace: .zero) }
    }

    @Test func `another certificate than the one named is refused`() async throws {
        let configuration = ServerConfiguration(
            credentials: try .selfSigned(.ecdsaP256, unixSeconds: Int(SystemClock.wallClockSeconds())))
        let server = try await blocking {
            try SessionServer(host: "127.0.0.1", port: 0, configuration: configuration, http: HTTPConfiguration(), onNotice: { _ in })
        }
        // TLS may fail while the endpoint is made, or before.
        let report = try? await blocking {
            try TalkRunner(
                over: .websocket, ways: .testing(port: server.local.port, trust: .certificateSHA256([UInt8](repeating: 1, count: 32))),
                script: TalkScript(frames: [])
            ) { transport, path, now in
                ClientEndpoint(
                    transport: transport, serverName: "localhost",
                    credentials: ClientCredentials(.insecure), quic: QUICConfiguration(), client: ClientConfiguration(), path: path,
                    entropy: .system, now: now)
            }.wait()
        }
        #expect(report?.receipt == nil)
        #expect(report?.failure != nil || report == nil)
        try await blocking { try server.stop(grace: .zero) }
    }
}
