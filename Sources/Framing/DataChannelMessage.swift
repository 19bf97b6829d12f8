package import Wire

/// A message of the Data Channel Establishment Protocol (RFC 8832 section 5), sent under `DataChannelPPID.control` on the
/// stream of the channel that it is about.
package enum DataChannelMessage: Hashable, Sendable {
    /// Opens the channel for both directions. Its sender may send data at once (section 6).
    case open(DataChannelOpen)
    /// The channel is open at the other end too.
    case ack

    /// - Throws: `truncated` for a message that ends early; `malformed` for one of no known kind, with bytes after its end,
    ///   or with a label or protocol that is not UTF-8.
    package init(parsing bytes: Span<UInt8>) throws(ParseError) {
        var reader = ByteReader(bytes)
        switch try reader.readUInt8() {
        case Self.ackType: self = .ack
        case Self.openType: self = .open(try DataChannelOpen(&reader))
        default: throw .malformed("a data channel message of unknown type")
        }
        guard reader.isAtEnd else { throw .malformed("bytes after a data channel message") }
    }

    /// The message as it is sent.
    package var bytes: [UInt8] {
        switch self {
        case .ack: [Self.ackType]
        case .open(let open): [Self.openType] + open.fields
        }
    }

    private static let ackType: UInt8 = 0x02
    private static let openType: UInt8 = 0x03
}

/// What a DATA_CHANNEL_OPEN says (RFC 8832 section 5.1).
package struct DataChannelOpen: Hashable, Sendable {
    package var channelType: DataChannelType
    /// Only an advice: 128 is below normal, 256 normal, 512 high, 1,024 extra high (RFC 8831 section 6.4).
    package var priority: UInt16
    /// Retransmissions or milliseconds, as the type says; 0 for a reliable channel.
    package var reliability: UInt32
    package var label: String
    package var `protocol`: String

    package init(
        channelType: DataChannelType = .reliable, priority: UInt16 = 256, reliability: UInt32 = 0, label: String,
        protocol: String = ""
    ) {
        self.channelType = channelType
        self.priority = priority
        self.reliability = reliability
        self.label = label
        self.protocol = `protocol`
    }

    @_lifetime(reader: copy reader)
    fileprivate init(_ reader: inout ByteReader) throws(ParseError) {
        let type = try reader.readUInt8()
        guard let channelType = DataChannelType(rawValue: type) else { throw .malformed("a data channel of unknown type") }
        self.channelType = channelType
        priority = try reader.readUInt16()
        let reliability = try reader.readUInt32()
        // To be ignored where there is nothing to limit (section 5.1).
        self.reliability = channelType.isReliable ? 0 : reliability
        let labelByteCount = Int(try reader.readUInt16())
        let protocolByteCount = Int(try reader.readUInt16())
        label = try Self.readText(&reader, labelByteCount)
        `protocol` = try Self.readText(&reader, protocolByteCount)
    }

    @_lifetime(reader: copy reader)
    private static func readText(_ reader: inout ByteReader, _ byteCount: Int) throws(ParseError) -> String {
        let bytes = try reader.readBytes(byteCount)
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .malformed("a data channel's name is not UTF-8") }
        return text
    }

    /// What follows the type of the message.
    /// - Precondition: label and protocol are at most 65,535 bytes each.
    fileprivate var fields: [UInt8] {
        let label = Array(label.utf8)
        let `protocol` = Array(self.protocol.utf8)
        precondition(label.count <= UInt16.max && `protocol`.count <= UInt16.max, "a length has 16 bits")
        var bytes: [UInt8] = [channelType.rawValue]
        bytes.append(bigEndian: priority)
        bytes.append(bigEndian: channelType.isReliable ? 0 : reliability)
        bytes.append(bigEndian: UInt16(label.count))
        bytes.append(bigEndian: UInt16(`protocol`.count))
        return bytes + label + `protocol`
    }
}

/// Whether a channel keeps the order, and how hard it tries (RFC 8832 section 5.1).
package enum DataChannelType: UInt8, CaseIterable, Hashable, Sendable {
    case reliable = 0x00
    case maxRetransmits = 0x01
    case maxLifetime = 0x02
    case reliableUnordered = 0x80
    case maxRetransmitsUnordered = 0x81
    case maxLifetimeUnordered = 0x82

    package var isOrdered: Bool { rawValue & 0x80 == 0 }
    package var isReliable: Bool { rawValue & 0x7F == 0 }
}

/// The payload protocol identifiers of data channels (RFC 8831 section 8). Two that let a sender send in parts, 52 and 54, are
/// deprecated.
package enum DataChannelPPID {
    package static let control: UInt32 = 50
    package static let string: UInt32 = 51
    package static let binary: UInt32 = 53
    /// A message of no bytes, for which one byte is sent: SCTP has no empty message (RFC 8831 section 6.6).
    package static let emptyString: UInt32 = 56
    package static let emptyBinary: UInt32 = 57
}

/// What a data channel's user sends and receives, with the two ways to say nothing.
package enum DataChannelPayload: Hashable, Sendable {
    /// UTF-8, which nobody has checked.
    case string([UInt8])
    case binary([UInt8])

    /// `nil` for control messages and identifiers that data channels do not have: both are none of the user's.
    package init?(protocolID: UInt32, bytes: [UInt8]) {
        switch protocolID {
        case DataChannelPPID.string: self = .string(bytes)
        case DataChannelPPID.binary: self = .binary(bytes)
        case DataChannelPPID.emptyString: self = .string([])
        case DataChannelPPID.emptyBinary: self = .binary([])
        default: return nil
        }
    }

    package var protocolID: UInt32 {
        switch self {
        case .string(let bytes): bytes.isEmpty ? DataChannelPPID.emptyString : DataChannelPPID.string
        case .binary(let bytes): bytes.isEmpty ? DataChannelPPID.emptyBinary : DataChannelPPID.binary
        }
    }

    /// What is sent under `protocolID`.
    package var wireBytes: [UInt8] {
        switch self {
        case .string(let bytes), .binary(let bytes): bytes.isEmpty ? [0] : bytes
        }
    }
}
