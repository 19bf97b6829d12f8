extension Agreement {
    /// The table for the terminal: under each profile a line a transport and mode, and below each that does not agree, why.
    /// Lines without their ends.
    package func table(usesStyle: Bool) -> [String] {
        func bold(_ text: String) -> String { usesStyle ? "\u{1B}[1m\(text)\u{1B}[0m" : text }
        // Where no session went on over another connection, nothing is said of it.
        let resumed = cells.contains { $0.virtual.resumed.successes + $0.real.resumed.successes > 0 }
        let columns = Self.columns.filter { resumed || !$0.isOfResumes }
        let headings = columns.map(\.heading), rows = cells.map { cell in columns.map { $0.value(cell) } }
        let widths = headings.indices.map { column in (rows.map { $0[column].count } + [headings[column].count]).max() ?? 0 }
        func line(_ fields: [String]) -> String {
            let padded = fields.indices.map { column in
                let padding = String(repeating: " ", count: widths[column] - fields[column].count)
                return column < 2 ? fields[column] + padding : padding + fields[column]
            }
            return "  " + padded.joined(separator: "  ")
        }
        var lines = [bold(line(headings))]
        var profile: String?
        for (cell, fields) in zip(cells, rows) {
            if cell.cell.profile != profile {
                profile = cell.cell.profile
                lines.append(bold(cell.cell.profile))
            }
            lines.append(line(fields))
            lines += cell.reasons.map { "      \($0)" }
        }
        return lines
    }

    /// What the table says, in one line.
    package var verdict: String {
        guard agreeing < cells.count else { return "virtual and real agree in all \(cells.count) cells" }
        let rest = cells.count - agreeing - explained
        return "virtual and real agree in \(agreeing) of \(cells.count) cells; in \(explained) more all that differs is what the ends compute, "
            + "the machine's lateness or chance; \(rest) differ otherwise; below each stands what the rows tell of it"
    }

    /// How to read the table, in plain words.
    package static let reading = [
        "virtual/real in each column; intact: prompts whole, agreeing where each lies within the other's 95 % interval;",
        "delays: medians in ms, agreeing within \(decimal(tolerance, places: 0) ?? "") ms; late: how late the machine was, median and worst trial's p99.",
    ]

    private struct Column: Sendable {
        var heading: String
        var isOfResumes = false
        var value: @Sendable (CellAgreement) -> String
    }

    private static let columns = [
        Column(heading: "transport") { $0.cell.transport },
        Column(heading: "mode") { $0.cell.mode },
        Column(heading: "intact %") { "\(percent($0.virtual.intact))/\(percent($0.real.intact))" + ($0.integrityAgrees ? " " : "!") },
        Column(heading: "[95 %]") { "\(interval($0.virtual.intact))/\(interval($0.real.intact))" },
        Column(heading: "moved %", isOfResumes: true) {
            "\(percent($0.virtual.resumed))/\(percent($0.real.resumed))" + ($0.resumesAgree ? " " : "!")
        },
        middles("setup", of: "setup_ms"),
        middles("resume", of: resumeMeasure, isOfResumes: true),
        middles("delay", of: "frame_delay_p50_ms"),
        middles("commit", of: "commit_wait_ms"),
        middles("answer", of: "response_first_audio_ms"),
        Column(heading: "late") { cell in
            [cell.real.medianLateness, cell.real.greatestLateness].map { $0.flatMap { decimal($0, places: 1) } ?? "-" }.joined(separator: "-")
        },
        Column(heading: "") { $0.agrees ? "agree" : $0.isExplained ? "explained" : "differ" },
    ]

    private static func percent(_ share: Proportion) -> String { share.value.flatMap { decimal($0 * 100, places: 0) } ?? "-" }

    private static func interval(_ share: Proportion) -> String {
        guard let wilson = share.wilson, let low = decimal(wilson.low * 100, places: 0), let high = decimal(wilson.high * 100, places: 0)
        else { return "-" }
        return "\(low)-\(high)"
    }

    private static func middles(_ heading: String, of name: String, isOfResumes: Bool = false) -> Column {
        Column(heading: heading, isOfResumes: isOfResumes) { cell in
            guard let measure = cell.measures.first(where: { $0.name == name }),
                let virtual = decimal(measure.virtual.median, places: 0), let real = decimal(measure.real.median, places: 0)
            else { return "-" }
            return "\(virtual)/\(real)" + (measure.agrees ? " " : "!")
        }
    }
}

extension Agreement {
    /// `agreement.csv`: a heading, then a row a cell (RFC 4180, but with LF).
    package var csv: String {
        let rows = [Self.columnNames] + cells.map { cell in Self.values(of: cell).map { $0.csv } }
        return rows.map { $0.joined(separator: ",") + "\n" }.joined()
    }

    /// The same as one JSON array of objects.
    package var json: String {
        let objects = cells.map { cell in
            let members = zip(Self.columnNames, Self.values(of: cell)).map { name, value in "\"\(name)\":\(value.json)" }
            return "{" + members.joined(separator: ",") + "}"
        }
        return "[" + objects.joined(separator: ",\n ") + "]"
    }

    private static let columnNames: [String] = {
        var names = [
            "profile", "transport", "mode", "agrees", "explained", "integrity_agrees", "delays_agree", "virtual_trials", "real_trials",
            "real_completed", "virtual_intact_share", "virtual_intact_low", "virtual_intact_high", "real_intact_share",
            "real_intact_low", "real_intact_high", "pairs_intact_both", "pairs_intact_virtual_only", "pairs_intact_real_only",
            "pairs_intact_neither",
        ]
        let figures = [
            "virtual_median", "real_median", "difference", "paired_difference", "paired_difference_low", "paired_difference_high",
        ]
        for measure in measures { names += figures.map { "\(measure)_\($0)" } }
        names += ["virtual_resumed_share", "real_resumed_share"]
        return names + ["setup_computing_ms_median", "resume_computing_ms_median", "lateness_p99_ms_median", "lateness_p99_ms_greatest", "reasons"]
    }()

    private static func values(of cell: CellAgreement) -> [RowValue] {
        var values: [RowValue] = [
            .text(cell.cell.profile), .text(cell.cell.transport), .text(cell.cell.mode),
            .flag(cell.agrees), .flag(cell.isExplained), .flag(cell.integrityAgrees), .flag(cell.delaysAgree),
            .integer(cell.virtual.trials), .integer(cell.real.trials), .integer(cell.real.completed),
        ]
        for intact in [cell.virtual.intact, cell.real.intact] {
            values += [.optional(intact.value), .optional(intact.wilson?.low), .optional(intact.wilson?.high)]
        }
        values += [cell.pairs.both, cell.pairs.virtualOnly, cell.pairs.realOnly, cell.pairs.neither].map(RowValue.integer)
        for name in measures {
            let measure = cell.measures.first { $0.name == name }
            values += [
                .optional(measure?.virtual.median), .optional(measure?.real.median), .optional(measure?.difference),
                .optional(measure?.paired?.median), .optional(measure?.paired?.medianInterval?.low),
                .optional(measure?.paired?.medianInterval?.high),
            ]
        }
        return values + [
            .optional(cell.virtual.resumed.value), .optional(cell.real.resumed.value),
            .optional(cell.measures.first { $0.name == "setup_ms" }?.computing),
            .optional(cell.measures.first { $0.name == resumeMeasure }?.computing),
            .optional(cell.real.medianLateness), .optional(cell.real.greatestLateness),
            .text(cell.reasons.map(\.description).joined(separator: "; ")),
        ]
    }
}
