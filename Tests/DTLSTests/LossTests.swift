import DTLS
import RTP
import Testing
import Wire

@Suite struct LossTests {
    /// A handshake without loss is two datagrams a side; resends are one a message.
    private static let flightNumbers = 0..<2

    @Test(arguments: [true, false], flightNumbers)
    func `the loss of any one datagram is repaired`(_ isFromClient: Bool, _ lost: Int) throws {
        let pair = try DTLSPair()
        pair.fate = { $0 == isFromClient && $1 == lost ? nil : .zero }
        pair.handshake()
        #expect(pair.client.isEstablished && pair.server.isEstablished)
        #expect(pair.clientEvents.keys.first?.local == pair.serverEvents.keys.first?.remote)
        // One timer of the side that waits, and the round trips: nobody waits for a second one.
        #expect(pair.now - Instant(nanoseconds: 1_000_000_000) <= .milliseconds(220))
    }

    @Test(arguments: [true, false], flightNumbers)
    func `the same datagram lost three times is repaired`(_ isFromClient: Bool, _ lost: Int) throws {
        let pair = try DTLSPair()
        pair.fate = { $0 == isFromClient && (lost..<(lost + 3)).contains($1) ? nil : .zero }
        pair.handshake()
        #expect(pair.client.isEstablished && pair.server.isEstablished)
    }

    @Test(arguments: 1...60)
    func `a link that loses three datagrams in ten is repaired`(_ seed: UInt64) throws {
        let pair = try Self.lossyHandshake(seed: seed, loss: 0.3)
        #expect(pair.client.isEstablished && pair.server.isEstablished, "seed \(seed): \(pair.clientEvents) \(pair.serverEvents)")
        #expect(pair.clientEvents.keys.first?.local == pair.serverEvents.keys.first?.remote)
    }

    @Test func `the same seed gives the same datagrams at the same times`() throws {
        let firstRun = try (1...12).map { try Self.lossyHandshake(seed: $0, loss: 0.3).log }
        let secondRun = try (1...12).map { try Self.lossyHandshake(seed: $0, loss: 0.3).log }
        #expect(firstRun == secondRun)
        // Seeds differ, so the comparison compares something.
        #expect(Set(firstRun).count > 6)
    }

    @Test func `identities of one kind are interchangeable in a log`() throws {
        let log = try DTLSPair.freshlyKeyed().log
        for _ in 0..<8 { #expect(try DTLSPair.freshlyKeyed().log == log) }
    }

    @Test func `datagrams in any order are put together`() throws {
        var (client, server) = (DTLSConfiguration(), DTLSConfiguration())
        // Small datagrams, so that a flight has many.
        client.maximumDatagramByteCount = 300
        server.maximumDatagramByteCount = 300
        for seed in 1...20 as ClosedRange<UInt64> {
            let pair = try DTLSPair(clientConfiguration: client, serverConfiguration: server)
            var entropy = Entropy(seed: seed)
            // Later by less than a timer, and not in order.
            pair.fate = { _, _ in .milliseconds(Int.random(in: 0..<60, using: &entropy)) }
            pair.handshake()
            #expect(pair.client.isEstablished && pair.server.isEstablished, "seed \(seed)")
            #expect(pair.now - Instant(nanoseconds: 1_000_000_000) < .milliseconds(500), "seed \(seed)")
        }
    }

    @Test func `every datagram twice is as good as once`() throws {
        let pair = try DTLSPair()
        var copies: [(isFromClient: Bool, bytes: [UInt8])] = []
        pair.tamper = { isFromClient, _, bytes in copies.append((isFromClient, bytes)) }
        pair.handshake()
        for (isFromClient, bytes) in copies {
            pair.perform { bytes.withUnsafeBytes { (isFromClient ? pair.server : pair.client).receive($0, now: pair.now) } }
        }
        pair.run()
        #expect(pair.client.isEstablished && pair.server.isEstablished)
        #expect(pair.clientEvents.count == 2 && pair.serverEvents.count == 2)
    }

    @Test func `a server resends its last flight to a client that did not get it`() throws {
        let pair = try DTLSPair()
        // The server is done after its second datagram, and has no timer any more.
        pair.fate = { isFromClient, number in !isFromClient && number == 1 ? nil : .zero }
        pair.handshake()
        #expect(pair.client.isEstablished)
        #expect(pair.server.deadline == nil)
        let firstServerTime = try #require(pair.serverEstablishedAt)
        let clientTime = try #require(pair.clientEstablishedAt)
        #expect(clientTime > firstServerTime + .milliseconds(90))
    }

    @Test func `a satellite's delay costs copies, but no time and no failure`() throws {
        let pair = try DTLSPair(delay: .milliseconds(300))
        pair.handshake()
        #expect(pair.client.isEstablished && pair.server.isEstablished)
        #expect(pair.clientKeysAt == Instant(nanoseconds: 1_600_000_000))
        #expect(pair.clientEstablishedAt == Instant(nanoseconds: 2_200_000_000))
    }

    private static func lossyHandshake(seed: UInt64, loss: Double) throws -> DTLSPair {
        let pair = try DTLSPair()
        var generator = Xoshiro256(seed: seed)
        pair.fate = { _, _ in generator.nextUnit() < loss ? nil : .zero }
        pair.handshake()
        return pair
    }
}

extension DTLSPair {
    /// A pair with keys of its own, after its handshake with a few losses.
    fileprivate static func freshlyKeyed() throws -> DTLSPair {
        let pair = try DTLSPair(
            clientIdentity: .selfSigned(.ed25519, unixSeconds: 1_790_000_000),
            serverIdentity: .selfSigned(.ed25519, unixSeconds: 1_790_000_000))
        pair.fate = { _, number in number % 3 == 1 ? nil : .zero }
        pair.handshake()
        return pair
    }
}
