import Audio
import Testing
import Wire

private func read(_ file: [UInt8], limits: AudioLimits = AudioLimits()) throws(AudioFileError) -> PCM {
    try WAV.read(file.span, limits: limits)
}

@Suite struct WAVTests {
    @Test func `each width of sample gives full scale, silence and the lowest step`() throws {
        let widths: [(UInt16, UInt16, [UInt8], [Float])] = [
            (1, 8, [128, 0, 255, 64], [0, -1, 0x1p-7 * 127, -0.5]),
            (1, 16, [0, 0, 0, 0x80, 0xFF, 0x7F, 1, 0], [0, -1, 1 - 0x1p-15, 0x1p-15]),
            (1, 24, [0, 0, 0, 0, 0, 0x80, 0xFF, 0xFF, 0x7F, 1, 0, 0], [0, -1, 1 - 0x1p-23, 0x1p-23]),
            (1, 32, [0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 0x40], [0, -1, 0.5]),
            (3, 32, [0, 0, 0, 0, 0, 0, 0x80, 0xBF, 0, 0, 0, 0x3F, 0, 0, 0, 0x40], [0, -1, 0.5, 1]),
        ]
        for (tag, bits, data, samples) in widths {
            let sound = try read(wav(tag: tag, bits: bits, data: data))
            #expect(sound == PCM(sampleRate: 16_000, samples: samples), "tag \(tag), \(bits) bits")
        }
    }

    @Test func `two channels are mixed, half of each`() throws {
        let sound = try read(wav(channels: 2, data: [0, 0x40, 0, 0x20, 0, 0x80, 0, 0x80]))
        #expect(sound.samples == [0.375, -1])
    }

    @Test func `the extensible format is read by its sub-format, and an unknown one is refused`() throws {
        let guid: [UInt8] = [3, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71]
        func file(_ guid: [UInt8]) -> [UInt8] {
            let format = bytes(
                le16(0xFFFE), le16(1), le32(48_000), le32(192_000), le16(4), le16(32), le16(22), le16(32), le32(4), guid)
            return bytes(
                text("RIFF"), le32(100), text("WAVEfmt "), le32(40), format, text("data"), le32(4), [0, 0, 0, 0x3F])
        }
        #expect(try read(file(guid)) == PCM(sampleRate: 48_000, samples: [0.5]))
        #expect(throws: AudioFileError.malformed(.wav, "an unknown sub-format")) {
            try read(file(guid.reversed()))
        }
    }

    @Test func `chunks before the data are passed over, odd ones with their padding`() throws {
        let file = wav(
            data: [0, 0x40], before: bytes(text("LIST"), le32(3), [1, 2, 3, 0], text("fact"), le32(4), le32(1)),
            after: bytes(text("id3 "), le32(1), [7]))
        #expect(try read(file).samples == [0.5])
    }

    @Test(arguments: [0, 0xFFFF_FFFF, 0x7FFF_F000] as [UInt32])
    func `a data chunk of unknown size runs to the end of the file`(size: UInt32) throws {
        for riffSize in [0, 0xFFFF_FFFF, 36] as [UInt32] {
            let file = wav(data: [0, 0x40, 0, 0x40, 9], dataSize: size, riffSize: riffSize)
            #expect(try read(file).samples == [0.5, 0.5])
        }
    }

    @Test func `an empty data chunk that is meant is an empty file, not the chunk that follows it`() {
        #expect(throws: AudioFileError.empty(.wav)) {
            try read(wav(data: [], after: bytes(text("LIST"), le32(4), [1, 2, 3, 4])))
        }
    }

    @Test func `what is not read is named, with a way out`() {
        let cases: [([UInt8], AudioFileError, String)] = [
            (wav(tag: 17, bits: 4, data: [0]), .unsupported(.wav, "samples of 4 bits, format tag 17"), "unsupported_encoding"),
            (wav(channels: 6, data: [0]), .unsupported(.wav, "6 channels"), "unsupported_encoding"),
            (wav(channels: 0, data: [0]), .unsupported(.wav, "0 channels"), "unsupported_encoding"),
            (wav(rate: 0, data: [0, 0]), .unsupported(.wav, "audio of 0 samples a second"), "unsupported_encoding"),
            (wav(data: [0]), .empty(.wav), "no_audio"),
            (text("RIFF\0\0\0\0AVI "), .malformed(.wav, "a RIFF file, but not of sound"), "malformed_file"),
            (wav(data: [1, 2, 3, 4], dataSize: 5), .truncated(.wav), "truncated_file"),
            (wav(tag: 3, bits: 32, data: [0, 0, 0xC0, 0x7F]), .malformed(.wav, "a sample is not a number"), "malformed_file"),
        ]
        for (file, error, code) in cases {
            #expect(throws: error) { try read(file) }
            #expect(error.code == code)
            #expect(!error.description.contains("\n"))
        }
        #expect(AudioFileError.unsupported(.wav, "6 channels").description.contains("ffmpeg"))
    }

    @Test func `limits hold for bytes, length and chunks`() {
        var limits = AudioLimits()
        limits.fileByteCount = 45
        #expect(throws: AudioFileError.overLimit(.wav, "too many bytes")) {
            try read(wav(data: [0, 0]), limits: limits)
        }
        limits = AudioLimits()
        limits.durationSeconds = 1
        #expect(throws: AudioFileError.overLimit(.wav, "too long")) {
            try read(wav(rate: 8_000, data: [UInt8](repeating: 0, count: 16_000)), limits: limits)
        }
        limits.chunkCount = 3
        let junk = bytes(text("junk"), le32(0))
        #expect(throws: AudioFileError.overLimit(.wav, "too many chunks before the data")) {
            try read(wav(data: [0, 0], before: junk + junk), limits: limits)
        }
        #expect(throws: Never.self) { try read(wav(data: [0, 0], before: junk), limits: limits) }
    }

    @Test func `what is written is read back`() throws {
        let samples: [Float] = [0, 0.5, -1, 1 - 0x1p-15, 0x1p-15, -0x1p-15]
        let sound = PCM(sampleRate: 24_000, samples: samples)
        #expect(try read(WAV.write(sound)) == sound)
        let wild = PCM(sampleRate: 8_000, samples: [2, -2, .nan, .infinity])
        #expect(try read(WAV.write(wild)).samples == [1 - 0x1p-15, -1, 0, 0])
    }

    @Test func `every shorter file is refused`() throws {
        let file = wav(data: [1, 2, 3, 4], before: bytes(text("LIST"), le32(3), [1, 2, 3, 0]))
        for length in 0..<file.count {
            #expect(throws: AudioFileError.truncated(.wav), "\(length) bytes") {
                try read(Array(file.prefix(length)))
            }
        }
    }

    @Test func `no changed byte traps, and the sound stays within the file`() throws {
        let file = wav(channels: 2, data: [1, 2, 3, 4, 5, 6, 7, 8], before: bytes(text("LIST"), le32(3), [1, 2, 3, 0]))
        var refused = 0
        for index in file.indices {
            for copy in mangled(file, at: index) {
                do {
                    let sound = try read(copy)
                    #expect(sound.samples.count <= 8)
                } catch {
                    refused += 1
                }
            }
        }
        #expect(refused > 50)
    }
}
