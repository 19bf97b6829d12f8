import DTLS
import SCTPLease
import Session
import Testing
import WebRTC
import Wire

@Suite(.ownsSCTP) struct WebRTCPeerTests {
    static let deliveries: [Delivery] = [
        .datagram, .redundant(depth: 2), .resent(within: .seconds(1)), .streamPerFrame, .expiring(within: .seconds(1)), .stream, .repaired,
    ]

    @Test func `events go both ways once the client has opened its channel`() throws {
        let pair = try WebRTCPair()
        #expect(pair.run { $0.clientEvents.contains(.opened) && $0.serverEvents.contains(.opened) })
        try pair.client.send(event: Array("from the client".utf8), now: pair.now)
        try pair.server.send(event: Array("from the server".utf8), now: pair.now)
        #expect(pair.run { $0.serverTexts == ["from the client"] && $0.clientTexts == ["from the server"] })
    }

    @Test(arguments: deliveries)
    func `frames arrive as they were sent, in both directions`(delivery: Delivery) throws {
        let pair = try WebRTCPair(delivery: delivery)
        #expect(pair.run { $0.clientEvents.contains(.opened) })
        try pair.speak(50, delivery: delivery)
        pair.run(for: .milliseconds(500))
        #expect(pair.serverFrames == (0..<50).map { WebRTCPair.frame($0) })
        for index in 0..<50 { try pair.server.send(frame: WebRTCPair.frame(index), delivery: delivery, now: pair.now) }
        pair.run(for: .milliseconds(500))
        #expect(pair.clientFrames.sorted { $0.sequence < $1.sequence } == (0..<50).map { WebRTCPair.frame($0) })
    }

    /// One round trip: check and ClientHello together, then the flight that makes the client's keys.
    @Test func `an offer names the candidates that the client has`() throws {
        var settings = WebRTCClientConfiguration(identity: try .selfSigned(.ed25519, unixSeconds: 1_790_000_000))
        let now = Instant(nanoseconds: 1_000_000_000)
        let bare = WebRTCPeer(offeringWith: settings, delivery: .datagram, entropy: Entropy(seed: 1), now: now)
        #expect(!bare.offer.contains("a=candidate:"))
        settings.candidates = [WebRTCPair.clientAddress]
        let peer = WebRTCPeer(offeringWith: settings, delivery: .datagram, entropy: Entropy(seed: 1), now: now)
        #expect(peer.offer.contains("a=candidate:"))
    }

    @Test func `a client may speak after one round trip`() throws {
        let pair = try WebRTCPair(delay: .milliseconds(50))
        let start = pair.now
        #expect(pair.run { $0.clientOpened != nil })
        #expect(pair.clientOpened.map { $0 - start } == .milliseconds(100))
    }

    /// Two for DTLS; SCTP's own two are saved by what offer and answer say (`a=sctp-init`), or only one of them is, by sending
    /// data with the COOKIE ECHO.
    @Test(arguments: [(true, 5), (false, 7)])
    func `an event arrives as early as the protocols let it`(negotiatesSCTP: Bool, oneWays: Int) throws {
        let pair = try WebRTCPair(delay: .milliseconds(50)) { $0.negotiatesSCTP = negotiatesSCTP }
        let start = pair.now
        #expect(pair.run { $0.clientOpened != nil })
        try pair.client.send(event: Array("hello".utf8), now: pair.now)
        #expect(pair.run { $0.serverTexts == ["hello"] })
        #expect(pair.now - start == .milliseconds(50 * oneWays))
    }

    @Test func `a closed connection tells the peer, after what was sent before`() throws {
        let pair = try WebRTCPair()
        #expect(pair.run { $0.clientEvents.contains(.opened) })
        try pair.client.send(event: Array("hello".utf8), now: pair.now)
        pair.run(for: .seconds(1))
        try pair.server.send(event: Array("last words".utf8), now: pair.now)
        pair.server.close(code: 7, reason: "enough", now: pair.now)
        #expect(pair.run { $0.server.isClosed && $0.client.isClosed })
        #expect(pair.clientTexts == ["last words"])
        #expect(pair.serverEvents.last == .closed(TransportClose(code: 7, reason: "enough", origin: .local)))
        guard case .closed(let close) = pair.clientEvents.last else {
            Issue.record("the client was not told")
            return
        }
        #expect(close.origin == .peer)
    }

    @Test func `the same seeds give the same packets at the same times`() throws {
        func log() throws -> [String] {
            let pair = try WebRTCPair(delivery: .stream)
            pair.drops = { _, number, _ in number % 7 == 3 }
            #expect(pair.run { $0.clientEvents.contains(.opened) })
            try pair.speak(50, delivery: .stream)
            pair.run(for: .seconds(5))
            return pair.log
        }
        let first = try log()
        #expect(first.count > 100)
        let second = try log()
        let difference = zip(first, second).first { $0 != $1 }
        #expect(difference == nil)
        #expect(first.count == second.count)
    }

    /// DTLS repeats its flights long before the answer can come: what comes meanwhile is no answer.
    @Test(arguments: [(50, 50), (100, 98), (600, 580), (1_500, 1_450)])
    func `no round trip is taken for shorter than the path allows`(first: Int, then: Int) throws {
        let pair = try WebRTCPair(delay: .milliseconds(first / 2))
        // ICE takes a round trip, DTLS's first flight half of one more.
        pair.run(for: .milliseconds(first * 3 / 2 + 10))
        pair.delay = .milliseconds(then / 2)
        #expect(pair.run(for: .seconds(20)) { $0.clientEvents.contains(.opened) && $0.serverEvents.contains(.opened) })
        try pair.speak(50, delivery: .datagram)
        pair.run(for: .seconds(10))
        let path = Duration.milliseconds(then)
        #expect(pair.client.minimumRTT >= path && pair.client.minimumRTT <= .milliseconds(first + 1))
        #expect(pair.server.minimumRTT == .zero || pair.server.minimumRTT >= path)
        if first < 120 { #expect(pair.server.minimumRTT > .zero) }
    }

    @Test(arguments: [50, 1_000])
    func `over a path of long round trips a call sends nothing twice for nothing`(milliseconds: Int) throws {
        let pair = try WebRTCPair(delay: .milliseconds(milliseconds / 2), delivery: .stream)
        #expect(pair.run(for: .seconds(20)) { $0.clientEvents.contains(.opened) && $0.serverEvents.contains(.opened) })
        let before = pair.log.count
        try pair.speak(50, delivery: .stream)
        pair.run(for: .seconds(10))
        #expect(pair.serverFrames.count == 50)
        let bytes = pair.log[before...].filter { $0.contains(" up ") }.reduce(0) { $0 + (Int($1.split(separator: " ")[2]) ?? 0) }
        #expect(bytes < 50 * 200, "\(bytes)")
    }
}
