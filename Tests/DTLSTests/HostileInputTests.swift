import DTLS
import RTP
import Testing
import Wire

/// Names an attack each. In none of them may a session trap, grow without bound, or believe that it is established.
@Suite struct HostileInputTests {
    @Test func `garbage of every length from 0 to 64 bytes, before, during and after the handshake`() throws {
        let pair = try DTLSPair()
        var entropy = Entropy(seed: 5)
        func attack() {
            for count in 0...64 {
                // Random bytes, and random bytes behind the head of a DTLS record.
                var bytes = entropy.bytes(count)
                deliver(bytes, to: pair)
                for (index, byte) in [22, 0xFE, 0xFD, 0, UInt8(count % 2)].enumerated() where index < count { bytes[index] = byte }
                if count > 12 { (bytes[11], bytes[12]) = (0, UInt8(count - 13)) }
                // The record's type would be a handshake message's: only what is damaged on purpose may end a session, so
                // this half goes to sessions of its own below.
                if pair.client.isEstablished { deliver(bytes, to: pair) }
            }
        }
        attack()
        pair.perform { pair.client.start(now: pair.now) }
        attack()
        pair.handshake()
        #expect(pair.client.isEstablished && pair.server.isEstablished)
        attack()
        #expect(pair.client.isEstablished && pair.server.isEstablished)
        #expect(pair.clientEvents.data.isEmpty && pair.serverEvents.data.isEmpty)
    }

    @Test func `records of every type and length with random contents never make a session established`() throws {
        var entropy = Entropy(seed: 6)
        for type in [20, 21, 22, 23, 24, 25] as [UInt8] {
            for length in 0...64 {
                for epoch in 0...1 as ClosedRange<UInt8> {
                    let pair = try DTLSPair()
                    pair.perform { pair.client.start(now: pair.now) }
                    let record = [type, 0xFE, 0xFD, 0, epoch, 0, 0, 0, 0, 0, 1, 0, UInt8(length)] + entropy.bytes(length)
                    deliver(record, to: pair)
                    #expect(!pair.client.isEstablished && !pair.server.isEstablished)
                    #expect(pair.clientEvents.keys.isEmpty && pair.serverEvents.keys.isEmpty)
                }
            }
        }
    }

    /// Positions spread over the datagram by a step that shares no factor with its fields.
    @Test(arguments: [(true, 0), (false, 0), (true, 1), (false, 1)])
    func `a flight damaged at any byte gives no wrong keys`(_ isFromClient: Bool, _ number: Int) throws {
        var finished = 0
        for position in stride(from: 0, to: 1000, by: 7) {
            let pair = try DTLSPair()
            pair.tamper = { direction, count, bytes in
                if direction == isFromClient && count == number && position < bytes.count { bytes[position] ^= 0x41 }
            }
            pair.handshake(within: .seconds(3))
            guard pair.client.isEstablished && pair.server.isEstablished else { continue }
            finished += 1
            #expect(pair.clientEvents.keys.first?.local == pair.serverEvents.keys.first?.remote)
        }
        // Damage that DTLS drops is repaired by a resend: the sweep did reach both outcomes or ran past the end.
        #expect(finished > 0)
    }

    @Test(arguments: [(true, 0), (false, 0), (true, 1), (false, 1)])
    func `a flight cut off at any byte is repaired by the next copy`(_ isFromClient: Bool, _ number: Int) throws {
        for length in stride(from: 0, to: 600, by: 11) {
            let pair = try DTLSPair()
            pair.tamper = { direction, count, bytes in
                if direction == isFromClient && count == number && length < bytes.count { bytes.removeLast(bytes.count - length) }
            }
            pair.handshake(within: .seconds(5))
            #expect(pair.client.isEstablished && pair.server.isEstablished, "cut to \(length)")
        }
    }

    @Test func `a flood of one ClientHello is answered once`() throws {
        let pair = try DTLSPair()
        pair.fate = { _, _ in nil }
        let first = pair.perform {
            pair.client.start(now: pair.now)
            return pair.client.pollTransmit()
        }
        let hello = try #require(first)
        for _ in 0..<1000 { deliverToServer(hello, pair) }
        // A flight, not a thousand: a spoofed source gains nothing by repeating itself.
        #expect(pair.log.count <= 2)
        #expect(!pair.server.isEstablished)
    }

