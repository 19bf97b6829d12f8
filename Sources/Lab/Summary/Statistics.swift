import Wire

/// An interval with its estimate.
package struct Interval: Hashable, Sendable {
    package var low: Double
    package var high: Double

    package init(low: Double, high: Double) {
        self.low = low
        self.high = high
    }

    /// Whether a value lies inside; the ends have been computed, and may be off by a rounding.
    package func nearlyContains(_ value: Double) -> Bool { value >= low - 1e-9 && value <= high + 1e-9 }
}

/// Order statistics and intervals of a sample. Everything here is a pure function of its arguments.
package struct Sample: Hashable, Sendable {
    /// The values in ascending order.
    package let sorted: [Double]

    package init(_ values: [Double]) { sorted = values.sorted() }

    package var count: Int { sorted.count }

    /// The percentile, interpolated between the two nearest values as numpy does by default; `nil` of nothing.
    /// - Parameter share: 0 ... 1.
    package func percentile(_ share: Double) -> Double? {
        guard let last = sorted.last else { return nil }
        let position = Double(count - 1) * min(max(share, 0), 1)
        let index = Int(position)
        guard index + 1 < count else { return last }
        return sorted[index] + (sorted[index + 1] - sorted[index]) * (position - Double(index))
    }

    package var median: Double? { percentile(0.5) }

    package var mean: Double? { count == 0 ? nil : sorted.reduce(0, +) / Double(count) }
}

/// Percentile bootstrap: the spread of an estimate over samples drawn again, with replacement, from the sample.
package struct Bootstrap: Sendable {
    /// How many samples are drawn.
    package var resamples: Int
    package var seed: UInt64
    /// The share of estimates inside the interval.
    package var confidence: Double

    package init(resamples: Int = 1000, seed: UInt64 = 1, confidence: Double = 0.95) {
        self.resamples = resamples
        self.seed = seed
        self.confidence = confidence
    }

    /// The interval of a percentile; `nil` of fewer than two values, whose spread nobody knows.
    package func percentileInterval(_ share: Double, of sample: Sample) -> Interval? {
        guard sample.count > 1 else { return nil }
        var counts = [Int](repeating: 0, count: sample.count)
        return interval { generator in
            for index in counts.indices { counts[index] = 0 }
            for _ in 0..<sample.count { counts[Self.draw(below: sample.count, from: &generator)] += 1 }
            return Self.percentile(share, of: sample.sorted, times: counts)
        }
    }

    /// The interval of how far the median of one sample lies over that of another, which has nothing to do with it.
    package func medianDifferenceInterval(of sample: Sample, over other: Sample) -> Interval? {
        guard sample.count > 1, other.count > 1 else { return nil }
        var (counts, others) = ([Int](repeating: 0, count: sample.count), [Int](repeating: 0, count: other.count))
        func median(_ sample: Sample, _ counts: inout [Int], _ generator: inout Xoshiro256) -> Double {
            for index in counts.indices { counts[index] = 0 }
            for _ in 0..<sample.count { counts[Self.draw(below: sample.count, from: &generator)] += 1 }
            return Self.percentile(0.5, of: sample.sorted, times: counts)
        }
        return interval { generator in median(sample, &counts, &generator) - median(other, &others, &generator) }
    }

    /// The interval of the mean.
    package func meanInterval(of sample: Sample) -> Interval? {
        guard sample.count > 1 else { return nil }
        return interval { generator in
            var sum = 0.0
            for _ in 0..<sample.count { sum += sample.sorted[Self.draw(below: sample.count, from: &generator)] }
            return sum / Double(sample.count)
        }
    }

    /// The interval of the ratio of two sums over trials; `nil` of fewer than two.
    func ratioInterval(of pairs: [(over: Double, under: Double)]) -> Interval? {
        guard pairs.count > 1, pairs.contains(where: { $0.under > 0 }) else { return nil }
        return interval { generator in
            var (over, under) = (0.0, 0.0)
            for _ in pairs {
                let pair = pairs[Self.draw(below: pairs.count, from: &generator)]
                over += pair.over
                under += pair.under
            }
            return under > 0 ? over / under : 0
        }
    }

    private func interval(_ estimate: (inout Xoshiro256) -> Double) -> Interval? {
        var generator = Xoshiro256(seed: seed)
        let estimates = Sample((0..<resamples).map { _ in estimate(&generator) })
        let tail = (1 - confidence) / 2
        guard let low = estimates.percentile(tail), let high = estimates.percentile(1 - tail) else { return nil }
        return Interval(low: low, high: high)
    }

    private static func draw(below count: Int, from generator: inout Xoshiro256) -> Int {
        Int(truncatingIfNeeded: generator.next().multipliedFullWidth(by: UInt64(count)).high)
    }

    /// The percentile of a sample given as its distinct places and how often each was drawn: no sorting again.
    private static func percentile(_ share: Double, of sorted: [Double], times counts: [Int]) -> Double {
        let position = Double(sorted.count - 1) * min(max(share, 0), 1)
        let index = Int(position)
        var passed = 0
        var lower: Double?
        for (value, count) in zip(sorted, counts) where count > 0 {
            passed += count
            if lower == nil && passed > index { lower = value }
            if let lower, passed > index + 1 { return lower + (value - lower) * (position - Double(index)) }
        }
        return lower ?? 0
    }
}

/// A count of successes among trials.
package struct Proportion: Hashable, Sendable {
    package var successes: Int
    package var trials: Int

    package init(successes: Int, trials: Int) {
        self.successes = successes
        self.trials = trials
    }

    package var value: Double? { trials == 0 ? nil : Double(successes) / Double(trials) }

    /// Whether each of two lies within the other's 95 % interval.
    func agrees(with other: Proportion) -> Bool {
        guard let value, let wilson, let others = other.value, let interval = other.wilson else { return false }
        return wilson.nearlyContains(others) && interval.nearlyContains(value)
    }

    /// The 95 % interval of how far another share lies over this one, by Newcombe's score method (1998, method 10).
    func differenceInterval(to other: Proportion) -> Interval? {
        guard let value, let wilson, let others = other.value, let interval = other.wilson else { return nil }
        func reach(_ first: Double, _ second: Double) -> Double { (first * first + second * second).squareRoot() }
        let difference = others - value
        return Interval(
            low: difference - reach(others - interval.low, wilson.high - value),
            high: difference + reach(interval.high - others, value - wilson.low))
    }

    /// The Wilson score interval at 95 %, which stays honest near 0 and 1 and for few trials.
    package var wilson: Interval? {
        guard let value else { return nil }
        let z = 1.959963984540054
        let count = Double(trials)
        let denominator = 1 + z * z / count
        let centre = (value + z * z / (2 * count)) / denominator
        let reach = z * (value * (1 - value) / count + z * z / (4 * count * count)).squareRoot() / denominator
        // At the ends the bound is the value itself, which rounding would miss.
        return Interval(
            low: successes == 0 ? 0 : max(0, centre - reach), high: successes == trials ? 1 : min(1, centre + reach))
    }
}
