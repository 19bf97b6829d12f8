import Endpoint
import Foundation
import QUIC
import Server
import Session
import Testing
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
        let trust = ClientTrust.certificateSHA256(credentials.certificateSHA256)
        var policy = ReconnectPolicy()
        // Longer than a busy machine keeps a server from answering.
        policy.silence = .seconds(2)
        policy.attempt = .seconds(60)
        var client = ClientConfiguration()
        client.mode = .stream
        let runner = TalkRunner(
            over: transport, ways: try .testing(port: UInt16(relay.port), trust: trust), script: .patient(clip(count: 100))
        ) { [client, policy] transport, path, now in
            ClientEndpoint(
                transport: transport, serverName: "localhost", credentials: ClientCredentials(trust), quic: QUICConfiguration(),
                client: client, reconnect: policy, path: path, entropy: .system, now: now)
        }
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
