internal import Lab

/// Every cell over all clips, in figures: what the charts draw, for whoever cannot see them or wants numbers.
enum CellTable {
    private struct Column: Sendable {
        var heading: String
        var text: @Sendable (CellFigures) -> String
    }

    private static let columns: [Column] = [
        Column(heading: "transport") { Wording.transport($0.combination.transport) },
        Column(heading: "mode") { $0.combination.mode },
        Column(heading: "trials") { String($0.summary.trials) },
        Column(heading: "whole, %") { "\(Wording.percentNumber($0.summary.intact.value)) \(Wording.percentInterval($0.summary.intact.wilson))" },
        Column(heading: "frames got, %") { Wording.percentNumber($0.spread(.framesPromptShare)?.median) },
        Column(heading: "live, %") { Wording.percentNumber($0.spread(.framesLiveShare)?.median) },
        Column(heading: "frame delay p50, ms") { Wording.number($0.spread(.frameDelayP50)?.median, places: 0) },
        Column(heading: "p99, ms") { Wording.number($0.spread(.frameDelayP99)?.median, places: 0) },
        Column(heading: "commit wait, ms") { middle($0.spread(.commitWait), places: 0) },
        Column(heading: "its p95, ms") { Wording.number($0.spread(.commitWait)?.p95, places: 0) },
        Column(heading: "answer, ms") { middle($0.spread(.responseFirstAudio), places: 0) },
        Column(heading: "its p95, ms") { Wording.number($0.spread(.responseFirstAudio)?.p95, places: 0) },
        Column(heading: "bytes per byte") { Wording.number($0.spread(.wireBytesPerPayloadByte)?.median, places: 2) },
        Column(heading: "set-up, ms") { Wording.number($0.spread(.setup)?.median, places: 0) },
        Column(heading: "round trips") { cell in
            Wording.number(Sample(cell.rows.compactMap { $0.setupRoundTrips.map(Double.init) }).median, places: 0)
        },
        Column(heading: "not finished") { String($0.summary.trials - $0.summary.completed) },
    ]

    private static func middle(_ spread: Spread?, places: Int) -> String {
        guard let spread else { return "–" }
        guard let interval = spread.medianInterval else { return Wording.number(spread.median, places: places) }
        let bounds = [interval.low, interval.high].map { Wording.number($0, places: places) }
        return "\(Wording.number(spread.median, places: places)) [\(bounds[0])–\(bounds[1])]"
    }

    static func table(_ figures: Figures, profile: String) -> Table {
        Table(
            caption: profile, headings: columns.map(\.heading),
            rows: figures.cells(of: profile).map { cell in columns.map { $0.text(cell) } }, nameColumns: 2)
    }
}
