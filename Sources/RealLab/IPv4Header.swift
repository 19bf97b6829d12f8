internal import Wire

/// What a relay must know of an IPv4 packet (RFC 791 section 3.1). What follows the header, nobody looks at.
struct IPv4Header: Hashable {
    var source: UInt32
    var destination: UInt32
    /// The whole packet, header and all.
    var byteCount: Int

    /// A header without options.
    static let leastByteCount = 20

    /// - Parameter packet: one packet, as a TUN device hands it out: nothing before, nothing behind.
    init(_ packet: Span<UInt8>) throws(ParseError) {
        var reader = ByteReader(packet)
        let first = try reader.readUInt8()
        guard first >> 4 == 4 else { throw .malformed("not IPv4") }
        let headerByteCount = Int(first & 0x0F) * 4
        guard headerByteCount >= Self.leastByteCount else { throw .malformed("an IPv4 header of less than 20 bytes") }
        try reader.skip(1)
        byteCount = Int(try reader.readUInt16())
        guard byteCount >= headerByteCount else { throw .malformed("an IPv4 packet shorter than its header") }
        guard byteCount == packet.count else { throw byteCount > packet.count ? .truncated : .malformed("bytes behind an IPv4 packet") }
        try reader.skip(8)
        source = try reader.readUInt32()
        destination = try reader.readUInt32()
    }
}
