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
}
