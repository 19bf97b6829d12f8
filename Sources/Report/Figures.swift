package import Lab

/// A transport in a mode: what a profile's cells differ in.
package struct Combination: Hashable, Sendable {
    package var transport: String
    package var mode: String

    package init(transport: String, mode: String) {
        self.transport = transport
        self.mode = mode
    }
}

/// The rows of one world, sorted into cells over all clips: what every section reads.
package struct Figures: Sendable {
    /// In the order in which the rows first name them.
    package let profiles: [String]
    package let transports: [String]
    package let modes: [String]
    package let clips: [String]
    package let world: String
    package let rows: [TrialRow]
    package let bootstrap: Bootstrap
    private let cells: [Key: CellFigures]

    private struct Key: Hashable {
        var profile: String
        var combination: Combination
    }

    /// - Parameter summaries: of all cells over all clips, `CellSummary.cells(of:poolsClips:)` with `true`.
    package init(_ rows: [TrialRow], summaries: [CellSummary], world: String, bootstrap: Bootstrap = Bootstrap()) {
        let rows = rows.filter { $0.world == world }
        self.rows = rows
        self.world = world
        self.bootstrap = bootstrap
        profiles = Self.distinct(rows.map(\.profile))
        transports = Self.distinct(rows.map(\.transport))
        modes = Self.distinct(rows.map(\.mode))
        clips = Self.distinct(rows.map(\.clip))
        let groups = Dictionary(grouping: rows) { row in
            Key(profile: row.profile, combination: Combination(transport: row.transport, mode: row.mode))
        }
        var cells: [Key: CellFigures] = [:]
        for summary in summaries where summary.cell.world == world {
            let combination = Combination(transport: summary.cell.transport, mode: summary.cell.mode)
            let key = Key(profile: summary.cell.profile, combination: combination)
            cells[key] = CellFigures(combination: combination, summary: summary, rows: groups[key] ?? [])
        }
        self.cells = cells
    }

    package func cell(_ profile: String, _ combination: Combination) -> CellFigures? {
        cells[Key(profile: profile, combination: combination)]
    }

    /// The cells of a profile that have trials, by mode and then by transport.
    package func cells(of profile: String) -> [CellFigures] {
        combinations.compactMap { cell(profile, $0) }
    }

    /// By mode and then by transport, so that the same mode over other transports stands beside it.
    package var combinations: [Combination] {
        modes.flatMap { mode in transports.map { Combination(transport: $0, mode: mode) } }
    }

    private static func distinct(_ names: [String]) -> [String] {
        var seen: Set<String> = []
        return names.filter { seen.insert($0).inserted }
    }
}

/// A cell over all clips, with its trials.
package struct CellFigures: Sendable {
    package let combination: Combination
    package let summary: CellSummary
    package let rows: [TrialRow]

    package func spread(_ measure: MeasureName) -> Spread? { summary.spreads[measure.rawValue] }
}

/// The measures that the report shows, by their names in `summary.csv`.
package enum MeasureName: String, CaseIterable, Sendable {
    case framesPromptShare = "frames_prompt_share"
    case framesLiveShare = "frames_live_share"
    case setup = "setup_ms"
    case frameDelayP50 = "frame_delay_p50_ms"
    case frameDelayP95 = "frame_delay_p95_ms"
    case frameDelayP99 = "frame_delay_p99_ms"
    case liveDelayP99 = "live_delay_p99_ms"
    case commitWait = "commit_wait_ms"
    case responseFirstAudio = "response_first_audio_ms"
    case wireBytesPerPayloadByte = "wire_bytes_up_per_payload_byte"

    /// - Returns: `nil` where the trial never came to it.
    func value(of row: TrialRow) -> Double? { Measure.all.first { $0.name == rawValue }?.value(row) }
}
