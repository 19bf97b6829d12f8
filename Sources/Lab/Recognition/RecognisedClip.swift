import Audio
package import Foundation
package import Opus

/// A clip with all that is needed to judge what was heard of it.
package struct RecognisedClip: Sendable {
    /// With protected frames, where some rows were sent with them.
    package let clip: Clip
    /// The recording itself at the recogniser's rate, as a WAV file; `nil` where the clip was Opus from the beginning.
    package let recording: [UInt8]?
    /// What is said in it; `nil` where nobody knows.
    let words: SpokenText?

    package init(clip: Clip, recording: [UInt8]?) {
        self.clip = clip
        self.recording = recording
        words = clip.transcript.map { SpokenText($0) }
    }

    /// Reads clips as `ClipFiles` does, and keeps the recordings.
    package static func load(_ paths: [URL]) throws(ClipFileError) -> [RecognisedClip] {
        var settings = ClipSettings()
        settings.makesProtectedFrames = true
        let clips = try ClipFiles.load(paths, settings: settings)
        return zip(paths, clips).map { path, clip in
            guard let data = try? Data(contentsOf: path), let sound = try? WAV.read([UInt8](data).span) else {
                return RecognisedClip(clip: clip, recording: nil)
            }
            let rate = HeardSound.sampleRate.rawValue
            let samples = Resampler.resample(sound, to: rate).samples
            return RecognisedClip(clip: clip, recording: WAV.write(PCM(sampleRate: rate, samples: samples)))
        }
    }

    /// The clip as a mode sends it.
    func sent(in mode: String) -> Clip { mode == "fec" ? clip.protected : clip }

    /// What the recording is asked for by.
    var recordingID: String {
        var hash = StableHash()
        for byte in recording ?? [] { hash.combine(byte) }
        return "recording-" + String(hash.value, radix: 16)
    }
}
