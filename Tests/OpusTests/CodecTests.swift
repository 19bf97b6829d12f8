import Audio
import Opus
import Testing
import Wire

@Suite struct CodecTests {
    @Test(arguments: OpusSampleRate.allCases)
    func `a sine survives the codec at every rate, late by the lookahead`(rate: OpusSampleRate) throws {
        let input = sine(440, rate: rate.rawValue, count: rate.rawValue / 2).samples
        var encoder = try OpusEncoder(
            sampleRate: rate, settings: OpusEncoderSettings(bitsPerSecond: 64_000, complexity: 10))
        var decoder = try OpusDecoder(sampleRate: rate)
        var output: [Float] = []
        for start in stride(from: 0, to: input.count, by: rate.frameSampleCount) {
            let packet = try encoder.encode(input.span.extracting(start..<(start + rate.frameSampleCount)))
            let header = try OpusPacketHeader(packet.span)
            #expect(header.duration == .milliseconds(20))
            output += try decoder.decode(packet.span)
        }
        #expect(output.count == input.count)
        let late = encoder.lookaheadSampleCount
        let half = input.count / 2
        // 14 dB: libopus sets a high-pass before speech, which turns the phase of 440 Hz by 11°.
        let ratio = signalToNoise(input[half..<(input.count - late)], output[(half + late)...])
        #expect(ratio > 12, "\(ratio) dB")
    }

    @Test func `the same samples give the same packets`() throws {
        let sound = try Speech.sound()
        #expect(try packets(of: sound) == packets(of: sound))
    }

    @Test func `more bits make longer packets, and settings change in mid-stream`() throws {
        let sound = try Speech.sound()
        let low = try packets(of: sound, OpusEncoderSettings(bitsPerSecond: 12_000))
        let high = try packets(of: sound, OpusEncoderSettings(bitsPerSecond: 48_000))
        #expect(low.joined().count * 2 < high.joined().count)

        var encoder = try OpusEncoder(sampleRate: .hertz16000, settings: OpusEncoderSettings(bitsPerSecond: 12_000))
        let before = try encode(sound.samples[..<48_000], with: &encoder)
        try encoder.apply(OpusEncoderSettings(bitsPerSecond: 48_000))
        let after = try encode(sound.samples[48_000..<96_000], with: &encoder)
        #expect(before.joined().count * 2 < after.joined().count)
    }

    @Test func `in-band FEC brings back a lost frame better than concealment does`() throws {
        let sound = try Speech.sound()
        let settings = OpusEncoderSettings(bitsPerSecond: 32_000, expectedLossPercent: 20)
        let sent = try packets(of: sound, settings)
        var clean = try OpusDecoder(sampleRate: .hertz16000)
        var repaired = try OpusDecoder(sampleRate: .hertz16000)
        var concealed = try OpusDecoder(sampleRate: .hertz16000)
        var original: [Float] = [], byRedundancy: [Float] = [], byConcealment: [Float] = []
        for index in 0..<(sent.count - 1) {
            let packet = sent[index], next = sent[index + 1]
            let truth = try clean.decode(packet.span)
            // Every fifth frame is lost.
            if index % 5 == 4 {
                original += truth
                byRedundancy += try repaired.decodeRedundancy(in: next.span, sampleCount: 320)
                byConcealment += try concealed.conceal(sampleCount: 320)
            } else {
                _ = try repaired.decode(packet.span)
                _ = try concealed.decode(packet.span)
            }
        }
        let gain = signalToNoise(original, byRedundancy) - signalToNoise(original, byConcealment)
        #expect(gain > 3, "\(gain) dB")
    }

    @Test func `what libopus does not take is an error`() throws {
        #expect(throws: OpusError.self) {
            _ = try OpusEncoder(sampleRate: .hertz8000, settings: OpusEncoderSettings(complexity: 11))
        }
        var encoder = try OpusEncoder(sampleRate: .hertz48000)
        let samples = [Float](repeating: 0, count: 961)
        for count in [0, 1, 961] {
            let packet = try? encoder.encode(samples.span.extracting(first: count))
            #expect(packet == nil, "\(count) samples")
        }
        var decoder = try OpusDecoder(sampleRate: .hertz48000)
        for packet in [[], [0x49, 1], [0x4B, 0]] as [[UInt8]] {
            let samples = try? decoder.decode(packet.span)
            #expect(samples == nil, "\(packet)")
        }
        for count in [-1, 0, 7, 48_000] {
            let samples = try? decoder.conceal(sampleCount: count)
            #expect(samples == nil, "\(count) samples")
        }
    }

    @Test func `damaged packets decode to something or to an error`() throws {
        let sent = try packets(of: try Speech.sound())
        var decoder = try OpusDecoder(sampleRate: .hertz16000)
        var longest = 0
        for packet in sent.prefix(40) {
            for index in packet.indices {
                var damaged = packet
                damaged[index] ^= 0x55
                longest = max(longest, (try? decoder.decode(damaged.span))?.count ?? 0)
                longest = max(longest, (try? decoder.decode(packet.span.extracting(first: index)))?.count ?? 0)
            }
        }
        #expect((320...1_920).contains(longest))
    }

    @Test func `libopus takes the packets that our reading of the header takes, for as long as it says`() throws {
        var decoder = try OpusDecoder(sampleRate: .hertz48000)
        var random = Xoshiro256(seed: 7)
        var takenCount = 0
        for toc in 0...255 as ClosedRange<UInt8> {
            for length in [0, 1, 2, 3, 7, 12, 40] {
                let packet = [toc] + (0..<length).map { _ in UInt8.random(in: 0...40, using: &random) }
                let header = try? OpusPacketHeader(packet.span)
                let samples = try? decoder.decode(packet.span)
                #expect(samples?.count == header?.sampleCount, "\(packet)")
                if header != nil { takenCount += 1 }
            }
        }
        #expect((500...1_500).contains(takenCount))
    }

    private func packets(of sound: PCM, _ settings: OpusEncoderSettings = OpusEncoderSettings()) throws -> [[UInt8]] {
        var encoder = try OpusEncoder(sampleRate: .hertz16000, settings: settings)
        return try encode(sound.samples[...], with: &encoder)
    }

    private func encode(_ samples: ArraySlice<Float>, with encoder: inout OpusEncoder) throws -> [[UInt8]] {
        var packets: [[UInt8]] = []
        for start in stride(from: samples.startIndex, through: samples.endIndex - 320, by: 320) {
            let frame = samples[start..<(start + 320)]
            packets.append(try encoder.encode(frame.span))
        }
        return packets
    }
}
