/// The lines of a description, with their numbers. Ends of CRLF and of LF are both taken (RFC 8866 section 5).
struct SDPLine: Hashable, Sendable {
    var number: Int
    /// `v`, `o`, `m`, `a` …
    var type: Unicode.Scalar
    /// What stands after the `=`.
    var value: Substring

    /// All lines of `text`; empty ones at the end are no lines.
    static func read(_ text: String) throws(SDPRefusal) -> [SDPLine] {
        guard text.utf8.count <= SDPLimits.byteCount else {
            throw SDPRefusal(.tooLarge, expected: "at most \(SDPLimits.byteCount) bytes")
         }
        var lines: [SDPLine] = []
        var number = 0
        var rest = text[...].utf8
        while !rest.isEmpty {
            let end = rest.firstIndex(of: 0x0A) ?? rest.endIndex
            var line = rest[..<end]
            rest = end < rest.endIndex ? rest[rest.index(after: end)...] : rest[end...]
            if line.last == 0x0D { line = line.dropLast() }
            number += 1
            // An empty line ends what people paste, and nothing else.
            if line.isEmpty, rest.allSatisfy({ $0 == 0x0A || $0 == 0x0D }) { break }
            lines.append(try SDPLine(Substring(line), number: number))
            guard lines.count <= SDPLimits.lineCount else {
                throw SDPRefusal(.tooLarge, line: number, expected: "at most \(SDPLimits.lineCount) lines")
             }
        }
        return lines
    }

    private init(_ line: Substring, number: Int) throws(SDPRefusal) {
        guard line.utf8.count <= SDPLimits.lineByteCount else {
            throw SDPRefusal(.tooLarge, line: number, expected: "at most \(SDPLimits.lineByteCount) bytes in a line")
        }
        let bytes = line.utf8
        guard let letter = bytes.first, letter >= 0x61, letter <= 0x7A, bytes.dropFirst().first == 0x3D else {
            throw SDPRefusal(line: number, expected: "a small letter and an equals sign")
        }
        // RFC 8866 section 9: byte-string has neither NUL nor the ends of lines.
        guard !bytes.contains(0), !bytes.contains(0x0D) else {
            throw SDPRefusal(line: number, expected: "no control characters inside a line")
        }
        self.number = number
        type = Unicode.Scalar(letter)
        // By scalars: a mark that combines with the equals sign is not swallowed.
        value = Substring(line.unicodeScalars.dropFirst(2))
    }
}

extension Substring {
    /// The words between spaces.
    var words: [Substring] { utf8.split(separator: 0x20).map(Substring.init) }

    /// What stands before and after the first `separator`; `nil` when there is none.
    func cut(at separator: Unicode.Scalar) -> (Substring, Substring)? {
        guard let index = unicodeScalars.firstIndex(of: separator) else { return nil }
        return (self[..<index], self[unicodeScalars.index(after: index)...])
    }

    /// A number in decimal digits alone: no sign, no space.
    func decimal<Number: FixedWidthInteger>(_: Number.Type = Number.self) -> Number? {
        guard !isEmpty, utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        return Number(self)
    }

    /// RFC 8866 section 9, `token`: visible ASCII without separators, so that it can be written back anywhere.
    var isToken: Bool {
        !isEmpty && utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !Self.separators.contains($0) }
    }

    private static let separators = Array(#""(),/:;<=>?@[\]"#.utf8)

    /// RFC 8839 section 5.4, `ice-char`.
    var areICECharacters: Bool {
        utf8.allSatisfy {
            ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x41 && $0 <= 0x5A) || ($0 >= 0x61 && $0 <= 0x7A) || $0 == 0x2B || $0 == 0x2F
        }
    }
}
