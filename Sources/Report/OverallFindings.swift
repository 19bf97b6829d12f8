internal import Lab

/// What the rows say over all profiles, most important first. Claims stand on profiles that tell cells apart.
struct OverallFindings {
    private let figures: Figures
    private let profiles: [ProfileFindings]
    /// The combinations that no profile shows to keep fewer prompts whole than another.
    let steady: [Combination]

    init(_ figures: Figures, profiles: [ProfileFindings]) {
        self.figures = figures
        self.profiles = profiles
        steady = figures.combinations.filter { combination in
            profiles.allSatisfy { $0.leaders.contains { $0.combination == combination } }
        }
    }

    var sentences: [String] {
        guard decided.count > 0 else {
            return [undecided] + [setup].compactMap { $0 }
        }
        let price = [commit, lateness, live, cost].compactMap { $0 }
        return [integrity] + price + [transports, setup].compactMap { $0 }
    }

    private var decided: [ProfileFindings] { profiles.filter { !$0.isUndecided } }

    private var undecided: String {
        "On no network do the intervals tell two transports or modes apart in how many prompts they keep whole. More trials would narrow them."
    }

    private var integrity: String {
        let networks = profiles.count == 1 ? "this network" : "all \(profiles.count) networks"
        let least = lowest.map { "; the least, \(self.names([$0.combination])), \(pooled($0.combination))" } ?? ""
        guard !steady.isEmpty else {
            return "No transport and mode is among the best on \(networks)\(best.map { ". Over all of them \(self.names([$0])) kept \(pooled($0))" } ?? "")\(least)."
        }
        let shares = steady.map { proportion($0).value ?? 0 }
        let intervals = steady.compactMap { proportion($0).wilson }
        let interval = intervals.isEmpty ? "" : " " + Wording.percentInterval(
            Interval(low: intervals.map(\.low).min() ?? 0, high: intervals.map(\.high).max() ?? 1))
        return "On \(networks), \(names(steady)) kept as many prompts whole as any other or more: "
            + "\(Wording.percentRange(shares))\(interval)\(least)."
    }

    private var lowest: (combination: Combination, share: Double)? {
        let rest = figures.combinations.filter { !steady.contains($0) && proportion($0).trials > 0 }
        return rest.map { ($0, proportion($0).value ?? 0) }.min { $0.1 < $1.1 }
    }

    private var best: Combination? {
        figures.combinations.filter { proportion($0).trials > 0 }.max { proportion($0).value ?? 0 < proportion($1).value ?? 0 }
    }

    private func pooled(_ combination: Combination) -> String {
        let proportion = proportion(combination)
        return "\(Wording.percent(proportion.value)) \(Wording.percentInterval(proportion.wilson))"
    }

    /// Prompts kept whole over all profiles.
    private func proportion(_ combination: Combination) -> Proportion {
        let parts = profiles.compactMap { figures.cell($0.profile, combination)?.summary.intact }
        return Proportion(successes: parts.map(\.successes).reduce(0, +), trials: parts.map(\.trials).reduce(0, +))
    }

    private var commit: String? {
        comparison(.commitWait, what: "they decided the prompt", places: 0, unit: "ms", less: "sooner", more: "later")
    }

    private var lateness: String? {
        comparison(.frameDelayP99, what: "their slowest frame in a hundred came", places: 0, unit: "ms", less: "sooner", more: "later")
    }

    /// What each of these modes does to the live path: frames in time for turn detection.
    private var live: String? {
        guard let reference = figures.referenceMode else { return nil }
        var modes: [String] = []
        for combination in steady where combination.mode != reference && !modes.contains(combination.mode) { modes.append(combination.mode) }
        let parts = modes.compactMap { mode -> String? in
            let differences = decided.flatMap { profile in
                steady.filter { $0.mode == mode }.compactMap { combination -> Estimate? in
                    let other = Combination(transport: combination.transport, mode: reference)
                    guard let here = figures.cell(profile.profile, combination), let there = figures.cell(profile.profile, other) else { return nil }
                    return Pairs(here, against: there, bootstrap: figures.bootstrap).mean(MeasureName.framesLiveShare.value)
                }
            }
            guard !differences.isEmpty else { return nil }
            let told = differences.filter(\.isSeparatedFromZero)
            let (fewer, more) = (told.count { $0.value < 0 }, told.count { $0.value > 0 })
            return "with \(mode) fewer in \(fewer) and more in \(more) of \(differences.count)"
        }
        guard !parts.isEmpty else { return nil }
        return "Live frames, compared with \(reference) in the same way: \(Wording.list(parts)) (means of paired differences)."
    }

