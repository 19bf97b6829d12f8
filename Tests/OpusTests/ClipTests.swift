import Audio
import Opus
import Testing

@Suite struct ClipTests {
    @Test(arguments: zip(Speech.names, [7_100, 2_990, 5_300, 6_050, 3_290]))
    func `recorded speech becomes frames of 20 ms that last as long`(name: String, milliseconds: Int) throws {
        let clip = try Clip.load(bytes: try Speech.file(name), name: name, transcript: "said")
        #expect(clip.durationMilliseconds == milliseconds)
        // The lookahead of 6.5 ms may need a frame of its own.
        #expect((milliseconds / 20...milliseconds / 20 + 2).contains(clip.frames.count))
        #expect(clip.frameDuration == .milliseconds(20))
        #expect(clip.preSkip == 312)
        #expect(clip.transcript == "said")
        let bitsPerSecond = clip.frames.joined().count * 8 * 1_000 / milliseconds
        #expect((16_000...28_000).contains(bitsPerSecond))
    }

    @Test func `decoded, a clip sounds like its source`() throws {
        let source = try Speech.sound()
        var settings = ClipSettings()
        settings.encoder.bitsPerSecond = 64_000
        let clip = try Clip.load(bytes: try Speech.file(Speech.names[0]), name: "", settings: settings)
        var decoder = try OpusDecoder(sampleRate: .hertz16000)
        var samples: [Float] = []
        for frame in clip.frames { samples += try decoder.decode(frame.span) }
        // A codec for speech keeps the sound rather than the wave, and libopus's high-pass turns phases: what is asked is that
        // the waves agree well, and best where pre-skip says.
        let skip = clip.preSkip / 3
        let agreement = (skip - 16...skip + 16).map { correlation(source.samples, samples.dropFirst($0)) }
        #expect(agreement[16] > 0.8)
        #expect(agreement.max() == agreement[15...17].max(), "\(agreement)")
    }

    @Test(arguments: [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 44_100, 48_000, 96_000])
    func `a WAV file of any rate just works`(rate: Int) throws {
        let clip = try Clip.load(bytes: WAV.write(sine(440, rate: rate, count: rate / 2)), name: "tone")
        #expect(clip.durationMilliseconds == 500)
        #expect(clip.frames.count == 26)
        var decoder = try OpusDecoder(sampleRate: .hertz48000)
        var samples: [Float] = []
        for frame in clip.frames { samples += try decoder.decode(frame.span) }
        let heard = samples.dropFirst(clip.preSkip).prefix(clip.playableSampleCount).dropFirst(9_600).prefix(9_600)
        let ratio = signalToNoise(sine(440, rate: 48_000, count: 24_000).samples[9_600..<19_200], heard)
        #expect(ratio > 8, "\(ratio) dB")
    }

    @Test func `packets of an Ogg Opus file are taken as they are`() throws {
        let clip = try Clip.load(bytes: try Speech.file(Speech.names[1]), name: "first")
        var writer = OggOpusWriter(head: OpusHead(preSkip: clip.preSkip), tags: OpusTags(vendor: "test"), serial: 3)
        for frame in clip.frames { try writer.append(frame) }
        let bytes = writer.finish(playableSampleCount: clip.playableSampleCount)
        var again = try Clip.load(bytes: bytes, name: "second")
        again.name = "first"
        #expect(again == clip)
    }

    @Test(arguments: [([0x48, 0x48, 0x40], true), ([0x48, 0x40, 0x48], false), ([0x48, 0x48, 0x50], false)] as [([UInt8], Bool)])
    func `only the last packet of a file may be shorter than the others`(configurations: [UInt8], isTaken: Bool) throws {
        var writer = OggOpusWriter(head: OpusHead(preSkip: 0), tags: OpusTags(vendor: "test"), serial: 3)
        for configuration in configurations { try writer.append([configuration, 0]) }
        let bytes = writer.finish()
        if isTaken {
            let clip = try Clip.load(bytes: bytes, name: "")
            #expect(clip.frameDuration == .milliseconds(20))
            #expect(clip.durationMilliseconds == 50)
        } else {
            #expect(throws: AudioFileError.unsupported(.oggOpus, "packets of different lengths")) {
                try Clip.load(bytes: bytes, name: "")
            }
        }
    }

    @Test func `a file that is no clip is refused by name`() throws {
        #expect(throws: AudioFileError.unrecognised) { try Clip.load(bytes: [1, 2, 3], name: "") }
        #expect(throws: AudioFileError.unrecognised) { try Clip.load(bytes: [], name: "") }
        let cut = Array(try Speech.file(Speech.names[0]).dropLast(1_000))
        #expect(throws: AudioFileError.truncated(.wav)) { try Clip.load(bytes: cut, name: "") }
    }

    @Test func `an encoder setting that libopus does not know is an error with its words`() throws {
        var settings = ClipSettings()
        settings.encoder.complexity = 99
        let file = try Speech.file(Speech.names[1])
        #expect(throws: AudioFileError.codec("invalid argument")) {
            try Clip.load(bytes: file, name: "", settings: settings)
        }
    }
}
