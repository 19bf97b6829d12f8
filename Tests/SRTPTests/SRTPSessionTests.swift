import DTLS
import RTP
import SRTP
import Testing
import Wire

@Suite struct SRTPSessionTests {
    @Test(arguments: SRTPProfile.allCases, Packet.allCases)
    func `what one end protects the other opens`(_ profile: SRTPProfile, _ kind: Packet) throws {
        let pair = try SRTPPair(profile)
        let packet = kind == .rtp ? SRTPPair.rtp(sequence: 7) : SRTPPair.rtcp()
        let protected = try pair.sender.protect(kind, packet)
        #expect(protected.count == packet.count + profile.tagByteCount + (kind == .rtp ? 0 : 4))
        #expect(protected.count <= packet.count + SRTPSession.trailerByteCount)
        #expect(protected != packet)
        #expect(try pair.receiver.unprotect(kind, protected) == packet)
    }

    @Test(arguments: SRTPProfile.allCases)
    func `packets of every size, with sources and extension, come back as they were`(_ profile: SRTPProfile) throws {
        let pair = try SRTPPair(profile)
        var entropy = Entropy(seed: 1)
        for size in 0...300 {
            var packet = SRTPPair.rtp(sequence: UInt16(size), payload: entropy.bytes(size))
            if size % 3 == 1 {
                packet[0] |= 0x02
                packet.insert(contentsOf: [0, 0, 0, 1, 0, 0, 0, 2], at: 12)
            }
            if size % 2 == 1 {
                packet[0] |= 0x10
                packet.insert(contentsOf: [0xBE, 0xDE, 0, 1, 0x10, 0xFF, 0, 0], at: 12 + Int(packet[0] & 0x0F) * 4)
            }
            #expect(try pair.receiver.unprotect(.rtp, try pair.sender.protect(.rtp, packet)) == packet)
        }
    }

    @Test(arguments: SRTPProfile.allCases, Packet.allCases)
    func `a replayed packet is refused`(_ profile: SRTPProfile, _ kind: Packet) throws {
        let pair = try SRTPPair(profile)
        let packet = kind == .rtp ? SRTPPair.rtp(sequence: 7) : SRTPPair.rtcp()
        let protected = try pair.sender.protect(kind, packet)
        _ = try pair.receiver.unprotect(kind, protected)
        #expect(throws: SRTPFailure.replayed) { try pair.receiver.unprotect(kind, protected) }
    }

    @Test(arguments: SRTPProfile.allCases, Packet.allCases)
    func `a packet damaged at any byte is refused, and does not use up its place`(_ profile: SRTPProfile, _ kind: Packet) throws {
        let pair = try SRTPPair(profile)
        let packet = kind == .rtp ? SRTPPair.rtp(sequence: 7) : SRTPPair.rtcp()
        let protected = try pair.sender.protect(kind, packet)
        for index in protected.indices {
            for mask in [0x01, 0x10, 0x80] as [UInt8] {
                var damaged = protected
                damaged[index] ^= mask
                #expect(throws: SRTPFailure.self, "byte \(index)") { try pair.receiver.unprotect(kind, damaged) }
            }
        }
        #expect(try pair.receiver.unprotect(kind, protected) == packet)
    }

    @Test(arguments: SRTPProfile.allCases)
    func `packets in any order within the window are opened, older ones refused`(_ profile: SRTPProfile) throws {
        let pair = try SRTPPair(profile)
        let protected = try (0..<1200).map { try pair.sender.protect(.rtp, SRTPPair.rtp(sequence: 5000 + $0)) }
        _ = try pair.receiver.unprotect(.rtp, protected[1100])
        for index in [1099, 600, 1101, 100, 78] {
            #expect(try pair.receiver.unprotect(.rtp, protected[index]) == SRTPPair.rtp(sequence: 5000 + UInt16(index)))
        }
        for index in [77, 0] {
            #expect(throws: SRTPFailure.replayed) { try pair.receiver.unprotect(.rtp, protected[index]) }
        }
    }

    @Test(arguments: SRTPProfile.allCases)
    func `a resend is the same packet again, also when others went between`(_ profile: SRTPProfile) throws {
        let pair = try SRTPPair(profile)
        let first = try pair.sender.protect(.rtp, SRTPPair.rtp(sequence: 1))
        for sequence in 2...500 as ClosedRange<UInt16> { _ = try pair.sender.protect(.rtp, SRTPPair.rtp(sequence: sequence)) }
        let again = try pair.sender.protect(.rtp, SRTPPair.rtp(sequence: 1))
        #expect(again == first)
        #expect(try pair.receiver.unprotect(.rtp, again) == SRTPPair.rtp(sequence: 1))
    }

