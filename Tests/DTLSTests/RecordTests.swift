import DTLS
import RTP
import Testing
import Wire

@Suite struct RecordTests {
    @Test func `a message goes as one record in one datagram, both ways`() throws {
        let pair = try Self.establishedPair()
        let message = [UInt8](0..<100)
        try pair.perform { try pair.client.send(message) }
        try pair.perform { try pair.server.send(Array(message.reversed())) }
        pair.run()
        #expect(pair.serverEvents.data == [message])
        #expect(pair.clientEvents.data == [Array(message.reversed())])
        // 13 bytes of header, 8 of nonce, 16 of tag.
        #expect(pair.log.suffix(2).map(\.byteCount) == [137, 137])
    }

    @Test func `the greatest message fills a datagram, and one byte more is refused`() throws {
        let pair = try Self.establishedPair()
        let limit = pair.client.maximumMessageByteCount
        #expect(limit == 1200 - 37)
        try pair.perform { try pair.client.send([UInt8](repeating: 1, count: limit)) }
        #expect(pair.log.last?.byteCount == 1200)
        #expect(throws: DTLSFailure.messageTooLarge(limit: limit)) {
            try pair.perform { try pair.client.send([UInt8](repeating: 1, count: limit + 1)) }
        }
        pair.run()
        #expect(pair.serverEvents.data.map(\.count) == [limit])
    }

    @Test func `messages arrive in the order of their datagrams, and a replayed one only once`() throws {
        let pair = try Self.establishedPair()
        var copies: [[UInt8]] = []
        pair.tamper = { _, _, bytes in copies.append(bytes) }
        for number in 0..<20 as Range<UInt8> { try pair.perform { try pair.client.send([number]) } }
        pair.run()
        #expect(pair.serverEvents.data == (0..<20).map { [$0] })
        for bytes in copies { pair.perform { bytes.withUnsafeBytes { pair.server.receive($0, now: pair.now) } } }
        #expect(pair.serverEvents.data.count == 20)
    }

    @Test func `nonces count up, and none is random`() throws {
        let pair = try Self.establishedPair()
        var nonces: [UInt64] = []
        for _ in 0..<50 {
            try pair.client.send([1])
            let record = try #require(pair.client.pollTransmit())
            // Behind the record's header: the explicit part of the nonce (RFC 5288 section 3).
            nonces.append(record[13..<21].reduce(0) { $0 << 8 | UInt64($1) })
        }
        for (nonce, next) in zip(nonces, nonces.dropFirst()) { #expect(next == nonce &+ 1) }
    }

    @Test func `several records of one datagram are all read`() throws {
        let pair = try Self.establishedPair()
        var datagram: [UInt8] = []
        for number in 0..<3 as Range<UInt8> {
            try pair.client.send([number])
            datagram += pair.client.pollTransmit() ?? []
        }
        pair.perform { datagram.withUnsafeBytes { pair.server.receive($0, now: pair.now) } }
        #expect(pair.serverEvents.data == [[0], [1], [2]])
    }

    @Test func `a damaged record is dropped, and the session goes on`() throws {
        let pair = try Self.establishedPair()
        try pair.client.send([1, 2, 3])
        let good = try #require(pair.client.pollTransmit())
        for index in good.indices {
            var bad = good
            bad[index] ^= 0x55
            pair.perform { bad.withUnsafeBytes { pair.server.receive($0, now: pair.now) } }
        }
        #expect(pair.server.isEstablished)
        #expect(pair.serverEvents.data.isEmpty)
        pair.perform { good.withUnsafeBytes { pair.server.receive($0, now: pair.now) } }
        #expect(pair.serverEvents.data == [[1, 2, 3]])
    }

    @Test func `data that overtakes the server's Finished is kept until then`() throws {
        let pair = try DTLSPair()
        // The server's last flight comes late; what it sends next does not.
        pair.fate = { isFromClient, number in !isFromClient && number == 1 ? .milliseconds(40) : .zero }
        pair.perform {
            pair.server.start(now: pair.now)
            pair.client.start(now: pair.now)
        }
        pair.run { pair.server.isEstablished }
        try pair.perform { try pair.server.send([9]) }
        pair.run(for: .seconds(1)) { pair.client.isEstablished }
        #expect(pair.client.isEstablished)
        // DTLS promises nothing here: what matters is that the record neither breaks nor fakes the handshake.
        #expect(pair.clientEvents.data.isEmpty || pair.clientEvents.data == [[9]])
        #expect(pair.clientEvents.firstIndex(of: .established).map { $0 <= 1 } == true)
    }

    @Test func `closing tells the peer, once, and nothing follows`() throws {
        let pair = try Self.establishedPair()
        pair.perform { pair.client.close() }
        #expect(pair.client.isClosed)
        pair.run()
        #expect(pair.serverEvents.last == .closed(.peerClosed))
        #expect(pair.server.isClosed)
        #expect(pair.clientEvents.close == nil)
        #expect(throws: DTLSFailure.notEstablished) { try pair.server.send([1]) }
        #expect(throws: DTLSFailure.notEstablished) { try pair.client.send([1]) }
        pair.perform { pair.client.close() }
        #expect(pair.server.deadline == nil && pair.client.deadline == nil)
    }

    @Test func `records after the end change nothing`() throws {
        let pair = try Self.establishedPair()
        try pair.client.send([1])
        let late = try #require(pair.client.pollTransmit())
        pair.perform { pair.server.close() }
        let told = pair.serverEvents
        pair.perform { late.withUnsafeBytes { pair.server.receive($0, now: pair.now) } }
        pair.perform { pair.server.handleTimeout(now: pair.now) }
        #expect(pair.serverEvents == told)
    }

    @Test func `sending before the handshake is refused`() throws {
        let pair = try DTLSPair()
        #expect(throws: DTLSFailure.notEstablished) { try pair.client.send([1]) }
        pair.perform { pair.client.start(now: pair.now) }
        #expect(throws: DTLSFailure.notEstablished) { try pair.client.send([1]) }
    }

    @Test func `what waits to be sent and to be read is bounded`() throws {
        var configuration = DTLSConfiguration()
        configuration.limits.outboundDatagrams = 8
        configuration.limits.events = 4
        let pair = try DTLSPair(clientConfiguration: configuration, serverConfiguration: configuration)
        pair.handshake()
        var datagrams: [[UInt8]] = []
        for _ in 0..<8 { try pair.client.send([7]) }
        #expect(throws: DTLSFailure.queueFull) { try pair.client.send([7]) }
        while let datagram = pair.client.pollTransmit() { datagrams.append(datagram) }
        #expect(datagrams.count == 8)
        for datagram in datagrams { datagram.withUnsafeBytes { pair.server.receive($0, now: pair.now) } }
        var count = 0
        while pair.server.pollEvent() != nil { count += 1 }
        #expect(count == 4)
        #expect(pair.server.isEstablished)
    }

    private static func establishedPair() throws -> DTLSPair {
        let pair = try DTLSPair()
        pair.handshake()
        try #require(pair.client.isEstablished && pair.server.isEstablished)
        return pair
    }
}
