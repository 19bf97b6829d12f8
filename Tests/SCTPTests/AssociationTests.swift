import SCTP
import SCTPLease
import Testing
import Wire

@Suite(.ownsSCTP) struct AssociationTests {
    @Test func `two ends connect, and a message arrives as it was sent`() throws {
        let pair = AssociationPair()
        pair.connect()
        #expect(pair.clientEvents == [.connected])
        #expect(pair.serverEvents == [.connected])
        try pair.client.send([1, 2, 3], stream: 7, protocolID: 51, now: pair.now)
        pair.run(for: .seconds(1))
        #expect(pair.serverEvents.last == .message(stream: 7, protocolID: 51, bytes: [1, 2, 3]))
        try pair.server.send([4], stream: 8, protocolID: 53, isOrdered: false, now: pair.now)
        pair.run(for: .seconds(1))
        #expect(pair.clientEvents.last == .message(stream: 8, protocolID: 53, bytes: [4]))
    }

    @Test func `an idle association asks for no timer`() throws {
        let pair = AssociationPair()
        pair.connect()
        try pair.client.send([1], stream: 0, protocolID: 51, now: pair.now)
        pair.run(for: .seconds(1))
        #expect(pair.client.deadline == nil)
        #expect(pair.server.deadline == nil)
        let count = pair.log.count
        pair.run(for: .seconds(3_600))
        #expect(pair.log.count == count)
    }

    @Test func `no packet is longer than the path allows`() throws {
        let pair = AssociationPair()
        pair.connect()
        let message = (0..<60_000).map { UInt8(truncatingIfNeeded: $0) }
        try pair.client.send(message, stream: 0, protocolID: 53, now: pair.now)
        pair.run(for: .seconds(5))
        #expect(messages(pair.serverEvents) == [message])
        #expect(pair.log.map(\.byteCount).max() ?? 0 <= 1_150)
    }

    @Test func `a new time line begins while associations of the old one are alive`() throws {
        let old = AssociationPair()
        old.connect()
        try old.client.send([1], stream: 0, protocolID: 51, now: old.now)
        old.run(for: .seconds(100))
        try old.client.send([1], stream: 0, protocolID: 51, now: old.now)
        let pair = AssociationPair()
        pair.loss = 1
        pair.start()
        pair.run(for: .seconds(60))
        #expect(pair.clientEvents == [.closed(.timedOut)])
        #expect(old.client.deadline != nil)
    }
}
