import DTLS
import RTP
import Testing
import Wire

@Suite struct HandshakeTests {
    @Test func `both ends derive the same keys, each seen from its side`() throws {
        let pair = try DTLSPair()
        pair.handshake()
        let client = try #require(pair.clientEvents.keys.first)
        let server = try #require(pair.serverEvents.keys.first)
        #expect(client.profile == .aeadAES128GCM && server.profile == .aeadAES128GCM)
        #expect(client.local == server.remote && client.remote == server.local)
        #expect(client.local != client.remote)
        #expect(client.local.count == 28)
        #expect(pair.clientEvents.keys.count == 1 && pair.serverEvents.keys.count == 1)
    }

    @Test(arguments: SRTPProfile.allCases)
    func `the one profile that both have is taken`(_ profile: SRTPProfile) throws {
        var server = DTLSConfiguration()
        server.srtpProfiles = [profile]
        let pair = try DTLSPair(serverConfiguration: server)
        pair.handshake()
        let keys = try #require(pair.clientEvents.keys.first)
        #expect(keys.profile == profile)
        #expect(keys.local.count == profile.masterKeyByteCount + profile.masterSaltByteCount)
        #expect(pair.serverEvents.keys.first?.remote == keys.local)
    }

    @Test func `a server's own order of profiles decides`() throws {
        var server = DTLSConfiguration()
        server.srtpProfiles = [.aes128CMSHA1_80, .aeadAES128GCM]
        let pair = try DTLSPair(serverConfiguration: server)
        pair.handshake()
        #expect(pair.clientEvents.keys.first?.profile == .aes128CMSHA1_80)
    }

    @Test func `without a common profile nobody gets keys`() throws {
        var (client, server) = (DTLSConfiguration(), DTLSConfiguration())
        client.srtpProfiles = [.aeadAES256GCM]
        server.srtpProfiles = [.aes128CMSHA1_80]
        let pair = try DTLSPair(clientConfiguration: client, serverConfiguration: server)
        pair.handshake()
        #expect(pair.serverEvents == [.closed(.noCommonProfile)])
        #expect(pair.clientEvents.keys.isEmpty)
        #expect(!pair.client.isEstablished)
    }

    @Test(arguments: DTLSIdentity.Kind.allCases, DTLSIdentity.Kind.allCases)
    func `every pair of key kinds agrees`(_ client: DTLSIdentity.Kind, _ server: DTLSIdentity.Kind) throws {
        let pair = try DTLSPair(
            clientIdentity: .selfSigned(client, unixSeconds: 1_790_000_000),
            serverIdentity: .selfSigned(server, unixSeconds: 1_790_000_000))
        pair.handshake()
        #expect(pair.client.isEstablished && pair.server.isEstablished)
    }

    @Test func `a client has its keys a round trip before the server's Finished`() throws {
        let pair = try DTLSPair(delay: .milliseconds(50))
        pair.handshake()
        #expect(pair.clientKeysAt == Instant(nanoseconds: 1_100_000_000))
        #expect(pair.serverEstablishedAt == Instant(nanoseconds: 1_150_000_000))
        #expect(pair.clientEstablishedAt == Instant(nanoseconds: 1_200_000_000))
        #expect(pair.clientEvents.count == 2)
    }

    @Test func `without loss nothing is sent twice, whatever the delay below the first timer`() throws {
        for milliseconds in [0, 1, 25, 50] {
            let pair = try DTLSPair(delay: .milliseconds(milliseconds))
            pair.handshake()
            #expect(pair.client.isEstablished && pair.server.isEstablished)
            #expect(pair.log.count == 4, "at \(milliseconds) ms")
        }
    }

    @Test func `a certificate of another fingerprint closes a client before it has keys`() throws {
        let other = CertificateFingerprint(algorithm: "sha-256", digest: [UInt8](repeating: 7, count: 32))
        let pair = try DTLSPair(clientExpects: [other])
        pair.handshake()
        #expect(pair.clientEvents == [.closed(.fingerprintMismatch)])
        // 42 is bad_certificate (RFC 8122 section 6.2).
        #expect(pair.serverEvents == [.closed(.peerAlert(42))])
    }

    @Test func `a certificate of another fingerprint closes a server before it has keys`() throws {
        let other = CertificateFingerprint(algorithm: "sha-256", digest: [UInt8](repeating: 7, count: 32))
        let pair = try DTLSPair(serverExpects: [other])
        pair.handshake()
        #expect(pair.serverEvents == [.closed(.fingerprintMismatch)])
        #expect(pair.clientEvents.last == .closed(.peerAlert(42)))
        #expect(!pair.clientEvents.contains(.established))
    }

    @Test func `of several fingerprints the strongest hash decides, and one of its kind is enough`() throws {
        let right = try DTLSPair.serverIdentity.get().fingerprint
        let wrong = CertificateFingerprint(algorithm: "sha-256", digest: [UInt8](repeating: 7, count: 32))
        let wrongStronger = CertificateFingerprint(algorithm: "sha-512", digest: [UInt8](repeating: 7, count: 64))
        let unknown = CertificateFingerprint(algorithm: "sha-1", digest: [UInt8](repeating: 7, count: 20))
        let upperCase = CertificateFingerprint(algorithm: "SHA-256", digest: right.digest)
        for accepted in [[wrong, right], [unknown, right], [upperCase]] {
            let pair = try DTLSPair(clientExpects: accepted)
            pair.handshake()
            #expect(pair.client.isEstablished)
        }
        let pair = try DTLSPair(clientExpects: [right, wrongStronger])
        pair.handshake()
        #expect(pair.clientEvents.close == .fingerprintMismatch)
    }

