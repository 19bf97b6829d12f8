import SCTPLease
import Session
import Testing
import WebRTC
import Wire

/// What gets through a path that loses packets, and how.
@Suite(.ownsSCTP) struct LossTests {
    /// SRTP and SRTCP: what the first byte says (RFC 9443 section 3).
    private static func isMedia(_ bytes: [UInt8]) -> Bool { (128...191).contains(bytes[0]) }
    /// RTCP's packet types stand where RTP has marker and payload type (RFC 5761 section 4).
    private static func isFrame(_ bytes: [UInt8]) -> Bool { isMedia(bytes) && !(192...223).contains(bytes[1]) }

    @Test(arguments: 0..<8, [true, false])
    func `the connection opens whichever of its first datagrams is lost`(number: Int, toServer: Bool) throws {
        let pair = try WebRTCPair()
        pair.drops = { direction, count, _ in direction == toServer && count == number }
        #expect(pair.run(for: .seconds(10)) { $0.clientEvents.contains(.opened) && $0.serverEvents.contains(.opened) })
        try pair.client.send(event: Array("hello".utf8), now: pair.now)
        #expect(pair.run(for: .seconds(10)) { $0.serverTexts == ["hello"] })
    }

    @Test func `a tenth of all packets lost keeps nobody from connecting`() throws {
        for seed in 1...20 as ClosedRange<UInt64> {
            let pair = try WebRTCPair()
            var random = Xoshiro256(seed: seed)
            pair.drops = { _, _, _ in random.nextUnit() < 0.1 }
            #expect(pair.run(for: .seconds(20)) { $0.clientEvents.contains(.opened) && $0.serverEvents.contains(.opened) }, "seed \(seed)")
            try pair.client.send(event: Array("hello".utf8), now: pair.now)
            #expect(pair.run(for: .seconds(20)) { $0.serverTexts == ["hello"] }, "seed \(seed)")
        }
    }

    @Test(arguments: [Duration.milliseconds(50), .milliseconds(1_500)])
    func `frames that overtake the keys are kept for them`(outage: Duration) throws {
        let pair = try WebRTCPair()
        var lastFlight: Instant?
        // The client's last flight and its repetitions are lost for a while: the keys are late.
        pair.drops = { [unowned pair] toServer, _, bytes in
            guard toServer, (20...63).contains(bytes[0]), pair.clientEvents.contains(.opened) else { return false }
            let first = lastFlight ?? pair.now
            lastFlight = first
            return pair.now - first <= outage
        }
        #expect(pair.run { $0.clientEvents.contains(.opened) })
        try pair.speak(150, delivery: .datagram)
        pair.run(for: .seconds(2))
        #expect(pair.serverFrames.map(\.sequence) == Array(0..<150))
    }

    @Test func `a datagram that is lost stays lost`() throws {
        let pair = try open(.datagram)
        dropFrames(pair, [3, 4, 5, 20])
        try pair.speak(40, delivery: .datagram)
        pair.run(for: .seconds(3))
        #expect(pair.serverFrames.map(\.sequence) == (0..<40).filter { ![3, 4, 5, 20].contains($0) })
    }

    @Test func `what is lost is asked for and sent again, once for each loss`() throws {
        let pair = try open(.resent(within: .seconds(1)))
        dropFrames(pair, [3, 4, 5, 20])
        try pair.speak(40, delivery: .resent(within: .seconds(1)))
        pair.run(for: .seconds(3))
        #expect(Set(pair.serverFrames.map(\.sequence)) == Set(0..<40))
        #expect(pair.serverFrames.count == 40)
        #expect(Set(pair.serverFrames.filter { $0.recovery == .nack }.map(\.sequence)) == [3, 4, 5, 20])
    }

    @Test(arguments: [1, 4, 9]) func `a lost beginning is asked for, since the first frame that comes does not begin a talk`(count: Int) throws {
        let pair = try open(.resent(within: .seconds(1)))
        dropFrames(pair, Set(0..<count))
        try pair.speak(30, delivery: .resent(within: .seconds(1)))
        pair.run(for: .seconds(2))
        #expect(pair.serverFrames.map(\.sequence).sorted() == Array(0..<30))
        #expect(Set(pair.serverFrames.filter { $0.recovery == .nack }.map(\.sequence)) == Set(0..<UInt16(count)))
    }

