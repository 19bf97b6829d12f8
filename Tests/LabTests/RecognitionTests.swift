@testable import Lab
import Audio
import Foundation
import Opus
import Testing

@Suite struct RecognitionTests {
    /// A second of a tone, encoded as any clip is, and its recording.
    private static func clip(_ name: String = "tone", transcript: String? = "call one two three now") throws -> RecognisedClip {
        let samples = (0..<16_000).map { Float(0.3 * sin(Double($0) * 0.05) * sin(Double($0) * 0.0009)) }
        let wav = WAV.write(PCM(sampleRate: 16_000, samples: samples))
        var settings = ClipSettings()
        settings.makesProtectedFrames = true
        let clip = try Clip.load(bytes: wav, name: name, transcript: transcript, settings: settings)
        return RecognisedClip(clip: clip, recording: wav)
    }

    private static func row(_ clip: RecognisedClip, mode: String = "datagram", trial: Int = 0, lost: Set<Int> = [], letter: Character = "L") -> TrialRow {
        var row = RowTests.row(mode: mode, clip: clip.clip.name, trial: trial)
        row.frameFates = String(clip.clip.frames.indices.map { lost.contains($0) ? "-" : letter })
        return row
    }

    @Test func `equal sounds are one, however they came`() throws {
        let clip = try Self.clip()
        let rows = [
            Self.row(clip), Self.row(clip, mode: "stream", letter: "t"), Self.row(clip, mode: "nack", letter: "R"),
            Self.row(clip, trial: 1, lost: [3, 4]), Self.row(clip, mode: "red", trial: 1, lost: [3, 4], letter: "r"),
            Self.row(clip, mode: "fec"), Self.row(clip, mode: "fec", trial: 1, lost: [3, 4]),
        ]
        let recognition = try Recognition(rows: rows, clips: [clip], limit: 100)
        // The recording; plain: whole, damaged; protected: whole, damaged.
        #expect(recognition.soundCount == 5)
        #expect(recognition.trialsTaken == nil)
    }

    private static func samples(_ clip: Clip, _ fates: String) throws -> [Float] {
        let wav = try HeardSound(clip, frameFates: fates).wav()
        return try WAV.read(wav.span).samples
    }

    @Test func `a sound plays as long as its clip, with holes concealed`() throws {
        let clip = try Self.clip().clip
        let whole = try Self.samples(clip, String(repeating: "L", count: clip.frames.count))
        #expect(whole.count == 16_000)
        let holes = String(clip.frames.indices.map { (20..<24).contains($0) ? "-" : "L" })
        let damaged = try Self.samples(clip, holes)
        #expect(damaged.count == 16_000 && damaged != whole)
        #expect(Array(damaged.prefix(19 * 320)) == Array(whole.prefix(19 * 320)))
        // The coarse copy is another sound than what concealment invents.
        let covered = try Self.samples(clip.protected, holes.replacing("----L", with: "---fL"))
        let concealed = try Self.samples(clip.protected, holes)
        #expect(covered.count == 16_000 && covered != concealed)
        #expect(HeardSound(clip, frameFates: "").isSilent)
        #expect(try Self.samples(clip, "L?x").count == 16_000)
    }

    @Test func `the network's damage is told from the codec's`() throws {
        let clip = try Self.clip()
        let rows = [Self.row(clip), Self.row(clip, trial: 1, lost: [3, 4]), Self.row(clip, trial: 2, lost: Set(0..<100))]
        var recognition = try Recognition(rows: rows, clips: [clip], limit: 100)
        #expect(recognition.soundCount == 3)
        let texts = ["call one two three now", "Call 1, 2, 3 no.", "call one too three no"]
        for index in 0..<3 {
            let id = try recognition.request(index).id
            recognition.hear(id: id, text: texts[index])
        }
        let cell = try #require(recognition.cells().first)
        #expect(cell.cell.clip == "*" && cell.trials == 3)
        // Trial 0 is what the codec made of it; trial 1 lost a number besides; of trial 2 nothing was heard.
        #expect(cell.recording.rate == 0)
        #expect(cell.codec.rate == 0.2 && cell.codec.substitutions == 3)
        #expect(cell.heard.words == 15 && cell.heard.substitutions == 3 && cell.heard.deletions == 5)
        #expect(cell.heard.numbers == 9 && cell.heard.numbersWrong == 4)
        #expect(cell.changed == 2)
        let interval = try #require(cell.rateInterval)
        #expect(interval.low < 8 / 15.0 && interval.high > 8 / 15.0)
        #expect(recognition.csv().split(separator: "\n").count == 2)
        let lines = recognition.jsonLines()
        #expect(lines.count == 3)
        #expect(lines[2].contains(#""kind":"received","clip":"tone","trials":1,"text":"call one too three no""#))
        #expect(lines[2].hasSuffix(#""changed":true}"#))
        #expect(RecognitionTable(recognition).lines().allSatisfy { $0.count <= 120 })
    }

    @Test func `what has no text yet is left out, and clips without words still change`() throws {
        let clip = try Self.clip(transcript: nil)
        let rows = [Self.row(clip), Self.row(clip, trial: 1, lost: [3, 4])]
        var recognition = try Recognition(rows: rows, clips: [clip], limit: 100)
        #expect(recognition.cells().isEmpty)
        let ids = try (0..<3).map { try recognition.request($0).id }
        for id in ids.prefix(2) { recognition.hear(id: id, text: "a") }
        #expect(recognition.cells().first?.trials == 1)
        recognition.hear(id: ids[2], text: "b")
        let cell = try #require(recognition.cells().first)
        #expect(cell.trials == 2 && cell.changed == 1 && cell.heard.rate == nil && cell.rateInterval == nil)
    }

    @Test func `a limit keeps whole trials of all cells`() throws {
        let clip = try Self.clip()
        let rows = (0..<10).flatMap { trial in
            ["datagram", "red"].map { Self.row(clip, mode: $0, trial: trial, lost: [trial]) }
        }
        let recognition = try Recognition(rows: rows, clips: [clip], limit: 6)
        #expect(recognition.trialsTaken == 4 && recognition.trials.count == 8 && recognition.soundCount == 6)
        #expect(throws: RecognitionError.tooMany(3, limit: 2)) { try Recognition(rows: rows, clips: [clip], limit: 2) }
        #expect(throws: RecognitionError.noClips) { try Recognition(rows: rows, clips: [], limit: 2) }
    }
}
