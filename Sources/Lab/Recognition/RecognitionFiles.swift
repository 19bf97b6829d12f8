import Opus
import Wire

extension Recognition {
    /// `asr.csv`: a heading, then a row a cell.
    package func csv() -> String {
        let rows = [Self.cellColumns] + cells().map { Self.fields(of: $0).map(\.csv) }
        return rows.map { $0.joined(separator: ",") + "\n" }.joined()
    }

    private static let cellColumns = [
        "world", "profile", "transport", "mode", "trials", "words", "wer", "wer_low", "wer_high", "substitutions", "deletions",
        "insertions", "prompts_changed", "prompts_changed_share", "prompts_changed_low", "prompts_changed_high", "numbers",
        "numbers_wrong", "codec_wer", "codec_numbers_wrong", "recording_wer",
    ]

    private static func fields(of summary: RecognitionCell) -> [RowValue] {
        let (cell, heard, share) = (summary.cell, summary.heard, summary.changedShare)
        return [
            .text(cell.world), .text(cell.profile), .text(cell.transport), .text(cell.mode),
            .integer(summary.trials), .integer(heard.words), .optionalFine(heard.rate),
            .optionalFine(summary.rateInterval?.low), .optionalFine(summary.rateInterval?.high),
            .integer(heard.substitutions), .integer(heard.deletions), .integer(heard.insertions),
            .integer(summary.changed), .optionalFine(share.value), .optionalFine(share.wilson?.low),
            .optionalFine(share.wilson?.high), .integer(heard.numbers), .integer(heard.numbersWrong),
            .optionalFine(summary.codec.rate), .integer(summary.codec.numbersWrong), .optionalFine(summary.recording.rate),
        ]
    }

    /// `asr.jsonl`: a line for each sound that was recognised.
    package func jsonLines() -> [String] {
        let uses = Dictionary(grouping: trials.compactMap(\.received), by: { $0 }).mapValues(\.count)
        let undamaged = Set(trials.map(\.undamaged))
        let originals = Dictionary(trials.compactMap { trial in trial.received.map { ($0, trial.undamaged) } }, uniquingKeysWith: { first, _ in first })
        let clips = Dictionary(trials.map { ($0.clip.clip.name, $0.clip) }, uniquingKeysWith: { first, _ in first })
        return sounds.compactMap { id, sound in
            guard let answer = answers[id], let text = texts[id] else { return nil }
            let (kind, name) =
                switch sound {
                case .recording(let clip): ("recording", clip.clip.name)
                case .heard(let heard): (undamaged.contains(id) ? "codec" : "received", heard.clip)
                }
            var members: [(String, RowValue)] = [
                ("id", .text(id)), ("kind", .text(kind)), ("clip", .text(name)), ("trials", .integer(uses[id] ?? 0)),
                ("text", .text(answer)), ("normalised", .text(text.description)),
            ]
            if let said = clips[name]?.words {
                let alignment = WordAlignment(said: said, heard: text)
                members += [
                    ("said", .text(said.description)), ("words", .integer(alignment.wordCount)), ("substitutions", .integer(alignment.substitutions)),
                    ("deletions", .integer(alignment.deletions)), ("insertions", .integer(alignment.insertions)),
                    ("numbers", .integer(alignment.numberCount)), ("numbers_wrong", .integer(alignment.numbersWrong)),
                ]
            }
            if kind == "received", let original = originals[id].flatMap({ texts[$0] }) {
                members.append(("changed", .flag(text != original)))
            }
            return "{" + members.map { "\"\($0.0)\":\($0.1.json)" }.joined(separator: ",") + "}"
        }
    }
}

extension RowValue {
    fileprivate static func optionalFine(_ number: Double?) -> RowValue { number.map(RowValue.fineNumber) ?? .null }
}

/// The words of each cell, for a terminal.
package struct RecognitionTable: Sendable {
    private let recognition: Recognition

    package init(_ recognition: Recognition) { self.recognition = recognition }

    package func lines() -> [String] {
        let cells = recognition.cells()
        guard !cells.isEmpty else { return ["no prompt has a text"] }
        var lines = ["  \(Self.left("transport", 12))  \(Self.left("mode", 16))  word errors % [95 %]  codec  sub del ins  changed % [95 %]  numbers wrong"]
        var profile: String?
        for cell in cells {
            if cell.cell.profile != profile {
                profile = cell.cell.profile
                lines.append("\(cell.cell.profile): the recordings themselves \(Self.percent(cell.recording.rate)) %")
            }
            lines.append(Self.line(of: cell))
        }
        if let taken = recognition.trialsTaken { lines.append("words are from the first \(taken) trials of each cell") }
        return lines
    }

    private static func line(of summary: RecognitionCell) -> String {
        let (heard, cell) = (summary.heard, summary.cell)
        let rate = right(percent(heard.rate), 5) + interval(summary.rateInterval, width: 13)
        let counts = [heard.substitutions, heard.deletions, heard.insertions].map { right(String($0), 4) }.joined()
        let changed = right(percent(summary.changedShare.value), 5) + interval(summary.changedShare.wilson, width: 13)
        return "  \(left(cell.transport, 12))  \(left(cell.mode, 16))  \(rate)  \(right(percent(summary.codec.rate), 5))  \(counts)  \(changed)  \(right("\(heard.numbersWrong) of \(heard.numbers)", 11))"
    }

    private static func percent(_ share: Double?) -> String { share.flatMap { decimal($0 * 100, places: 1) } ?? "-" }

    private static func interval(_ interval: Interval?, width: Int) -> String {
        right(interval.map { "[\(percent($0.low))-\(percent($0.high))]" } ?? "", width)
    }

    private static func left(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    /// What the columns mean.
    package static let reading = [
        "word errors: for each word said, over all trials; codec: the same of the undamaged codec output, in the mode's encoding;",
        "changed: prompts whose text is another than that; numbers wrong: said and not heard so, or heard and not said.",
    ]
}
