import Wire

/// Whether the simulator is to be believed: the same cells in virtual time and over the real kernel, side by side.
///
/// The trials of both worlds have the same seeds, and so met nearly the same networks: not quite, because a real packet
/// enters its link some tenths of a millisecond after a virtual one, and may find the loss process in another state.
package struct Agreement: Hashable, Sendable {
    /// Cells that have trials of both worlds, those of all clips in one, in the order in which they first come.
    package var cells: [CellAgreement]

    /// How far the middles of a delay may lie apart.
    package static let tolerance = 5.0
    /// How late, in milliseconds at the 99th percentile, the machine may be in a trial that says something.
    package static let lateness = 3.0

    /// The measures whose middles are compared. `stall_ms` is none of them: the longest of several hundred times is first of all that in
    /// which a machine was latest.
    package static let measures = ["setup_ms", resumeMeasure, "frame_delay_p50_ms", "commit_wait_ms", "response_first_audio_ms"]
    /// Only sessions that went on over another connection have it.
    static let resumeMeasure = "resume_ms"

    /// `nil` where no cell has trials of both worlds.
    package init?(_ rows: [TrialRow], bootstrap: Bootstrap = Bootstrap()) {
        var order: [Cell] = []
        var groups: [Cell: (virtual: [TrialRow], real: [TrialRow])] = [:]
        for row in rows {
            let cell = Cell(transport: row.transport, mode: row.mode, profile: row.profile, clip: "*")
            if groups[cell] == nil { order.append(cell) }
            if row.world == TrialRow.realWorld {
                groups[cell, default: ([], [])].real.append(row)
            } else {
                groups[cell, default: ([], [])].virtual.append(row)
            }
        }
        cells = order.compactMap { cell in
            guard let (virtual, real) = groups[cell], !virtual.isEmpty, !real.isEmpty else { return nil }
            return CellAgreement(cell, virtual: virtual, real: real, bootstrap: bootstrap)
        }
        guard !cells.isEmpty else { return nil }
    }

    package var agreeing: Int { cells.count { $0.agrees } }
    /// Of the others, those in which nothing but what the ends compute, the machine's lateness and chance is to be seen.
    package var explained: Int { cells.count { !$0.agrees && $0.isExplained } }
}

/// One cell in both worlds.
package struct CellAgreement: Hashable, Sendable {
    /// Its clip is `*`.
    package var cell: Cell
    package var virtual: WorldSummary
    package var real: WorldSummary
    /// Of the trials that both worlds have: what became of the prompt in each.
    package var pairs: PairedOutcomes
    package var measures: [MeasureAgreement]
    /// Why the worlds may differ, as far as the rows tell; empty where they agree.
    package var reasons: [DisagreementReason]

    /// Each world's share of intact prompts lies within the other's 95 % interval.
    package var integrityAgrees: Bool { virtual.intact.agrees(with: real.intact) }
    /// The same of the sessions that went on over another connection.
    package var resumesAgree: Bool { virtual.resumed.agrees(with: real.resumed) }
    package var delaysAgree: Bool { measures.allSatisfy(\.agrees) }
    package var agrees: Bool { integrityAgrees && resumesAgree && delaysAgree }
    /// Every reason is one that is no fault of the simulation.
    package var isExplained: Bool { !measures.isEmpty && reasons.allSatisfy(\.isExplanation) }

    init(_ cell: Cell, virtual: [TrialRow], real: [TrialRow], bootstrap: Bootstrap) {
        self.cell = cell
        self.virtual = WorldSummary(virtual)
        self.real = WorldSummary(real)
        let counterparts = Dictionary(virtual.map { (RowKey($0), $0) }, uniquingKeysWith: { first, _ in first })
        let both = real.compactMap { row in counterparts[RowKey(row)].map { (virtual: $0, real: row) } }
        pairs = PairedOutcomes(both)
        measures = Measure.all.filter { Agreement.measures.contains($0.name) }.compactMap { measure in
            MeasureAgreement(measure, virtual: virtual, real: real, pairs: both, bootstrap: bootstrap)
        }
        reasons = []
        reasons = DisagreementReason.reasons(self, pairs: both)
    }
}

