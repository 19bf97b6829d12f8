import SCTP
import SCTPLease
import Testing
import Wire

/// The peer is authenticated by DTLS, and may still be anybody's program.
@Suite(.ownsSCTP) struct HostileInputTests {
    /// A packet for each chunk that a peer sends, from an association that lived: handshake, data, losses, a reset, an end.
    private func samples() throws -> [[UInt8]] {
        let pair = AssociationPair(seed: 5)
        var kept: [[UInt8]] = []
        var kinds: Set<UInt8> = []
        var dataCount = 0
        pair.isLost = { _, packet, _ in
            if !kinds.isSuperset(of: chunkTypes(packet)) {
                kinds.formUnion(chunkTypes(packet))
                kept.append(packet)
            }
            guard packet.count > 12, packet[12] == 0 else { return false }
            dataCount += 1
            return dataCount % 3 == 0
        }
        pair.start()
        pair.run(for: .seconds(1))
        for index in 0..<30 {
            try pair.client.send(
                [UInt8](repeating: UInt8(index), count: 400), stream: 1, protocolID: 53, isOrdered: false,
                reliability: .maxRetransmits(0), now: pair.now)
            pair.run(for: .milliseconds(50))
        }
        pair.client.resetStream(1, now: pair.now)
        pair.run(for: .seconds(20))
        pair.client.close(now: pair.now)
        pair.run(for: .seconds(1))
        return kept
    }

    /// An honest association beside, which must go on as if nothing were.
    private func expectHonestWork(_ pair: AssociationPair, _ count: inout Int) throws {
        count += 1
        try pair.client.send([UInt8(truncatingIfNeeded: count)], stream: 0, protocolID: 53, now: pair.now)
        pair.run(for: .milliseconds(300))
        #expect(messages(pair.serverEvents).count == count)
    }

    @Test func `the samples cover the chunks that matter`() throws {
        let kinds = Set(try samples().flatMap(chunkTypes))
        // INIT, INIT ACK, SACK, ABORT, COOKIE ECHO, COOKIE ACK, RE-CONFIG, FORWARD TSN, and DATA.
        #expect(kinds.isSuperset(of: [0, 1, 2, 3, 6, 10, 11, 0x82, 0xC0]), "\(kinds.sorted())")
    }

