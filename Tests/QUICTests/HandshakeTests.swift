import QUIC
import Synchronization
import Testing
import Wire

@Suite struct HandshakeTests {
    @Test func `a connection opens in one round trip and agrees on the protocol`() throws {
        let pair = try QUICPair(delay: .milliseconds(25), clientALPN: ["h3", "roq-14"], serverALPN: ["roq-14"])
        let start = pair.now
        #expect(pair.run { $0.client.isEstablished })
        #expect(pair.now - start == .milliseconds(50))
        #expect(pair.clientEvents.contains(.established(alpn: "roq-14")))
        #expect(pair.establish())
        #expect(pair.serverEvents.contains(.established(alpn: "roq-14")))
    }

    @Test func `without a common protocol the handshake fails with the alert of RFC 9001`() throws {
        let pair = try QUICPair(clientALPN: ["h3"], serverALPN: ["roq-14"])
        pair.run { $0.client.isClosed }
        // CRYPTO_ERROR 0x100 + no_application_protocol (120).
        #expect(pair.clientEvents.contains { if case .closed(.transport(code: 0x178, _)) = $0 { true } else { false } })
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `every first byte is one that RFC 9443 gives to QUIC`(seed: UInt64) throws {
        let pair = try QUICPair(seed: seed)
        var firsts: Set<UInt8> = []
        pair.drops = { _, _, bytes in
            firsts.insert(bytes[0])
            return false
        }
        #expect(pair.establish())
        for id in 0..<20 {
            try pair.client.sendDatagram([1], id: UInt64(id))
            try pair.server?.sendDatagram([1], id: UInt64(id))
            pair.run(for: .milliseconds(20))
        }
        #expect(firsts.allSatisfy { (64...127).contains($0) || $0 >= 192 })
    }

    @Test func `a pinned certificate is accepted and another is refused`() throws {
        let credentials = try ServerCredentials.selfSigned(.ecdsaP256, unixSeconds: 1_790_000_000)
        let good = try QUICPair(trust: .certificateSHA256(credentials.certificateSHA256), credentials: credentials)
        #expect(good.establish())
        let bad = try QUICPair(trust: .certificateSHA256([UInt8](repeating: 0, count: 32)), credentials: credentials)
        #expect(!bad.establish())
        #expect(bad.client.isClosing)
    }

    @Test(arguments: 0..<4) func `the loss of any one of the first datagrams only delays the handshake`(lost: Int) throws {
        for direction in [QUICPair.Direction.up, .down] {
            let pair = try QUICPair()
            pair.drops = { way, number, _ in way == direction && number == lost }
            #expect(pair.establish())
        }
    }

    @Test func `a server that asks for Retry costs one round trip and connects`() throws {
        let pair = try QUICPair(delay: .milliseconds(25))
        pair.requiresRetry = true
        let start = pair.now
        #expect(pair.run { $0.client.isEstablished })
        #expect(pair.now - start == .milliseconds(100))
    }

    @Test func `nobody at the other end ends the attempt at the handshake timeout`() throws {
        let pair = try QUICPair()
        pair.drops = { _, _, _ in true }
        let start = pair.now
        pair.run(for: .seconds(60)) { $0.client.isClosed }
        #expect(pair.clientEvents.contains(.closed(.handshakeTimeout)))
        #expect(pair.now - start <= .seconds(20))
    }

    @Test func `version negotiation tells the client what is on offer`() throws {
        let pair = try QUICPair()
        var entropy = Entropy(seed: 5)
        pair.drops = { direction, number, bytes in
            if direction == .up && number == 0, case .long(_, let destination, let source)? = try? QUICPacketHeader(parsing: bytes.span, shortIDByteCount: 12) {
                // As if the server spoke only a version of its own.
                var packet = pair.replies.versionNegotiation(destination: destination, source: source, entropy: &entropy)
                packet.replaceSubrange((packet.count - 4)..., with: [0x0A, 0x1A, 0x2A, 0x3A])
                pair.inject(packet, .down)
            }
            return true
        }
        pair.run { $0.client.isClosed }
        #expect(pair.clientEvents.contains { if case .closed(.versionNegotiation(let offered)) = $0 { offered.count == 2 } else { false } })
    }

    @Test func `the same seed gives the same log of time, direction and size`() throws {
        func log() throws -> [String] {
            let pair = try QUICPair(seed: 42)
            pair.drops = { _, number, _ in number % 5 == 4 }
            _ = pair.establish()
            for index in 0..<50 { try pair.client.sendDatagram([UInt8](repeating: 1, count: 80), id: UInt64(index)); pair.run(for: .milliseconds(20)) }
            return pair.log
        }
        let first = try log()
        #expect(try log() == first)
        #expect(first.count > 50)
    }

    @Test func `the key log has the lines that Wireshark needs`() throws {
        let lines = Lines()
        var configuration = QUICConfiguration()
        configuration.keyLog = { lines.append($0) }
        let pair = try QUICPair(clientConfiguration: configuration)
        #expect(pair.establish())
        let labels = Set(lines.all.compactMap { $0.split(separator: " ").first.map(String.init) })
        #expect(labels.isSuperset(of: ["CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"]))
        #expect(lines.all.allSatisfy { $0.split(separator: " ").count == 3 && $0.split(separator: " ")[1].count == 64 })
    }

    @Test func `qlog is a JSON sequence that ends with the connection`() throws {
        let lines = Lines()
        var configuration = QUICConfiguration()
        configuration.qlog = { _, bytes in lines.append(String(decoding: bytes, as: UTF8.self)) }
        do {
            let pair = try QUICPair(clientConfiguration: configuration)
            #expect(pair.establish())
        }
        let text = lines.all.joined()
        // RFC 7464: every record begins with the record separator.
        let records = text.split(separator: "\u{1E}")
        #expect(records.count > 5)
        #expect(records.allSatisfy { $0.hasPrefix("{") && $0.hasSuffix("}\n") })
        #expect(text.contains("\"qlog_format\":\"JSON-SEQ\""))
    }
}

/// Collects lines from a sink that must be sendable.
final class Lines: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    func append(_ line: String) { lines.withLock { $0.append(line) } }
}