/// What makes two rows a pair.
private struct RowKey: Hashable {
    let seed: Int
    let clip: String

    init(_ row: TrialRow) {
        seed = row.seed
        clip = row.clip
    }
}

/// One world's trials of a cell.
package struct WorldSummary: Hashable, Sendable {
    package var trials: Int
    package var completed: Int
    package var intact: Proportion
    /// Sessions that went on over another connection.
    package var resumed: Proportion
    /// The link's lateness and that of captures, whichever is more, at the median and the worst of the trials; `nil` in
    /// virtual time, which is never late.
    package var medianLateness: Double?
    package var greatestLateness: Double?

    init(_ rows: [TrialRow]) {
        trials = rows.count
        completed = rows.count { $0.end == TrialRow.completedEnd }
        intact = Proportion(successes: rows.count { $0.intact }, trials: rows.count)
        resumed = Proportion(successes: rows.count { $0.resumes > 0 }, trials: rows.count)
        let lateness = Sample(
            rows.compactMap { row in
                row.linkLatenessP99Milliseconds.map { max($0, row.captureLatenessP99Milliseconds ?? 0) }
            })
        medianLateness = lateness.median
        greatestLateness = lateness.percentile(1)
    }
}

/// In how many pairs of trials the prompt was intact where.
package struct PairedOutcomes: Hashable, Sendable {
    package var both = 0, virtualOnly = 0, realOnly = 0, neither = 0

    init(_ pairs: [(virtual: TrialRow, real: TrialRow)]) {
        for pair in pairs {
            switch (pair.virtual.intact, pair.real.intact) {
            case (true, true): both += 1
            case (true, false): virtualOnly += 1
            case (false, true): realOnly += 1
            case (false, false): neither += 1
            }
        }
    }
}

/// One measure in both worlds.
package struct MeasureAgreement: Hashable, Sendable {
    package var name: String
    package var virtual: Spread
    package var real: Spread
    /// The real median less the virtual one.
    package var difference: Double
    /// Of a set-up, the first or a later one: what the ends computed in the middle real trial.
    package var computing: Double?
    /// The difference of the medians, its interval, and the median over pairs: where the ends computed, without that.
    package var network: Difference
    /// The median of real less virtual over pairs of trials with equal seeds.
    package var paired: PairedDifference?

    package var agrees: Bool { abs(difference) <= Agreement.tolerance }
    /// Trials with equal seeds differ by more than is allowed, and not by chance: that the medians vary is no excuse then.
    var pairsAreApart: Bool {
        guard let interval = paired?.medianInterval else { return false }
        return interval.low - (computing ?? 0) > Agreement.tolerance || interval.high - (computing ?? 0) < -Agreement.tolerance
    }

    /// `nil` where a world has no trial with the measure.
    init?(
        _ measure: Measure, virtual: [TrialRow], real: [TrialRow], pairs: [(virtual: TrialRow, real: TrialRow)], bootstrap: Bootstrap
    ) {
        guard let here = Spread(virtual.compactMap(measure.value), bootstrap: bootstrap),
            let there = Spread(real.compactMap(measure.value), bootstrap: bootstrap)
        else { return nil }
        name = measure.name
        self.virtual = here
        self.real = there
        difference = there.median - here.median
        paired = PairedDifference(
            pairs.compactMap { pair in
                guard let here = measure.value(pair.virtual), let there = measure.value(pair.real) else { return nil }
                return there - here
            }, bootstrap: bootstrap)
        func computed(_ row: TrialRow) -> Double? {
            switch measure.name {
            case "setup_ms": row.setupComputingMilliseconds
            case Agreement.resumeMeasure: row.resumeComputingMilliseconds
            default: nil
            }
        }
        computing = Sample(real.compactMap(computed)).median
        func ofNetwork(_ row: TrialRow) -> Double? { measure.value(row).map { $0 - (computed(row) ?? 0) } }
        let (mine, theirs) = (Sample(virtual.compactMap(ofNetwork)), Sample(real.compactMap(ofNetwork)))
        network = Difference(
            medians: (theirs.median ?? 0) - (mine.median ?? 0), interval: bootstrap.medianDifferenceInterval(of: theirs, over: mine),
            paired: Sample(
                pairs.compactMap { pair in
                    guard let here = ofNetwork(pair.virtual), let there = ofNetwork(pair.real) else { return nil }
                    return there - here
                }).median)
    }

    /// How far real lies over virtual.
    package struct Difference: Hashable, Sendable {
        package var medians: Double
        /// The 95 % interval of `medians`, from the spread within either world.
        package var interval: Interval?
        package var paired: Double?
    }
}

