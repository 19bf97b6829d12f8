import Audio
package import Opus
import Wire

/// What a listener behind the network hears of a clip: known by its bytes, so that equal sounds are one.
package struct HeardSound: Hashable, Sendable {
    /// A name made of what was received: equal for the same frames with the same holes.
    package let id: String
    package let clip: String
    /// What became of each frame.
    private let frames: [Frame]
    private let preSkip: Int
    private let playableSampleCount: Int

    private enum Frame: Hashable, Sendable {
        case packet([UInt8])
        /// The coarse copy in the packet after it.
        case covered(by: [UInt8])
        case missing
    }

    /// The rate at which sounds are handed on: all that speech recognisers take.
    static let sampleRate = OpusSampleRate.hertz16000

    /// The clip with all its frames: what the codec alone does.
    package init(undamaged clip: Clip) { self.init(clip, fates: clip.frames.map { _ in .live }) }

    /// The clip with those frames that a row names as received; frames of which it knows nothing are missing.
    package init(_ clip: Clip, frameFates: String) {
        let fates = frameFates.map { FrameFate(rawValue: $0) ?? .missing }
        self.init(clip, fates: clip.frames.indices.map { $0 < fates.count ? fates[$0] : .missing })
    }

    private init(_ clip: Clip, fates: [FrameFate]) {
        self.clip = clip.name
        (preSkip, playableSampleCount) = (clip.preSkip, clip.playableSampleCount)
        frames = fates.indices.map { index in
            switch fates[index] {
            case .live, .late, .recovered, .recoveredLate: .packet(clip.frames[index])
            case .covered where index + 1 < clip.frames.count: .covered(by: clip.frames[index + 1])
            case .covered, .missing: .missing
            }
        }
        var hash = StableHash()
        hash.combine(UInt64(clip.playableSampleCount))
        for frame in frames {
            switch frame {
            case .packet(let bytes):
                hash.combine(1 as UInt8)
                hash.combine(UInt64(bytes.count))
                for byte in bytes { hash.combine(byte) }
            case .covered: hash.combine(2 as UInt8)
            case .missing: hash.combine(3 as UInt8)
            }
        }
        let digits = String(hash.value, radix: 16)
        id = String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Whether nothing of it was received: then there is nothing to recognise.
    package var isSilent: Bool { frames.allSatisfy { $0 == .missing } }

    package var duration: Duration { .nanoseconds(Int64(playableSampleCount) * 1_000_000_000 / 48_000) }

    /// Decoded as a player would: in-band FEC where it covers a hole, libopus's concealment for the rest. A WAV file.
    package func wav() throws(OpusError) -> [UInt8] {
        var decoder = try OpusDecoder(sampleRate: Self.sampleRate)
        let usual = Self.sampleRate.frameSampleCount
        var samples: [Float] = []
        for frame in frames {
            switch frame {
            case .packet(let bytes): samples += try decoder.decode(bytes.span)
            case .covered(let next): samples += try decoder.decodeRedundancy(in: next.span, sampleCount: usual)
            case .missing: samples += try decoder.conceal(sampleCount: usual)
            }
        }
        let ticks = 48_000 / Self.sampleRate.rawValue
        let heard = samples.dropFirst(preSkip / ticks).prefix(playableSampleCount / ticks)
        return WAV.write(PCM(sampleRate: Self.sampleRate.rawValue, samples: Array(heard)))
    }
}
