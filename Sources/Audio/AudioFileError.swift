package import Wire

/// The kinds of file that are read and written here.
package enum AudioContainer: String, Hashable, Sendable {
    case wav = "WAV"
    case oggOpus = "Ogg"
}

/// Why a file gave no audio. `description` is one line for a person: what is wrong, and what to do.
package enum AudioFileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The first bytes are neither RIFF nor Ogg.
    case unrecognised
    /// The file ends before its audio does.
    case truncated(AudioContainer)
    /// The bytes break the container's rules.
    case malformed(AudioContainer, StaticReason)
    /// A sound file, but of a kind that is not read; the text names the kind.
    case unsupported(AudioContainer, String)
    /// More than `AudioLimits` allow.
    case overLimit(AudioContainer, StaticReason)
    /// Well formed, and nothing to hear in it.
    case empty(AudioContainer)
    /// libopus refused what it was given; the text is its own.
    case codec(String)

    /// A name for programs that does not change with the wording.
    package var code: String {
        switch self {
        case .unrecognised: "unrecognised_format"
        case .truncated: "truncated_file"
        case .malformed: "malformed_file"
        case .unsupported: "unsupported_encoding"
        case .overLimit: "over_limit"
        case .empty: "no_audio"
        case .codec: "codec_error"
        }
    }

    package var description: String {
        switch self {
        case .unrecognised:
            "neither a WAV nor an Ogg Opus file; convert it with: ffmpeg -i IN -ac 1 -ar 48000 OUT.wav"
        case .truncated(let container):
            "the \(container.rawValue) file ends before its audio does; it was cut off in copying or is still being written"
        case .malformed(let container, let reason):
            "the \(container.rawValue) file is damaged: \(reason)"
        case .unsupported(let container, let kind):
            "the \(container.rawValue) file holds \(kind), which is not read; convert it with: ffmpeg -i IN -ac 1 -ar 48000 OUT.wav"
        case .overLimit(let container, let reason):
            "the \(container.rawValue) file is over a limit: \(reason); cut it into shorter files"
        case .empty(let container):
            "the \(container.rawValue) file holds no audio"
        case .codec(let text):
            "libopus refused the audio: \(text)"
        }
    }

    /// What a field that could not be read means for a file of this kind.
    init(_ error: ParseError, in container: AudioContainer) {
        switch error {
        case .truncated: self = .truncated(container)
        case .malformed(let reason): self = .malformed(container, reason)
        case .overLimit(let reason): self = .overLimit(container, reason)
        }
    }
}
