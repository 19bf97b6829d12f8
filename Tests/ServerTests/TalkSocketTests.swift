import Endpoint
import QUIC
import Responder
import RoQ
import Server
import Session
import Testing
import WebSocket
import WebTransport
import Wire

/// Conversations on real sockets.
@Suite struct TalkSocketTests {
    @Test(arguments: TalkConversationTests.transports.indices)
    func `on real sockets a prompt is intact, and the server stops in good order`(transport: Int) async throws {
        try await blocking { try Self.checkPrompt(transport) }
    }

    private static func checkPrompt(_ transport: Int) throws {
        let credentials = try ServerCredentials.selfSigned(.ecdsaP256, unixSeconds: Int(SystemClock.wallClockSeconds()))
        let server = try SessionServer(
            host: "127.0.0.1", port: 0, configuration: ServerConfiguration(credentials: credentials), onNotice: { _ in })
        let wire = TalkConversationTests.transports[transport]
        let runner = try TalkRunner(
            host: "127.0.0.1", port: Int(server.local.port), script: .patient(clip(count: 5))
        ) { path, now in
            ClientEndpoint(
                transport: wire, serverName: "localhost",
                credentials: ClientCredentials(.certificateSHA256(credentials.certificateSHA256)), quic: QUICConfiguration(),
                client: ClientConfiguration(), path: path, entropy: .system, now: now)
        }
        let report = try runner.wait()
        #expect(report.failure == nil)
        #expect(report.receipt?.verdict == .intact)
        #expect(report.answerPackets == clip(count: 5))
        try server.stop(grace: .seconds(2))
    }

    private struct Move: Sendable, CustomTestStringConvertible {
        var source: TalkTransport
        var target: TalkTransport
        var mode: ReliabilityMode

        var testDescription: String { "\(source.rawValue) to \(target.rawValue) in \(mode.rawValue)" }
    }

    private static let moves: [Move] =
        [ReliabilityMode.stream, .streamPerFrame, .repair].flatMap { mode in
            [Move(source: .webtransport, target: .roq, mode: mode), Move(source: .roq, target: .webtransport, mode: mode)]
        } + [
            Move(source: .webtransport, target: .websocket, mode: .stream), Move(source: .websocket, target: .roq, mode: .stream),
            Move(source: .websocket, target: .websocket, mode: .stream),
        ]

    @Test(arguments: moves)
    private func `on real sockets a session moves to another transport in mid-prompt, and the prompt is intact`(_ move: Move) async throws {
        try await blocking { try Self.check(move) }
    }

    private static func check(_ move: Move) throws {
        let credentials = try ServerCredentials.selfSigned(.ecdsaP256, unixSeconds: Int(SystemClock.wallClockSeconds()))
        let server = try SessionServer(
            host: "127.0.0.1", port: 0, configuration: ServerConfiguration(credentials: credentials), http: HTTPConfiguration(),
            onNotice: { _ in })
        let address = try TalkTarget("https://127.0.0.1:\(server.local.port)")
        let trust = ClientTrust.certificateSHA256(credentials.certificateSHA256)
        let ways = TalkWays(target: address, trust: trust) { transport, _ in
            switch transport {
            case .roq: .roq(RoQConfiguration())
            case .websocket: .webSocket(WebSocketClientConfiguration(authority: address.authority))
            default: .webTransport(WebTransportClientConfiguration(authority: address.authority))
            }
        }
        var script = TalkScript.patient(clip(count: 100))
        script.move = (after: .milliseconds(200), transport: move.target)
        var client = ClientConfiguration()
        client.mode = move.mode
        let makeClient = { @Sendable [client] (path: NetworkPath, now: Instant) in
            ClientEndpoint(
                transport: try ways.makeTransport(move.source, path.local), serverName: "localhost",
                credentials: ClientCredentials(trust), quic: QUICConfiguration(), client: client, path: path, entropy: .system,
                now: now)
        }
        let runner =
            move.source == .websocket
            ? try TalkRunner(connectingBy: ways, script: script, makeClient: makeClient)
            : try TalkRunner(host: address.host, port: address.port, script: script, ways: ways, makeClient: makeClient)
        let report = try runner.wait()
        #expect(report.failure == nil)
        #expect(report.receipt?.verdict == .intact)
        #expect(report.receipt?.mode == move.mode)
        #expect(report.receipt?.transports == [move.source.rawValue, move.target.rawValue])
        #expect(report.move?.transport == move.target)
        #expect(report.move?.spoken == .milliseconds(200))
        guard case .moved? = report.move?.outcome else {
            Issue.record("\(String(describing: report.move))")
            return
        }
        #expect(report.answerPackets == clip(count: 100))
        try server.stop(grace: .seconds(2))
    }

    @Test func `a move for which there is no way leaves the session where it was, and the report says so`() async throws {
        try await blocking { try Self.checkMoveWithoutWay() }
    }

    private static func checkMoveWithoutWay() throws {
        let credentials = try ServerCredentials.selfSigned(.ecdsaP256, unixSeconds: Int(SystemClock.wallClockSeconds()))
        let server = try SessionServer(
            host: "127.0.0.1", port: 0, configuration: ServerConfiguration(credentials: credentials), onNotice: { _ in })
        var script = TalkScript.patient(clip(count: 25))
        script.move = (after: .milliseconds(100), transport: .webtransport)
        let runner = try TalkRunner(host: "127.0.0.1", port: Int(server.local.port), script: script) { path, now in
            ClientEndpoint(
                transport: .roq(RoQConfiguration()), serverName: "localhost",
                credentials: ClientCredentials(.certificateSHA256(credentials.certificateSHA256)), quic: QUICConfiguration(),
                client: ClientConfiguration(), path: path, entropy: .system, now: now)
        }
        let report = try runner.wait()
        #expect(report.receipt?.verdict == .intact)
        #expect(report.receipt?.transport == "roq")
        guard case .failed? = report.move?.outcome else {
            Issue.record("\(String(describing: report.move))")
            return
        }
        try server.stop(grace: .seconds(2))
    }

    @Test func `where nothing listens, talk says so long before its limit`() async throws {
        try await blocking { try Self.checkNobody() }
    }

    private static func checkNobody() throws {
        // A port that was free a moment ago.
        let free = try SessionServer(
            host: "127.0.0.1", port: 0,
            configuration: ServerConfiguration(credentials: try .selfSigned(.ed25519, unixSeconds: 1_800_000_000)), onNotice: { _ in })
        let port = Int(free.local.port)
        try free.stop(grace: .zero)
        let runner = try TalkRunner(host: "127.0.0.1", port: port, script: TalkScript(frames: clip(count: 1))) { path, now in
            ClientEndpoint(
                transport: .roq(RoQConfiguration()), serverName: "localhost", credentials: ClientCredentials(.insecure),
                quic: QUICConfiguration(), client: ClientConfiguration(), path: path, entropy: .system, now: now)
        }
        #expect(try runner.wait().failure == .refused)
    }
}
