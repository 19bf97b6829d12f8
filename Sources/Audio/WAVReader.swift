internal import Wire

/// RIFF/WAVE files. In: PCM of 8, 16, 24 and 32 bits and 32-bit floats, mono or stereo. Out: 16-bit mono.
package enum WAV {
    /// The sound of a WAV file; two channels are mixed to one, half of each.
    ///
    /// A `data` chunk of unknown size, as programs write it into a pipe, runs to the end of the file. A chunk whose known
    /// size the file does not hold is an error: half a prompt must not pass for the whole one.
    package static func read(
        _ bytes: Span<UInt8>, limits: AudioLimits = AudioLimits()
    ) throws(AudioFileError) -> PCM {
        guard bytes.count <= limits.fileByteCount else { throw .overLimit(.wav, "too many bytes") }
        let layout: WAVLayout
        let format: WAVFormat
        do throws(ParseError) {
            layout = try WAVLayout(bytes, limits: limits)
            format = try WAVFormat(bytes.extracting(layout.format))
        } catch {
            throw AudioFileError(error, in: .wav)
        }
        let encoding = try format.encoding()
        guard limits.sampleRates.contains(format.sampleRate) else {
            throw .unsupported(.wav, "audio of \(format.sampleRate) samples a second")
        }
        // A last sample that is not whole is no sample.
        let sampleCount = layout.data.count / format.blockByteCount
        guard sampleCount > 0 else { throw .empty(.wav) }
        guard sampleCount / format.sampleRate < limits.durationSeconds else { throw .overLimit(.wav, "too long") }
        let data = bytes.extracting(layout.data.prefix(sampleCount * format.blockByteCount))
        let samples = encoding.decode(data, channelCount: format.channelCount)
        guard samples.allSatisfy(\.isFinite) else { throw .malformed(.wav, "a sample is not a number") }
        return PCM(sampleRate: format.sampleRate, samples: samples)
    }
}

/// Where the two chunks that matter lie in a RIFF file; all others are passed over.
private struct WAVLayout {
    var format: Range<Int>
    var data: Range<Int>

    init(_ bytes: Span<UInt8>, limits: AudioLimits) throws(ParseError) {
        var reader = ByteReader(bytes)
        guard try reader.readUInt32() == FourCC("RIFF").rawValue else { throw .malformed("it does not begin with RIFF") }
        let riffByteCount = Int(try reader.readLittleEndianUInt32())
        guard try reader.readUInt32() == FourCC("WAVE").rawValue else { throw .malformed("a RIFF file, but not of sound") }

        var format: Range<Int>?
        for _ in 0..<limits.chunkCount {
            let name = FourCC(rawValue: try reader.readUInt32())
            let size = Int(try reader.readLittleEndianUInt32())
            let start = reader.offset
            if name == FourCC("data") {
                guard let format else { throw .malformed("the data come before their format") }
                // Written into a pipe, the header keeps 0, 0xFFFFFFFF or sox's 0x7FFFF000 for ever. A size of 0 is meant when
                // the size of the whole says so, too.
                let isUnknown = size >= 0x7FFF_0000 || size == 0 && abs(riffByteCount + 8 - bytes.count) > 1
                guard isUnknown || size <= reader.remaining else { throw .truncated }
                self.format = format
                self.data = start..<(isUnknown ? bytes.count : start + size)
                return
            }
            if name == FourCC("fmt ") { format = start..<(start &+ size) }
            // Chunks begin at even offsets; a file may end without the last one's padding.
            try reader.skip(size)
            if size % 2 == 1 && !reader.isAtEnd { try reader.skip(1) }
        }
        throw .overLimit("too many chunks before the data")
    }
}

/// The `fmt ` chunk.
private struct WAVFormat {
    var tag: UInt16
    var channelCount: Int
    var sampleRate: Int
    /// The bytes of one sample of all channels.
    var blockByteCount: Int
    var bitsPerSample: Int

