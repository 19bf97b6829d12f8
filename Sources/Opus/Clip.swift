package import Audio
internal import Wire

/// How a WAV clip is encoded, and what a clip may be.
package struct ClipSettings: Hashable, Sendable {
    package var encoder = OpusEncoderSettings()
    /// Whether a WAV clip is encoded a second time, with in-band FEC.
    package var makesProtectedFrames = false
    package var limits = AudioLimits()

    package init() {}
}

/// A recording ready to be spoken: Opus packets, made once when it is loaded and sent as often as is wanted.
package struct Clip: Hashable, Sendable {
    package var name: String
    /// Opus packets, each of `frameDuration`; the last may be shorter.
    package var frames: [[UInt8]]
    /// The same sound at the same bit rate with in-band FEC, where that was asked for and the clip was not Opus already.
    package var protectedFrames: [[UInt8]]?
    package var frameDuration: Duration
    /// What a player plays of it, in samples at 48 kHz: without pre-skip and the padding of the last frame.
    package var playableSampleCount: Int
    /// Samples at 48 kHz that a decoder throws away at the beginning (RFC 7845 section 4.2).
    package var preSkip: Int
    /// What is said in it, where somebody knows.
    package var transcript: String?

    package init(
        name: String, frames: [[UInt8]], frameDuration: Duration, playableSampleCount: Int, preSkip: Int,
        transcript: String? = nil
    ) {
        self.name = name
        self.frames = frames
        self.frameDuration = frameDuration
        self.playableSampleCount = playableSampleCount
        self.preSkip = preSkip
        self.transcript = transcript
    }

    /// The clip as it is spoken where the next frame shall cover a lost one; as it is where it cannot be encoded anew.
    package var protected: Clip {
        var clip = self
        clip.frames = protectedFrames ?? frames
        return clip
    }

    /// How long it plays, rounded.
    package var durationMilliseconds: Int { (playableSampleCount + 24) / 48 }

    /// A clip from the bytes of a WAV file, which is encoded in frames of 20 ms, or of an Ogg Opus file, whose packets are
    /// taken as they are.
    package static func load(
        bytes: [UInt8], name: String, transcript: String? = nil, settings: ClipSettings = ClipSettings()
    ) throws(AudioFileError) -> Clip {
        var clip: Clip
        switch AudioContainer(firstBytesOf: bytes.span) {
        case .wav:
            let sound = try WAV.read(bytes.span, limits: settings.limits)
            do throws(OpusError) {
                clip = try Clip(encoding: sound, name: name, settings: settings.encoder)
                if settings.makesProtectedFrames {
                    clip.protectedFrames = try Clip(
                        encoding: sound, name: name, settings: settings.encoder.withErrorCorrection).frames
                }
            } catch {
                throw .codec(error.description)
            }
        case .oggOpus:
            clip = try Clip(packetsOf: try OggOpus.read(bytes.span, limits: settings.limits), name: name)
        case nil:
            throw .unrecognised
        }
        clip.transcript = transcript
        return clip
    }

    private init(encoding sound: PCM, name: String, settings: OpusEncoderSettings) throws(OpusError) {
        // Opus takes five rates. Any other is brought to the highest, which loses nothing.
        let rate = OpusSampleRate(rawValue: sound.sampleRate) ?? .hertz48000
        let samples = Resampler.resample(sound, to: rate.rawValue).samples
        var encoder = try OpusEncoder(sampleRate: rate, settings: settings)
        let lookahead = encoder.lookaheadSampleCount
        let frameSampleCount = rate.frameSampleCount
        // Silence after the end brings out what the encoder still holds back, and fills the last frame.
        let frameCount = (samples.count + lookahead + frameSampleCount - 1) / frameSampleCount
        let padded = samples + [Float](repeating: 0, count: frameCount * frameSampleCount - samples.count)
        var frames: [[UInt8]] = []
        frames.reserveCapacity(frameCount)
        for start in stride(from: 0, to: padded.count, by: frameSampleCount) {
            frames.append(try encoder.encode(padded.span.extracting(start..<(start + frameSampleCount))))
        }
        let ticksPerSample = 48_000 / rate.rawValue
        self.init(
            name: name, frames: frames, frameDuration: .milliseconds(20),
            playableSampleCount: samples.count * ticksPerSample, preSkip: lookahead * ticksPerSample)
    }

    private init(packetsOf file: OggOpus, name: String) throws(AudioFileError) {
        var frameDuration = Duration.zero
        for (index, packet) in file.packets.enumerated() {
            guard let header = try? OpusPacketHeader(packet.span) else { throw .malformed(.oggOpus, "no Opus packet") }
            if index == 0 { frameDuration = header.duration }
            // opusenc ends with a shorter packet, which moves no other one.
            let isLast = index == file.packets.count - 1
            guard header.duration == frameDuration || isLast && header.duration < frameDuration else {
                throw .unsupported(.oggOpus, "packets of different lengths")
            }
        }
        self.init(
            name: name, frames: file.packets, frameDuration: frameDuration,
            playableSampleCount: file.playableSampleCount, preSkip: file.head.preSkip)
    }
}
