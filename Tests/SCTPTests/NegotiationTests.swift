import SCTP
import SCTPLease
import Testing
import Wire

/// The handshake through SDP (draft-hancke-tsvwg-snap-00).
@Suite(.ownsSCTP) struct NegotiationTests {
    /// The INIT chunk of the draft's example, `AQAAHols3R0AUAAA/////+B5ZR3AAAAEgAgABoLA`.
    private let example: [UInt8] = [
        0x01, 0x00, 0x00, 0x1E, 0x89, 0x6C, 0xDD, 0x1D, 0x00, 0x50, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xE0, 0x79, 0x65, 0x1D,
        0xC0, 0x00, 0x00, 0x04, 0x80, 0x08, 0x00, 0x06, 0x82, 0xC0,
    ]

    /// A pair whose ends have exchanged their INITs, as much later as signalling, ICE and DTLS take.
    private func established(after wait: Duration = .milliseconds(300), seed: UInt64 = 1) throws -> AssociationPair {
        let pair = AssociationPair(seed: seed)
        let offer = try #require(pair.client.initiationChunk(now: pair.now))
        let answer = try #require(pair.server.initiationChunk(now: pair.now))
        pair.run(for: wait)
        #expect(pair.log.isEmpty)
        let server = pair.server.establish(withPeerInitiation: offer, now: pair.now)
        let client = pair.client.establish(withPeerInitiation: answer, now: pair.now)
        #expect(server && client)
        pair.drain()
        return pair
    }

    @Test func `the chunk is an INIT, the same whenever it is asked for, and sends nothing`() throws {
        let pair = AssociationPair()
        let chunk = try #require(pair.client.initiationChunk(now: pair.now))
        #expect(chunk[0] == 1)
        #expect(Int(chunk[2]) << 8 | Int(chunk[3]) == chunk.count)
        #expect(pair.client.initiationChunk(now: pair.now) == chunk)
        #expect(pair.client.deadline == nil)
        pair.run(for: .seconds(30))
        #expect(pair.log.isEmpty && pair.clientEvents.isEmpty)
    }

    @Test func `both ends are connected without a packet, and the first one holds data`() throws {
        let pair = try established()
        #expect(pair.clientEvents == [.connected] && pair.serverEvents == [.connected])
        #expect(pair.log.isEmpty)
        let start = pair.now
        try pair.client.send([1, 2, 3], stream: 0, protocolID: 50, now: pair.now)
        try pair.server.send([4], stream: 1, protocolID: 51, now: pair.now)
        pair.run(for: .seconds(2)) { !messages(pair.serverEvents).isEmpty && !messages(pair.clientEvents).isEmpty }
        #expect(messages(pair.serverEvents) == [[1, 2, 3]] && messages(pair.clientEvents) == [[4]])
        #expect(pair.now - start == pair.delay)
    }

    /// Nothing has measured a round trip yet.
    @Test(arguments: [100, 600, 1_500])
    func `where the round trip is known beforehand, no first flight is sent twice for nothing`(milliseconds: Int) throws {
        let pair = AssociationPair()
        pair.delay = .milliseconds(milliseconds / 2)
        let offer = try #require(pair.client.initiationChunk(now: pair.now))
        let answer = try #require(pair.server.initiationChunk(now: pair.now))
        pair.client.expect(roundTrip: .milliseconds(milliseconds))
        pair.server.expect(roundTrip: .milliseconds(milliseconds))
        #expect(pair.server.establish(withPeerInitiation: offer, now: pair.now))
        #expect(pair.client.establish(withPeerInitiation: answer, now: pair.now))
        let sent = (0..<8).map { [UInt8](repeating: $0, count: 900) }
        for message in sent { try pair.client.send(message, stream: 0, protocolID: 53, now: pair.now) }
        pair.run(for: .seconds(20))
        #expect(messages(pair.serverEvents) == sent)
        #expect(pair.log.count { $0.sender == .client && $0.byteCount > 900 } == 8)
    }

    @Test func `what was sent before goes out at once`() throws {
        let pair = AssociationPair()
        let offer = try #require(pair.client.initiationChunk(now: pair.now))
        let answer = try #require(pair.server.initiationChunk(now: pair.now))
        try pair.client.send([7], stream: 0, protocolID: 50, now: pair.now)
        pair.run(for: .milliseconds(100))
        #expect(pair.server.establish(withPeerInitiation: offer, now: pair.now))
        #expect(pair.client.establish(withPeerInitiation: answer, now: pair.now))
        pair.run(for: .seconds(1))
        #expect(messages(pair.serverEvents) == [[7]])
    }