    @Test func `a ClientHello of 16 KB in fragments, and one that claims 16 MB`() throws {
        for total in [16_000, 0xFF_FFFF] {
            let pair = try DTLSPair()
            for offset in stride(from: 0, to: min(total, 16_000), by: 1000) {
                let fragment = [UInt8](repeating: 0, count: 1000)
                deliverToServer(Self.handshakeRecord(type: 1, total: total, sequence: 0, offset: offset, fragment: fragment), pair)
            }
            #expect(!pair.server.isEstablished)
            #expect(pair.serverEvents.keys.isEmpty)
        }
    }

    @Test func `fragments of messages far ahead are not kept`() throws {
        let pair = try DTLSPair()
        for sequence in 0..<2000 {
            let record = Self.handshakeRecord(
                type: 11, total: 16_000, sequence: sequence % 65536, offset: 0, fragment: [UInt8](repeating: 0, count: 16))
            deliverToServer(record, pair)
        }
        #expect(!pair.server.isEstablished)
    }

    @Test(arguments: [(limit: 32, isEstablished: false), (limit: 2000, isEstablished: true)])
    func `protected records that come before their keys are turned away over the limit`(
        _ limit: Int, _ isEstablished: Bool
    ) throws {
        var configuration = DTLSConfiguration()
        configuration.limits.earlyRecords = limit
        let pair = try DTLSPair(serverConfiguration: configuration)
        for number in 0..<1000 {
            let sequence = [UInt8(number >> 8), UInt8(number & 0xFF)]
            let record = [22, 0xFE, 0xFD, 0, 1, 0, 0, 1, 0] + sequence + [0, 40] + [UInt8](repeating: 7, count: 40)
            deliverToServer(record, pair)
        }
        // Fails closed: what is over the limit takes the client's own last flight with it.
        pair.handshake()
        #expect(pair.server.isEstablished == isEstablished)
        #expect(pair.serverEvents.keys.isEmpty != isEstablished)
    }

    @Test func `a ClientHello of TLS 1.0 or of no offered cipher suite ends the session with an alert`() throws {
        let pair = try DTLSPair()
        pair.tamper = { isFromClient, number, bytes in
            // The version that the ClientHello offers, behind 13 bytes of record and 12 of message header.
            if isFromClient && number == 0 { (bytes[25], bytes[26]) = (0xFE, 0xFF) }
        }
        pair.handshake()
        #expect(pair.server.isClosed && pair.client.isClosed)
        // 70 is protocol_version.
        #expect(pair.clientEvents == [.closed(.peerAlert(70))])
    }

    @Test func `an ended session leaves nothing behind that reaches the next one on the thread`() throws {
        // OpenSSL's error queue belongs to the thread: an error of one session must not end another.
        let good = try DTLSPair()
        good.handshake()
        let bad = try DTLSPair()
        bad.tamper = { _, _, bytes in if bytes.count > 30 { bytes[25] ^= 0xFF } }
        bad.handshake()
        try good.perform { try good.client.send([1]) }
        good.run()
        #expect(good.serverEvents.data == [[1]])
        #expect(good.server.isEstablished)
    }

    private func deliver(_ bytes: [UInt8], to pair: DTLSPair) {
        pair.perform {
            bytes.withUnsafeBytes { pair.client.receive($0, now: pair.now) }
            bytes.withUnsafeBytes { pair.server.receive($0, now: pair.now) }
        }
    }

    private func deliverToServer(_ bytes: [UInt8], _ pair: DTLSPair) {
        pair.perform { bytes.withUnsafeBytes { pair.server.receive($0, now: pair.now) } }
    }

    private static func handshakeRecord(type: UInt8, total: Int, sequence: Int, offset: Int, fragment: [UInt8]) -> [UInt8] {
        func big(_ value: Int, _ count: Int) -> [UInt8] { (0..<count).reversed().map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }
        let message = [type] + big(total, 3) + big(sequence, 2) + big(offset, 3) + big(fragment.count, 3) + fragment
        return [22, 0xFE, 0xFD, 0, 0] + big(sequence * 100_000 + offset, 6) + big(message.count, 2) + message
    }
}
