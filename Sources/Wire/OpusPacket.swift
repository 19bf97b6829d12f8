/// What an Opus packet's first byte tells, for whoever looks at no other (RFC 6716 section 3.1).
public enum OpusPacket {
    /// The duration to count with where the packet does not say: the usual 20 ms.
    public static let usualDuration: Duration = .milliseconds(20)

    /// The length of one frame in samples at 48 kHz (table 2).
    public static func frameSampleCount(toc: UInt8) -> Int {
        let configuration = Int(toc >> 3)
        return switch configuration {
        case 0..<12: [480, 960, 1920, 2880][configuration & 3]  // SILK: 10, 20, 40, 60 ms
        case 12..<16: [480, 960][configuration & 1]  // hybrid: 10, 20 ms
        default: 120 << (configuration & 3)  // CELT: 2.5, 5, 10, 20 ms
        }
    }

    /// The play-out time of one packet, read from its TOC byte and frame count; whether frames follow is not looked at.
    /// - Returns: `nil` when the packet is empty, has no frame count, or would play longer than 120 ms.
    public static func duration(of packet: [UInt8]) -> Duration? {
        guard let toc = packet.first else { return nil }
        let frameCount: Int
        switch toc & 3 {
        case 0: frameCount = 1
        case 1, 2: frameCount = 2
        default:
            guard packet.count >= 2 else { return nil }
            frameCount = Int(packet[1] & 0x3F)
        }
        let sampleCount = frameCount * frameSampleCount(toc: toc)
        guard sampleCount > 0, sampleCount <= OpusPacketHeader.maxSampleCount else { return nil }
        return .nanoseconds(Int64(sampleCount) * 1_000_000_000 / 48_000)
    }

    /// How long the copy of the time before it plays that a packet carries as in-band error correction (LBRR); `nil`
    /// where it carries none.
    ///
    /// The LP layer begins with bits that are not compressed: for each channel a bit of voice activity for every 20 ms,
    /// then one that says whether a copy follows (RFC 6716 sections 4.2.3 and 4.2.4). Only SILK and hybrid frames have it.
    /// A decoder takes the copy from the packet's first frame, and a copy in the middle channel suffices.
    public static func forwardErrorCorrection(in packet: [UInt8]) -> Duration? {
        guard let toc = packet.first, toc >> 3 < 16, let header = try? OpusPacketHeader(packet.span),
            let bits = header.firstFrame.isEmpty ? nil : packet[header.firstFrame.lowerBound]
        else { return nil }
        let silkFrameCount = max(1, header.frameSampleCount / 960)
        guard bits >> (7 - silkFrameCount) & 1 != 0 else { return nil }
        return .nanoseconds(Int64(header.frameSampleCount) * 1_000_000_000 / 48_000)
    }
}

/// What an Opus packet's first bytes tell: how long it sounds and how many frames it holds (RFC 6716 section 3).
///
/// The compressed frames themselves are libopus's affair.
public struct OpusPacketHeader: Hashable, Sendable {
    /// The TOC byte (section 3.1): configuration, stereo flag and frame count code.
    public var toc: UInt8
    /// 1 to 48 frames.
    public var frameCount: Int
    /// Where the first of them begins; it is empty where no byte lies there or its length is 0.
    public var firstFrame: Range<Int>

    /// - Throws: `ParseError.malformed` for what no decoder may play: no byte at all, no frame, over 120 ms, or frame
    ///   lengths that do not fit the packet (section 3.4, requirements 1 to 7).
    public init(_ packet: Span<UInt8>) throws(ParseError) {
        do throws(ParseError) {
            var reader = ByteReader(packet)
            toc = try reader.readUInt8()
            switch toc & 3 {
            case 0:
                frameCount = 1
                firstFrame = reader.offset..<packet.count
                try Self.checkFrame(reader.remaining)
            case 1:
                frameCount = 2
                guard reader.remaining % 2 == 0 else { throw .malformed("two equal frames in an odd number of bytes") }
                firstFrame = reader.offset..<(reader.offset + reader.remaining / 2)
                try Self.checkFrame(reader.remaining / 2)
            case 2:
                frameCount = 2
                let length = try Self.readFrameLength(&reader)
                firstFrame = reader.offset..<(reader.offset + length)
                try reader.skip(length)
                try Self.checkFrame(reader.remaining)
            default:
                (frameCount, firstFrame) = try Self.readFrames(&reader)
            }
        } catch .truncated {
            throw .malformed("an Opus packet is too short for its frames")
        }
        guard sampleCount <= Self.maxSampleCount else { throw .malformed("an Opus packet is longer than 120 ms") }
    }

    /// Code 3: a count, optional padding, then frames of equal or of given lengths (section 3.2.5).
    private static func readFrames(_ reader: inout ByteReader) throws(ParseError) -> (count: Int, first: Range<Int>) {
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
        var firstByteCount: Int?
        if head & 0x80 != 0 {
            for _ in 1..<frameCount {
                let length = try readFrameLength(&reader)
                frameByteCount += length
                firstByteCount = firstByteCount ?? length
            }
        }
        let left = reader.remaining - paddingByteCount - frameByteCount
        guard left >= 0 else { throw .truncated }
        if head & 0x80 != 0 {
            try checkFrame(left)
        } else {
            guard left % frameCount == 0 else { throw .malformed("equal Opus frames in a number of bytes that is no multiple") }
            try checkFrame(left / frameCount)
            firstByteCount = left / frameCount
        }
        return (frameCount, reader.offset..<(reader.offset + (firstByteCount ?? left)))
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
    public static let maxSampleCount = 5760

    /// The length of one frame in samples at 48 kHz.
    public var frameSampleCount: Int { OpusPacket.frameSampleCount(toc: toc) }

    /// 0 to 31: mode, bandwidth and frame size (section 3.1, table 2).
    public var configuration: Int { Int(toc >> 3) }
    public var isStereo: Bool { toc & 4 != 0 }

    /// The length of the packet in samples at 48 kHz, whatever its bandwidth: also the step of its RTP timestamp.
    public var sampleCount: Int { frameCount * frameSampleCount }

    public var duration: Duration { .nanoseconds(Int64(sampleCount) * 1_000_000_000 / 48_000) }
}
