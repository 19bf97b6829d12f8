/// Reads values of JSON (RFC 8259) out of bytes. Total: a value or an error.
struct JSONTextReader: ~Escapable {
    private let bytes: Span<UInt8>
    private var offset = 0

    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>) { self.bytes = bytes }

    private var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private func failure(_ problem: String, at place: Int? = nil) -> JSONTextError {
        JSONTextError(offset: place ?? offset, problem: offset < bytes.count ? problem : "the text ends too early; \(problem)")
    }

    @_lifetime(self: copy self)
    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { offset += 1 }
    }

    @_lifetime(self: copy self)
    mutating func expectEnd() throws(JSONTextError) {
        skipSpace()
        guard offset == bytes.count else { throw failure("expected the end of the text") }
    }

    @_lifetime(self: copy self)
    mutating func readValue(depth: Int) throws(JSONTextError) -> JSONText {
        skipSpace()
        let start = offset
        guard depth > 0 else { throw failure("nested too deeply") }
        let value: JSONText.Value =
            switch peek {
            case UInt8(ascii: "{"): .object(try readMembers(depth: depth))
            case UInt8(ascii: "["): .list(try readElements(depth: depth))
            case UInt8(ascii: "\""): .text(try readString())
            case UInt8(ascii: "t"): try readWord("true", as: .flag(true))
            case UInt8(ascii: "f"): try readWord("false", as: .flag(false))
            case UInt8(ascii: "n"): try readWord("null", as: .null)
            default: try readNumber()
            }
        return JSONText(value: value, offset: start)
    }

    @_lifetime(self: copy self)
    private mutating func readMembers(depth: Int) throws(JSONTextError) -> [JSONText.Member] {
        offset += 1
        var members: [JSONText.Member] = []
        var names: Set<String> = []
        skipSpace()
        if peek == UInt8(ascii: "}") {
            offset += 1
            return members
        }
        while true {
            skipSpace()
            let start = offset
            guard peek == UInt8(ascii: "\"") else { throw failure("expected a name in quotes") }
            let name = try readString()
            guard names.insert(name).inserted else { throw failure("\"\(name)\" stands here a second time", at: start) }
            skipSpace()
            guard peek == UInt8(ascii: ":") else { throw failure("expected ':'") }
            offset += 1
            members.append(JSONText.Member(name: name, value: try readValue(depth: depth - 1)))
            skipSpace()
            guard peek == UInt8(ascii: ",") || peek == UInt8(ascii: "}") else { throw failure("expected ',' or '}'") }
            defer { offset += 1 }
            if peek == UInt8(ascii: "}") { return members }
        }
    }

    @_lifetime(self: copy self)
    private mutating func readElements(depth: Int) throws(JSONTextError) -> [JSONText] {
        offset += 1
        var elements: [JSONText] = []
        skipSpace()
        if peek == UInt8(ascii: "]") {
            offset += 1
            return elements
        }
        while true {
            elements.append(try readValue(depth: depth - 1))
            skipSpace()
            guard peek == UInt8(ascii: ",") || peek == UInt8(ascii: "]") else { throw failure("expected ',' or ']'") }
            defer { offset += 1 }
            if peek == UInt8(ascii: "]") { return elements }
        }
    }

    @_lifetime(self: copy self)
    private mutating func readWord(_ word: StaticString, as value: JSONText.Value) throws(JSONTextError) -> JSONText.Value {
        let start = offset
        for byte in "\(word)".utf8 {
            guard peek == byte else { throw failure("expected a value", at: start) }
            offset += 1
        }
        return value
    }

    /// A number as RFC 8259 section 6 writes it; one too large for a double is refused and does not become infinite.
    @_lifetime(self: copy self)
    private mutating func readNumber() throws(JSONTextError) -> JSONText.Value {
        let start = offset
        var text = ""
        while let byte = peek, "+-.0123456789Ee".utf8.contains(byte), text.count < 64 {
            text.unicodeScalars.append(Unicode.Scalar(byte))
            offset += 1
        }
        guard !text.isEmpty else { throw failure("expected a value") }
        let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
        let isPadded = digits.count > 1 && digits.first == "0" && digits.dropFirst().first?.isNumber == true
        guard digits.first?.isNumber == true, !isPadded, !digits.hasSuffix("."), let number = Double(text) else {
            throw JSONTextError(offset: start, problem: "\"\(text)\" is no number")
        }
        guard number.isFinite else { throw JSONTextError(offset: start, problem: "\(text) is too large a number") }
        return Int(text).map(JSONText.Value.integer) ?? .number(number)
    }

    @_lifetime(self: copy self)
    private mutating func readString() throws(JSONTextError) -> String {
        let start = offset
        offset += 1
        var text: [UInt8] = []
        while let byte = peek {
            offset += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else { throw failure("not UTF-8", at: start) }
                return string
            case UInt8(ascii: "\\"): text.append(contentsOf: String(try readEscape()).utf8)
            case 0..<0x20: throw failure("a line may not end inside quotes", at: offset - 1)
            default: text.append(byte)
            }
        }
        throw failure("expected the closing quote")
    }

    /// What follows a backslash; pairs of surrogates make one scalar.
    @_lifetime(self: copy self)
    private mutating func readEscape() throws(JSONTextError) -> Unicode.Scalar {
        guard let byte = peek else { throw failure("expected an escape") }
        offset += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            let code = try readFourDigits()
            if let scalar = Unicode.Scalar(code) { return scalar }
            guard code < 0xDC00, peek == UInt8(ascii: "\\") else { throw failure("half of a pair of surrogates") }
            offset += 1
            guard peek == UInt8(ascii: "u") else { throw failure("half of a pair of surrogates") }
            offset += 1
            let second = try readFourDigits()
            guard (0xDC00...0xDFFF).contains(second),
                let scalar = Unicode.Scalar(0x10000 + (code - 0xD800) << 10 + (second - 0xDC00))
            else { throw failure("half of a pair of surrogates") }
            return scalar
        default: throw failure("no such escape", at: offset - 1)
        }
    }

    @_lifetime(self: copy self)
    private mutating func readFourDigits() throws(JSONTextError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw failure("expected four hexadecimal digits")
            }
            code = code << 4 | UInt32(digit)
            offset += 1
        }
        return code
    }
}
