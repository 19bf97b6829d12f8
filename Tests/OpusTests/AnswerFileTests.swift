import Audio
import Opus
import Testing
import Wire

@Suite struct AnswerFileTests {
    /// The frames of a clip as an answer whose numbers wrap in its middle, without those at `lost`.
    private func answer(lost: Set<Int> = [], order: ([Int]) -> [Int] = { $0 }) throws -> (AnswerFile, Clip) {
        let clip = try Clip.load(bytes: try Speech.file(Speech.names[1]), name: "clip")
        var answer = AnswerFile()
        for index in order(Array(clip.frames.indices)) where !lost.contains(index) {
            try answer.append(
                sequence: 65_500 &+ UInt16(index), timestamp: MediaTime(ticks: 4_294_960_000 &+ UInt32(index) * 960),
                packet: clip.frames[index])
        }
        return (answer, clip)
    }

    private func ogg(_ answer: AnswerFile) throws -> OggOpus {
        let file = try answer.oggOpus()
        return try OggOpus.read(file.span)
    }

    private func sound(_ answer: AnswerFile, _ rate: OpusSampleRate = .hertz48000) throws -> PCM {
        let file = try answer.wav(sampleRate: rate)
        return try WAV.read(file.span)
    }

    @Test func `an answer without loss holds the very packets that were sent`() throws {
        let (answer, clip) = try answer()
        #expect(try ogg(answer).packets == clip.frames)
        #expect(answer.receivedFrameCount == clip.frames.count)
        #expect(answer.missingFrameCount == 0)
    }

    @Test func `the order of arrival and a second copy make no difference`() throws {
        let (inOrder, _) = try answer()
        let (turned, _) = try answer(order: { $0.reversed() + $0 })
        #expect(try inOrder.oggOpus() == turned.oggOpus())
        #expect(turned.receivedFrameCount == inOrder.receivedFrameCount)
    }

    @Test func `holes keep their time as packets of a TOC byte alone, and are counted`() throws {
        let lost: Set = [10, 40, 41, 42]
        let (answer, clip) = try answer(lost: lost)
        #expect(answer.missingFrameCount == 4)
        let ogg = try ogg(answer)
        for index in clip.frames.indices {
            if lost.contains(index) {
                #expect(ogg.packets[index] == [ogg.packets[index - 1][0] & 0xFC])
            } else {
                #expect(ogg.packets[index] == clip.frames[index])
            }
        }
        #expect(ogg.playableSampleCount == clip.frames.count * 960 - 312)
        // WAV has the same length, and sounds as a player makes the Ogg file sound.
        var decoder = try OpusDecoder(sampleRate: .hertz48000)
        var samples: [Float] = []
        for packet in ogg.packets { samples += try decoder.decode(packet.span) }
        let heard = try sound(answer).samples
        #expect(heard.count == ogg.playableSampleCount)
        #expect(signalToNoise(samples.dropFirst(312), heard) > 60)
    }

    @Test(arguments: OpusSampleRate.allCases)
    func `a WAV file of every rate of Opus has the right length`(rate: OpusSampleRate) throws {
        let (answer, clip) = try answer(lost: [5])
        let sound = try sound(answer, rate)
        #expect(sound.sampleRate == rate.rawValue)
        #expect(sound.samples.count == (clip.frames.count * 960 - 312) * rate.rawValue / 48_000)
    }

    @Test func `a pause keeps its time and is not missing`() throws {
        var answer = AnswerFile(preSkip: 0)
        try answer.append(sequence: 1, timestamp: MediaTime(ticks: 0), packet: [0x48, 0])
        try answer.append(sequence: 2, timestamp: MediaTime(ticks: 960 * 11), packet: [0x48, 1])
        #expect(answer.missingFrameCount == 0)
        #expect(try ogg(answer).playableSampleCount == 960 * 12)
    }

    @Test func `timestamps that overlap or go backwards lose no packet`() throws {
        var answer = AnswerFile(preSkip: 0)
        for (sequence, ticks) in [(1, 0), (2, 100), (3, 50), (4, 4_294_900_000), (5, 1_930)] as [(UInt16, UInt32)] {
            try answer.append(sequence: sequence, timestamp: MediaTime(ticks: ticks), packet: [0x48, UInt8(sequence)])
        }
        #expect(try ogg(answer).packets.map(\.last) == [1, 2, 3, 4, 5])
    }

    @Test func `nothing, no packet, and too much are errors`() throws {
        var limits = AudioLimits()
        limits.durationSeconds = 1
        var answer = AnswerFile(limits: limits)
        #expect(throws: AudioFileError.empty(.oggOpus)) { try answer.oggOpus() }
        #expect(throws: AudioFileError.empty(.oggOpus)) { try answer.wav() }
        #expect(throws: AudioFileError.malformed(.oggOpus, "no Opus packet")) {
            try answer.append(sequence: 0, timestamp: MediaTime(ticks: 0), packet: [])
        }
        for index in 0..<50 as Range<UInt16> {
            try answer.append(sequence: index, timestamp: MediaTime(ticks: UInt32(index) * 960), packet: [0x48, 0])
        }
        #expect(throws: AudioFileError.overLimit(.oggOpus, "too long")) {
            try answer.append(sequence: 50, timestamp: MediaTime(ticks: 48_000), packet: [0x48, 0])
        }
        #expect(throws: Never.self) { try answer.oggOpus() }

        var wide = AnswerFile(limits: limits)
        try wide.append(sequence: 0, timestamp: MediaTime(ticks: 0), packet: [0x48, 0])
        try wide.append(sequence: 1, timestamp: MediaTime(ticks: 2_000_000_000), packet: [0x48, 0])
        #expect(throws: AudioFileError.overLimit(.oggOpus, "too long")) { try wide.oggOpus() }
    }
}
