internal import Wire

/// What a relay must know of an IPv4 packet (RFC 791 section 3.1). What follows the header, only a NAT looks at.
struct IPv4Header: Hashable {
    enum Transport: UInt8, Hashable {
        case tcp = 6
        case udp = 17

        /// Where its checksum stands (RFC 9293 section 3.1, RFC 768), and how much there must be of its header.
        var checksumOffset: Int { self == .tcp ? 16 : 6 }
        var leastByteCount: Int { self == .tcp ? 20 : 8 }
    }

    var source: UInt32
    var destination: UInt32
    /// The whole packet, header and all.
    var byteCount: Int
    var headerByteCount: Int
    /// What it carries from its beginning; `nil` for another protocol, or a later fragment.
    var transport: Transport?

    /// A header without options.
    static let leastByteCount = 20

    /// - Parameter packet: one packet, as a TUN device hands it out: nothing before, nothing behind.
    init(_ packet: Span<UInt8>) throws(ParseError) {
        var reader = ByteReader(packet)
        let first = try reader.readUInt8()
        guard first >> 4 == 4 else { throw .malformed("not IPv4") }
        headerByteCount = Int(first & 0x0F) * 4
        guard headerByteCount >= Self.leastByteCount else { throw .malformed("an IPv4 header of less than 20 bytes") }
        try reader.skip(1)
        byteCount = Int(try reader.readUInt16())
        guard byteCount >= headerByteCount else { throw .malformed("an IPv4 packet shorter than its header") }
        guard byteCount == packet.count else { throw byteCount > packet.count ? .truncated : .malformed("bytes behind an IPv4 packet") }
        try reader.skip(2)
        let fragmentOffset = try reader.readUInt16() & 0x1FFF
        try reader.skip(1)
        let protocolNumber = try reader.readUInt8()
        try reader.skip(2)
        source = try reader.readUInt32()
        destination = try reader.readUInt32()
        let found = fragmentOffset == 0 ? Transport(rawValue: protocolNumber) : nil
        transport = found.flatMap { byteCount - headerByteCount >= $0.leastByteCount ? $0 : nil }
    }

    /// Where the source port stands; the destination's follows.
    var portsOffset: Int? { transport.map { _ in headerByteCount } }
    var checksumOffset: Int? { transport.map { headerByteCount + $0.checksumOffset } }

    /// 0 where the packet has none.
    func sourcePort(of packet: [UInt8]) -> UInt16 { number(at: portsOffset, of: packet) }
    func destinationPort(of packet: [UInt8]) -> UInt16 { number(at: portsOffset.map { $0 + 2 }, of: packet) }

    private func number(at offset: Int?, of packet: [UInt8]) -> UInt16 {
        offset.map { UInt16(packet[$0]) << 8 | UInt16(packet[$0 + 1]) } ?? 0
    }
}
