import Wire

/// Why a line is not a row.
package enum RowError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Not one flat JSON object.
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
    private static let laterColumns: Set = ["resumes", "transports"]

    /// Reads one line of `trials.jsonl`. Columns of a later version that this one does not know are passed over;
    /// a column without a value of its own type is an error.
    package init(json line: Span<UInt8>) throws(RowError) {
        var parser = FlatJSONParser(line)
        var values: [String: RowValue] = [:]
        try parser.readObject { name, value in values[name] = value }
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

/// Reads one JSON object whose values are numbers, strings, booleans and null (RFC 8259). Total: a value or an error.
struct FlatJSONParser: ~Escapable {
    private let bytes: Span<UInt8>
    private var offset = 0

    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>) { self.bytes = bytes }

    @_lifetime(self: copy self)
    mutating func readObject(_ member: (String, RowValue) -> Void) throws(RowError) {
        try expect("{")
        skipSpace()
        if peek == UInt8(ascii: "}") {
            offset += 1
        } else {
            while true {
                let name = try readString()
                try expect(":")
                member(name, try readValue())
                skipSpace()
                guard peek == UInt8(ascii: ",") else { break }
                offset += 1
            }
            try expect("}")
        }
        skipSpace()
        guard offset == bytes.count else { throw .notJSON(atByte: offset) }
    }

    private var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    @_lifetime(self: copy self)
    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { offset += 1 }
    }

    @_lifetime(self: copy self)
    private mutating func expect(_ character: Unicode.Scalar) throws(RowError) {
        skipSpace()
        guard peek == UInt8(ascii: character) else { throw .notJSON(atByte: offset) }
        offset += 1
    }

    @_lifetime(self: copy self)
    private mutating func readValue() throws(RowError) -> RowValue {
        skipSpace()
        switch peek {
        case UInt8(ascii: "\""): return .text(try readString())
        case UInt8(ascii: "t"): return try readWord("true", as: .flag(true))
        case UInt8(ascii: "f"): return try readWord("false", as: .flag(false))
        case UInt8(ascii: "n"): return try readWord("null", as: .null)
        default: return try readNumber()
        }
    }

    @_lifetime(self: copy self)
    private mutating func readWord(_ word: StaticString, as value: RowValue) throws(RowError) -> RowValue {
        for scalar in "\(word)".utf8 {
            guard peek == scalar else { throw .notJSON(atByte: offset) }
            offset += 1
        }
        return value
    }

    @_lifetime(self: copy self)
    private mutating func readNumber() throws(RowError) -> RowValue {
        let start = offset
        var text = ""
        while let byte = peek, "+-.0123456789Ee".utf8.contains(byte) {
            text.unicodeScalars.append(Unicode.Scalar(byte))
            offset += 1
        }
        if let integer = Int(text) { return .integer(integer) }
        guard let number = Double(text), number.isFinite else { throw .notJSON(atByte: start) }
        return .number(number)
    }

    @_lifetime(self: copy self)
    private mutating func readString() throws(RowError) -> String {
        try expect("\"")
        var text: [UInt8] = []
        while let byte = peek {
            offset += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else { throw .notJSON(atByte: offset) }
                return string
            case UInt8(ascii: "\\"): text.append(contentsOf: String(try readEscape()).utf8)
            case 0..<0x20: throw .notJSON(atByte: offset - 1)
            default: text.append(byte)
            }
        }
        throw .notJSON(atByte: offset)
    }

    /// What follows a backslash. Pairs of surrogates are not written by us, and not read.
    @_lifetime(self: copy self)
    private mutating func readEscape() throws(RowError) -> Unicode.Scalar {
        guard let byte = peek else { throw .notJSON(atByte: offset) }
        offset += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            var code: UInt32 = 0
            for _ in 0..<4 {
                guard let byte = peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                    throw .notJSON(atByte: offset)
                }
                code = code << 4 | UInt32(digit)
                offset += 1
            }
            guard let scalar = Unicode.Scalar(code) else { throw .notJSON(atByte: offset) }
            return scalar
        default: throw .notJSON(atByte: offset - 1)
        }
    }
}