    @Test func `it lives on like any other, with loss, resets and an end`() throws {
        let pair = try established(seed: 4)
        pair.loss = 0.2
        for index in 0..<200 {
            try pair.client.send([UInt8](repeating: UInt8(index), count: 500), stream: 2, protocolID: 53, now: pair.now)
            try pair.server.send([UInt8(index)], stream: 2, protocolID: 53, isOrdered: false, now: pair.now)
            pair.run(for: .milliseconds(20))
        }
        pair.run(for: .seconds(120)) { messages(pair.serverEvents).count == 200 && messages(pair.clientEvents).count == 200 }
        #expect(messages(pair.serverEvents).map(\.first) == (0..<200).map { UInt8($0) })
        pair.client.resetStream(2, now: pair.now)
        pair.run(for: .seconds(20))
        #expect(pair.serverEvents.last == .streamReset(2))
        pair.loss = 0
        pair.server.close(now: pair.now)
        pair.run(for: .seconds(1))
        #expect(pair.clientEvents.last == .closed(.peerAborted))
    }

    @Test(arguments: [50, 300, 2_000, 15_000])
    func `the time that signalling took is not taken for a round trip`(waitMilliseconds: Int) throws {
        let pair = try established(after: .milliseconds(waitMilliseconds))
        let start = pair.now
        pair.isLost = { sender, _, now in sender == .client && now == start }
        try pair.client.send([1], stream: 0, protocolID: 53, now: pair.now)
        pair.run(for: .seconds(10)) { !messages(pair.serverEvents).isEmpty }
        #expect(pair.now - start < SCTPTiming().initialRTO + .milliseconds(50))
    }

    @Test func `a peer without it gets the usual handshake`() throws {
        let pair = AssociationPair()
        _ = try #require(pair.client.initiationChunk(now: pair.now))
        _ = try #require(pair.server.initiationChunk(now: pair.now))
        pair.run(for: .seconds(3))
        let start = pair.now
        pair.start()
        try pair.client.send([1], stream: 0, protocolID: 51, now: pair.now)
        pair.run(for: .seconds(3)) { !messages(pair.serverEvents).isEmpty }
        #expect(pair.now - start == pair.delay * 3)
    }

    @Test func `the draft's example makes an association`() throws {
        let association = SCTPAssociation(isClient: true)
        #expect(association.initiationChunk(now: .zero) != nil)
        let isEstablished = association.establish(withPeerInitiation: example, now: .zero)
        #expect(isEstablished)
        try association.send([1], stream: 63, protocolID: 51, now: .zero)
        let packet = try #require(association.pollTransmit())
        // The peer's tag.
        #expect(Array(packet[4..<8]) == [0x89, 0x6C, 0xDD, 0x1D])
    }

    @Test func `a chunk that is no INIT is ignored, and the usual handshake still works`() throws {
        var chunks: [[UInt8]] = (0..<example.count).map { Array(example.prefix($0)) }
        chunks.append(example + [0, 0, 0, 0])
        // Another chunk; no tag; a window too small; no streams out, none in; an address; one cut.
        for (index, bytes) in [
            (0, [2]), (4, [0, 0, 0, 0]), (8, [0, 0, 5, 0xDB]), (12, [0, 0]), (14, [0, 0]), (24, [0, 5]), (26, [0, 7]),
        ] as [(Int, [UInt8])] {
            var chunk = example
            chunk.replaceSubrange(index..<(index + bytes.count), with: bytes)
            chunks.append(chunk)
        }
        chunks.append([UInt8](repeating: 0xFF, count: 70_000))
        let association = SCTPAssociation(isClient: true)
        #expect(association.initiationChunk(now: .zero) != nil)
        for chunk in chunks {
            let isEstablished = association.establish(withPeerInitiation: chunk, now: .zero)
            #expect(!isEstablished, "\(chunk.prefix(40))")
        }
        association.start(now: .zero)
        #expect(association.pollTransmit() != nil)
    }

    @Test func `whatever a mutated chunk makes, nothing traps`() throws {
        for index in example.indices {
            for value: UInt8 in [0, 1, 0x7F, 0x80, 0xFF, example[index] ^ 1] {
                var chunk = example
                chunk[index] = value
                let association = SCTPAssociation(isClient: false)
                _ = association.initiationChunk(now: .zero)
                _ = association.establish(withPeerInitiation: chunk, now: .zero)
                try? association.send([1], stream: 0, protocolID: 51, now: .zero)
                association.handleTimeout(now: Instant(nanoseconds: 1_000_000_000))
                while association.pollTransmit() != nil {}
            }
        }
    }
}
