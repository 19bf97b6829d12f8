import DTLS
import Endpoint
import Foundation
import Glibc
import NIOCore
import NIOPosix
import QUIC
import SCTPLease
import Server
import Session
import Testing
import WebRTC
import Wire

/// HTTP on real sockets of this machine.
@Suite struct HTTPSocketTests {
    private static func configuration() throws -> ServerConfiguration {
        let now = Int(SystemClock.wallClockSeconds())
        var configuration = ServerConfiguration(credentials: try .selfSigned(.ecdsaP256, unixSeconds: now))
        configuration.webRTC = WebRTCServerConfiguration(identity: try .selfSigned(.ecdsaP256, unixSeconds: now))
        return configuration
    }

    private static func start(
        host: String = "127.0.0.1", candidates: [PeerAddress] = [], configure: (inout HTTPConfiguration) -> Void = { _ in }
    ) async throws -> (server: SessionServer, hash: [UInt8]) {
        var configuration = try configuration()
        configuration.webRTC?.candidates = candidates
        var http = HTTPConfiguration()
        http.plainPort = 0
        configure(&http)
        let server = try await blocking { [http, configuration] in
            try SessionServer(host: host, port: 0, configuration: configuration, http: http, onNotice: { _ in })
        }
        return (server, configuration.credentials.certificateSHA256)
    }

    private static let fingerprint = (0..<32).map { _ in "AB" }.joined(separator: ":")
    private static let offer = """
        v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n\
        a=fingerprint:sha-256 \(fingerprint)\r\na=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n\
        m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n\
        a=fingerprint:sha-256 \(fingerprint)\r\na=setup:actpass\r\na=mid:1\r\na=sctp-port:5000\r\n
        """

    @Test(.ownsSCTP, arguments: [ReliabilityMode.nack, .stream])
    func `a clip is spoken over WebRTC on real sockets, and its prompt is intact`(mode: ReliabilityMode) async throws {
        let (server, hash) = try await Self.start()
        var client = ClientConfiguration()
        client.mode = mode
        let script = TalkScript.patient((0..<25).map { [0x08, UInt8($0), 1, 2, 3] })
        let report = try await blocking { [client] in
            try TalkRunner(
                over: .webrtc, ways: .testing(port: server.local.port, trust: .certificateSHA256(hash)), script: script,
                makeClient: Self.client(client)
            ).wait()
        }
        #expect(report.failure == nil)
        #expect(report.receipt?.verdict == .intact)
        #expect(report.receipt?.transport == "webrtc")
        #expect(report.receipt?.mode == mode)
        #expect(report.answer.map(\.payload) == script.frames)
        try await blocking { try server.stop(grace: .zero) }
    }

    @Test func `a call is made, changed and ended over HTTPS on the UDP port's number`() async throws {
        let (server, hash) = try await Self.start()
        let target = try TalkTarget("https://127.0.0.1:\(server.local.port)")
        let client = SignallingClient(target: target, trust: .certificateSHA256(hash), limits: .patient)
        let call = try await client.call(offer: Self.offer)
        #expect(call.location.hasPrefix("/v1/realtime/calls/rtc_"))
        #expect(call.sdp.contains(" 127.0.0.1 \(server.local.port) typ host"))
        let restarted = try await client.patch(
            call.location, fragment: "a=ice-ufrag:efgh\r\na=ice-pwd:abcdefghijklmnopqrstuvwy\r\n", entityTag: "*")
        #expect(restarted?.entityTag != call.entityTag)
        try await client.hangUp(call.location)
        let gone = await #expect(throws: SignallingFailure.self) { try await client.hangUp(call.location) }
        #expect(gone?.code == "call_not_found")
        let refused = await #expect(throws: SignallingFailure.self) { try await client.call(offer: "v=0\r\n") }
        guard case .refused(400, _)? = refused else { Issue.record("\(String(describing: refused))"); return }
        try await blocking { try server.stop(grace: .zero) }
    }