    init(_ bytes: Span<UInt8>) throws(ParseError) {
        var reader = ByteReader(bytes)
        do throws(ParseError) {
            tag = try reader.readLittleEndianUInt16()
            channelCount = Int(try reader.readLittleEndianUInt16())
            sampleRate = Int(try reader.readLittleEndianUInt32())
            try reader.skip(4)
            blockByteCount = Int(try reader.readLittleEndianUInt16())
            bitsPerSample = Int(try reader.readLittleEndianUInt16())
            if tag == Self.extensible {
                // Size of the extension, valid bits and speakers. Samples fill their container from the top, so the number
                // of valid bits changes nothing. The tag proper is the beginning of a GUID.
                try reader.skip(8)
                tag = try reader.readLittleEndianUInt16()
                guard try reader.readBytes(14) == Self.guidTail else { throw .malformed("an unknown sub-format") }
            }
        } catch .truncated {
            throw .malformed("the format chunk is too short")
        }
    }

    /// WAVE_FORMAT_EXTENSIBLE.
    private static let extensible: UInt16 = 0xFFFE
    /// What follows the two bytes of the tag in a KSDATAFORMAT_SUBTYPE GUID.
    private static let guidTail: [UInt8] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71]

    func encoding() throws(AudioFileError) -> WAVEncoding {
        let encoding: WAVEncoding
        switch (tag, bitsPerSample) {
        case (1, 8): encoding = .unsigned8
        case (1, 16): encoding = .signed16
        case (1, 24): encoding = .signed24
        case (1, 32): encoding = .signed32
        case (3, 32): encoding = .float32
        default: throw .unsupported(.wav, "samples of \(bitsPerSample) bits, format tag \(tag)")
        }
        guard (1...2).contains(channelCount) else { throw .unsupported(.wav, "\(channelCount) channels") }
        guard blockByteCount == channelCount * encoding.byteCount else {
            throw .malformed(.wav, "the size of a sample does not fit its bits")
        }
        return encoding
    }
}

private enum WAVEncoding {
    case unsigned8, signed16, signed24, signed32, float32

    var byteCount: Int {
        switch self {
        case .unsigned8: 1
        case .signed16: 2
        case .signed24: 3
        case .signed32, .float32: 4
        }
    }

    /// All samples of `data`, whose length is a multiple of the block's, as −1 … 1.
    func decode(_ data: Span<UInt8>, channelCount: Int) -> [Float] {
        // One loop a form, so that the choice is made once and not for every sample.
        switch self {
        case .unsigned8:
            mix(data, channelCount) { bytes, at in Float(Int(bytes[at]) - 128) * 0x1p-7 }
        case .signed16:
            mix(data, channelCount) { bytes, at in Float(Int16(truncatingIfNeeded: integer(bytes, at, 2))) * 0x1p-15 }
        case .signed24:
            mix(data, channelCount) { bytes, at in Float(Int32(bitPattern: integer(bytes, at, 3) << 8)) * 0x1p-31 }
        case .signed32:
            mix(data, channelCount) { bytes, at in Float(Int32(bitPattern: integer(bytes, at, 4))) * 0x1p-31 }
        case .float32:
            mix(data, channelCount) { bytes, at in
                let sample = Float(bitPattern: integer(bytes, at, 4))
                // A sample over full scale is cut off, as every player does it; what is no number stays so for the caller.
                return sample.isFinite ? min(max(sample, -1), 1) : sample
            }
        }
    }

    @inline(__always)
    private func mix(_ data: Span<UInt8>, _ channelCount: Int, _ sample: (Span<UInt8>, Int) -> Float) -> [Float] {
        let blockByteCount = byteCount * channelCount
        return [Float](capacity: data.count / blockByteCount) { output in
            for block in stride(from: 0, to: data.count, by: blockByteCount) {
                output.append(
                    channelCount == 1
                        ? sample(data, block)
                        : (sample(data, block) + sample(data, block + byteCount)) / 2)
            }
        }
    }
}

/// An unsigned integer of `count` bytes at `offset`, low byte first.
@inline(__always)
private func integer(_ bytes: Span<UInt8>, _ offset: Int, _ count: Int) -> UInt32 {
    var value: UInt32 = 0
    for index in 0..<count { value |= UInt32(bytes[offset + index]) << UInt32(8 * index) }
    return value
}
