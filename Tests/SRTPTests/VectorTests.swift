import RTP
import SRTP
import Testing

/// Exact ciphertext. libsrtp takes master keys, the RFCs' examples for whole packets take session keys; so the packets here
/// were made by another implementation of both RFCs, which reproduces RFC 3711 appendix B.3 (key derivation) and RFC 7714
/// section 16.1.1 (a packet under AEAD_AES_128_GCM).
@Suite struct VectorTests {
    private static let gallia = "47616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573"
    private static let rtp = bytes("806f1234decafbadcafebabe" + gallia)
    private static let rtcp = bytes("80c80006cafebabe000102030405060708090a0b0c0d0e0f10111213")

    @Test func `AES-CM with HMAC-SHA1-80 under the master key of RFC 3711 appendix B.3`() throws {
        let session = try Self.session(.aes128CMSHA1_80, "e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6")
        #expect(
            try session.protect(.rtp, Self.rtp)
                == bytes(
                    "806f1234decafbadcafebabea29f1b8b2553f316547b59d15258e6dabf74fa94dc3ec5ab38c91744ce1df95b"
                        + "07c31315e9115d64dee3c0e834fc3f87"))
        #expect(
            try session.protect(.rtcp, Self.rtcp)
                == bytes("80c80006cafebabeda82aaf34b2914111d5a31e15ed1000c6e55013980000001323b6a241a6ce15eb70c"))
    }

    @Test func `AEAD_AES_128_GCM`() throws {
        let session = try Self.session(.aeadAES128GCM, "000102030405060708090a0b0c0d0e0f" + "a0a1a2a3a4a5a6a7a8a9aaab")
        #expect(
            try session.protect(.rtp, Self.rtp)
                == bytes(
                    "806f1234decafbadcafebabe29cae919c60556e061ced2244ecf62b64afe6607b49c7ccdcb7cf668f89f0383"
                        + "04c2c5cae96107c3dee60baf9a11518786135744095a"))
        #expect(
            try session.protect(.rtcp, Self.rtcp)
                == bytes("80c80006cafebabe622122f55f9787f92689cd810b28d581d97f1efb8ba1ed0cd8a5a3080d38e1bfb01f7b1480000001"))
    }

    @Test func `AEAD_AES_256_GCM`() throws {
        let session = try Self.session(
            .aeadAES256GCM, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" + "a0a1a2a3a4a5a6a7a8a9aaab")
        #expect(
            try session.protect(.rtp, Self.rtp)
                == bytes(
                    "806f1234decafbadcafebabee63d35d9485a3663a29dd758f72889696bf7cbad8bb8744f2e0c395ba3e643f4"
                        + "1a7d49f3652b24230e05e5274584665fe04792b8da95"))
        #expect(
            try session.protect(.rtcp, Self.rtcp)
                == bytes("80c80006cafebabe2115060f2fa9a73c4bad30c168ec09acd2f43f5b18be8d543152a41a80aa2a394850bdda80000001"))
    }

    private static func session(_ profile: SRTPProfile, _ key: String) throws -> SRTPSession {
        let key = bytes(key)
        return try SRTPSession(keys: SRTPKeys(profile: profile, local: key, remote: key))
    }
}

private func bytes(_ hexadecimal: String) -> [UInt8] {
    let digits = hexadecimal.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}
