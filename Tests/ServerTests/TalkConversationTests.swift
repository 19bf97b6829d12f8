import Endpoint
import QUIC
import Responder
import RoQ
import Server
import Session
import Testing
import WebTransport
import Wire

/// A conversation with a real server endpoint in virtual time.
@Suite struct TalkConversationTests {
    static let transports: [ClientTransport] = [
        .roq(RoQConfiguration()), .webTransport(WebTransportClientConfiguration(authority: "localhost:4433")),
    ]

    @Test(arguments: transports.indices, ReliabilityMode.allCases)
    func `a clip is spoken in real time, and its prompt is intact`(transport: Int, mode: ReliabilityMode) throws {
        var world = try World(Self.transports[transport], mode: mode, frames: clip(count: 25))
        world.run(for: .seconds(5))
        let report = world.conversation.report
        #expect(world.conversation.isFinished)
        #expect(report.failure == nil)
        #expect(report.receipt?.verdict == .intact)
        #expect(report.receipt?.mode == mode)
        #expect(report.answerPackets == clip(count: 25))
        #expect(report.exitStatus == 0)
        // 25 frames of 20 ms, and not faster.
        let spoken = try #require(report.committed) - world.start
        #expect(spoken >= .milliseconds(500) && spoken < .milliseconds(700))
        #expect(world.server.isIdle)
    }

    @Test func `the mode changes in mid-speech`() throws {
        var world = try World(Self.transports[0], mode: .datagram, frames: clip(count: 25), modeChange: (.milliseconds(200), .stream))
        world.run(for: .seconds(5))
        #expect(world.conversation.report.receipt?.verdict == .intact)
        #expect(world.conversation.report.receipt?.mode == .stream)
    }

    @Test func `a server that never answers is given up after the limit`() throws {
        var world = try World(Self.transports[0], mode: .datagram, frames: clip(count: 1), isServerDeaf: true)
        world.run(for: .seconds(60))
        #expect(world.conversation.isFinished)
        #expect(world.conversation.report.failure == .notConnected(after: .seconds(10)))
        #expect(world.conversation.report.exitStatus == 2)
    }

    @Test func `a first connection that gets no socket ends the conversation, with the reason`() {
        struct NoRoute: Error {}
        let conversation = TalkConversation(over: .roq, script: TalkScript(frames: clip(count: 1)), began: .zero) { transport, path, now in
            ClientEndpoint(
                transport: transport, serverName: "localhost", credentials: ClientCredentials(.insecure), quic: QUICConfiguration(),
                client: ClientConfiguration(), path: path, entropy: Entropy(seed: 1), now: now)
        }
        #expect(conversation.takeOpening() == .roq)
        #expect(conversation.takeOpening() == nil)
        #expect(conversation.deadline == nil)
        conversation.failed(at: nil, NoRoute(), now: .zero)
        #expect(conversation.isFinished)
        #expect(conversation.openingFailure is NoRoute)
    }

    @Test func `a refused port ends the conversation at once`() throws {
        var world = try World(Self.transports[0], mode: .datagram, frames: clip(count: 1), isServerDeaf: true)
        world.conversation.peerRefused(now: world.now)
        world.run(for: .seconds(2))
        #expect(world.conversation.isFinished)
        #expect(world.conversation.report.failure == .refused)
    }

    @Test(arguments: transports.indices)
    func `a missing secret is told from a lost network`(transport: Int) throws {
        var world = try World(Self.transports[transport], mode: .datagram, frames: clip(count: 1), secret: "open sesame")
        world.run(for: .seconds(30))
        guard case .closed? = world.conversation.report.failure else {
            Issue.record("\(String(describing: world.conversation.report.failure))")
            return
        }
    }

    @Test func `an interrupted talker hangs up and says so`() throws {
        var world = try World(Self.transports[1], mode: .stream, frames: clip(count: 100))
        world.run(for: .seconds(1))
        world.conversation.interrupt(now: world.now)
        world.run(for: .seconds(3))
        #expect(world.conversation.isFinished)
        #expect(world.conversation.report.failure == .interrupted)
        #expect(world.server.isIdle)
    }
}

