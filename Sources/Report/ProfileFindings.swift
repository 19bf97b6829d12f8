internal import Lab

/// What the rows say about one profile: who keeps prompts whole, and at what price. Two cells differ only where their 95 %
/// intervals have no value in common.
struct ProfileFindings {
    let profile: String
    let cells: [CellFigures]
    /// Those that keep the most prompts whole, or cannot be told from the one that does.
    let leaders: [CellFigures]
    /// Those that cannot be told from the one that keeps the fewest, the leaders left out.
    let last: [CellFigures]
    /// The mode that delays are compared with.
    let reference: String?
    private let bootstrap: Bootstrap

    init(_ figures: Figures, profile: String) {
        self.profile = profile
        let cells = figures.cells(of: profile)
        self.cells = cells
        reference = figures.referenceMode
        bootstrap = figures.bootstrap
        let intervals = cells.map { $0.summary.intact.wilson ?? Interval(low: 0, high: 1) }
        let shares = cells.map { $0.summary.intact.value ?? 0 }
        let best = shares.indices.max { (shares[$0], intervals[$0].low) < (shares[$1], intervals[$1].low) }
        let leads = shares.indices.map { index in best.map { intervals[index].overlaps(intervals[$0]) } ?? false }
        let behind = shares.indices.filter { !leads[$0] }
        let worst = behind.min { (shares[$0], intervals[$0].high) < (shares[$1], intervals[$1].high) }
        leaders = zip(cells, leads).filter(\.1).map(\.0)
        last = behind.filter { index in worst.map { intervals[index].overlaps(intervals[$0]) } ?? false }.map { cells[$0] }
    }

    /// Whether the intervals tell no two cells apart.
    var isUndecided: Bool { leaders.count == cells.count }

    var sentences: [String] {
        guard cells.count > 1 else { return cells.map(alone) }
        return [integrity, delay, slowest, lateness, cost].compactMap { $0 }
    }

    private func alone(_ cell: CellFigures) -> String {
        let intact = cell.summary.intact
        return "\(names([cell])): \(Wording.percent(intact.value)) of \(intact.trials) prompts came whole "
            + "\(Wording.percentInterval(intact.wilson)); there is nothing to compare it with."
    }

    private var integrity: String {
        let shares = Wording.percentRange(shares(leaders))
        guard !isUndecided else {
            let isWhole = leaders.allSatisfy { $0.summary.intact.successes == $0.summary.intact.trials }
            let isNone = leaders.allSatisfy { $0.summary.intact.successes == 0 }
            if isWhole { return "Every transport and mode kept every prompt whole; they are not separated." }
            if isNone { return "No transport and mode kept a single prompt whole; they are not separated." }
            return "Integrity is not separated: \(names(leaders)) kept \(shares) of the prompts whole, with overlapping intervals."
        }
        let together = leaders.count > 1 ? " (not separated)" : ""
        var text = "Most prompts were kept whole by \(names(leaders)): \(shares)\(together)."
        text += " Fewest by \(names(last)): \(Wording.percentRange(self.shares(last)))"
        text += last.count > 1 ? " (not separated)." : "."
        let between = cells.filter { cell in !(leaders + last).contains { $0.combination == cell.combination } }
        if !between.isEmpty { text += " Between them: \(names(between)), \(Wording.percentRange(self.shares(between)))." }
        return text
    }

    /// The decision of those that keep prompts whole, beside the reference mode's.
    private var delay: String? {
        let waits = leaders.compactMap { $0.spread(.commitWait) }
        guard !waits.isEmpty else { return nil }
        let who = isUndecided ? "All" : "These"
        var text = "\(who) decided the prompt \(Wording.millisecondsRange(waits.map(\.median))) after the commit in the median, "
            + "\(Wording.millisecondsRange(waits.map(\.p95))) in the slowest of twenty trials"
        let behind = referenceCells(among: cells).filter { cell in !leaders.contains { $0.combination == cell.combination } }
        let theirs = behind.compactMap { $0.spread(.commitWait) }
        if let reference, !theirs.isEmpty {
            text += "; \(reference) took \(Wording.millisecondsRange(theirs.map(\.median))) "
                + "and \(Wording.millisecondsRange(theirs.map(\.p95)))"
            text += relation(waits, theirs)
        }
        return text + "."
    }