    @Test func `a session is refused without a fingerprint that can be believed, or without a profile`() throws {
        let identity = try DTLSPair.clientIdentity.get()
        #expect(throws: DTLSFailure.noUsableFingerprint) {
            try DTLSSession(role: .server, identity: identity, peerFingerprints: [])
        }
        let weak = CertificateFingerprint(algorithm: "sha-1", digest: [UInt8](repeating: 1, count: 20))
        let short = CertificateFingerprint(algorithm: "sha-256", digest: [1, 2, 3])
        #expect(throws: DTLSFailure.noUsableFingerprint) {
            try DTLSSession(role: .server, identity: identity, peerFingerprints: [weak, short])
        }
        var configuration = DTLSConfiguration()
        configuration.srtpProfiles = []
        #expect(throws: DTLSFailure.noProfile) {
            try DTLSSession(role: .server, identity: identity, peerFingerprints: [identity.fingerprint], configuration: configuration)
        }
    }

    @Test func `no datagram of a handshake is larger than the configuration allows`() throws {
        for limit in [300, 548, 1200] {
            var configuration = DTLSConfiguration()
            configuration.maximumDatagramByteCount = limit
            let pair = try DTLSPair(clientConfiguration: configuration, serverConfiguration: configuration)
            pair.handshake()
            #expect(pair.client.isEstablished && pair.server.isEstablished)
            #expect(pair.log.allSatisfy { $0.byteCount <= limit }, "\(pair.log.map(\.byteCount)) over \(limit)")
        }
    }

    @Test func `the handshake fails closed when nobody answers`() throws {
        let pair = try DTLSPair()
        pair.fate = { _, _ in nil }
        pair.handshake(within: .seconds(30))
        #expect(pair.clientEvents == [.closed(.handshakeTimeout)])
        #expect(pair.serverEvents == [.closed(.handshakeTimeout)])
        #expect(pair.client.deadline == nil && pair.server.deadline == nil)
    }

    @Test func `a ClientHello in two datagrams is put together, in either order and with a copy of either half`() throws {
        for cut in [1, 2, 33, 60, 90] {
            for order in [[0, 1], [1, 0], [0, 0, 1], [1, 1, 0]] {
                let pair = try DTLSPair()
                let first = pair.perform {
                    pair.client.start(now: pair.now)
                    return pair.client.pollTransmit()
                }
                let hello = try #require(first)
                let halves = Self.fragments(of: hello, cut: cut)
                for index in order {
                    pair.perform { halves[index].withUnsafeBytes { pair.server.receive($0, now: pair.now) } }
                }
                pair.handshake()
                #expect(pair.client.isEstablished && pair.server.isEstablished, "cut at \(cut), order \(order)")
                #expect(pair.now - Instant(nanoseconds: 1_000_000_000) == .milliseconds(75))
            }
        }
    }

    @Test func `on the real clock the timer runs from now on`() throws {
        // No virtual clock is set on this thread: the function that interposes `gettimeofday` answers the real time.
        let identity = try DTLSPair.clientIdentity.get()
        let session = try DTLSSession(role: .client, identity: identity, peerFingerprints: [identity.fingerprint])
        let now = Instant(nanoseconds: 5_000_000_000)
        session.start(now: now)
        let deadline = try #require(session.deadline)
        #expect(deadline - now <= .milliseconds(120))
        session.handleTimeout(now: now)
        var copies = 0
        while session.pollTransmit() != nil { copies += 1 }
        #expect(copies >= 1)
    }

    @Test func `datagrams too small for a handshake are refused at once`() throws {
        let identity = try DTLSPair.clientIdentity.get()
        var configuration = DTLSConfiguration()
        for size in [-1, 0, 100] {
            configuration.maximumDatagramByteCount = size
            #expect(throws: DTLSFailure.self) {
                try DTLSSession(role: .client, identity: identity, peerFingerprints: [identity.fingerprint], configuration: configuration)
            }
        }
    }

    /// A record of one handshake message as two records of a fragment each (RFC 6347 section 4.2.3).
    private static func fragments(of record: [UInt8], cut: Int) -> [[UInt8]] {
        func big(_ value: Int, _ count: Int) -> [UInt8] { (0..<count).reversed().map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }
        let head = Array(record[..<10])
        let typeLengthSequence = Array(record[13..<19])
        let body = Array(record[25...])
        return [0..<cut, cut..<body.count].enumerated().map { number, range in
            var head = head
            // Records of their own have numbers of their own, near enough to the client's next to stay in the replay window.
            head.append(UInt8(10 + number))
            return head + big(range.count + 12, 2) + typeLengthSequence + big(range.lowerBound, 3) + big(range.count, 3) + body[range]
        }
    }
}