    private var cost: String? {
        comparison(
            .wireBytesPerPayloadByte, what: "for each byte of Opus they sent", places: 1, unit: "bytes", less: "fewer", more: "more")
    }

    /// The steady combinations against the reference mode over the same transport, network by network, in pairs of trials
    /// that met the same seed.
    private func comparison(
        _ measure: MeasureName, what: String, places: Int, unit: String, less: String, more: String
    ) -> String? {
        guard let reference = figures.referenceMode else { return nil }
        let estimates = decided.flatMap { profile in
            steady.filter { $0.mode != reference }.compactMap { combination -> Estimate? in
                let other = Combination(transport: combination.transport, mode: reference)
                guard let here = figures.cell(profile.profile, combination), let there = figures.cell(profile.profile, other) else {
                    return nil
                }
                return Pairs(here, against: there, bootstrap: figures.bootstrap).median(measure)?.estimate
            }
        }
        guard !estimates.isEmpty else { return nil }
        // What is written as zero is no difference to speak of.
        let told = estimates.filter { $0.isSeparatedFromZero && Wording.number(abs($0.value), places: places) != Wording.number(0, places: places) }
        let (below, above) = (told.filter { $0.value < 0 }, told.filter { $0.value > 0 })
        func part(_ some: [Estimate], _ word: String) -> String? {
            guard !some.isEmpty else { return nil }
            let range = Wording.range(some.map { abs($0.value) }, unit: unit) { Wording.number($0, places: places) }
            return "\(range) \(word) in \(some.count)"
        }
        let rest = estimates.count - told.count
        let parts = [part(below, less), part(above, more), rest > 0 ? "not separated in \(rest)" : nil].compactMap { $0 }
        let total = "of \(estimates.count) comparisons"
        return "Compared with \(reference) over the same transport and network, \(what) \(Wording.list(parts)) \(total) "
            + "(medians of paired differences)."
    }

    /// The same mode over different transports: where integrity is told apart.
    private var transports: String? {
        guard figures.transports.count > 1 else { return nil }
        var apart: [String] = []
        for profile in profiles {
            for mode in figures.modes {
                let cells = profile.cells.filter { $0.combination.mode == mode }
                let intervals = cells.compactMap { $0.summary.intact.wilson }
                guard let low = intervals.map(\.high).min(), let high = intervals.map(\.low).max(), low < high else { continue }
                let shares = cells.sorted { $0.summary.intact.value ?? 0 > $1.summary.intact.value ?? 0 }.map {
                    "\(Wording.transport($0.combination.transport)) \(Wording.percentNumber($0.summary.intact.value))"
                }
                apart.append("\(mode) on \(profile.profile) (\(shares.joined(separator: ", "))\(Wording.space)%)")
            }
        }
        guard !apart.isEmpty else {
            return "On no network does the same mode keep more prompts whole over one transport than over another: none is separated."
        }
        return "The same mode kept more prompts whole over one transport than over another for " + Wording.list(apart)
            + "; everywhere else the transports are not separated."
    }

    private var setup: String? {
        guard let profile = profiles.first else { return nil }
        let parts = figures.transports.compactMap { transport -> String? in
            let cells = profile.cells.filter { $0.combination.transport == transport }
            let medians = cells.compactMap { $0.spread(.setup)?.median }
            let trips = cells.compactMap { Sample($0.rows.compactMap { $0.setupRoundTrips.map(Double.init) }).median }
            guard !medians.isEmpty, !trips.isEmpty else { return nil }
            let count = Wording.range(trips, unit: trips.max() == 1 ? "round trip" : "round trips") { Wording.number($0, places: 0) }
            return "\(Wording.transport(transport)) \(Wording.millisecondsRange(medians)) (\(count))"
        }
        guard !parts.isEmpty else { return nil }
        return "From the first packet until the first frame may leave, on \(profile.profile): \(Wording.list(parts))."
    }

    private func names(_ some: [Combination]) -> String {
        let all = figures.combinations.filter { proportion($0).trials > 0 }
        return Wording.combinations(some, of: all)
    }
}