    /// Who of the leaders is decided soonest where it takes long, if the intervals of the 95th percentile tell.
    private var slowest: String? {
        let waits = leaders.compactMap { cell -> (cell: CellFigures, value: Double, interval: Interval)? in
            let sample = Sample(cell.rows.compactMap(MeasureName.commitWait.value))
            guard let value = sample.percentile(0.95), let interval = bootstrap.percentileInterval(0.95, of: sample) else { return nil }
            return (cell, value, interval)
        }
        guard let least = waits.min(by: { $0.value < $1.value }) else { return nil }
        // Less than a frame is no wait to speak of.
        let isFirst = waits.map { $0.interval.overlaps(least.interval) || $0.value - least.value < 20 }
        let first = zip(waits, isFirst).filter(\.1).map(\.0)
        let others = zip(waits, isFirst).filter { !$0.1 }.map(\.0)
        guard !others.isEmpty else { return nil }
        return "In the slowest of twenty trials the wait was shortest with \(names(first.map(\.cell))): "
            + "\(Wording.millisecondsRange(first.map(\.value))); it was longer, and separated, with \(names(others.map(\.cell))): "
            + "\(Wording.millisecondsRange(others.map(\.value)))."
    }

    /// Whether medians of two groups are told apart: all of one from all of the other.
    private func relation(_ ours: [Spread], _ theirs: [Spread]) -> String {
        let (a, b) = (ours.compactMap(\.medianInterval), theirs.compactMap(\.medianInterval))
        guard a.count == ours.count, b.count == theirs.count, let aLow = a.map(\.low).min(), let aHigh = a.map(\.high).max(),
            let bLow = b.map(\.low).min(), let bHigh = b.map(\.high).max()
        else { return "" }
        if aHigh < bLow { return " (sooner: all medians are separated)" }
        if aLow > bHigh { return " (later: all medians are separated)" }
        return " (the medians are not all separated)"
    }

    private var lateness: String? {
        guard !isUndecided else { return nil }
        let slow = leaders.compactMap { $0.spread(.frameDelayP99) }
        let live = leaders.compactMap { $0.spread(.framesLiveShare)?.median }
        guard !slow.isEmpty, !live.isEmpty else { return nil }
        var text = "Their slowest frame in a hundred took \(Wording.millisecondsRange(slow.map(\.median))) from capture to server, and "
            + "\(Wording.percentRange(live)) of the frames were live"
        let others = referenceCells(among: cells).filter { cell in !leaders.contains { $0.combination == cell.combination } }
        let slowest = others.compactMap { $0.spread(.frameDelayP99)?.median }
        let lively = others.compactMap { $0.spread(.framesLiveShare)?.median }
        if let reference, !slowest.isEmpty {
            text += "; with \(reference) \(Wording.millisecondsRange(slowest)) and \(Wording.percentRange(lively)), of those that came"
        }
        return text + "."
    }

    private var cost: String? {
        let ratios = leaders.compactMap { $0.spread(.wireBytesPerPayloadByte)?.median }
        guard !ratios.isEmpty else { return nil }
        let who = isUndecided ? "They" : "Those that kept the most whole"
        var text = "\(who) sent \(Self.ratios(ratios)) for each byte of Opus"
        let others = referenceCells(among: cells).filter { cell in !leaders.contains { $0.combination == cell.combination } }
        let theirs = others.compactMap { $0.spread(.wireBytesPerPayloadByte)?.median }
        if let reference, !theirs.isEmpty { text += ", \(reference) \(Self.ratios(theirs))" }
        return text + "."
    }

    static func ratios(_ values: [Double]) -> String { Wording.range(values, unit: "bytes") { Wording.number($0, places: 1) } }

    private func referenceCells(among cells: [CellFigures]) -> [CellFigures] { cells.filter { $0.combination.mode == reference } }

    private func names(_ some: [CellFigures]) -> String {
        Wording.combinations(some.map(\.combination), of: cells.map(\.combination))
    }

    private func shares(_ some: [CellFigures]) -> [Double] { some.map { $0.summary.intact.value ?? 0 } }
}

extension Figures {
    /// What delay and cost are compared with in words: plain datagrams, where they were run.
    var referenceMode: String? { modes.contains("datagram") && modes.count > 1 ? "datagram" : nil }
}
