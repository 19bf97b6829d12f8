extension CellSummary {
    /// `summary.csv`: a heading, then a row a cell (RFC 4180, but with LF).
    package static func csv(_ summaries: [CellSummary]) -> String {
        let rows = [columnNames] + summaries.map { summary in summary.fields.map { $0.csv } }
        return rows.map { $0.joined(separator: ",") + "\n" }.joined()
    }

    /// The summaries as one JSON array, with the columns of `summary.csv` as members.
    package static func json(_ summaries: [CellSummary]) -> String {
        let objects = summaries.map { summary in
            let members = zip(columnNames, summary.fields).map { name, value in "\"\(name)\":\(value.json)" }
            return "{" + members.joined(separator: ",") + "}"
        }
        return "[" + objects.joined(separator: ",\n ") + "]"
    }

    private static let columnNames: [String] =
        ["profile", "transport", "mode", "clip", "world", "trials", "completed", "intact_share", "intact_low", "intact_high", "resumed_share"]
        + Measure.all.flatMap { measure in
            ["median", "low", "high", "p95", "p99", "difference", "difference_low", "difference_high"]
                .map { "\(measure.name)_\($0)" }
        }

    private var fields: [RowValue] {
        let head: [RowValue] = [
            .text(cell.profile), .text(cell.transport), .text(cell.mode), .text(cell.clip), .text(cell.world),
            .integer(trials), .integer(completed),
            .optional(intact.value), .optional(intact.wilson?.low), .optional(intact.wilson?.high),
            .optional(resumed.value),
        ]
        return head + Measure.all.flatMap { measure -> [RowValue] in
            let spread = spreads[measure.name]
            let difference = differences[measure.name]
            return [
                .optional(spread?.median), .optional(spread?.medianInterval?.low), .optional(spread?.medianInterval?.high),
                .optional(spread?.p95), .optional(spread?.p99),
                .optional(difference?.median), .optional(difference?.medianInterval?.low),
                .optional(difference?.medianInterval?.high),
            ]
        }
    }
}

extension RowValue {
    static func optional(_ number: Double?) -> RowValue { number.map(RowValue.number) ?? .null }
}
