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

    /// Which of the server's connections a segment belongs to. The value is the first byte of its datagrams: RFC 9443 section 2
    /// gives 4 to 15 to nobody, so an endpoint could not mistake it; but none ever sees it.
    enum Purpose: UInt8, Hashable {
        /// A transport's stream.
        case stream = 0x0E
        /// A call's signalling.
        case call = 0x0F
    }

    var purpose = Purpose.stream
    var flags: Flags
    /// Where the payload begins in the sender's stream, counted from 0; a FIN takes the place of one byte behind it.
    var start: Int
    /// Everything below has come.
    var acknowledged: Int
    /// When it was sent, in milliseconds, and what the peer's segment said that it acknowledges (RFC 7323 section 3).
    var timestamp: UInt32 = 0
    var echo: UInt32 = 0
    /// What has come above, the latest arrival first; before that what came twice, if something did (RFC 2883).
    var sacked: [Range<Int>] = []
    var payload: [UInt8] = []

    /// Where the segment's part of the stream ends.
    var end: Int { start + payload.count + (flags.contains(.fin) ? 1 : 0) }

    static let headerByteCount = 24
    /// The further options of a SYN: MSS, SACK permitted, window scale. They make its header 40 bytes.
    static let synOptionByteCount = 8
    /// The most SACK blocks that fit beside timestamps (RFC 2018 section 3).
    static let maximumSackCount = 3
    /// What Ethernet leaves for data behind the headers of IPv4 and of TCP with timestamps: 1448.
    static let maximumPayloadByteCount = Link.maximumByteCount - headerByteCount

    static func isSegment(_ datagram: UnsafeRawBufferPointer) -> Bool { datagram.first == Purpose.stream.rawValue }
    static func isCall(_ datagram: UnsafeRawBufferPointer) -> Bool { datagram.first == Purpose.call.rawValue }

    static func sackByteCount(_ count: Int) -> Int { count == 0 ? 0 : 4 + 8 * count }

    /// A RST has no options: its header is 12 bytes longer than UDP's.
    static let resetByteCount = 12

    func bytes() -> [UInt8] {
        if flags.contains(.reset) {
            return [purpose.rawValue, flags.rawValue] + [UInt8](repeating: 0, count: Self.resetByteCount - 2)
        }
        var bytes: [UInt8] = [purpose.rawValue, flags.rawValue, UInt8(truncatingIfNeeded: sacked.count), 0]
        bytes.append(bigEndian: UInt32(truncatingIfNeeded: start))
        bytes.append(bigEndian: UInt32(truncatingIfNeeded: acknowledged))
        bytes.append(bigEndian: timestamp)
        bytes.append(bigEndian: echo)
        bytes += [UInt8](repeating: 0, count: Self.headerByteCount - bytes.count)
        if flags.contains(.syn) { bytes += [UInt8](repeating: 0, count: Self.synOptionByteCount) }
        if !sacked.isEmpty { bytes.append(bigEndian: UInt32(sacked.count)) }
        for block in sacked {
            bytes.append(bigEndian: UInt32(truncatingIfNeeded: block.lowerBound))
            bytes.append(bigEndian: UInt32(truncatingIfNeeded: block.upperBound))
        }
        return bytes + payload
    }

    init(_ purpose: Purpose = .stream, flags: Flags, start: Int, acknowledged: Int) {
        self.purpose = purpose
        self.flags = flags
        self.start = start
        self.acknowledged = acknowledged
    }

    init(parsing datagram: Span<UInt8>) throws(ParseError) {
        var reader = ByteReader(datagram)
        guard let purpose = Purpose(rawValue: try reader.readUInt8()) else { throw .malformed("not a segment") }
        self.purpose = purpose
        flags = Flags(rawValue: try reader.readUInt8())
        if flags.contains(.reset) {
            (start, acknowledged) = (0, 0)
            return
        }
        let sackCount = try reader.readUInt8()
        try reader.skip(1)
        guard sackCount <= Self.maximumSackCount else { throw .malformed("too many SACK blocks") }
        start = Int(try reader.readUInt32())
        acknowledged = Int(try reader.readUInt32())
        timestamp = try reader.readUInt32()
        echo = try reader.readUInt32()
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
