import SCTP
import SCTPLease
import Testing
import Wire

@Suite(.ownsSCTP) struct RecoveryTests {
    private let configuration = SCTPConfiguration()

    /// A lost last packet has only the timer. One missed T3 would double the RTO and wait again.
    @Test(arguments: [5, 20, 49, 50, 51, 80, 150, 250])
    func `a lost tail is repaired by the first timer, whatever the round trip`(oneWayMilliseconds: Int) throws {
        let pair = AssociationPair()
        pair.delay = .milliseconds(oneWayMilliseconds)
        pair.connect()
        // Round trips of one length let the deviation shrink to nothing, so that T3 comes as early as it can.
        for _ in 0..<40 {
            try pair.client.send([1, 2, 3, 4], stream: 0, protocolID: 53, now: pair.now)
            pair.run(for: .milliseconds(3 * oneWayMilliseconds + 40))
        }
        for round in 0..<20 {
            pair.run(for: .nanoseconds(Int64(round) * 700_001))
            let sent = pair.now
            var isFirst = true
            pair.isLost = { sender, _, _ in
                defer { if sender == .client { isFirst = false } }
                return sender == .client && isFirst
            }
            let before = pair.serverEvents.count
            try pair.client.send([UInt8(round)], stream: 0, protocolID: 53, now: pair.now)
            pair.run(for: .seconds(5)) { pair.serverEvents.count > before }
            let waited = pair.now - sent
            let roundTrip = Duration.milliseconds(2 * oneWayMilliseconds)
            // The round trip is measured with the delay of the acknowledgement, and a timer is looked at every 10 ms.
            let first = max(configuration.timing.minimumRTO, roundTrip + .milliseconds(30) + roundTrip / 4)
            #expect(waited < first * 1.1 + .milliseconds(oneWayMilliseconds + 20), "round \(round)")
            pair.isLost = { _, _, _ in false }
            // A doubled RTO stays until a round trip is measured again.
            for _ in 0..<5 {
                try pair.client.send([0], stream: 0, protocolID: 53, now: pair.now)
                pair.run(for: .seconds(1))
            }
        }
    }

    @Test func `what is older than its lifetime is neither sent nor sent again`() throws {
        let pair = AssociationPair()
        pair.connect()
        let start = pair.now
        // Nothing gets through for a second, and a frame is sent every 20 ms.
        pair.isLost = { _, _, now in now - start < .seconds(1) }
        for index in 0..<100 {
            try pair.client.send(
                [UInt8](repeating: UInt8(index), count: 100), stream: 0, protocolID: 53, isOrdered: false,
                reliability: .maxLifetime(.milliseconds(150)), now: pair.now)
            pair.run(for: .milliseconds(20))
        }
        pair.run(for: .seconds(5))
        var worst = Duration.zero
        var indices: Set<UInt8> = []
        for (event, time) in zip(pair.serverEvents, pair.serverEventTimes) {
            guard case .message(_, _, let bytes) = event, let index = bytes.first else { continue }
            indices.insert(index)
            worst = max(worst, time - (start + .milliseconds(20 * Int(index))))
        }
        #expect(worst <= .milliseconds(150) + pair.delay + SCTPAssociation.timerStep, "worst \(worst)")
        // Those sent in the last second before the end arrive: giving up is told by FORWARD-TSN, and the window opens.
        #expect(indices.contains(99))
        #expect(indices.count < 70)
        pair.run(for: .seconds(20))
        #expect(pair.client.deadline == nil)
    }

    @Test func `a message that may not be sent again is not`() throws {
        let pair = AssociationPair()
        pair.connect()
        var losses = 0
        pair.isLost = { sender, _, _ in
            guard sender == .client, losses < 1 else { return false }
            losses += 1
            return true
        }
        try pair.client.send([1], stream: 0, protocolID: 53, reliability: .maxRetransmits(0), now: pair.now)
        pair.run(for: .seconds(3))
        try pair.client.send([2], stream: 0, protocolID: 53, reliability: .maxRetransmits(0), now: pair.now)
        pair.run(for: .seconds(3))
        #expect(messages(pair.serverEvents) == [[2]])
    }