    @Test func `the tail is asked for when a commit tells of it`() throws {
        let pair = try open(.resent(within: .seconds(1)))
        dropFrames(pair, [8, 9])
        try pair.speak(10, delivery: .resent(within: .seconds(1)))
        pair.run(for: .milliseconds(500))
        #expect(pair.serverFrames.count == 8)
        pair.server.expect(from: 0, through: 9, now: pair.now)
        pair.run(for: .milliseconds(500))
        #expect(pair.serverFrames.map(\.sequence) == Array(0..<10))
    }

    @Test func `a sender report tells of a tail that did not come`() throws {
        let pair = try open(.datagram)
        dropFrames(pair, [200, 201, 202])
        try pair.speak(200, delivery: .datagram)
        #expect(!pair.serverEvents.contains { if case .framesAnnounced = $0 { true } else { false } })
        try pair.speak(3, from: 200, delivery: .datagram)
        pair.run(for: .seconds(2))
        #expect(pair.serverFrames.count == 200)
        #expect(pair.serverEvents.contains(.framesAnnounced(through: 202)))
    }

    @Test func `a report is not believed where the beginning is unknown`() throws {
        let pair = try open(.datagram)
        dropFrames(pair, [0, 200])
        try pair.speak(201, delivery: .datagram)
        pair.run(for: .seconds(2))
        #expect(!pair.serverEvents.contains { if case .framesAnnounced = $0 { true } else { false } })
    }

    // MARK: Repair

    @Test func `what is lost once comes by SRTP, what is lost twice by the channel, each frame once`() throws {
        let pair = try open(.repaired)
        var counts: [UInt16: Int] = [:]
        pair.drops = { toServer, _, bytes in
            guard toServer, Self.isFrame(bytes), bytes[1] & 0x7F == 111 else { return false }
            let sequence = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
            counts[sequence, default: 0] += 1
            return [5, 6, 7].contains(sequence) && counts[sequence] == 1 || [20, 21].contains(sequence)
        }
        try pair.speak(60, delivery: .repaired)
        pair.run(for: .seconds(3))
        #expect(pair.serverFrames.map(\.sequence).sorted() == Array(0..<60))
        #expect(Set(pair.serverFrames.filter { $0.recovery == .nack }.map(\.sequence)) == [5, 6, 7])
        #expect(Set(pair.serverFrames.filter { $0.recovery == .repair }.map(\.sequence)) == [20, 21])
        #expect(pair.serverFrames.allSatisfy { $0.payload == WebRTCPair.frame(Int($0.sequence)).payload })
    }

    @Test func `a lost tail and its commit come with a closing marker, and the answer to it ends the markers`() throws {
        let pair = try open(.repaired)
        var isDown = false
        pair.drops = { toServer, _, _ in toServer && isDown }
        try pair.speak(10, delivery: .repaired)
        isDown = true
        try pair.speak(4, from: 10, delivery: .repaired)
        try pair.client.send(event: Array("commit".utf8), now: pair.now)
        pair.client.endTalk(now: pair.now)
        pair.run(for: .milliseconds(90))
        isDown = false
        let up = pair.now
        #expect(pair.run(for: .seconds(1)) { $0.serverTexts == ["commit"] && $0.serverFrames.count == 14 })
        #expect(pair.now - up <= .milliseconds(20 + 25 + 1))
        pair.run(for: .milliseconds(100))
        let quiet = pair.log.count
        pair.run(for: .milliseconds(300))
        #expect(pair.log.count - quiet < 10)
        pair.run(for: .seconds(5))
        #expect(pair.serverTexts == ["commit"] && pair.serverFrames.count == 14)
    }

    @Test func `while requests are lost on their way, markers bring what was lost more than a second before the end`() throws {
        let pair = try open(.repaired)
        var losesFrames = false, losesRequests = false
        pair.drops = { toServer, _, bytes in
            guard Self.isFrame(bytes) || !toServer else { return false }
            return toServer ? losesFrames : losesRequests
        }
        losesRequests = true
        try pair.speak(10, delivery: .repaired)
        losesFrames = true
        try pair.speak(3, from: 10, delivery: .repaired)
        losesFrames = false
        try pair.speak(60, from: 13, delivery: .repaired)
        #expect(!pair.serverFrames.contains { (10...12).contains($0.sequence) })
        pair.client.endTalk(now: pair.now)
        let end = pair.now
        #expect(pair.run(for: .seconds(2)) { $0.serverFrames.count == 73 })
        #expect(pair.now - end <= .milliseconds(400))
        #expect(pair.serverFrames.filter { $0.recovery == .repair }.map(\.sequence).sorted() == [10, 11, 12])
    }

