import Wire

/// A cell of a sweep: what stays the same over its trials.
package struct Cell: Hashable, Sendable {
    package var transport: String
    package var mode: String
    package var profile: String
    package var clip: String
    /// Trials of the virtual and the real world are never one cell.
    package var world: String

    package init(transport: String, mode: String, profile: String, clip: String, world: String = TrialRow.virtualWorld) {
        self.transport = transport
        self.mode = mode
        self.profile = profile
        self.clip = clip
        self.world = world
    }
}

/// The transport and mode that the others are compared with, trial by trial.
package struct Baseline: Hashable, Sendable, CustomStringConvertible {
    package var transport: String
    package var mode: String

    package init(transport: String, mode: String) {
        self.transport = transport
        self.mode = mode
    }

    package var description: String { "\(transport)/\(mode)" }
}

/// A measure over the trials that have it: never a middle without its spread.
package struct Spread: Hashable, Sendable {
    /// How many trials have the measure.
    package var count: Int
    package var median: Double
    /// The 95 % bootstrap interval of the median; `nil` of a single trial.
    package var medianInterval: Interval?
    package var p95: Double
    package var p99: Double

    /// `nil` when no trial has the measure.
    init?(_ values: [Double], bootstrap: Bootstrap) {
        let sample = Sample(values)
        guard let median = sample.median, let p95 = sample.percentile(0.95), let p99 = sample.percentile(0.99) else {
            return nil
        }
        count = sample.count
        self.median = median
        self.p95 = p95
        self.p99 = p99
        medianInterval = bootstrap.percentileInterval(0.5, of: sample)
    }
}

/// How a cell differs from the baseline's cell, over pairs of trials that met the same network.
package struct PairedDifference: Hashable, Sendable {
    package var pairs: Int
    package var median: Double
    package var medianInterval: Interval?

    package init?(_ differences: [Double], bootstrap: Bootstrap) {
        let sample = Sample(differences)
        guard let median = sample.median else { return nil }
        pairs = sample.count
        self.median = median
        medianInterval = bootstrap.percentileInterval(0.5, of: sample)
    }
}

/// A measure that summaries show: a number of each trial.
package struct Measure: Sendable {
    package let name: String
    package let value: @Sendable (TrialRow) -> Double?

    package static let all: [Measure] = [
        Measure(name: "frames_prompt_share") { share($0.framesPrompt, of: $0.framesSent) },
        Measure(name: "frames_live_share") { share($0.framesLive, of: $0.framesSent) },
        Measure(name: "longest_gap_ms") { Double($0.longestGapMilliseconds) },
        Measure(name: "setup_ms") { $0.setupMilliseconds },
        Measure(name: "frame_delay_p50_ms") { $0.frameDelayP50Milliseconds },
        Measure(name: "frame_delay_p95_ms") { $0.frameDelayP95Milliseconds },
        Measure(name: "frame_delay_p99_ms") { $0.frameDelayP99Milliseconds },
        Measure(name: "live_delay_p99_ms") { $0.liveDelayP99Milliseconds },
        Measure(name: "stall_ms") { $0.stallMilliseconds },
        Measure(name: "resume_ms") { $0.resumeMilliseconds },
        Measure(name: "commit_wait_ms") { $0.commitWaitMilliseconds },
        Measure(name: "response_first_audio_ms") { $0.responseFirstAudioMilliseconds },
        Measure(name: "wire_bytes_up_per_payload_byte") { share($0.wireBytesUp, of: $0.payloadBytesUp) },
    ]

    private static func share(_ part: Int, of whole: Int) -> Double? {
        whole == 0 ? nil : Double(part) / Double(whole)
    }
}

/// A cell's trials in a few figures.
package struct CellSummary: Hashable, Sendable {
    package var cell: Cell
    package var trials: Int
    /// Trials that came to their end: the prompt was decided and the answer heard.
    package var completed: Int
    package var intact: Proportion
    /// Trials whose session went on over another connection.
    package var resumed: Proportion
    /// By the measure's name.
    package var spreads: [String: Spread]
    /// By the measure's name; empty for the baseline itself.
    package var differences: [String: PairedDifference]

    /// Summaries of all cells in `rows`, in the order in which cells first come.
    /// - Parameter poolsClips: whether the trials of all clips make one cell, whose clip is `*`.
    package static func cells(
        of rows: [TrialRow], baseline: Baseline? = nil, poolsClips: Bool = false, bootstrap: Bootstrap = Bootstrap()
    ) -> [CellSummary] {
        var order: [Cell] = []
        var groups: [Cell: [TrialRow]] = [:]
        for row in rows {
            var cell = row.cell
            if poolsClips { cell.clip = "*" }
            if groups[cell] == nil { order.append(cell) }
            groups[cell, default: []].append(row)
        }
        return order.map { cell in
            var other: [TrialRow]?
            if let baseline, (cell.transport, cell.mode) != (baseline.transport, baseline.mode) {
                var counterpart = cell
                (counterpart.transport, counterpart.mode) = (baseline.transport, baseline.mode)
                other = groups[counterpart]
            }
            return CellSummary(cell, of: groups[cell] ?? [], against: other ?? [], bootstrap: bootstrap)
        }
    }

    private init(_ cell: Cell, of rows: [TrialRow], against other: [TrialRow], bootstrap: Bootstrap) {
        self.cell = cell
        trials = rows.count
        completed = rows.count { $0.end == TrialRow.completedEnd }
        intact = Proportion(successes: rows.count { $0.intact }, trials: rows.count)
        resumed = Proportion(successes: rows.count { $0.resumes > 0 }, trials: rows.count)
        spreads = [:]
        differences = [:]
        let counterparts = Dictionary(other.map { ($0.seed, $0) }, uniquingKeysWith: { first, _ in first })
        for measure in Measure.all {
            spreads[measure.name] = Spread(rows.compactMap(measure.value), bootstrap: bootstrap)
            differences[measure.name] = PairedDifference(
                rows.compactMap { row in
                    guard let counterpart = counterparts[row.seed],
                        let here = measure.value(row), let there = measure.value(counterpart)
                    else { return nil }
                    return here - there
                }, bootstrap: bootstrap)
        }
    }
}

extension TrialRow {
    package var cell: Cell { Cell(transport: transport, mode: mode, profile: profile, clip: clip, world: world) }

    /// The value of `end` when the trial went as planned.
    package static let completedEnd = "completed"
}
