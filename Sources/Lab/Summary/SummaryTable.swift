/// The table that goes to the terminal: under each profile, a row for each transport and mode, over all clips.
package struct SummaryTable: Sendable {
    private let summaries: [CellSummary]
    private let usesStyle: Bool

    /// - Parameters:
    ///   - summaries: in order, those of a profile together.
    ///   - usesStyle: whether the terminal shows bold text; `false` for files, pipes and `NO_COLOR`.
    package init(_ summaries: [CellSummary], usesStyle: Bool) {
        self.summaries = summaries
        self.usesStyle = usesStyle
    }

    /// Lines are at most this wide while no figure is absurd.
    package static let maximumWidth = 100

    /// The lines of the table, without their ends.
    package func lines() -> [String] {
        let hasResumed = summaries.contains { $0.resumed.successes > 0 }
        let layout = Layout(groups: Self.groups + (hasResumed ? [Self.resumes] : []), summaries: summaries)
        var lines = layout.headings.map(bold)
        var title: String?
        for (summary, line) in zip(summaries, layout.rows) {
            let isReal = summary.cell.world == TrialRow.realWorld
            let next = summary.cell.profile + (isReal ? " (real sockets)" : "")
            if next != title {
                title = next
                let meaning = NetworkProfile.named(summary.cell.profile).map { ": \($0.summary)" } ?? ""
                lines.append(bold(next) + meaning)
            }
            lines.append(line)
        }
        return lines
    }

    /// How to read the table, in plain words.
    package var reading: [String] {
        Self.reading + (summaries.contains { $0.resumed.successes > 0 } ? ["moved: trials whose session went on over another connection."] : [])
    }

    private static let reading = [
        "intact: prompts that arrived bit for bit; got: frames in the prompt at its decision; live: within 200 ms;",
        "delay: from capture to server; commit: until the prompt is decided; answer: until its first sound.",
    ]

    private func bold(_ text: String) -> String { usesStyle ? "\u{1B}[1m\(text)\u{1B}[0m" : text }

    private struct Group: Sendable {
        var heading: String
        var columns: [Column]
    }

    private struct Column: Sendable {
        var heading: String
        var isRightAligned = true
        var value: @Sendable (CellSummary) -> String
    }

    private static let groups: [Group] = [
        Group(heading: "", columns: [Column(heading: "  transport", isRightAligned: false) { "  " + $0.cell.transport }]),
        Group(heading: "", columns: [Column(heading: "mode", isRightAligned: false) { $0.cell.mode }]),
        Group(heading: "intact %", columns: [
            Column(heading: "") { fixed($0.intact.value.map { $0 * 100 }, places: 0) },
            Column(heading: "[95 %]") { summary in
                guard let interval = summary.intact.wilson else { return "-" }
                return "[\(fixed(interval.low * 100, places: 0))-\(fixed(interval.high * 100, places: 0))]"
            },
        ]),
        Group(heading: "frames %", columns: [
            Column(heading: "got") { percent($0.spreads["frames_prompt_share"]?.median) },
            Column(heading: "live") { percent($0.spreads["frames_live_share"]?.median) },
        ]),
        Group(heading: "delay ms", columns: [
            Column(heading: "p50") { fixed($0.spreads["frame_delay_p50_ms"]?.median, places: 0) },
            Column(heading: "p99") { fixed($0.spreads["frame_delay_p99_ms"]?.median, places: 0) },
        ]),
        Group(heading: "commit ms", columns: middleAndTail(of: "commit_wait_ms")),
        Group(heading: "answer ms", columns: middleAndTail(of: "response_first_audio_ms")),
        Group(heading: "wire/", columns: [
            Column(heading: "audio") { fixed($0.spreads["wire_bytes_up_per_payload_byte"]?.median, places: 1) }
        ]),
    ]

    /// Shown where a session went on over another connection.
    private static let resumes = Group(heading: "moved", columns: [
        Column(heading: "%") { fixed($0.resumed.value.map { $0 * 100 }, places: 0) }
    ])

    private static func middleAndTail(of measure: String) -> [Column] {
        [
            Column(heading: "p50") { fixed($0.spreads[measure]?.median, places: 0) },
            Column(heading: "p95") { fixed($0.spreads[measure]?.p95, places: 0) },
        ]
    }

    private static func fixed(_ number: Double?, places: Int) -> String {
        number.flatMap { decimal($0, places: places) } ?? "-"
    }

    private static func percent(_ share: Double?) -> String {
        guard let share else { return "-" }
        return share == 1 ? "100" : fixed(share * 100, places: 1)
    }

    /// Pads columns to their widest cell, and the first column of a group to the group's heading.
    private struct Layout {
        private(set) var headings: [String]
        private(set) var rows: [String] = []

        init(groups: [Group], summaries: [CellSummary]) {
            headings = ["", ""]
            rows = summaries.map { _ in "" }
            for (index, group) in groups.enumerated() {
                let cells = group.columns.map { column in summaries.map(column.value) }
                var widths = zip(group.columns, cells).map { column, cells in
                    ([column.heading] + cells).map(\.count).max() ?? 0
                }
                let width = widths.reduce(widths.count - 1, +)
                widths[0] += max(0, group.heading.count - width)
                let separator = index == 0 ? "" : "  "
                let isRightAligned = group.columns[0].isRightAligned
                headings[0] += separator + Self.pad(group.heading, to: max(width, group.heading.count), isRightAligned)
                headings[1] += separator + Self.join(group.columns.map(\.heading), widths, group.columns)
                for row in rows.indices {
                    rows[row] += separator + Self.join(cells.map { $0[row] }, widths, group.columns)
                }
            }
            headings = headings.map(Self.trimmed)
            rows = rows.map(Self.trimmed)
        }

        private static func join(_ cells: [String], _ widths: [Int], _ columns: [Column]) -> String {
            cells.indices.map { pad(cells[$0], to: widths[$0], columns[$0].isRightAligned) }.joined(separator: " ")
        }

        private static func pad(_ text: String, to width: Int, _ isRightAligned: Bool) -> String {
            let padding = String(repeating: " ", count: max(0, width - text.count))
            return isRightAligned ? padding + text : text + padding
        }

        private static func trimmed(_ text: String) -> String {
            String(text.reversed().drop { $0 == " " }.reversed())
        }
    }
}
