import Audio
import Foundation
import Testing

@Suite struct ResamplerTests {
    @Test(arguments: [(44_100, 1_000.0), (22_050, 3_000), (11_025, 3_000), (44_100, 15_000), (96_000, 10_000), (8_000, 1_000)])
    func `a sine comes out as the same sine, 80 dB above the error`(rate: Int, hertz: Double) {
        let input = sine(hertz, rate: rate, count: rate / 10)
        let output = Resampler.resample(input, to: 48_000)
        #expect(output.sampleRate == 48_000)
        #expect(output.samples.count == input.samples.count * 48_000 / rate)
        let expected = sine(hertz, rate: 48_000, count: output.samples.count)
        // At both ends the sine begins and ends with a jump, which no band-limited sound can follow.
        let middle = 800..<4_000
        #expect(signalToNoise(expected.samples[middle], output.samples[middle]) > 80)
    }

    @Test func `what lies above the new band is taken away`() {
        let output = Resampler.resample(sine(30_000, rate: 96_000, count: 9_600), to: 48_000)
        let loudest = output.samples[800..<4_000].map(abs).max() ?? 1
        #expect(loudest < 0.5 * 1e-4)  // −80 dB
    }

    @Test func `an equal rate changes nothing, and nothing stays nothing`() {
        let sound = sine(440, rate: 48_000, count: 100)
        #expect(Resampler.resample(sound, to: 48_000) == sound)
        #expect(Resampler.resample(PCM(sampleRate: 44_100, samples: []), to: 48_000).samples.isEmpty)
        #expect(Resampler.resample(PCM(sampleRate: 0, samples: [1]), to: 48_000).samples == [1])
        #expect(Resampler.resample(PCM(sampleRate: 44_100, samples: [1]), to: 48_000).samples.count == 1)
    }

    /// The power of `signal` over that of its difference from `other`, in dB.
    private func signalToNoise(_ signal: ArraySlice<Float>, _ other: ArraySlice<Float>) -> Double {
        let power = signal.reduce(0) { $0 + Double($1) * Double($1) }
        let noise = zip(signal, other).reduce(0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
        return 10 * log10(power / noise)
    }
}
