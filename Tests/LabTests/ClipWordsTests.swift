import Audio
import Foundation
import Lab
import Opus
import Testing

@Suite struct ClipWordsTests {
    @Test func `words come from a text of the same name, or from a list beside the clips`() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "parallax-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let wav = Data(WAV.write(PCM(sampleRate: 16_000, samples: [Float](repeating: 0, count: 1600))))
        for name in ["a", "b", "c", "d"] { try wav.write(to: directory.appending(path: "\(name).wav")) }
        try Data("from a text\n".utf8).write(to: directory.appending(path: "a.txt"))
        try Data("<s> another </s> (a)\n<s> from the list </s> (b)\n".utf8).write(to: directory.appending(path: "transcription"))
        try Data("<s> two of clubs  </s> (c)\n".utf8).write(to: directory.appending(path: "cards.transcription"))
        let clips = try ClipFiles.load(ClipFiles.paths(in: directory))
        #expect(clips.map(\.transcript) == ["from a text", "from the list", "two of clubs", nil])
    }
}
