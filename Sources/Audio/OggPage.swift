package import Wire

/// One Ogg page (RFC 3533 section 6): up to 255 segments, which are the pieces of packets.
package struct OggPage: Hashable, Sendable {
    /// The first packet began on an earlier page.
    package var isContinued = false
    /// First page of its stream.
    package var isFirst = false
    /// Last page of its stream.
    package var isLast = false
    /// For Opus, the samples at 48 kHz up to the end of the last packet that ends here; `noGranule` where none does.
    package var granule = Self.noGranule
    /// Which stream of the file.
    package var serial: UInt32
    /// Counts the stream's pages.
    package var sequence: UInt32
    /// The lengths of the segments. A packet goes on until a segment shorter than 255.
    package var lacing: [UInt8] = []
    package var body: [UInt8] = []

    package static let noGranule = UInt64.max
    private static let capturePattern = FourCC("OggS").rawValue

    package init(serial: UInt32, sequence: UInt32) {
        self.serial = serial
        self.sequence = sequence
    }

    /// Reads one page and proves its checksum.
    package init(_ reader: inout ByteReader) throws(ParseError) {
        var check = OggChecksum()
        let start = try reader.readBytes(22)
        check.add(start.span)
        var head = ByteReader(start.span)
        guard try head.readUInt32() == Self.capturePattern else { throw .malformed("no Ogg page where one must begin") }
        guard try head.readUInt8() == 0 else { throw .malformed("a version of Ogg that does not exist") }
        let flags = try head.readUInt8()
        (isContinued, isFirst, isLast) = (flags & 1 != 0, flags & 2 != 0, flags & 4 != 0)
        granule = try head.readLittleEndianUInt64()
        serial = try head.readLittleEndianUInt32()
        sequence = try head.readLittleEndianUInt32()

        let checksum = try reader.readLittleEndianUInt32()
        check.add([0, 0, 0, 0].span)  // the field itself counts as zero
        let segmentCount = try reader.readUInt8()
        lacing = try reader.readBytes(Int(segmentCount))
        body = try reader.readBytes(lacing.reduce(0) { $0 + Int($1) })
        check.add([segmentCount].span)
        check.add(lacing.span)
        check.add(body.span)
        guard check.value == checksum else { throw .malformed("the checksum of an Ogg page is wrong") }
    }

    /// The page as it is stored, with its checksum.
    package func write(to output: inout [UInt8]) {
        let start = output.count
        output.append(bigEndian: Self.capturePattern)
        output.append(0)
        output.append((isContinued ? 1 : 0) | (isFirst ? 2 : 0) | (isLast ? 4 : 0))
        output.append(littleEndian: granule)
        output.append(littleEndian: serial)
        output.append(littleEndian: sequence)
        output.append(littleEndian: 0 as UInt32)
        output.append(UInt8(truncatingIfNeeded: lacing.count))
        output.append(contentsOf: lacing)
        output.append(contentsOf: body)
        var check = OggChecksum()
        check.add(output.span.extracting(start...))
        for index in 0..<4 { output[start + 22 + index] = UInt8(truncatingIfNeeded: check.value >> UInt32(8 * index)) }
    }
}

/// Ogg's CRC-32: polynomial 0x04C11DB7, from 0, bits not reflected, no final inversion (RFC 3533 section 6, item 7).
package struct OggChecksum {
    package private(set) var value: UInt32 = 0

    package init() {}

    package mutating func add(_ bytes: Span<UInt8>) {
        for index in bytes.indices {
            value = value << 8 ^ Self.table[Int(UInt8(truncatingIfNeeded: value >> 24) ^ bytes[index])]
        }
    }

    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index) << 24) { value, _ in value << 1 ^ (value >> 31) &* 0x04C1_1DB7 }
    }
}
