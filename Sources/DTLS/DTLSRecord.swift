internal import Wire

/// The plain header of a DTLS 1.2 record (RFC 6347 section 4.1).
struct DTLSRecordHeader: Hashable {
    var contentType: UInt8
    var version: UInt16
    var epoch: UInt16
    /// How many bytes follow the header.
    var length: Int

    static let byteCount = 13
    static let applicationData: UInt8 = 23

    init(_ reader: inout ByteReader) throws(ParseError) {
        contentType = try reader.readUInt8()
        version = try reader.readUInt16()
        epoch = try reader.readUInt16()
        try reader.skip(6)
        length = Int(try reader.readUInt16())
    }

    /// Whether a first handshake has such records: change_cipher_spec, alert and handshake in the clear, application data
    /// only under its keys. A ClientHello may still call itself DTLS 1.0.
    private var mayComeInHandshake: Bool {
        guard version == 0xFEFD || version == 0xFEFF else { return false }
        return switch epoch {
        case 0: (20...22).contains(contentType)
        case 1: (20...23).contains(contentType)
        default: false
        }
    }

    /// How many records of a datagram belong to a handshake that is protected already. `nil` for a datagram that is not filled by
    /// whole records of a handshake. RFC 6347 section 4.1.2.7 has it discarded; OpenSSL would end the handshake for a record
    /// of another type, and look for records in the middle of one that it does not take.
    static func protectedHandshakeCount(in datagram: Span<UInt8>) -> Int? {
        var reader = ByteReader(datagram)
        var count = 0
        while !reader.isAtEnd {
            guard let header = try? DTLSRecordHeader(&reader), header.mayComeInHandshake, (try? reader.skip(header.length)) != nil else {
                return nil
            }
            if header.epoch > 0 && header.contentType != applicationData { count += 1 }
        }
        return count
    }
}
