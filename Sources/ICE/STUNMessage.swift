package import Wire

/// A STUN message (RFC 8489) as ICE uses it, read whole from one datagram.
///
/// Attributes that ICE has no use for are skipped; of a repeated attribute only the first counts (section 14).
package struct STUNMessage: Hashable, Sendable {
    package enum Class: UInt8, Hashable, Sendable {
        case request = 0
        case indication = 1
        case success = 2
        case error = 3
    }

    package var kind: Class
    /// The method; ICE knows one, `STUN.binding`.
    package var method: UInt16
    package var transactionID: STUNTransactionID
    /// What follows the header, as far as ICE understands it.
    package var attributes: STUNAttributes

    /// Where MESSAGE-INTEGRITY stands in the bytes that were read, from the start of the datagram.
    package private(set) var integrityOffset: Int?
    /// Whether the bytes that were read ended in a right FINGERPRINT.
    package private(set) var hasFingerprint = false

    package init(
        kind: Class, method: UInt16 = STUN.binding, transactionID: STUNTransactionID, attributes: STUNAttributes = STUNAttributes()
    ) {
        self.kind = kind
        self.method = method
        self.transactionID = transactionID
        self.attributes = attributes
    }

    /// Reads one datagram. A wrong FINGERPRINT is malformed (RFC 8489 section 7: it is not STUN then); integrity is
    /// checked by `hasIntegrity`, for the key depends on what is read here.
    package init(parsing datagram: Span<UInt8>) throws(ParseError) {
        guard datagram.count <= STUN.maximumByteCount else { throw .overLimit("the length of a STUN message") }
        var reader = ByteReader(datagram)
        let type = try reader.readUInt16()
        guard type < 0x4000 else { throw .malformed("the first two bits of a STUN message are zero") }
        let byteCount = Int(try reader.readUInt16())
        guard byteCount % 4 == 0 else { throw .malformed("the length of a STUN message is a multiple of four") }
        guard try reader.readUInt32() == STUN.magicCookie else { throw .malformed("the magic cookie") }
        transactionID = STUNTransactionID(high: try reader.readUInt64(), low: try reader.readUInt32())
        guard reader.remaining >= byteCount else { throw .truncated }
        guard reader.remaining == byteCount else { throw .malformed("bytes follow the STUN message") }
        (kind, method) = try Self.split(type: type)
        attributes = STUNAttributes()
        try readAttributes(&reader, of: datagram)
    }

    /// RFC 8489 section 5: the two bits of the class stand between those of the method.
    private static func split(type: UInt16) throws(ParseError) -> (Class, UInt16) {
        let bits = UInt8(truncatingIfNeeded: type >> 7 & 2 | type >> 4 & 1)
        guard let kind = Class(rawValue: bits) else { throw .malformed("the class of a STUN message") }
        return (kind, type & 0xF | type >> 1 & 0x70 | type >> 2 & 0xF80)
    }

    private var type: UInt16 {
        let bits = UInt16(kind.rawValue)
        return method & 0xF | (method & 0x70) << 1 | (method & 0xF80) << 2 | (bits & 1) << 4 | (bits & 2) << 7
    }

    private mutating func readAttributes(_ reader: inout ByteReader, of datagram: Span<UInt8>) throws(ParseError) {
        var seen: [UInt16] = []
        while !reader.isAtEnd {
            let offset = reader.offset
            let type = try reader.readUInt16()
            let byteCount = Int(try reader.readUInt16())
            let value = try reader.readSpan(byteCount)
            try reader.skip((4 - byteCount % 4) % 4)
            guard !hasFingerprint else { throw .malformed("FINGERPRINT is the last attribute") }
            guard !seen.contains(type) else { continue }
            guard seen.count < STUN.maximumAttributeCount else { throw .overLimit("the attributes of a STUN message") }
            seen.append(type)
            switch type {
            case STUNAttributeType.fingerprint:
                try check(fingerprint: value, at: offset, of: datagram)
            case STUNAttributeType.messageIntegrity where integrityOffset == nil:
                guard byteCount == STUN.integrityByteCount else { throw .malformed("MESSAGE-INTEGRITY has 20 bytes") }
                integrityOffset = offset
            // What follows the integrity is not protected by it (section 14.5).
            case _ where integrityOffset != nil: continue
            default: try attributes.read(type, value, transactionID: transactionID)
            }
        }
    }

    /// Section 14.7: over all that stands before it, with the header's length as sent.
    private mutating func check(fingerprint value: Span<UInt8>, at offset: Int, of datagram: Span<UInt8>) throws(ParseError) {
        var field = ByteReader(value)
        let claimed = try field.readUInt32()
        guard field.isAtEnd, claimed == CRC32.of(datagram.extracting(0..<offset)) ^ STUN.fingerprintMask else {
            throw .malformed("FINGERPRINT is wrong")
        }
        hasFingerprint = true
    }

    /// Whether MESSAGE-INTEGRITY in `datagram`, the bytes this message was read from, was made with `password`
    /// (short-term credentials, section 9.1.3).
    package func hasIntegrity(password: String, in datagram: Span<UInt8>) -> Bool {
        guard let integrityOffset, datagram.count >= integrityOffset + 4 + STUN.integrityByteCount else { return false }
        let expected = MessageIntegrity.code(
            of: [UInt8](datagram.extracting(0..<integrityOffset)), password: password)
        let start = integrityOffset + 4
        var difference: UInt8 = 0
        // All bytes, whatever the first ones say: the time it takes tells nothing.
        for index in 0..<STUN.integrityByteCount { difference |= expected[index] ^ datagram[start + index] }
        return difference == 0
    }

    /// The message's bytes, with FINGERPRINT, and with MESSAGE-INTEGRITY where there is a password.
    package func bytes(password: String?) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(128)
        bytes.append(bigEndian: type)
        bytes.append(bigEndian: UInt16(0))
        bytes.append(bigEndian: STUN.magicCookie)
        bytes.append(bigEndian: transactionID.high)
        bytes.append(bigEndian: transactionID.low)
        attributes.write(into: &bytes, transactionID: transactionID)
        if let password {
            let code = MessageIntegrity.code(of: bytes, password: password)
            bytes.append(attribute: STUNAttributeType.messageIntegrity, code)
        }
        Self.setLength(of: &bytes, adding: 8)
        var fingerprint: [UInt8] = []
        fingerprint.append(bigEndian: CRC32.of(bytes.span) ^ STUN.fingerprintMask)
        bytes.append(attribute: STUNAttributeType.fingerprint, fingerprint)
        return bytes
    }

    /// Puts into the header the length of the message once `byteCount` more bytes are there.
    static func setLength(of bytes: inout [UInt8], adding byteCount: Int) {
        let length = bytes.count - STUN.headerByteCount + byteCount
        bytes[2] = UInt8(truncatingIfNeeded: length >> 8)
        bytes[3] = UInt8(truncatingIfNeeded: length)
    }
}

/// The 96 bits that join a response to its request (RFC 8489 section 5).
package struct STUNTransactionID: Hashable, Sendable {
    package var high: UInt64
    package var low: UInt32

    package init(high: UInt64, low: UInt32) {
        self.high = high
        self.low = low
    }

    package init(entropy: inout Entropy) {
        self.init(high: entropy.next(), low: UInt32(truncatingIfNeeded: entropy.next()))
    }
}

/// Numbers of RFC 8489, and what we limit.
package enum STUN {
    package static let headerByteCount = 20
    package static let magicCookie: UInt32 = 0x2112_A442
    /// The method of every ICE check.
    package static let binding: UInt16 = 1
    /// No check comes near it; nothing longer is looked at.
    package static let maximumByteCount = 1_500
    package static let maximumAttributeCount = 32
    static let integrityByteCount = 20
    /// "STUN" in ASCII (section 14.7).
    static let fingerprintMask: UInt32 = 0x5354_554E
}