/// Opus packets of 20 ms (TOC 0x08: SILK, narrowband), each with a content of its own.
func clip(count: Int) -> [[UInt8]] { (0..<count).map { [0x08, UInt8($0), 1, 2, 3] } }

/// A talker and a server, 10 ms apart, without loss.
private struct World {
    let conversation: TalkConversation
    let server: ServerEndpoint
    let start = Instant(nanoseconds: 1_000_000_000)
    private(set) var now = Instant(nanoseconds: 1_000_000_000)
    private let isServerDeaf: Bool
    private var up: [(arrival: Instant, bytes: [UInt8])] = []
    private var down: [(arrival: Instant, bytes: [UInt8])] = []

    private static let clientPath = NetworkPath(
        local: PeerAddress(ipv4: 10, 0, 0, 1, port: 5000), remote: PeerAddress(ipv4: 10, 0, 0, 2, port: 4433))
    private static let serverPath = NetworkPath(local: clientPath.remote, remote: clientPath.local)

    init(
        _ transport: ClientTransport, mode: ReliabilityMode, frames: [[UInt8]],
        modeChange: (after: Duration, mode: ReliabilityMode)? = nil, secret: String? = nil, isServerDeaf: Bool = false
    ) throws {
        var configuration = ServerConfiguration(credentials: try .selfSigned(.ed25519, unixSeconds: 1_790_000_000))
        configuration.secret = secret
        server = ServerEndpoint(configuration: configuration, entropy: Entropy(seed: 1), now: now)
        var client = ClientConfiguration()
        client.mode = mode
        var script = TalkScript(frames: frames)
        script.modeChange = modeChange
        conversation = TalkConversation(over: .webtransport, script: script, began: now) { [client] transport, path, now in
            ClientEndpoint(
                transport: transport, serverName: "localhost", credentials: ClientCredentials(.insecure),
                quic: QUICConfiguration(), client: client, path: path, entropy: Entropy(seed: 2), now: now)
        }
        _ = conversation.takeOpening()
        _ = conversation.attach(over: transport, path: Self.clientPath, now: now)
        self.isServerDeaf = isServerDeaf
    }

    mutating func run(for duration: Duration) {
        let end = now + duration
        while now < end {
            pump()
            let next = earliest(conversation.deadline, server.deadline, up.first?.arrival, down.first?.arrival)
            guard let next, next <= end else { return now = end }
            now = max(now, next)
            deliver()
        }
    }

    private mutating func pump() {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_535, alignment: 16)
        defer { buffer.deallocate() }
        while let transmit = conversation.pollTransmit(into: buffer, from: Self.clientPath.local, now: now) {
            up += split(transmit, buffer)
        }
        while let transmit = server.pollTransmit(into: buffer, now: now) {
            down += split(transmit, buffer)
        }
        while server.pollNotice() != nil {}
    }

    private func split(_ transmit: Transmit, _ buffer: UnsafeMutableRawBufferPointer) -> [(arrival: Instant, bytes: [UInt8])] {
        let segment = transmit.segmentByteCount ?? transmit.byteCount
        return stride(from: 0, to: transmit.byteCount, by: segment).map { start in
            (now + .milliseconds(10), Array(buffer[start..<min(start + segment, transmit.byteCount)]))
        }
    }

    private mutating func deliver() {
        while let datagram = up.first, datagram.arrival <= now {
            up.removeFirst()
            if isServerDeaf { continue }
            datagram.bytes.withUnsafeBytes { server.receive($0, path: Self.serverPath, ecn: .notCapable, now: now) }
        }
        while let datagram = down.first, datagram.arrival <= now {
            down.removeFirst()
            datagram.bytes.withUnsafeBytes { conversation.receive($0, path: Self.clientPath, ecn: .notCapable, now: now) }
        }
        if let deadline = conversation.deadline, deadline <= now { conversation.handleTimeout(now: now) }
        if let deadline = server.deadline, deadline <= now { server.handleTimeout(now: now) }
    }
}
