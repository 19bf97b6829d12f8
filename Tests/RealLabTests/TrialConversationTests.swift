import Endpoint
import Lab
import Opus
import QUIC
import RoQ
import Server
import Session
import Testing
import WebSocket
import Wire

@testable import RealLab

/// When a trial's client connects, without a socket.
@Suite struct TrialConversationTests {
    private static let origin = Instant(nanoseconds: 5_000_000_000)
    private static let early = Instant(nanoseconds: 4_000_000_000)
    private static let path = NetworkPath(
        local: PeerAddress(ipv4: 10, 0, 0, 1, port: 5000), remote: PeerAddress(ipv4: 10, 0, 0, 2, port: 4433))
    private static let webSocket = ClientTransport.webSocket(WebSocketClientConfiguration(authority: "10.0.0.2:4433"))

    private static func conversation(_ first: TrialTransport) -> TrialConversation {
        let clip = Clip(
            name: "c", frames: Array(repeating: [0x08, 1], count: 3), frameDuration: .milliseconds(20), playableSampleCount: 2880, preSkip: 0)
        return TrialConversation(
            clip: clip, course: TrialCourse(first: first), origin: origin, speaksWhileOpening: false
        ) { transport, path, now in
            ClientEndpoint(
                transport: transport, serverName: "localhost", credentials: ClientCredentials(.insecure), quic: QUICConfiguration(),
                client: ClientConfiguration(), path: path, entropy: Entropy(seed: 1), now: now)
        }
    }

    private static func sends(_ conversation: TrialConversation, now: Instant) -> Bool {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_535, alignment: 16)
        defer { buffer.deallocate() }
        return conversation.pollTransmit(into: buffer, from: path.local, now: now) != nil
    }

    @Test func `a socket for datagrams is opened ahead of the origin, and silent until then`() {
        let conversation = Self.conversation(.roq)
        #expect(conversation.takeOpening() == .roq)
        #expect(conversation.takeOpening() == nil)
        let isWanted = conversation.attach(over: .roq(RoQConfiguration()), path: Self.path, now: Self.early)
        #expect(isWanted)
        #expect(conversation.client == nil)
        #expect(!Self.sends(conversation, now: Self.early))
        #expect(conversation.deadline == Self.origin)
        conversation.handleTimeout(now: Self.origin)
        #expect(Self.sends(conversation, now: Self.origin))
    }

    @Test func `a socket for datagrams that comes late begins at once`() {
        let conversation = Self.conversation(.roq)
        _ = conversation.takeOpening()
        conversation.handleTimeout(now: Self.origin)
        #expect(conversation.client == nil)
        let late = Self.origin + .milliseconds(3)
        _ = conversation.attach(over: .roq(RoQConfiguration()), path: Self.path, now: late)
        #expect(Self.sends(conversation, now: late))
    }

    @Test func `TCP is connected at the origin, and not before`() {
        let conversation = Self.conversation(.webSocket)
        #expect(conversation.takeOpening() == nil)
        conversation.handleTimeout(now: Self.origin)
        #expect(conversation.takeOpening() == .websocket)
        let isWanted = conversation.attach(over: Self.webSocket, path: Self.path, now: Self.origin + .milliseconds(100))
        #expect(isWanted)
        #expect(conversation.pollWrite(1_000, from: Self.path.local, now: Self.origin + .milliseconds(100)) != nil)
    }

    @Test func `a first connection that comes to nothing ends the trial, with the reason`() {
        struct NoRoute: Error {}
        let conversation = Self.conversation(.webSocket)
        conversation.handleTimeout(now: Self.origin)
        conversation.failed(at: nil, NoRoute(), now: Self.origin)
        #expect(conversation.isOver)
        #expect(conversation.talk.record.end.contains("NoRoute"))
    }

    @Test func `a first connection that nobody answers ends the trial`() {
        let conversation = Self.conversation(.webSocket)
        conversation.handleTimeout(now: Self.origin)
        #expect(conversation.deadline == Self.origin + TrialSettings.setupPatience)
        conversation.handleTimeout(now: Self.origin + TrialSettings.setupPatience)
        #expect(conversation.isOver)
    }
}
