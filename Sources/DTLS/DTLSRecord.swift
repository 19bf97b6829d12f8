internal import Wire

/// The plain header of a DTLS 1.2 record (RFC 6347 section 4.1).
struct DTLSRecordHeader: Hashable {
    var contentType: UInt8
    var epoch: UInt16
    /// How many bytes follow the header.
    var length: Int

    static let byteCount = 13
    static let applicationData: UInt8 = 23

    init(_ reader: inout ByteReader) throws(ParseError) {
        contentType = try reader.readUInt8()
        try reader.skip(2)
        epoch = try reader.readUInt16()
        try reader.skip(6)
        length = Int(try reader.readUInt16())
    }

    /// How many records of a datagram, up to the first that is broken, belong to a handshake that is protected already.
    static func protectedHandshakeCount(in datagram: Span<UInt8>) -> Int {
        var reader = ByteReader(datagram)
        var count = 0
        while let header = try? DTLSRecordHeader(&reader), (try? reader.skip(header.length)) != nil {
            if header.epoch > 0 && header.contentType != applicationData { count += 1 }
        }
        return count
    }
}
