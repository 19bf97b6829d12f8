import Wire

@testable import ICE

/// Messages that our writer would not write.
enum STUNBytes {
    /// `body`, header and attributes, with right integrity and fingerprint after it.
    static func signed(_ body: [UInt8], password: String) -> [UInt8] {
        var bytes = body
        let code = MessageIntegrity.code(of: bytes, password: password)
        bytes.append(attribute: STUNAttributeType.messageIntegrity, code)
        STUNMessage.setLength(of: &bytes, adding: 8)
        var fingerprint: [UInt8] = []
        fingerprint.append(bigEndian: CRC32.of(bytes.span) ^ STUN.fingerprintMask)
        bytes.append(attribute: STUNAttributeType.fingerprint, fingerprint)
        return bytes
    }
}