    @Test func `noise of any length does nothing`() throws {
        let pair = AssociationPair()
        pair.connect()
        var count = 0
        var random = Xoshiro256(seed: 3)
        for length in 0...100 {
            for _ in 0..<20 {
                let packet = (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) }
                pair.server.receive(packet, now: pair.now)
                pair.server.receive(withChecksum(packet), now: pair.now)
            }
        }
        #expect(pair.server.isConnected)
        try expectHonestWork(pair, &count)
    }

    @Test(arguments: [false, true])
    func `no mutated packet traps, and none disturbs another association`(isChecksumMended: Bool) throws {
        let samples = try samples()
        let honest = AssociationPair(seed: 77)
        honest.connect()
        var count = 0
        for (number, sample) in samples.enumerated() {
            for states in 0..<2 {
                let victim = SCTPAssociation(isClient: states == 1)
                victim.start(now: honest.now)
                for index in sample.indices {
                    for value: UInt8 in [0, 1, 0x7F, 0x80, 0xFF, sample[index] ^ 1] {
                        var packet = sample
                        packet[index] = value
                        // Addressed to the victim, as far as the victim has shown its tag.
                        if isChecksumMended { packet = withChecksum(packet) }
                        victim.receive(packet, now: honest.now)
                        while victim.pollTransmit() != nil {}
                    }
                }
                while victim.pollEvent() != nil {}
            }
            if number % 2 == 0 { try expectHonestWork(honest, &count) }
        }
        try expectHonestWork(honest, &count)
    }

    @Test func `no mutated packet of a peer traps its own association`() throws {
        // The same, with the tags right: every packet that arrives is changed, and its checksum is mended.
        var random = Xoshiro256(seed: 11)
        for round in 0..<60 {
            let pair = AssociationPair(seed: UInt64(round))
            pair.start()
            for index in 0..<20 {
                try? pair.client.send(
                    [UInt8](repeating: UInt8(index), count: 300 * (index % 5) + 1), stream: 1, protocolID: 53,
                    isOrdered: index % 2 == 0, reliability: .maxRetransmits(0), now: pair.now)
                if index == 10 { pair.client.resetStream(1, now: pair.now) }
                pair.transform = { packet in
                    guard packet.count > 16, random.next() % 4 == 0 else { return packet }
                    var changed = packet
                    for _ in 0..<3 {
                        let index = 8 + Int(random.next() % UInt64(packet.count - 8))
                        changed[index] = UInt8(truncatingIfNeeded: random.next())
                    }
                    return withChecksum(changed)
                }
                pair.run(for: .milliseconds(60))
            }
            pair.transform = nil
            pair.run(for: .seconds(60))
        }
        let pair = AssociationPair()
        pair.connect()
        #expect(pair.client.isConnected)
    }

    @Test(arguments: [5, 6, 11] as [UInt8])
    func `an INIT that names an address is not looked at`(parameter: UInt8) throws {
        let client = AssociationPair()
        client.start()
        let initiation = try #require(client.sent.first)
        let server = SCTPAssociation(isClient: false)
        server.start(now: client.now)
        while server.pollTransmit() != nil {}
        // Of the shortest length, and cut: what the reader of addresses once read past.
        for length: UInt8 in [4, 8, 20] {
            var packet = initiation + [0, parameter, 0, length] + [UInt8](repeating: 1, count: Int(length) - 4)
            // The INIT itself ends in two bytes of padding, which now count.
            packet[15] = UInt8(packet.count - 12)
            server.receive(withChecksum(packet), now: client.now)
            #expect(server.pollTransmit() == nil)
        }
        server.receive(initiation, now: client.now)
        #expect(server.pollTransmit() != nil)
    }

    @Test func `a message without an end closes the association at the limit`() throws {
        var small = SCTPConfiguration()
        small.limits.messageByteCount = 20_000
        small.limits.receiveBufferByteCount = 16_384
        let pair = AssociationPair(server: small)
        pair.connect()
        try pair.client.send([UInt8](repeating: 7, count: 20_000), stream: 0, protocolID: 53, now: pair.now)
        pair.run(for: .seconds(5))
        #expect(messages(pair.serverEvents).map(\.count) == [20_000])
        try pair.client.send([UInt8](repeating: 7, count: 20_001), stream: 0, protocolID: 53, now: pair.now)
        pair.run(for: .seconds(5))
        #expect(pair.serverEvents.last == .closed(.messageTooLarge))
        #expect(pair.clientEvents.last == .closed(.peerAborted))
    }

    @Test func `an owner that does not poll loses the association, not the memory`() throws {
        var small = SCTPConfiguration()
        small.limits.eventCount = 100
        let pair = AssociationPair(server: small)
        pair.connect()
        for index in 0..<300 {
            try pair.client.send([UInt8(truncatingIfNeeded: index)], stream: 0, protocolID: 53, now: pair.now)
            // Only the packets are passed on.
            while let packet = pair.client.pollTransmit() { pair.server.receive(packet, now: pair.now) }
            while let packet = pair.server.pollTransmit() { pair.client.receive(packet, now: pair.now) }
            if pair.client.isClosed { break }
        }
        var events: [SCTPEvent] = []
        while let event = pair.server.pollEvent() { events.append(event) }
        #expect(events == [.closed(.eventOverflow)])
        #expect(pair.client.isClosed)
    }

    @Test func `a peer that never reads fills a bounded queue, and is told when there is room`() throws {
        let pair = AssociationPair()
        pair.connect()
        pair.loss = 1
        var taken = 0
        var refusal: SCTPRefusal?
        while refusal == nil, taken < 10_000 {
            do throws(SCTPRefusal) {
                try pair.client.send([UInt8](repeating: 1, count: 1_000), stream: 0, protocolID: 53, now: pair.now)
                taken += 1
            } catch {
                refusal = error
            }
        }
        #expect(refusal == .queueFull)
        #expect(taken < 300)
        #expect(pair.client.queuedByteCount <= SCTPLimits().queuedByteCount)
        pair.loss = 0
        pair.run(for: .seconds(30))
        #expect(pair.clientEvents.contains(.writable))
        #expect(messages(pair.serverEvents).count == taken)
    }

    @Test func `what can never be sent is refused at once`() throws {
        let pair = AssociationPair()
        pair.connect()
        #expect(throws: SCTPRefusal.invalidMessage) { try pair.client.send([], stream: 0, protocolID: 53, now: pair.now) }
        #expect(throws: SCTPRefusal.invalidMessage) { try pair.client.send([1], stream: 65_535, protocolID: 53, now: pair.now) }
        #expect(throws: SCTPRefusal.tooLarge) {
            try pair.client.send([UInt8](repeating: 0, count: 70_000), stream: 0, protocolID: 53, now: pair.now)
        }
    }
}

private func chunkTypes(_ packet: [UInt8]) -> [UInt8] {
    var types: [UInt8] = []
    var offset = 12
    while packet.count - offset >= 4 {
        types.append(packet[offset])
        let byteCount = Int(packet[offset + 2]) << 8 | Int(packet[offset + 3])
        offset += max(4, (byteCount + 3) & ~3)
    }
    return types
}

/// `packet` with the CRC32c that RFC 9260 appendix A wants.
private func withChecksum(_ packet: [UInt8]) -> [UInt8] {
    guard packet.count >= 12 else { return packet }
    var result = packet
    result.replaceSubrange(8..<12, with: [0, 0, 0, 0])
    var sum: UInt32 = 0xFFFF_FFFF
    for byte in result {
        sum ^= UInt32(byte)
        for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0x82F6_3B78 : sum >> 1 }
    }
    let value = ~sum
    for index in 0..<4 { result[8 + index] = UInt8(truncatingIfNeeded: value >> UInt32(8 * index)) }
    return result
}