    @Test func `another certificate, an unknown one and a dead port each have their word`() async throws {
        let (server, _) = try await Self.start()
        let target = try TalkTarget("https://127.0.0.1:\(server.local.port)")
        for trust in [ClientTrust.certificateSHA256([UInt8](repeating: 1, count: 32)), .system] {
            let failure = await #expect(throws: SignallingFailure.self) {
                try await SignallingClient(target: target, trust: trust, limits: .patient).call(offer: Self.offer)
            }
            #expect(failure?.code == "certificate_untrusted", "\(String(describing: failure))")
        }
        try await blocking { try server.stop(grace: .zero) }
        // No test listens at this address: the server's own port may be another's by now.
        let silent = try TalkTarget("https://127.0.0.9:\(server.local.port)")
        let dead = await #expect(throws: SignallingFailure.self) {
            try await SignallingClient(target: silent, trust: .insecure).call(offer: Self.offer)
        }
        #expect(dead?.code == "signalling_unreachable", "\(String(describing: dead))")
    }

    @Test func `a certificate that is known by its hash need not name the host`() async throws {
        let (server, hash) = try await Self.start(host: "127.0.0.2")
        let target = try TalkTarget("https://127.0.0.2:\(server.local.port)")
        for trust in [ClientTrust.certificateSHA256(hash), .insecure] {
            let call = try await SignallingClient(target: target, trust: trust, limits: .patient).call(offer: Self.offer)
            #expect(call.sdp.contains(" 127.0.0.2 \(server.local.port) typ host"))
        }
        try await blocking { try server.stop(grace: .zero) }
    }

    @Test(.ownsSCTP) func `a talk whose call is refused says why`() async throws {
        let (server, _) = try await Self.start()
        let failure = await #expect(throws: SignallingFailure.self) {
            _ = try await blocking {
                try TalkRunner(
                    over: .webrtc, ways: .testing(port: server.local.port, trust: .certificateSHA256([UInt8](repeating: 1, count: 32))),
                    script: .patient([]), makeClient: Self.client()
                ).wait()
            }
        }
        #expect(failure?.code == "certificate_untrusted")
        try await blocking { try server.stop(grace: .zero) }
    }

    @Test(.ownsSCTP) func `media goes where the answer says, to another machine than the call`() async throws {
        let (server, hash) = try await Self.start(host: "0.0.0.0", candidates: [PeerAddress(ipv4: 127, 0, 0, 2, port: 0)])
        let report = try await blocking { try Self.talk(port: server.local.port, trust: .certificateSHA256(hash)) }
        #expect(report.receipt?.verdict == .intact)
        try await blocking { try server.stop(grace: .zero) }
    }

    @Test(.ownsSCTP) func `media goes where the answer says, to another port than the call`() async throws {
        let (server, hash) = try await Self.start()
        let relay = try DyingRelay(.tcp, to: Int(server.local.port))
        Thread.detachNewThread { relay.run() }
        defer { relay.stop() }
        let report = try await blocking { try Self.talk(port: UInt16(relay.port), trust: .certificateSHA256(hash)) }
        #expect(relay.connectionCount == 1)
        #expect(report.receipt?.verdict == .intact)
        try await blocking { try server.stop(grace: .zero) }
    }

    private static func talk(port: UInt16, trust: ClientTrust) throws -> TalkReport {
        try TalkRunner(over: .webrtc, ways: .testing(port: port, trust: trust), script: .patient(clip(count: 5)), makeClient: client()).wait()
    }

    private static func client(
        _ configuration: ClientConfiguration = ClientConfiguration()
    ) -> @Sendable (ClientTransport, NetworkPath, Instant) -> ClientEndpoint {
        { transport, path, now in
            ClientEndpoint(
                transport: transport, serverName: "localhost", credentials: ClientCredentials(.insecure), quic: QUICConfiguration(),
                client: configuration, path: path, entropy: .system, now: now)
        }
    }

    @Test func `a body that stops on its way is answered with 408, and its connection ends`() async throws {
        let (server, _) = try await Self.start { $0.limits.bodyTime = .milliseconds(100) }
        let text = try await Self.exchange(
            port: try #require(server.plainHTTPPort), "POST /whip HTTP/1.1\r\nHost: h\r\nContent-Type: application/sdp\r\nContent-Length: 100\r\n\r\nv=0")
        #expect(text.hasPrefix("HTTP/1.1 408 "))
        #expect(text.lowercased().contains("connection: close\r\n"))
        #expect(text.contains("\"code\":\"request_timeout\""))
        try await blocking { try server.stop(grace: .zero) }
    }

    @Test func `a header that never ends closes its connection`() async throws {
        let (server, _) = try await Self.start { $0.limits.idleTime = .milliseconds(100) }
        let text = try await Self.exchange(port: try #require(server.plainHTTPPort), "GET /healthz HTTP/1.1\r\nHost: h\r\nX-Slow: ")
        #expect(text.isEmpty)
        try await blocking { try server.stop(grace: .zero) }
    }

    @Test func `a body or a header that is too large is refused`() async throws {
        let (server, _) = try await Self.start()
        let port = try #require(server.plainHTTPPort)
        let body = String(repeating: "x", count: 200_000)
        let large = try await Self.exchange(port: port, "POST /whip HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n\(body)")
        #expect(large.hasPrefix("HTTP/1.1 413 "))
        #expect(large.lowercased().contains("connection: close\r\n"))
        let header = try await Self.exchange(port: port, "GET /healthz HTTP/1.1\r\nHost: h\r\nX: \(body.prefix(20_000))\r\n\r\n")
        #expect(header.hasPrefix("HTTP/1.1 400 ") || header.hasPrefix("HTTP/1.1 431 "))
        try await blocking { try server.stop(grace: .zero) }
    }

    @Test func `silence instead of a TLS handshake ends`() async throws {
        let (server, _) = try await Self.start { $0.limits.handshakeTime = .milliseconds(100) }
        let text = try await Self.exchange(port: Int(server.local.port), "")
        #expect(text.isEmpty)
        try await blocking { try server.stop(grace: .zero) }
    }

    @Test func `a TCP port in use is told`() async throws {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(listener.localAddress?.port)
        let configuration = try Self.configuration()
        await #expect(throws: DriverError.portInUse(host: "127.0.0.1", port: port)) {
            try await blocking {
                try SessionServer(host: "127.0.0.1", port: port, configuration: configuration, http: HTTPConfiguration(), onNotice: { _ in })
            }
        }
        try await listener.close().get()
    }

    /// Sends bytes to a port and gives back all that comes until the peer closes, or 5 s have passed.
    private static func exchange(port: Int, _ text: String) async throws -> String {
        try await blocking { try exchangeBlocking(port: port, text) }
    }

    private static func exchangeBlocking(port: Int, _ text: String) throws -> String {
        let channel = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(channel) }
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(channel, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        try SocketAddress(ipAddress: "127.0.0.1", port: port).withSockAddr { address, size in
            _ = connect(channel, address, socklen_t(size))
        }
        let bytes = Array(text.utf8)
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { send(channel, $0.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { break }
            sent += count
        }
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = recv(channel, &buffer, buffer.count, 0)
            guard count != -1 || errno != EAGAIN else { return "timeout" }
            guard count > 0 else { break }
            received += buffer[..<count]
            // A connection that is kept open has no end to wait for.
            if received.count > 12, String(decoding: received, as: UTF8.self).contains("\r\n\r\n{") { break }
        }
        return String(decoding: received, as: UTF8.self)
    }
}
