import Endpoint
import NIOCore
import NIOPosix
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
    @Test(arguments: [TalkTransport.webtransport, .roq])
    func `on real sockets a prompt is intact, and the server stops in good order`(transport: TalkTransport) async throws {
        try await blocking { try Self.checkPrompt(transport) }
    }

    private static func checkPrompt(_ transport: TalkTransport) throws {
        let credentials = try ServerCredentials.selfSigned(.ecdsaP256, unixSeconds: Int(SystemClock.wallClockSeconds()))
        let server = try SessionServer(
            host: "127.0.0.1", port: 0, configuration: ServerConfiguration(credentials: credentials), onNotice: { _ in })
        let trust = ClientTrust.certificateSHA256(credentials.certificateSHA256)
        let runner = TalkRunner(
            over: transport, ways: try .testing(port: server.local.port, trust: trust), script: .patient(clip(count: 5))
        ) { transport, path, now in
            ClientEndpoint(
                transport: transport, serverName: "localhost",
                credentials: ClientCredentials(trust), quic: QUICConfiguration(),
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
        let trust = ClientTrust.certificateSHA256(credentials.certificateSHA256)
        var script = TalkScript.patient(clip(count: 100))
        script.move = (after: .milliseconds(200), transport: move.target)
        var client = ClientConfiguration()
        client.mode = move.mode
        let runner = TalkRunner(
            over: move.source, ways: try .testing(port: server.local.port, trust: trust), script: script
        ) { [client] transport, path, now in
            ClientEndpoint(
                transport: transport, serverName: "localhost", credentials: ClientCredentials(trust), quic: QUICConfiguration(),
                client: client, path: path, entropy: .system, now: now)
        }
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

    private struct NoWay: Error {}

    private static func checkMoveWithoutWay() throws {
        let credentials = try ServerCredentials.selfSigned(.ecdsaP256, unixSeconds: Int(SystemClock.wallClockSeconds()))
        let server = try SessionServer(
            host: "127.0.0.1", port: 0, configuration: ServerConfiguration(credentials: credentials), onNotice: { _ in })
        var script = TalkScript.patient(clip(count: 25))
        script.move = (after: .milliseconds(100), transport: .webtransport)
        var ways = try SessionWays.testing(port: server.local.port, trust: .insecure)
        ways.makeTransport = { transport, _ in
            guard transport == .roq else { throw NoWay() }
            return .roq(RoQConfiguration())
        }
        let runner = TalkRunner(over: .roq, ways: ways, script: script) { transport, path, now in
            ClientEndpoint(
                transport: transport, serverName: "localhost",
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

    @Test func `a talker that is interrupted while it connects says so at once`() async throws {
        try await blocking { try Self.checkInterrupt() }
    }

    private static func checkInterrupt() throws {
        // It takes connections and says nothing.
        let silent = try ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.1", port: 0).wait()
        defer { try? silent.close().wait() }
        let port = UInt16(try #require(silent.localAddress?.port))
        let ways = try SessionWays.testing(port: port, trust: .insecure)
        let runner = TalkRunner(over: .websocket, ways: ways, script: .patient(clip(count: 1))) { transport, path, now in
            ClientEndpoint(
                transport: transport, serverName: "localhost", credentials: ClientCredentials(.insecure), quic: QUICConfiguration(),
                client: ClientConfiguration(), path: path, entropy: .system, now: now)
        }
        runner.interrupt()
        #expect(try runner.wait().failure == .interrupted)
    }

    @Test func `where nothing listens, talk says so long before its limit`() async throws {
        try await blocking { try Self.checkNobody() }
    }

    private static func checkNobody() throws {
        // A port that was free a moment ago.
        let free = try SessionServer(
            host: "127.0.0.1", port: 0,
            configuration: ServerConfiguration(credentials: try .selfSigned(.ed25519, unixSeconds: 1_800_000_000)), onNotice: { _ in })
        let port = free.local.port
        try free.stop(grace: .zero)
        let runner = TalkRunner(
            over: .roq, ways: try .testing(port: port, trust: .insecure), script: TalkScript(frames: clip(count: 1))
        ) { transport, path, now in
            ClientEndpoint(
                transport: transport, serverName: "localhost", credentials: ClientCredentials(.insecure),
                quic: QUICConfiguration(), client: ClientConfiguration(), path: path, entropy: .system, now: now)
        }
        #expect(try runner.wait().failure == .refused)
    }
}
