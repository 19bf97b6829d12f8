package import Wire

/// What an Opus packet's first bytes tell: how long it sounds and how many frames it holds (RFC 6716 section 3).
///
/// The compressed frames themselves are libopus's affair.
package struct OpusPacketHeader: Hashable, Sendable {
    /// The TOC byte (section 3.1): configuration, stereo flag and frame count code.
    package var toc: UInt8
    /// 1 to 48 frames.
    package var frameCount: Int

    /// - Throws: `ParseError.malformed` for what no decoder may play: no byte at all, no frame, over 120 ms, or frame
    ///   lengths that do not fit the packet (section 3.4, requirements 1 to 7).
    package init(_ packet: Span<UInt8>) throws(ParseError) {
        do throws(ParseError) {
            var reader = ByteReader(packet)
            toc = try reader.readUInt8()
            switch toc & 3 {
            case 0:
                frameCount = 1
                try Self.checkFrame(reader.remaining)
            case 1:
                frameCount = 2
                guard reader.remaining % 2 == 0 else { throw .malformed("two equal frames in an odd number of bytes") }
                try Self.checkFrame(reader.remaining / 2)
            case 2:
                frameCount = 2
                try reader.skip(try Self.readFrameLength(&reader))
                try Self.checkFrame(reader.remaining)
            default:
                frameCount = try Self.readFrames(&reader)
            }
        } catch .truncated {
            throw .malformed("an Opus packet is too short for its frames")
        }
        guard sampleCount <= Self.maxSampleCount else { throw .malformed("an Opus packet is longer than 120 ms") }
    }

    /// Code 3: a count, optional padding, then frames of equal or of given lengths (section 3.2.5).
    private static func readFrames(_ reader: inout ByteReader) throws(ParseError) -> Int {
        let head = try reader.readUInt8()
        let frameCount = Int(head & 0x3F)
        guard frameCount > 0 else { throw .malformed("an Opus packet without a frame") }
        var paddingByteCount = 0
        if head & 0x40 != 0 {
            var step: UInt8
            repeat {
                step = try reader.readUInt8()
                paddingByteCount += step == 255 ? 254 : Int(step)
            } while step == 255
        }
        var frameByteCount = 0
        if head & 0x80 != 0 {
            for _ in 1..<frameCount { frameByteCount += try readFrameLength(&reader) }
        }
        let left = reader.remaining - paddingByteCount - frameByteCount
        guard left >= 0 else { throw .truncated }
        if head & 0x80 != 0 {
            try checkFrame(left)
        } else {
            guard left % frameCount == 0 else { throw .malformed("equal Opus frames in a number of bytes that is no multiple") }
            try checkFrame(left / frameCount)
        }
        return frameCount
    }

    /// A frame's length in one or two bytes (section 3.2.1).
    private static func readFrameLength(_ reader: inout ByteReader) throws(ParseError) -> Int {
        let first = Int(try reader.readUInt8())
        return first < 252 ? first : first + 4 * Int(try reader.readUInt8())
    }

    private static func checkFrame(_ byteCount: Int) throws(ParseError) {
        guard byteCount <= 1275 else { throw .malformed("an Opus frame of more than 1275 bytes") }
    }

    /// 120 ms, the longest packet, in samples at 48 kHz.
    package static let maxSampleCount = 5760

    /// 0 to 31: mode, bandwidth and frame size (section 3.1, table 2).
    package var configuration: Int { Int(toc >> 3) }
    package var isStereo: Bool { toc & 4 != 0 }

    /// The length of one frame in samples at 48 kHz.
    package var frameSampleCount: Int {
        switch configuration {
        case 0..<12: [480, 960, 1920, 2880][configuration & 3]  // SILK: 10, 20, 40, 60 ms
        case 12..<16: [480, 960][configuration & 1]  // hybrid: 10, 20 ms
        default: 120 << (configuration & 3)  // CELT: 2.5, 5, 10, 20 ms
        }
    }

    /// The length of the packet in samples at 48 kHz, whatever its bandwidth: also the step of its RTP timestamp.
    package var sampleCount: Int { frameCount * frameSampleCount }

    package var duration: Duration { .nanoseconds(Int64(sampleCount) * 1_000_000_000 / 48_000) }
}