    @Test func `reliable messages all come, in order on each stream, through a quarter of loss`() throws {
        let pair = AssociationPair(seed: 9)
        pair.loss = 0.25
        pair.start()
        for index in 0..<200 {
            try pair.client.send([UInt8(index)], stream: UInt16(index % 3), protocolID: 53, now: pair.now)
            pair.run(for: .milliseconds(20))
        }
        pair.run(for: .seconds(120)) { messages(pair.serverEvents).count == 200 }
        var streams: [UInt16: [UInt8]] = [:]
        for case .message(let stream, _, let bytes) in pair.serverEvents { streams[stream, default: []] += bytes }
        for stream in 0..<3 {
            #expect(streams[UInt16(stream)] == (0..<200).filter { $0 % 3 == stream }.map { UInt8($0) })
        }
    }

    /// With the path's own limit of five timeouts, what came after such an outage would wait for ever.
    @Test func `what is sent after an outage of eight timeouts arrives`() throws {
        let pair = AssociationPair()
        pair.connect()
        var losses = 0
        pair.isLost = { sender, _, _ in
            guard sender == .client, losses < 8 else { return false }
            losses += 1
            return true
        }
        try pair.client.send([1], stream: 0, protocolID: 53, now: pair.now)
        pair.run(for: .seconds(60)) { messages(pair.serverEvents).count == 1 }
        #expect(losses == 8)
        for index in UInt8(2)..<10 {
            pair.run(for: .seconds(1))
            try pair.client.send([index], stream: 0, protocolID: 53, now: pair.now)
        }
        pair.run(for: .seconds(1))
        #expect(messages(pair.serverEvents) == (1..<10).map { [UInt8($0)] })
    }

    @Test(arguments: [(delay: 25, gap: 400), (delay: 300, gap: 1_200)])
    func `in an outage an attempt comes every 400 ms, or every other round trip where that is longer`(delay: Int, gap: Int) throws {
        let pair = AssociationPair()
        pair.delay = .milliseconds(delay)
        pair.connect()
        for index in 0..<20 as Range<UInt8> {
            try pair.client.send([index], stream: 0, protocolID: 53, now: pair.now)
            pair.run(for: .milliseconds(700))
        }
        pair.loss = 1
        try pair.client.send([99], stream: 0, protocolID: 53, now: pair.now)
        let start = pair.now
        pair.run(for: .seconds(10))
        let attempts = pair.log.filter { $0.sender == .client && $0.nanoseconds > start.nanoseconds }.map(\.nanoseconds)
        let gaps = zip(attempts.dropFirst(2), attempts.dropFirst()).map { Int($0 - $1) / 1_000_000 }
        #expect(gaps.count >= 10_000 / gap - 3)
        #expect(gaps.allSatisfy { $0 <= gap * 11 / 10 + 20 }, "\(gaps)")
        #expect(gaps.allSatisfy { $0 >= gap * 8 / 10 - 20 }, "\(gaps)")
        pair.loss = 0
        pair.run(for: .seconds(3))
        #expect(messages(pair.serverEvents).last == [99])
    }

    @Test func `an outage of ten seconds does not end the association, and one of twenty does`() throws {
        let pair = AssociationPair()
        pair.connect()
        try pair.client.send([1], stream: 0, protocolID: 53, now: pair.now)
        pair.run(for: .seconds(1))
        pair.loss = 1
        try pair.client.send([2], stream: 0, protocolID: 53, now: pair.now)
        pair.run(for: .seconds(10))
        #expect(pair.client.isConnected)
        pair.run(for: .seconds(10))
        #expect(pair.clientEvents.last == .closed(.timedOut))
    }

    @Test func `a peer that falls silent ends the association`() throws {
        let pair = AssociationPair()
        pair.connect()
        pair.loss = 1
        try pair.client.send([1], stream: 0, protocolID: 53, now: pair.now)
        pair.run(for: .seconds(120))
        #expect(pair.clientEvents.last == .closed(.timedOut))
        #expect(pair.client.deadline == nil)
    }

    @Test func `a peer that never answers fails the handshake`() {
        let pair = AssociationPair()
        pair.loss = 1
        pair.start()
        pair.run(for: .seconds(60))
        #expect(pair.clientEvents == [.closed(.timedOut)])
        #expect(pair.now - .zero >= .seconds(60))
    }
}
