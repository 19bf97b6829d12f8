package import Wire

/// The attributes of a STUN message that ICE understands (RFC 8489 section 14, RFC 8445 section 16.1).
package struct STUNAttributes: Hashable, Sendable {
    /// USERNAME: the receiver's ufrag, a colon, the sender's ufrag (RFC 8445 section 7.2.2).
    package var username: String?
    /// XOR-MAPPED-ADDRESS: where the request came from, as the responder saw it.
    package var mappedAddress: PeerAddress?
    /// PRIORITY of the candidate that the peer would learn from this check.
    package var priority: UInt32?
    /// USE-CANDIDATE: the controlling agent nominates this pair.
    package var usesCandidate = false
    package var role: STUNRole?
    package var errorCode: STUNErrorCode?
    /// UNKNOWN-ATTRIBUTES: the types that an error 420 complains of.
    package var unknownAttributes: [UInt16] = []
    /// Attributes of this message that must be understood and are not (section 14, types below 0x8000); never written.
    package internal(set) var notUnderstood: [UInt16] = []

    package init() {}

    /// What of these attributes is left when they are written and read again: all but those that were not understood.
    package var written: STUNAttributes {
        var copy = self
        copy.notUnderstood = []
        return copy
    }
}

/// Which part an agent plays, with its tie-breaker (RFC 8445 section 16.1).
package enum STUNRole: Hashable, Sendable {
    case controlled(tieBreaker: UInt64)
    case controlling(tieBreaker: UInt64)
}

/// ERROR-CODE (RFC 8489 section 14.8); the reason phrase is not kept.
package struct STUNErrorCode: Hashable, Sendable {
    package var number: Int
    package init(number: Int) { self.number = number }

    package static let badRequest = STUNErrorCode(number: 400)
    package static let unauthenticated = STUNErrorCode(number: 401)
    package static let unknownAttribute = STUNErrorCode(number: 420)
    /// RFC 8445 section 7.3.1.1.
    package static let roleConflict = STUNErrorCode(number: 487)
}

/// Types from IANA's registry of STUN attributes.
enum STUNAttributeType {
    static let mappedAddress: UInt16 = 0x0001
    static let username: UInt16 = 0x0006
    static let messageIntegrity: UInt16 = 0x0008
    static let errorCode: UInt16 = 0x0009
    static let unknownAttributes: UInt16 = 0x000A
    static let realm: UInt16 = 0x0014
    static let nonce: UInt16 = 0x0015
    static let messageIntegritySHA256: UInt16 = 0x001C
    static let xorMappedAddress: UInt16 = 0x0020
    static let priority: UInt16 = 0x0024
    static let useCandidate: UInt16 = 0x0025
    static let fingerprint: UInt16 = 0x8028
    static let iceControlled: UInt16 = 0x8029
    static let iceControlling: UInt16 = 0x802A
    /// Below this, a receiver must understand the attribute or refuse the message.
    static let firstOptional: UInt16 = 0x8000
}

extension STUNAttributes {
    /// Takes in one attribute; lengths must be exact where the RFC fixes them.
    mutating func read(_ type: UInt16, _ value: Span<UInt8>, transactionID: STUNTransactionID) throws(ParseError) {
        var reader = ByteReader(value)
        switch type {
        case STUNAttributeType.username:
            // Fewer than 509 bytes (section 14.3); ICE's two ufrags may have 256 each, with the colon 513 (RFC 8839 section 5.4).
            guard value.count <= 513 else { throw .overLimit("the length of USERNAME") }
            guard let name = String(validating: [UInt8](value), as: UTF8.self) else { throw .malformed("USERNAME is UTF-8") }
            username = name
        case STUNAttributeType.xorMappedAddress:
            mappedAddress = try Self.readAddress(&reader, transactionID: transactionID)
        case STUNAttributeType.priority: priority = try reader.readUInt32()
        case STUNAttributeType.useCandidate: usesCandidate = true
        case STUNAttributeType.iceControlled: role = .controlled(tieBreaker: try reader.readUInt64())
        case STUNAttributeType.iceControlling: role = .controlling(tieBreaker: try reader.readUInt64())
        case STUNAttributeType.errorCode:
            try reader.skip(2)
            let (hundreds, rest) = (Int(try reader.readUInt8() & 7), Int(try reader.readUInt8()))
            guard (3...6).contains(hundreds), rest < 100 else { throw .malformed("ERROR-CODE goes from 300 to 699") }
            errorCode = STUNErrorCode(number: hundreds * 100 + rest)
            return  // the reason phrase follows
        case STUNAttributeType.unknownAttributes:
            while reader.remaining >= 2 { unknownAttributes.append(try reader.readUInt16()) }
        // Known, and of no use here: short-term credentials have neither realm nor nonce (section 9.1).
        case STUNAttributeType.mappedAddress, STUNAttributeType.realm, STUNAttributeType.nonce,
            STUNAttributeType.messageIntegritySHA256:
            return
        default:
            if type < STUNAttributeType.firstOptional { notUnderstood.append(type) }
            return
        }
        guard reader.isAtEnd || type == STUNAttributeType.username else { throw .malformed("a STUN attribute is too long") }
    }

