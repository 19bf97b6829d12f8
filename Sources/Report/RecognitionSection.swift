package import Lab

extension ReportSection {
    /// What the losses did to the words; `nil` where no prompt has a text.
    package init?(_ recognition: Recognition) {
        let cells = recognition.cells()
        guard !cells.isEmpty else { return nil }
        var paragraphs = [
            """
            A speech recogniser wrote down every distinct prompt that arrived, with its holes concealed as a player conceals \
            them. Word errors are counted against what was said; a prompt counts as changed when its text is another than that \
            of the same clip after Opus and without a network. What Opus alone costs stands in a column of its own.
            """
        ]
        if let taken = recognition.trialsTaken {
            paragraphs.append("The words are from the first \(taken) trials of each cell.")
        }
        let profiles = cells.map(\.cell.profile).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
        self.init(
            title: "Words", paragraphs: paragraphs,
            tables: profiles.map { profile in
                let own = cells.filter { $0.cell.profile == profile }
                let recording = Self.percent(own.first?.recording.rate)
                return Table(
                    caption: "\(profile); the recordings themselves: \(recording) % word errors", headings: Self.headings,
                    rows: own.map(Self.row), nameColumns: 2)
            })
    }

    private static let headings = [
        "transport", "mode", "trials", "word errors %", "95 %", "substituted", "deleted", "inserted", "by Opus alone %",
        "changed %", "95 %", "numbers wrong",
    ]

    private static func row(_ cell: RecognitionCell) -> [String] {
        let heard = cell.heard
        return [
            cell.cell.transport, cell.cell.mode, String(cell.trials), percent(heard.rate), interval(cell.rateInterval),
            String(heard.substitutions), String(heard.deletions), String(heard.insertions), percent(cell.codec.rate),
            percent(cell.changedShare.value), interval(cell.changedShare.wilson), "\(heard.numbersWrong) of \(heard.numbers)",
        ]
    }

    private static func percent(_ share: Double?) -> String {
        guard let share, let tenths = Int(exactly: (share * 1000).rounded()) else { return "–" }
        return "\(tenths / 10).\(tenths % 10)"
    }

    private static func interval(_ interval: Interval?) -> String {
        interval.map { "\(percent($0.low)) – \(percent($0.high))" } ?? ""
    }
}
