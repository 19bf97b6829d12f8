/// Changes the sample rate of a whole sound by a band-limited interpolation: every new sample is the sum of its old
/// neighbours, weighted by a sinc under a Kaiser window.
///
/// Opus takes five rates only; a clip of 44.1 or 22.05 kHz goes through here once, when it is loaded. The stop band lies
/// some 90 dB down; the pass band ends at 0.85 of the lower of the two Nyquist frequencies.
package enum Resampler {
    /// Zero crossings of the sinc on each side of its middle.
    private static let crossingCount = 32
    /// The window's shape: 9 trades a wider transition for about 90 dB.
    private static let beta = 9.0
    /// The cut-off as a part of the lower Nyquist frequency: the transition lies on both sides of it.
    private static let cutoff = 0.93

    /// `sound` at `rate` samples a second; as it is where it has that rate or none at all.
    package static func resample(_ sound: PCM, to rate: Int) -> PCM {
        guard rate > 0, sound.sampleRate > 0, rate != sound.sampleRate else { return sound }
        // Output sample n lies at n·step/phaseCount of the input: integers, so that no error adds up over an hour.
        let divisor = greatestCommonDivisor(rate, sound.sampleRate)
        let phaseCount = rate / divisor
        let step = sound.sampleRate / divisor
        let input = sound.samples.span
        let count = input.count * phaseCount / step
        // The places between two input samples repeat every `phaseCount` output samples.
        let filter = Filter(
            places: (0..<min(count, phaseCount)).map { Double($0 * step % phaseCount) / Double(phaseCount) },
            ratio: Double(rate) / Double(sound.sampleRate))
        let output = [Float](capacity: count) { output in
            for index in 0..<count {
                output.append(filter.apply(to: input, around: index * step / phaseCount, place: index % phaseCount))
            }
        }
        return PCM(sampleRate: rate, samples: output)
    }

    /// The weights for every place that an output sample has between two input samples.
    private struct Filter {
        /// Weights for inputs `middle - reach + 1 … middle + reach`, place after place.
        private let weights: [Float]
        private let reach: Int

        init(places: [Double], ratio: Double) {
            let band = Resampler.cutoff * min(1, ratio)
            let reach = Int((Double(Resampler.crossingCount) / band).rounded(.up))
            self.reach = reach
            weights = [Float](capacity: places.count * 2 * reach) { output in
                for place in places {
                    for tap in (1 - reach)...reach {
                        let distance = Double(tap) - place
                        let weight = band * sinc(band * distance) * kaiser(distance / Double(reach), beta: Resampler.beta)
                        output.append(Float(weight))
                    }
                }
            }
        }

        /// Beyond both ends the sound is silence.
        func apply(to input: Span<Float>, around middle: Int, place: Int) -> Float {
            let first = middle - reach + 1
            let table = weights.span
            let base = place * 2 * reach - first
            var sum: Float = 0
            for index in max(0, first)..<max(0, first, min(input.count, first + 2 * reach)) {
                sum += input[index] * table[base + index]
            }
            return sum
        }
    }
}

private func greatestCommonDivisor(_ left: Int, _ right: Int) -> Int {
    right == 0 ? left : greatestCommonDivisor(right, left % right)
}

/// sin(πx)/(πx).
private func sinc(_ x: Double) -> Double { abs(x) < 1e-9 ? 1 : sine(halfTurns: x) / (.pi * x) }

/// sin(πx) by its power series, as a pure target has no C library to ask. Good to 1e-14.
private func sine(halfTurns x: Double) -> Double {
    // sin π(x+k) is sin πx with its sign changed k times: fold x into −½ … ½, where few terms do.
    let turns = x.rounded()
    let angle = (x - turns) * .pi
    var term = angle
    var sum = angle
    for power in stride(from: 2.0, through: 18, by: 2) {
        term *= -angle * angle / (power * (power + 1))
        sum += term
    }
    return turns.truncatingRemainder(dividingBy: 2) == 0 ? sum : -sum
}

/// The Kaiser window at `x` of −1 … 1: I₀(β√(1−x²)) / I₀(β).
private func kaiser(_ x: Double, beta: Double) -> Double {
    abs(x) >= 1 ? 0 : bessel0(squared: beta * beta * (1 - x * x)) / bessel0(squared: beta * beta)
}

/// The modified Bessel function I₀ of the root of `square`, by its power series.
private func bessel0(squared square: Double) -> Double {
    var term = 1.0
    var sum = 1.0
    for k in 1...32 {
        term *= square / 4 / Double(k * k)
        sum += term
    }
    return sum
}
