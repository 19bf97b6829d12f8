internal import Crypto
internal import Wire

/// MESSAGE-INTEGRITY (RFC 8489 section 14.5).
enum MessageIntegrity {
    /// The HMAC-SHA1 over a message whose attributes so far are in `bytes`; the header's length counts the integrity
    /// attribute that will follow, and nothing after it.
    static func code(of bytes: [UInt8], password: String) -> [UInt8] {
        var covered = bytes
        STUNMessage.setLength(of: &covered, adding: 4 + STUN.integrityByteCount)
        // A short-term key is the password itself (section 9.1.1); ICE passwords are ASCII, which OpaqueString keeps.
        var code = HMAC<Insecure.SHA1>(key: SymmetricKey(data: Array(password.utf8)))
        code.update(data: covered)
        return Array(code.finalize())
    }
}

/// The CRC-32 of ISO 3309 that FINGERPRINT takes (RFC 8489 section 14.7).
enum CRC32 {
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
    }

    static func of(_ bytes: Span<UInt8>) -> UInt32 {
        var value = UInt32.max
        for index in bytes.indices {
            value = value >> 8 ^ table[Int(UInt8(truncatingIfNeeded: value) ^ bytes[index])]
        }
        return ~value
    }
}
