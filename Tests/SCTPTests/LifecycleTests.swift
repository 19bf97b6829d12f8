import SCTP
import SCTPLease
import Testing
import Wire

@Suite(.ownsSCTP) struct LifecycleTests {
    /// What an association is doing when it goes away.
    enum Phase: CaseIterable {
        case idle, initiating, answered, echoed, connected, sending, receiving, resetting, closed
    }

    /// Runs a pair up to `phase`.
    private func pair(in phase: Phase, seed: UInt64) throws -> AssociationPair {
        let pair = AssociationPair(seed: seed)
        switch phase {
        case .idle: break
        case .initiating: pair.start()
        case .answered:
            pair.start()
            pair.run(for: pair.delay * 1.5)
        case .echoed:
            pair.start()
            pair.run(for: pair.delay * 2.5)
        case .connected: pair.connect()
        case .sending:
            pair.connect()
            for _ in 0..<20 { try pair.client.send([UInt8](repeating: 1, count: 5_000), stream: 0, protocolID: 53, now: pair.now) }
        case .receiving:
            pair.connect()
            for _ in 0..<20 { try pair.client.send([UInt8](repeating: 1, count: 5_000), stream: 0, protocolID: 53, now: pair.now) }
            pair.run(for: pair.delay * 1.2)
        case .resetting:
            pair.connect()
            pair.client.resetStream(3, now: pair.now)
        case .closed:
            pair.connect()
            pair.client.close(now: pair.now)
        }
        return pair
    }

    @Test(arguments: Phase.allCases)
    func `an association may go away in any state, and time goes on for others`(phase: Phase) throws {
        let living = SCTPEngine.shared.livingCount
        for round in 0..<20 { _ = try pair(in: phase, seed: UInt64(round)) }
        #expect(SCTPEngine.shared.livingCount == living)
        let other = AssociationPair()
        other.connect()
        for _ in 0..<100 {
            try other.client.send([1], stream: 0, protocolID: 53, now: other.now)
            other.run(for: .milliseconds(200))
        }
        #expect(messages(other.serverEvents).count == 100)
    }

    @Test func `thousands come and go`() throws {
        let living = SCTPEngine.shared.livingCount
        for round in 0..<1_000 {
            _ = try pair(in: Phase.allCases[round % Phase.allCases.count], seed: UInt64(round))
        }
        #expect(SCTPEngine.shared.livingCount == living)
    }

    @Test func `close tells the peer`() throws {
        let pair = AssociationPair()
        pair.connect()
        pair.client.close(now: pair.now)
        pair.run(for: .seconds(1))
        #expect(pair.clientEvents.last == .closed(.local))
        #expect(pair.serverEvents.last == .closed(.peerAborted))
        #expect(pair.client.deadline == nil && pair.server.deadline == nil)
        #expect(throws: SCTPRefusal.notConnected) {
            try pair.client.send([1], stream: 0, protocolID: 53, now: pair.now)
        }
        // Nothing happens any more, whatever is done.
        pair.client.close(now: pair.now)
        pair.client.start(now: pair.now)
        pair.client.handleTimeout(now: pair.now)
        #expect(pair.client.pollTransmit() == nil && pair.client.pollEvent() == nil)
    }

    @Test func `what is sent before the peer answers travels with the cookie`() throws {
        let pair = AssociationPair()
        pair.start()
        try pair.client.send([1, 2], stream: 0, protocolID: 50, now: pair.now)
        try pair.client.send([3], stream: 0, protocolID: 51, now: pair.now)
        pair.run(for: .seconds(2)) { messages(pair.serverEvents).count == 2 }
        #expect(messages(pair.serverEvents) == [[1, 2], [3]])
        // INIT, INIT ACK, COOKIE ECHO and DATA: one and a half round trips.
        #expect(pair.now - .zero == pair.delay * 3)
    }

    @Test func `both ends may begin`() {
        let pair = AssociationPair()
        // The INITs of the first half second are lost, so both repeat their own.
        pair.isLost = { _, _, now in now < Instant(nanoseconds: 500_000_000) }
        pair.start()
        pair.run(for: .seconds(10)) { pair.client.isConnected && pair.server.isConnected }
        #expect(pair.clientEvents == [.connected])
        #expect(pair.serverEvents == [.connected])
    }

    @Test func `a stream is reset after everything on it is delivered`() throws {
        let pair = AssociationPair()
        pair.connect()
        for index in 0..<30 {
            try pair.client.send([UInt8](repeating: UInt8(index), count: 2_000), stream: 2, protocolID: 53, now: pair.now)
        }
        pair.client.resetStream(2, now: pair.now)
        pair.run(for: .seconds(5))
        #expect(messages(pair.serverEvents).count == 30)
        #expect(pair.serverEvents.last == .streamReset(2))
        pair.server.resetStream(2, now: pair.now)
        pair.run(for: .seconds(5))
        #expect(pair.clientEvents.last == .streamReset(2))
        // The stream begins anew.
        try pair.client.send([9], stream: 2, protocolID: 53, now: pair.now)
        pair.run(for: .seconds(5))
        #expect(pair.serverEvents.last == .message(stream: 2, protocolID: 53, bytes: [9]))
        #expect(pair.client.deadline == nil && pair.server.deadline == nil)
    }

    @Test func `a stream whose last message was given up is reset too`() throws {
        let pair = AssociationPair()
        pair.connect()
        var isFirst = true
        pair.isLost = { sender, _, _ in
            defer { if sender == .client { isFirst = false } }
            return sender == .client && isFirst
        }
        try pair.client.send([1], stream: 2, protocolID: 53, reliability: .maxRetransmits(0), now: pair.now)
        pair.client.resetStream(2, now: pair.now)
        pair.run(for: .seconds(3))
        #expect(pair.serverEvents == [.connected, .streamReset(2)])
        #expect(pair.client.deadline == nil)
    }
}