    @Test(arguments: [
        (SRTPProfile.aeadAES128GCM, 1, 70_000), (.aeadAES256GCM, 97, 140_000), (.aes128CMSHA1_80, 97, 140_000),
    ])
    func `sequence numbers roll over, with loss around it`(_ profile: SRTPProfile, _ step: Int, _ end: Int) throws {
        let pair = try SRTPPair(profile)
        var cycles: Set<Int> = []
        for index in stride(from: 0, to: end, by: step) {
            let packet = SRTPPair.rtp(sequence: UInt16(truncatingIfNeeded: 60_000 + index), payload: [1])
            let protected = try pair.sender.protect(.rtp, packet)
            // Few arrive, and none of those around the first roll-over.
            guard index / step % 10 == 0, !(5_400..<5_700).contains(index) else { continue }
            let opened = try pair.receiver.unprotect(.rtp, protected)
            #expect(opened == packet)
            cycles.insert((60_000 + index) >> 16)
        }
        #expect(cycles == Set(0...((60_000 + end) >> 16)))
    }

    @Test(arguments: SRTPProfile.allCases)
    func `the same packet a cycle later is other bytes`(_ profile: SRTPProfile) throws {
        let pair = try SRTPPair(profile)
        let packet = SRTPPair.rtp(sequence: 40_000)
        let first = try pair.sender.protect(.rtp, packet)
        for sequence in [60_000, 10_000, 30_000] as [UInt16] { _ = try pair.sender.protect(.rtp, SRTPPair.rtp(sequence: sequence)) }
        #expect(try pair.sender.protect(.rtp, packet) != first)
    }

    @Test(arguments: SRTPProfile.allCases, Packet.allCases)
    func `packets of 0 to 64 bytes of any kind are refused, not read past`(_ profile: SRTPProfile, _ kind: Packet) throws {
        let pair = try SRTPPair(profile)
        var entropy = Entropy(seed: 9)
        for count in 0...64 {
            for first in [0x80, 0x90, 0x8F, 0x9F, 0xA0, 0x00, 0xFF] as [UInt8] {
                var packet = entropy.bytes(count)
                if count > 0 { packet[0] = first }
                #expect(throws: SRTPFailure.self) { try pair.receiver.unprotect(kind, packet) }
                // The greatest extension that a header can claim.
                if count > 15 { (packet[14], packet[15]) = (0xFF, 0xFF) }
                #expect(throws: SRTPFailure.self) { try pair.receiver.unprotect(kind, packet) }
            }
        }
        #expect(throws: SRTPFailure.malformed) { try pair.receiver.unprotect(kind, []) }
    }

    @Test(arguments: SRTPProfile.allCases, Packet.allCases)
    func `every beginning of a good packet is refused`(_ profile: SRTPProfile, _ kind: Packet) throws {
        let pair = try SRTPPair(profile)
        let packet = kind == .rtp ? SRTPPair.rtp(sequence: 7) : SRTPPair.rtcp()
        let protected = try pair.sender.protect(kind, packet)
        for count in protected.indices {
            #expect(throws: SRTPFailure.self) { try pair.receiver.unprotect(kind, Array(protected[..<count])) }
        }
    }

    @Test(arguments: SRTPProfile.allCases)
    func `an SRTCP packet that claims to be in clear is refused`(_ profile: SRTPProfile) throws {
        let pair = try SRTPPair(profile)
        var protected = try pair.sender.protect(.rtcp, SRTPPair.rtcp())
        // The E bit before the index: at the end under GCM, before the tag under HMAC.
        let flag = profile == .aes128CMSHA1_80 ? protected.count - 14 : protected.count - 4
        #expect(protected[flag] == 0x80)
        protected[flag] = 0
        #expect(throws: SRTPFailure.notAuthentic) { try pair.receiver.unprotect(.rtcp, protected) }
    }

