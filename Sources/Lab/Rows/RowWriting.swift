extension TrialRow {
    /// The row as one line of JSON, without the line's end: the same bytes for the same row, always.
    package var json: String {
        var line = "{"
        for (index, column) in Self.columns.enumerated() {
            if index > 0 { line += "," }
            line += "\"\(column.name)\":\(column.value(self).json)"
        }
        return line + "}"
    }
}

extension RowValue {
    /// As JSON has it. A number that is not finite has no form in JSON and becomes `null`.
    var json: String {
        switch self {
        case .integer(let integer): String(integer)
        case .number(let number): decimal(number, places: 3) ?? "null"
        case .fineNumber(let number): decimal(number, places: 6) ?? "null"
        case .text(let text): jsonString(text)
        case .flag(let flag): flag ? "true" : "false"
        case .null: "null"
        }
    }

    /// As a field of CSV (RFC 4180); nothing is an empty field.
    var csv: String {
        switch self {
        case .text(let text): csvField(text)
        case .null: ""
        default: json == "null" ? "" : json
        }
    }
}

/// Fixed-point notation, the same on every machine; `nil` when the number is not finite or too large to matter.
package func decimal(_ number: Double, places: Int) -> String? {
    var scale = 1
    for _ in 0..<places { scale *= 10 }
    guard let scaled = Int(exactly: (number * Double(scale)).rounded()) else { return nil }
    guard places > 0 else { return String(scaled) }
    let digits = String(scaled.magnitude % scale.magnitude)
    let padding = String(repeating: "0", count: places - digits.count)
    return "\(scaled < 0 ? "-" : "")\(scaled.magnitude / scale.magnitude).\(padding)\(digits)"
}

/// A string literal of JSON (RFC 8259 section 7).
func jsonString(_ text: String) -> String {
    var literal = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": literal += "\\\""
        case "\\": literal += "\\\\"
        case "\u{0}"..."\u{1F}":
            let digits = String(scalar.value, radix: 16)
            literal += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: literal.unicodeScalars.append(scalar)
        }
    }
    return literal + "\""
}

/// A field of CSV: in quotes only where it must be (RFC 4180 section 2).
func csvField(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { ",\"\n\r".unicodeScalars.contains($0) }) else { return text }
    return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
}
