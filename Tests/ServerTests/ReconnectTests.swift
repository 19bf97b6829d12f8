import Endpoint
import Foundation
import QUIC
import RoQ
import Server
import Session
import Testing
import WebSocket
import WebTransport
import Wire

/// Connections on real sockets that die in mid-prompt, while their sessions go on.
@Suite struct ReconnectTests {
    @Test(arguments: [TalkTransport.webtransport, .roq, .websocket])
    func `on real sockets a session goes on over another connection when its own dies`(transport: TalkTransport) async throws {
        try await blocking { try Self.check(transport) }
    }

    private static func check(_ transport: TalkTransport) throws {
        let credentials = try ServerCredentials.selfSigned(.ecdsaP256, unixSeconds: Int(SystemClock.wallClockSeconds()))
        let server = try SessionServer(
            host: "127.0.0.1", port: 0, configuration: ServerConfiguration(credentials: credentials), http: HTTPConfiguration(),
            onNotice: { _ in })
        let relay = try DyingRelay(transport == .websocket ? .tcp : .udp, to: Int(server.local.port))
        Thread.detachNewThread { relay.run() }
        defer { relay.stop() }
        let address = try TalkTarget("https://127.0.0.1:\(relay.port)")
        let trust = ClientTrust.certificateSHA256(credentials.certificateSHA256)
        let ways = TalkWays(target: address, trust: trust) { transport, _ in
            switch transport {
            case .roq: .roq(RoQConfiguration())
            case .websocket: .webSocket(WebSocketClientConfiguration(authority: address.authority))
            default: .webTransport(WebTransportClientConfiguration(authority: address.authority))
            }
        }
        var policy = ReconnectPolicy()
        // Longer than a busy machine keeps a server from answering.
        policy.silence = .seconds(2)
        policy.attempt = .seconds(60)
        var client = ClientConfiguration()
        client.mode = .stream
        let makeClient = { @Sendable [client, policy] (path: NetworkPath, now: Instant) in
            ClientEndpoint(
                transport: try ways.makeTransport(transport, path.local), serverName: "localhost", credentials: ClientCredentials(trust),
                quic: QUICConfiguration(), client: client, reconnect: policy, path: path, entropy: .system, now: now)
        }
        let script = TalkScript.patient(clip(count: 100))
        let runner =
            transport == .websocket
            ? try TalkRunner(connectingBy: ways, script: script, makeClient: makeClient)
            : try TalkRunner(host: address.host, port: address.port, script: script, ways: ways, makeClient: makeClient)
        // In the middle of the prompt's two seconds, or a little before or after it.
        Thread.sleep(forTimeInterval: 1)
        relay.die()
        let report = try runner.wait()
        #expect(report.failure == nil)
        #expect(report.receipt?.verdict == .intact)
        #expect(report.receipt?.expectedFrames == 100)
        #expect(relay.connectionCount >= 2)
        #expect(report.answerPackets == clip(count: 100))
        try server.stop(grace: .seconds(2))
    }
}