    @Test func `a short or broken packet is not protected, and needs its room`() throws {
        let sender = try SRTPPair(.aeadAES128GCM).sender
        for count in 0..<12 {
            #expect(throws: SRTPFailure.malformed) { try sender.protect(.rtp, [UInt8](repeating: 0x80, count: count)) }
        }
        for count in 0..<8 {
            #expect(throws: SRTPFailure.malformed) { try sender.protect(.rtcp, [UInt8](repeating: 0x80, count: count)) }
        }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 12 + SRTPSession.trailerByteCount - 1, alignment: 8)
        defer { buffer.deallocate() }
        buffer.copyBytes(from: SRTPPair.rtp(sequence: 1, payload: []) + [UInt8](repeating: 0, count: SRTPSession.trailerByteCount - 1))
        #expect(throws: SRTPFailure.noRoom) { try sender.protectRTP(buffer, count: 12) }
        #expect(throws: SRTPFailure.malformed) { try sender.protectRTP(buffer, count: 1000) }
        #expect(throws: SRTPFailure.malformed) { try sender.unprotectRTP(buffer, count: 1000) }
    }

    @Test func `a flood of new sources stops at the limit, and only authentic ones count`() throws {
        var limits = SRTPLimits()
        limits.inboundSources = 3
        let pair = try SRTPPair(.aeadAES128GCM, limits: limits)
        for ssrc in 100..<200 as Range<UInt32> {
            #expect(throws: SRTPFailure.notAuthentic) { try pair.receiver.unprotect(.rtp, SRTPPair.rtp(sequence: 1, ssrc: ssrc)) }
        }
        for ssrc in 0..<10 as Range<UInt32> {
            let protected = try pair.sender.protect(.rtp, SRTPPair.rtp(sequence: 1, ssrc: ssrc))
            if ssrc < 3 {
                _ = try pair.receiver.unprotect(.rtp, protected)
            } else {
                #expect(throws: SRTPFailure.tooManySources) { try pair.receiver.unprotect(.rtp, protected) }
            }
        }
        let known = try pair.sender.protect(.rtcp, SRTPPair.rtcp(ssrc: 2))
        #expect(try pair.receiver.unprotect(.rtcp, known) == SRTPPair.rtcp(ssrc: 2))
    }

    @Test(arguments: SRTPProfile.allCases)
    func `keys of a wrong length are refused`(_ profile: SRTPProfile) {
        let right = [UInt8](repeating: 1, count: profile.masterKeyByteCount + profile.masterSaltByteCount)
        for wrong in [[], Array(right.dropLast()), right + [1]] {
            #expect(throws: SRTPFailure.invalidKeys) { try SRTPSession(keys: SRTPKeys(profile: profile, local: wrong, remote: right)) }
            #expect(throws: SRTPFailure.invalidKeys) { try SRTPSession(keys: SRTPKeys(profile: profile, local: right, remote: wrong)) }
        }
    }

    @Test func `packets of another session are not authentic`() throws {
        let pair = try SRTPPair(.aeadAES128GCM)
        // What a session sends, it does not open itself: the directions have keys of their own.
        let protected = try pair.sender.protect(.rtp, SRTPPair.rtp(sequence: 1))
        #expect(throws: SRTPFailure.notAuthentic) { try pair.sender.unprotect(.rtp, protected) }
    }

    @Test func `the keys of a DTLS handshake fit together`() throws {
        let (client, server) = try Self.handshake()
        let protected = try SRTPSession(keys: client).protect(.rtp, SRTPPair.rtp(sequence: 1))
        #expect(try SRTPSession(keys: server).unprotect(.rtp, protected) == SRTPPair.rtp(sequence: 1))
    }

    /// A handshake with nothing lost and no time passing.
    private static func handshake() throws -> (client: SRTPKeys, server: SRTPKeys) {
        let identity = try DTLSIdentity.selfSigned(.ecdsaP256, unixSeconds: 1_790_000_000)
        let client = try DTLSSession(role: .client, identity: identity, peerFingerprints: [identity.fingerprint])
        let server = try DTLSSession(role: .server, identity: identity, peerFingerprints: [identity.fingerprint])
        var keys: [SRTPKeys] = []
        client.start(now: .zero)
        for (source, sink) in [(client, server), (server, client), (client, server), (server, client)] {
            while let datagram = source.pollTransmit() { datagram.withUnsafeBytes { sink.receive($0, now: .zero) } }
            while let event = sink.pollEvent() { if case .keysAvailable(let told) = event { keys.append(told) } }
        }
        try #require(keys.count == 2)
        return (keys[0], keys[1])
    }
}
