internal import Audio
internal import Opus
internal import Session
internal import Wire

/// Audio that a client appends in base64, as frames: Opus as it is, everything else encoded 20 ms at a time.
///
/// Appended audio has no media time of its own, and no numbers but where a client gives them. It is numbered here, and the time of its
/// arrival stands for its media time: so it counts as live, and only a stream's own loss of time shows, which is none.
struct AppendedAudio {
    /// Samples of a frame that were silence, since a commit came before the frame was full.
    private(set) var paddedSampleCount = 0
    private var nextSequence: UInt16 = 0
    private var isFirst = true
    private var encoder: PCMEncoder?
    private var samples: [Float] = []
    private var head = 0

    /// Whether samples for a whole frame wait.
    var hasFrame: Bool { encoder.map { samples.count - head >= $0.frameSampleCount } ?? false }

    /// The session was elsewhere before: its next frame has this number.
    mutating func goOn(from sequence: UInt16) { nextSequence = sequence }

    /// Takes what an append holds.
    /// - Parameter sequence: the frame's number, where the client has given it one and it is a frame already.
    /// - Returns: the frame, where it is one already.
    mutating func append(_ bytes: [UInt8], format: String, sequence: UInt16? = nil, now: Instant) throws(EventError) -> MediaFrame? {
        guard format != AudioFormat.opus.type else {
            guard OpusPacket.duration(of: bytes) != nil else {
                throw EventError(code: .invalidValue, message: "The audio is not one Opus packet in base64.", param: "audio")
            }
            if let sequence { nextSequence = sequence }
            return frame(bytes, now: now)
        }
        let coding = PCMCoding(format)
        if encoder?.coding != coding {
            // What was left of another format belongs to no frame of this one.
            clear()
            encoder = try? PCMEncoder(coding)
        }
        guard encoder != nil else {
            throw EventError(type: .server, code: .unsupportedFormat, message: "The server cannot encode '\(format)' now.", param: "audio")
        }
        guard bytes.count % coding.sampleByteCount == 0 else {
            throw EventError(code: .invalidValue, message: "A sample of 'audio/pcm' has two bytes; half of one is left.", param: "audio")
        }
        if head > 0 {
            samples.removeFirst(head)
            head = 0
        }
        coding.decode(bytes, into: &samples)
        return nil
    }

    /// The next whole frame of what was appended.
    mutating func nextFrame(now: Instant) -> MediaFrame? {
        while hasFrame, let encoder {
            defer { head += encoder.frameSampleCount }
            // libopus takes every sample; a frame that it did not is left out, and the receipt says so by its count.
            if let packet = encoder.encode(samples.span.extracting(head..<(head + encoder.frameSampleCount))) {
                return frame(packet, now: now)
            }
        }
        return nil
    }

    /// A commit has come: what is left becomes a frame of its own, filled up with silence.
    mutating func finish(now: Instant) -> MediaFrame? {
        defer {
            samples = []
            head = 0
            isFirst = true
        }
        guard let encoder, samples.count > head else { return nil }
        let missing = encoder.frameSampleCount - (samples.count - head)
        paddedSampleCount += missing
        let rest = Array(samples[head...]) + [Float](repeating: 0, count: missing)
        return encoder.encode(rest.span).map { frame($0, now: now) }
    }

    /// The client has taken back what was not committed.
    mutating func clear() {
        samples = []
        head = 0
        isFirst = true
    }

    private mutating func frame(_ packet: [UInt8], now: Instant) -> MediaFrame {
        defer {
            nextSequence &+= 1
            isFirst = false
        }
        return MediaFrame(
            sequence: nextSequence, timestamp: MediaTime(ticks: 0).advanced(by: now.since(.zero)), marker: isFirst, payload: packet)
    }
}

/// How samples lie in a base64 text.
enum PCMCoding: Hashable {
    /// 24 kHz, 16 bits, little-endian: OpenAI's default.
    case linear
    /// 8 kHz.
    case companded(G711)

    init(_ format: String) {
        switch format {
        case "audio/pcmu": self = .companded(.muLaw)
        case "audio/pcma": self = .companded(.aLaw)
        default: self = .linear
        }
    }

    var sampleRate: OpusSampleRate { self == .linear ? .hertz24000 : .hertz8000 }
    var sampleByteCount: Int { self == .linear ? 2 : 1 }

    /// Appends the samples of `bytes`, whose count is a multiple of `sampleByteCount`.
    func decode(_ bytes: [UInt8], into samples: inout [Float]) {
        samples.reserveCapacity(samples.count + bytes.count / sampleByteCount)
        switch self {
        case .linear:
            for index in stride(from: 0, to: bytes.count - 1, by: 2) {
                samples.append(Float(Int16(bitPattern: UInt16(bytes[index]) | UInt16(bytes[index + 1]) << 8)) / 32_768)
            }
        case .companded(let law):
            for byte in bytes { samples.append(Float(law.decode(byte)) / 32_768) }
        }
    }

    func encode(_ samples: [Float], into bytes: inout [UInt8]) {
        for sample in samples {
            let value = Int16(max(-32_768, min(32_767, (sample * 32_768).rounded())))
            switch self {
            case .linear:
                bytes.append(UInt8(truncatingIfNeeded: value))
                bytes.append(UInt8(truncatingIfNeeded: value >> 8))
            case .companded(let law): bytes.append(law.encode(value))
            }
        }
    }
}

/// An encoder with the coding that it takes samples of.
private final class PCMEncoder {
    let coding: PCMCoding
    private var encoder: OpusEncoder
    var frameSampleCount: Int { coding.sampleRate.frameSampleCount }

    init(_ coding: PCMCoding) throws(OpusError) {
        self.coding = coding
        encoder = try OpusEncoder(sampleRate: coding.sampleRate)
    }

    func encode(_ samples: Span<Float>) -> [UInt8]? { try? encoder.encode(samples) }
}

/// Opus frames of an answer, as samples in a coding.
final class PCMDecoder {
    let coding: PCMCoding
    private var decoder: OpusDecoder

    init(_ coding: PCMCoding) throws(OpusError) {
        self.coding = coding
        decoder = try OpusDecoder(sampleRate: coding.sampleRate)
    }

    /// Appends the samples of one packet; of one that libopus does not take, its time in silence.
    func decode(_ packet: [UInt8], into bytes: inout [UInt8]) {
        let samples = (try? decoder.decode(packet.span))
            ?? [Float](repeating: 0, count: coding.sampleRate.frameSampleCount)
        coding.encode(samples, into: &bytes)
    }
}
