import Lab
import Testing

@Suite struct StatisticsTests {
    /// Constants by numpy 2.4.6 (`percentile`) and scipy 1.17.1.
    private let small = Sample([12.5, 3.25, 8.0, 41.75, 8.5, 19.0, 5.5, 27.25, 9.0, 14.0])
    private let large = Sample((0..<200).map { Double($0 * 7919 % 1009) / 10 })

    @Test(arguments: [
        (0, 3.25), (0.05, 4.2625), (0.5, 10.75), (0.9, 28.7), (0.95, 35.225), (0.99, 40.445), (1, 41.75),
    ])
    func `percentiles are numpy's`(share: Double, expected: Double) throws {
        let value = try #require(small.percentile(share))
        #expect(abs(value - expected) < 1e-9)
    }

    @Test func `nothing has no percentile, and one value is every percentile`() {
        #expect(Sample([]).median == nil)
        #expect(Sample([]).mean == nil)
        #expect(Sample([4.5]).percentile(0.99) == 4.5)
        #expect(Bootstrap().percentileInterval(0.5, of: Sample([4.5])) == nil)
        #expect(small.mean == 14.875)
    }

    @Test(arguments: [
        (0, 20, 0.0, 0.16112515805281935),
        (20, 20, 0.8388748419471808, 1.0),
        (13, 20, 0.4328542766852363, 0.8188081758989179),
        (1, 300, 0.0005886577218511581, 0.018636693694531237),
        (950, 1000, 0.9346861797557491, 0.9618697376072511),
    ])
    func `Wilson's interval is scipy's`(successes: Int, trials: Int, low: Double, high: Double) throws {
        let interval = try #require(Proportion(successes: successes, trials: trials).wilson)
        #expect(abs(interval.low - low) < 1e-12)
        #expect(abs(interval.high - high) < 1e-12)
    }

    @Test func `no trials have no proportion`() {
        #expect(Proportion(successes: 0, trials: 0).value == nil)
        #expect(Proportion(successes: 0, trials: 0).wilson == nil)
    }

    /// `scipy.stats.bootstrap(…, method="percentile", n_resamples=200000)` gives median [43.7, 57.5],
    /// 95th percentile [91.63, 98.5] and mean [46.61, 54.74].
    @Test func `bootstrap intervals agree with scipy's`() throws {
        let bootstrap = Bootstrap(resamples: 20_000, seed: 3)
        let median = try #require(bootstrap.percentileInterval(0.5, of: large))
        #expect(abs(median.low - 43.7) < 0.8 && abs(median.high - 57.5) < 0.8, "\(median)")
        let tail = try #require(bootstrap.percentileInterval(0.95, of: large))
        #expect(abs(tail.low - 91.63) < 0.5 && abs(tail.high - 98.5) < 0.5, "\(tail)")
        let mean = try #require(bootstrap.meanInterval(of: large))
        #expect(abs(mean.low - 46.61) < 0.15 && abs(mean.high - 54.74) < 0.15, "\(mean)")
    }

    @Test func `the same seed gives the same interval`() {
        let first = Bootstrap(seed: 9).percentileInterval(0.5, of: large)
        #expect(first == Bootstrap(seed: 9).percentileInterval(0.5, of: large))
        #expect(first != Bootstrap(resamples: 50, seed: 10).percentileInterval(0.5, of: large))
    }
}
