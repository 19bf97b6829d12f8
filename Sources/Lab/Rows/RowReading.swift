import Wire

/// Why a line is not a row.
package enum RowError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Not one flat JSON object, all of it.
    case notJSON(atByte: Int)
    /// A column has a value of the wrong type.
    case wrongType(column: String)
    /// A column that every row has is not there.
    case missing(column: String)
    /// Written by a newer program.
    case schema(Int)

    package var description: String {
        switch self {
        case .notJSON(let offset): "not a JSON object of plain values (at byte \(offset))"
        case .wrongType(let column): "the value of \(column) has the wrong type"
        case .missing(let column): "has no \(column)"
        case .schema(let schema): "has schema \(schema), this program reads \(TrialRow.currentSchema)"
        }
    }
}

extension TrialRow {
    /// Columns that rows of earlier versions have not: nothing of the kind could happen there.
    private static let laterColumns: Set = [
        "resumes", "resume_ms", "transports", "stall_ms", "setup_computing_ms", "resume_computing_ms",
    ]

    /// Reads one line of `trials.jsonl`. Columns of a later version that this one does not know are passed over;
    /// a column without a value of its own type is an error.
    package init(json line: Span<UInt8>) throws(RowError) {
        let values = try Self.values(line)
        self.init()
        for column in Self.columns {
            guard let value = values[column.name] else {
                if Self.laterColumns.contains(column.name) { continue }
                throw .missing(column: column.name)
            }
            guard column.set(&self, value) else { throw .wrongType(column: column.name) }
        }
        guard schema == Self.currentSchema else { throw .schema(schema) }
    }

    package init(json line: String) throws(RowError) {
        let bytes = Array(line.utf8)
        try self.init(json: bytes.span)
    }
}

extension TrialRow {
    /// The members of one flat object.
    private static func values(_ line: Span<UInt8>) throws(RowError) -> [String: RowValue] {
        let text: JSONText
        do {
            // The object is one level, its values the second.
            text = try JSONText(line, depth: 2)
        } catch {
            throw .notJSON(atByte: error.offset)
        }
        guard case .object(let members) = text.value else { throw .notJSON(atByte: text.offset) }
        var values: [String: RowValue] = [:]
        for member in members {
            guard let value = RowValue(member.value.value) else { throw .notJSON(atByte: member.value.offset) }
            values[member.name] = value
        }
        return values
    }
}

extension RowValue {
    /// `nil` for a list or an object: rows are flat.
    fileprivate init?(_ value: JSONText.Value) {
        switch value {
        case .null: self = .null
        case .flag(let flag): self = .flag(flag)
        case .integer(let integer): self = .integer(integer)
        case .number(let number): self = .number(number)
        case .text(let text): self = .text(text)
        case .list, .object: return nil
        }
    }
}