/// Why the worlds may differ in a cell: what the rows tell, and no guess. `description` is a clause for people.
package enum DisagreementReason: Hashable, Sendable, CustomStringConvertible {
    /// Real trials that did not come to their end.
    case unfinished(Int, of: Int)
    /// The machine was late in the middle real trial.
    case late(milliseconds: Double)
    /// The ends compute while they set up a connection, which takes no virtual time: so long in the middle trial, and the rest differs
    /// by so much.
    case computing(measure: String, milliseconds: Double, rest: Double)
    /// Of the pairs, those in which speech began at another tick, and so met another stretch of the network.
    case ticks(Int, of: Int)
    /// The longest times without a frame, in the middle trials: more than a frame's time apart.
    case stalls(virtual: Double, real: Double)
    /// Prompts intact in one world only.
    case prompts(virtualOnly: Int, realOnly: Int, of: Int)
    /// Sessions that went on over another connection.
    case resumes(virtual: Proportion, real: Proportion)
    /// Two shares of so few trials may differ by as much by chance, or not at all; in percent.
    case chanceOfShare(of: String, interval: Interval)
    /// Frames whose packets the links dropped, on average of a prompt.
    case drops(virtual: Double, real: Double)
    /// The middle of a measure lies between two humps: of the pairs, the middle difference is small.
    case humps(measure: String, pairedMilliseconds: Double)
    /// A measure varies so much between trials that medians of so few may differ by as much, or by nothing.
    case chance(measure: String, interval: Interval, pairedMilliseconds: Double)
    /// Pairs of trials differ as much as the medians do.
    case shifted(measure: String, pairedMilliseconds: Double)

    package var description: String {
        switch self {
        case .unfinished(let count, let all): "\(count) of \(all) real trials did not come to their end"
        case .late(let milliseconds): "the machine was \(Self.number(milliseconds)) ms late"
        case .computing(let measure, let milliseconds, let rest):
            "the ends computed for \(Self.number(milliseconds)) ms of \(measure); without that the medians differ by \(Self.number(rest)) ms"
        case .ticks(let count, let all): "in \(count) of \(all) pairs speech began at another tick of 20 ms, since the set-up took longer or shorter"
        case .stalls(let virtual, let real):
            "the longest time without a frame was \(Self.number(virtual)) ms in virtual time, \(Self.number(real)) ms in real time"
        case .prompts(let virtualOnly, let realOnly, let all):
            "of \(all) prompts with the same seed \(virtualOnly) were whole in virtual time only, \(realOnly) in real time only"
        case .resumes(let virtual, let real):
            "\(virtual.successes) of \(virtual.trials) sessions went on over another connection in virtual time, "
                + "\(real.successes) of \(real.trials) in real time"
        case .chanceOfShare(let what, let interval):
            "by chance alone the shares of \(what) may differ by \(Self.number(interval.low)) to \(Self.number(interval.high)) %"
        case .drops(let virtual, let real):
            "the link lost \(Self.number(virtual)) frames of a prompt in virtual time, \(Self.number(real)) in real time"
        case .humps(let measure, let paired):
            "the median of \(measure) lies between two humps; trials with the same seed differ by \(Self.number(paired)) ms in the middle"
        case .chance(let measure, let interval, let paired):
            "\(measure) varies: by chance alone the medians may differ by \(Self.number(interval.low)) to \(Self.number(interval.high)) ms; "
                + "trials with the same seed differ by \(Self.number(paired)) ms in the middle"
        case .shifted(let measure, let paired):
            "\(measure) differs by \(Self.number(paired)) ms between trials with the same seed"
        }
    }

    /// Whether it is no fault of the simulation.
    package var isExplanation: Bool {
        switch self {
        case .late, .computing, .ticks, .stalls, .humps, .chance, .chanceOfShare: true
        case .unfinished, .prompts, .resumes, .drops, .shifted: false
        }
    }

    private static func number(_ value: Double) -> String { decimal(value, places: 1) ?? "-" }

    static func reasons(_ cell: CellAgreement, pairs: [(virtual: TrialRow, real: TrialRow)]) -> [DisagreementReason] {
        guard !cell.agrees else { return [] }
        var reasons: [DisagreementReason] = []
        if cell.real.completed < cell.real.trials {
            reasons.append(.unfinished(cell.real.trials - cell.real.completed, of: cell.real.trials))
        }
        if let lateness = cell.real.medianLateness, lateness > Agreement.lateness { reasons.append(.late(milliseconds: lateness)) }
        if !cell.integrityAgrees, let chance = chance(of: "whole prompts", cell.virtual.intact, cell.real.intact) {
            reasons.append(chance)
        } else if !cell.integrityAgrees {
            reasons.append(.prompts(virtualOnly: cell.pairs.virtualOnly, realOnly: cell.pairs.realOnly, of: pairs.count))
            if let virtual = Sample(pairs.map { Double($0.virtual.framesDropped) }).mean,
                let real = Sample(pairs.map { Double($0.real.framesDropped) }).mean {
                reasons.append(.drops(virtual: virtual, real: real))
            }
        }
        if !cell.resumesAgree {
            reasons.append(
                chance(of: "sessions that went on over another connection", cell.virtual.resumed, cell.real.resumed)
                    ?? .resumes(virtual: cell.virtual.resumed, real: cell.real.resumed))
        }
        let others = pairs.count { tick(of: $0.virtual) != tick(of: $0.real) }
        if others > 0 { reasons.append(.ticks(others, of: pairs.count)) }
        if let virtual = Sample(pairs.compactMap(\.virtual.stallMilliseconds)).median,
            let real = Sample(pairs.compactMap(\.real.stallMilliseconds)).median,
            abs(real - virtual) > GilbertElliott.step.milliseconds {
            reasons.append(.stalls(virtual: virtual, real: real))
        }
        for measure in cell.measures where !measure.agrees {
            reasons += Self.reasons(measure)
        }
        return reasons
    }

    private static func chance(of what: String, _ virtual: Proportion, _ real: Proportion) -> DisagreementReason? {
        guard let interval = virtual.differenceInterval(to: real), interval.nearlyContains(0) else { return nil }
        return .chanceOfShare(of: what, interval: Interval(low: interval.low * 100, high: interval.high * 100))
    }

    /// Of the grid on which speech begins, the tick that follows the set-up.
    private static func tick(of row: TrialRow) -> Int? {
        row.setupMilliseconds.map { Int(($0 / GilbertElliott.step.milliseconds).rounded(.up)) }
    }

    private static func reasons(_ measure: MeasureAgreement) -> [DisagreementReason] {
        let network = measure.network
        var reasons: [DisagreementReason] = []
        if let computing = measure.computing, computing > 0 {
            reasons.append(.computing(measure: measure.name, milliseconds: computing, rest: network.medians))
            if abs(network.medians) <= Agreement.tolerance { return reasons }
        }
        let paired = network.paired ?? network.medians
        if abs(paired) <= Agreement.tolerance {
            reasons.append(.humps(measure: measure.name, pairedMilliseconds: paired))
        } else if let interval = network.interval, interval.nearlyContains(0), !measure.pairsAreApart {
            reasons.append(.chance(measure: measure.name, interval: interval, pairedMilliseconds: paired))
        } else {
            reasons.append(.shifted(measure: measure.name, pairedMilliseconds: paired))
        }
        return reasons
    }
}
