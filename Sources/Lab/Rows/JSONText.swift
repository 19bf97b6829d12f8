/// A value of a JSON text, and where it stands: files that people write get errors that name the place.
struct JSONText: Hashable, Sendable {
    enum Value: Hashable, Sendable {
        case null
        case flag(Bool)
        /// Written without point and exponent, and fits.
        case integer(Int)
        case number(Double)
        case text(String)
        case list([JSONText])
        /// Members in their order; names differ.
        case object([Member])

        /// A number of either kind.
        var asNumber: Double? {
            switch self {
            case .integer(let integer): Double(integer)
            case .number(let number): number
            default: nil
            }
        }
    }

    struct Member: Hashable, Sendable {
        var name: String
        var value: JSONText
    }

    var value: Value
    /// The offset of its first byte.
    var offset: Int

    /// Reads a whole text (RFC 8259), of which nothing is left over.
    /// - Parameter depth: how deep values may nest.
    init(_ bytes: Span<UInt8>, depth: Int = 16) throws(JSONTextError) {
        var reader = JSONTextReader(bytes)
        self = try reader.readValue(depth: depth)
        try reader.expectEnd()
    }

    init(value: Value, offset: Int) {
        self.value = value
        self.offset = offset
    }
}

/// Why a text is no JSON.
struct JSONTextError: Error, Hashable, Sendable {
    /// The offset of the byte at which it cannot go on.
    var offset: Int
    /// What stands there, or what was expected.
    var problem: String
}

/// The line and column of a byte, both from 1; columns count bytes.
struct TextPlace: Hashable, Sendable, CustomStringConvertible {
    var line = 1
    var column = 1

    init(offset: Int, in bytes: Span<UInt8>) {
        for index in 0..<min(max(0, offset), bytes.count) {
            if bytes[index] == UInt8(ascii: "\n") {
                line += 1
                column = 1
            } else {
                column += 1
            }
        }
    }

    var description: String { "line \(line), column \(column)" }
}
