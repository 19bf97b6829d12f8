import Lab
import Testing

@Suite struct SummaryTests {
    /// Two modes over one profile, ten trials each; the second mode waits longer and is always intact.
    private var rows: [TrialRow] {
        (0..<10).map { RowTests.row(trial: $0, framesPrompt: 200 - $0, intact: $0 == 0, commitWait: Double(50 + $0)) }
            + (0..<10).map { RowTests.row(mode: "stream", trial: $0, commitWait: Double(150 + 2 * $0)) }
    }

    @Test func `a cell's figures are those of its trials`() throws {
        let summaries = CellSummary.cells(of: rows)
        #expect(summaries.map(\.cell.mode) == ["datagram", "stream"])
        #expect(summaries[0].intact == Proportion(successes: 1, trials: 10))
        #expect(summaries[1].intact == Proportion(successes: 10, trials: 10))
        let wait = try #require(summaries[0].spreads["commit_wait_ms"])
        #expect(wait.count == 10)
        #expect(wait.median == 54.5)
        let interval = try #require(wait.medianInterval)
        #expect(interval.low < 54.5 && interval.high > 54.5)
        #expect(summaries[0].differences.isEmpty)
    }

    @Test func `differences pair the trials that met the same network`() throws {
        let baseline = Baseline(transport: "roq", mode: "datagram")
        let shuffled = Array(rows.prefix(10).reversed()) + rows.suffix(10)
        let summaries = CellSummary.cells(of: shuffled, baseline: baseline)
        #expect(summaries[0].differences.isEmpty)
        let difference = try #require(summaries[1].differences["commit_wait_ms"])
        #expect(difference.pairs == 10)
        #expect(difference.median == 104.5)
    }

    @Test func `a measure that no trial has is left empty`() {
        let summaries = CellSummary.cells(of: (0..<3).map { RowTests.row(trial: $0, commitWait: nil) })
        #expect(summaries[0].spreads["commit_wait_ms"] == nil)
        #expect(CellSummary.csv(summaries).contains(",,"))
    }

    @Test func `clips pool into one cell when asked`() {
        let rows = ["a", "b"].flatMap { clip in (0..<3).map { RowTests.row(clip: clip, trial: $0) } }
        #expect(CellSummary.cells(of: rows).map(\.trials) == [3, 3])
        #expect(CellSummary.cells(of: rows, poolsClips: true).map(\.trials) == [6])
    }

    @Test func `trials of the real world are cells of their own, compared among themselves`() throws {
        let real = rows.map { row in
            var row = row
            row.world = TrialRow.realWorld
            row.commitWaitMilliseconds = row.commitWaitMilliseconds.map { $0 + 1000 * Double(1 + row.trial % 2) }
            return row
        }
        let baseline = Baseline(transport: "roq", mode: "datagram")
        let summaries = CellSummary.cells(of: rows + real, baseline: baseline)
        #expect(summaries.map(\.cell.world) == ["virtual", "virtual", "real", "real"])
        #expect(summaries.allSatisfy { $0.trials == 10 })
        #expect(summaries.map { $0.differences["commit_wait_ms"]?.median } == [nil, 104.5, nil, 104.5])
        let titles = SummaryTable(summaries, usesStyle: false).lines().filter { $0.hasPrefix("burst-10") }
        #expect(titles.count == 2 && titles[1].hasPrefix("burst-10 (real sockets): "))
    }

    @Test func `the CSV parses back, with as many fields in each row as in the heading`() throws {
        var rows = rows
        for index in rows.indices { rows[index].clip = "one, \"two\"" }
        let lines = CellSummary.csv(CellSummary.cells(of: rows)).split(separator: "\n").map { Self.parse(String($0)) }
        #expect(lines.count == 3)
        #expect(lines.allSatisfy { $0.count == lines[0].count })
        #expect(Set(lines[0]).count == lines[0].count)
        let clip = try #require(lines[0].firstIndex(of: "clip"))
        #expect(lines[1][clip] == "one, \"two\"")
        let median = try #require(lines[0].firstIndex(of: "commit_wait_ms_median"))
        #expect(lines[1][median] == "54.500")
        #expect(lines[2][median] == "159.000")
    }

    /// A reader of RFC 4180 that owes nothing to the writer.
    private static func parse(_ line: String) -> [String] {
        var fields = [""]
        var isQuoted = false
        for character in line {
            switch (character, isQuoted) {
            case ("\"", _):
                isQuoted.toggle()
                fields[fields.count - 1].append("\"")
            case (",", false): fields.append("")
            default: fields[fields.count - 1].append(character)
            }
        }
        return fields.map { field in
            field.hasPrefix("\"") ? String(field.dropFirst().dropLast()).replacing("\"\"", with: "\"") : field
        }
    }

    @Test func `the table is aligned, narrow, and free of escapes unless asked`() {
        let modes = ["datagram", "stream-per-frame", "stream"]
        let rows = ["clean", "bufferbloat"].flatMap { profile in
            ["webtransport", "roq"].flatMap { transport in
                modes.flatMap { mode in
                    (0..<3).map { RowTests.row(transport: transport, mode: mode, profile: profile, trial: $0, commitWait: 12_345) }
                }
            }
        }
        let summaries = CellSummary.cells(of: rows, poolsClips: true)
        let lines = SummaryTable(summaries, usesStyle: false).lines()
        #expect(lines.count == 2 + 2 + 12)
        #expect(lines.allSatisfy { $0.count <= SummaryTable.maximumWidth })
        #expect(lines.allSatisfy { !$0.contains("\u{1B}") && !$0.hasSuffix(" ") })
        let figures = lines.filter { $0.hasPrefix("  ") && $0.contains("[44-100]") }
        #expect(figures.count == 12)
        #expect(Set(figures.map(\.count)).count == 1)
        #expect(SummaryTable(summaries, usesStyle: true).lines()[1].contains("\u{1B}[1m"))
    }
}