    /// Section 14.2: the port is mixed with the magic cookie, an IPv6 address with cookie and transaction ID.
    private static func readAddress(_ reader: inout ByteReader, transactionID: STUNTransactionID) throws(ParseError) -> PeerAddress {
        try reader.skip(1)
        let family = try reader.readUInt8()
        let port = try reader.readUInt16() ^ UInt16(truncatingIfNeeded: STUN.magicCookie >> 16)
        switch family {
        case 1: return PeerAddress(ipv4: try reader.readUInt32() ^ STUN.magicCookie, port: port)
        case 2:
            let (highMask, lowMask) = addressMask(transactionID)
            return PeerAddress(high: try reader.readUInt64() ^ highMask, low: try reader.readUInt64() ^ lowMask, port: port)
        default: throw .malformed("the family of XOR-MAPPED-ADDRESS")
        }
    }

    private static func addressMask(_ id: STUNTransactionID) -> (high: UInt64, low: UInt64) {
        (UInt64(STUN.magicCookie) << 32 | id.high >> 32, id.high << 32 | UInt64(id.low))
    }

    func write(into bytes: inout [UInt8], transactionID: STUNTransactionID) {
        if let username { bytes.append(attribute: STUNAttributeType.username, Array(username.utf8)) }
        if let mappedAddress {
            bytes.append(attribute: STUNAttributeType.xorMappedAddress, Self.addressField(mappedAddress, transactionID))
        }
        if let priority { bytes.append(attribute: STUNAttributeType.priority, integer: UInt64(priority), byteCount: 4) }
        switch role {
        case .controlled(let tieBreaker):
            bytes.append(attribute: STUNAttributeType.iceControlled, integer: tieBreaker, byteCount: 8)
        case .controlling(let tieBreaker):
            bytes.append(attribute: STUNAttributeType.iceControlling, integer: tieBreaker, byteCount: 8)
        case nil: break
        }
        if usesCandidate { bytes.append(attribute: STUNAttributeType.useCandidate, []) }
        if let errorCode {
            // No reason phrase: an answer to a stranger stays as short as it can.
            let (hundreds, rest) = errorCode.number.quotientAndRemainder(dividingBy: 100)
            bytes.append(attribute: STUNAttributeType.errorCode, [0, 0, UInt8(clamping: hundreds), UInt8(clamping: rest)])
        }
        if !unknownAttributes.isEmpty {
            var types: [UInt8] = []
            for type in unknownAttributes { types.append(bigEndian: type) }
            bytes.append(attribute: STUNAttributeType.unknownAttributes, types)
        }
    }

    private static func addressField(_ address: PeerAddress, _ transactionID: STUNTransactionID) -> [UInt8] {
        var field: [UInt8] = [0, address.ipv4 == nil ? 2 : 1]
        field.append(bigEndian: address.port ^ UInt16(truncatingIfNeeded: STUN.magicCookie >> 16))
        if let ipv4 = address.ipv4 {
            field.append(bigEndian: ipv4 ^ STUN.magicCookie)
        } else {
            let mask = addressMask(transactionID)
            field.append(bigEndian: address.high ^ mask.high)
            field.append(bigEndian: address.low ^ mask.low)
        }
        return field
    }
}

extension [UInt8] {
    /// Type, length, value, and zeros up to a multiple of four bytes (RFC 8489 section 14).
    mutating func append(attribute type: UInt16, _ value: [UInt8]) {
        append(bigEndian: type)
        append(bigEndian: UInt16(truncatingIfNeeded: value.count))
        append(contentsOf: value)
        for _ in 0..<((4 - value.count % 4) % 4) { append(0) }
    }

    fileprivate mutating func append(attribute type: UInt16, integer: UInt64, byteCount: Int) {
        var value: [UInt8] = []
        value.append(bigEndian: integer)
        append(attribute: type, Array(value.suffix(byteCount)))
    }
}
