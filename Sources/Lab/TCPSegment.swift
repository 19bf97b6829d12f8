import Wire

/// One TCP segment, as a datagram of the simulated path.
///
/// The link adds the headers of IPv4 and UDP to each datagram. TCP's header with timestamps, 32 bytes (RFC 7323 appendix A), is
/// 24 longer than UDP's: what the model has to say stands in these 24, so that the segment weighs what a real one does. SACK
/// blocks weigh what their option does (RFC 2018 section 3).
struct TCPSegment: Hashable {
    struct Flags: OptionSet, Hashable {
        let rawValue: UInt8
        static let syn = Flags(rawValue: 1)
        static let acknowledges = Flags(rawValue: 2)
        static let fin = Flags(rawValue: 4)
        /// Nobody here knows this connection (RFC 9293 section 3.5.2).
        static let reset = Flags(rawValue: 8)
        /// Keep-alive: says nothing and wants an acknowledgement (RFC 9293 section 3.8.4).
        static let probe = Flags(rawValue: 16)
    }

    var flags: Flags
    /// Where the payload begins in the sender's stream, counted from 0; a FIN takes the place of one byte behind it.
    var start: Int
    /// Everything below has come.
    var acknowledged: Int
    /// What has come above, the latest arrival first.
    var sacked: [Range<Int>] = []
    var payload: [UInt8] = []

    /// Where the segment's part of the stream ends.
    var end: Int { start + payload.count + (flags.contains(.fin) ? 1 : 0) }

    /// The first byte of these datagrams. RFC 9443 section 2 gives 4 to 15 to nobody, so an endpoint could not mistake it; but
    /// none ever sees it.
    static let firstByte: UInt8 = 0x0E
    static let headerByteCount = 24
    /// The further options of a SYN: MSS, SACK permitted, window scale. They make its header 40 bytes.
    static let synOptionByteCount = 8
    /// The most SACK blocks that fit beside timestamps (RFC 2018 section 3).
    static let maximumSackCount = 3
    /// What Ethernet leaves for data behind the headers of IPv4 and of TCP with timestamps: 1448.
    static let maximumPayloadByteCount = Link.maximumByteCount - headerByteCount

    static func isSegment(_ datagram: UnsafeRawBufferPointer) -> Bool { datagram.first == firstByte }

    static func sackByteCount(_ count: Int) -> Int { count == 0 ? 0 : 4 + 8 * count }

    /// A RST has no options: its header is 12 bytes longer than UDP's.
    static let resetByteCount = 12

    func bytes() -> [UInt8] {
        if flags.contains(.reset) {
            return [Self.firstByte, flags.rawValue] + [UInt8](repeating: 0, count: Self.resetByteCount - 2)
        }
        var bytes: [UInt8] = [Self.firstByte, flags.rawValue, UInt8(truncatingIfNeeded: sacked.count), 0]
        bytes.append(bigEndian: UInt64(start))
        bytes.append(bigEndian: UInt64(acknowledged))
        bytes += [UInt8](repeating: 0, count: Self.headerByteCount - bytes.count)
        if flags.contains(.syn) { bytes += [UInt8](repeating: 0, count: Self.synOptionByteCount) }
        if !sacked.isEmpty { bytes.append(bigEndian: UInt32(sacked.count)) }
        for block in sacked {
            bytes.append(bigEndian: UInt32(truncatingIfNeeded: block.lowerBound))
            bytes.append(bigEndian: UInt32(truncatingIfNeeded: block.upperBound))
        }
        return bytes + payload
    }

    init(flags: Flags, start: Int, acknowledged: Int) {
        self.flags = flags
        self.start = start
        self.acknowledged = acknowledged
    }

    init(parsing datagram: Span<UInt8>) throws(ParseError) {
        var reader = ByteReader(datagram)
        guard try reader.readUInt8() == Self.firstByte else { throw .malformed("not a segment") }
        flags = Flags(rawValue: try reader.readUInt8())
        if flags.contains(.reset) {
            (start, acknowledged) = (0, 0)
            return
        }
        let sackCount = try reader.readUInt8()
        try reader.skip(1)
        guard sackCount <= Self.maximumSackCount, let start = Int(exactly: try reader.readUInt64()),
            let acknowledged = Int(exactly: try reader.readUInt64())
        else { throw .malformed("a segment outside of its stream") }
        self.start = start
        self.acknowledged = acknowledged
        try reader.skip(Self.headerByteCount - reader.offset)
        if flags.contains(.syn) { try reader.skip(Self.synOptionByteCount) }
        if sackCount > 0 { try reader.skip(4) }
        for _ in 0..<sackCount {
            let (lower, upper) = (Int(try reader.readUInt32()), Int(try reader.readUInt32()))
            guard lower < upper else { throw .malformed("an empty SACK block") }
            sacked.append(lower..<upper)
        }
        payload = try reader.readBytes(reader.remaining)
    }
}
