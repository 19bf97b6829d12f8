internal import Lab

/// Trials of two cells that met the same network: equal seeds.
struct Pairs {
    private let pairs: [(TrialRow, TrialRow)]
    private let bootstrap: Bootstrap

    init(_ cell: CellFigures, against other: CellFigures, bootstrap: Bootstrap) {
        let counterparts = Dictionary(other.rows.map { ($0.seed, $0) }, uniquingKeysWith: { first, _ in first })
        pairs = cell.rows.compactMap { row in counterparts[row.seed].map { (row, $0) } }
        self.bootstrap = bootstrap
    }

    private init(_ pairs: [(TrialRow, TrialRow)], bootstrap: Bootstrap) {
        self.pairs = pairs
        self.bootstrap = bootstrap
    }

    /// The pairs of several profiles together.
    static func pooled(_ parts: [Pairs], bootstrap: Bootstrap) -> Pairs {
        Pairs(parts.flatMap(\.pairs), bootstrap: bootstrap)
    }

    var count: Int { pairs.count }

    func differences(_ value: (TrialRow) -> Double?) -> [Double] {
        pairs.compactMap { here, there in value(here).flatMap { here in value(there).map { here - $0 } } }
    }

    /// Of the pairs of which one prompt is whole, how many broken ones lost more frames to the link than their twin.
    var brokenByTheLink: (count: Int, of: Int) {
        let uneven = pairs.filter { $0.intact != $1.intact }.map { $0.intact ? (broken: $1, whole: $0) : (broken: $0, whole: $1) }
        return (uneven.count { $0.broken.framesDropped > $0.whole.framesDropped }, uneven.count)
    }

    /// The median difference.
    func median(_ measure: MeasureName) -> PairedDifference? {
        PairedDifference(differences(measure.value), bootstrap: bootstrap)
    }

    /// The mean difference and its interval: for shares, whose median says nothing.
    func mean(_ value: (TrialRow) -> Double?) -> Estimate? {
        let sample = Sample(differences(value))
        guard let mean = sample.mean else { return nil }
        return Estimate(value: mean, interval: bootstrap.meanInterval(of: sample))
    }
}

/// A number with its 95 % interval, where there is one.
struct Estimate {
    var value: Double
    var interval: Interval?

    /// Whether the interval holds no zero, so that the difference is there.
    var isSeparatedFromZero: Bool { interval.map { $0.low > 0 || $0.high < 0 } ?? false }
}

extension PairedDifference {
    var estimate: Estimate { Estimate(value: median, interval: medianInterval) }
}

extension Spread {
    var estimate: Estimate { Estimate(value: median, interval: medianInterval) }
}

extension Proportion {
    var estimate: Estimate { Estimate(value: value ?? 0, interval: wilson) }
}

extension Interval {
    /// Intervals that share a value do not tell their estimates apart.
    func overlaps(_ other: Interval) -> Bool { low <= other.high && other.low <= high }

    func contains(_ value: Double) -> Bool { low <= value && value <= high }
}