    @Test func `a peer without our channel gets no markers and still has its losses sent again by SRTP`() throws {
        let pair = try open(.resent(within: .seconds(1)))
        pair.server.receives(.repaired, now: pair.now)
        // This server answers in mode repair to a client that knows nothing of it.
        pair.client.receives(.resent(within: .seconds(5)), now: pair.now)
        var dropped: Set<UInt16> = []
        var markers = 0
        pair.drops = { toServer, _, bytes in
            guard !toServer, Self.isFrame(bytes) else { return false }
            if bytes[1] & 0x7F == 98 { markers += 1 }
            let sequence = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
            return [3, 4].contains(sequence) && dropped.insert(sequence).inserted
        }
        for index in 0..<20 {
            try pair.server.send(frame: WebRTCPair.frame(index), delivery: .repaired, now: pair.now)
            pair.run(for: .milliseconds(20))
        }
        pair.server.endTalk(now: pair.now)
        pair.run(for: .seconds(2))
        #expect(pair.clientFrames.map(\.sequence).sorted() == Array(0..<20))
        #expect(markers == 0)
    }

    @Test func `redundancy covers losses as long as its depth, bit for bit`() throws {
        let pair = try open(.redundant(depth: 2))
        dropFrames(pair, [3, 4, 10, 20, 21, 22])
        try pair.speak(40, delivery: .redundant(depth: 2))
        pair.run(for: .seconds(2))
        let frames = pair.serverFrames
        #expect(frames.map(\.sequence) == (0..<40).filter { $0 != 20 })
        #expect(frames.filter { $0.recovery == .red }.map(\.sequence) == [3, 4, 10, 21, 22])
        #expect(frames.allSatisfy { $0.payload == WebRTCPair.frame(Int($0.sequence)).payload })
    }

    @Test(arguments: [Delivery.stream, .streamPerFrame])
    func `reliable channels lose nothing`(delivery: Delivery) throws {
        let pair = try open(delivery)
        var random = Xoshiro256(seed: 5)
        pair.drops = { _, _, _ in random.nextUnit() < 0.2 }
        try pair.speak(100, delivery: delivery)
        pair.run(for: .seconds(30)) { $0.serverFrames.count == 100 }
        let sequences = pair.serverFrames.map(\.sequence)
        #expect(sequences.sorted() == Array(0..<100))
        if delivery == .stream { #expect(sequences == Array(0..<100)) }
    }

    @Test func `a channel with a lifetime gives up what is too old`() throws {
        let age = Duration.milliseconds(300)
        let pair = try open(.expiring(within: age))
        let start = pair.now
        pair.drops = { [unowned pair] _, _, _ in pair.now - start > .seconds(1) && pair.now - start < .seconds(3) }
        try pair.speak(300, delivery: .expiring(within: age))
        pair.run(for: .seconds(5))
        let sequences = Set(pair.serverFrames.map(\.sequence))
        // Spoken well before the outage, or after it and SCTP's doubled timer.
        #expect(sequences.isSuperset(of: 0..<40))
        #expect(sequences.isSuperset(of: 250..<300))
        // In its midst.
        #expect(sequences.isDisjoint(with: 60..<120))
    }

    private func open(_ delivery: Delivery) throws -> WebRTCPair {
        let pair = try WebRTCPair(delivery: delivery)
        pair.server.receives(delivery, now: pair.now)
        #expect(pair.run { $0.clientEvents.contains(.opened) && $0.serverEvents.contains(.opened) })
        pair.run(for: .seconds(1))
        return pair
    }

    /// Drops the first packet of each of these frames.
    private func dropFrames(_ pair: WebRTCPair, _ numbers: Set<Int>) {
        var dropped: Set<UInt16> = []
        pair.drops = { toServer, _, bytes in
            guard toServer, Self.isFrame(bytes) else { return false }
            let sequence = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
            return numbers.contains(Int(sequence)) && dropped.insert(sequence).inserted
        }
    }
}
