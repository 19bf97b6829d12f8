/// The value of a header field with its parameters: `form-data; name="sdp"` (RFC 9110 section 5.6.6).
package struct FieldParameters: Hashable, Sendable {
    /// What stands before the first semicolon, in lower case.
    package var value: String
    /// By name in lower case; of two with one name the first.
    package var parameters: [String: String] = [:]

    /// Reads a field's value. Total: a parameter that is no `name=value` is left out.
    package init(_ field: String) {
        var rest = Array(field.utf8)[...]
        value = Self.text(Self.take(&rest, until: UInt8(ascii: ";"))).lowercased()
        while !rest.isEmpty {
            let name = Self.text(Self.take(&rest, until: UInt8(ascii: "="), orStopAt: UInt8(ascii: ";"))).lowercased()
            guard rest.popFirst(ifEquals: UInt8(ascii: "=")) else {
                _ = rest.popFirst()
                continue
            }
            let content = Self.takeValue(&rest)
            if !name.isEmpty, parameters[name] == nil { parameters[name] = content }
        }
    }

    /// A token up to the next semicolon, or a quoted string with its escapes undone; leaves what follows the semicolon.
    private static func takeValue(_ rest: inout ArraySlice<UInt8>) -> String {
        rest = rest.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        guard rest.popFirst(ifEquals: UInt8(ascii: "\"")) else { return text(take(&rest, until: UInt8(ascii: ";"))) }
        var bytes: [UInt8] = []
        while let byte = rest.popFirst(), byte != UInt8(ascii: "\"") {
            if byte == UInt8(ascii: "\\"), let escaped = rest.popFirst() { bytes.append(escaped) } else { bytes.append(byte) }
        }
        _ = take(&rest, until: UInt8(ascii: ";"))
        return String(decoding: bytes, as: UTF8.self)
    }

    /// What stands before `end`, which is taken too; `stop` ends it as well, but both stay when `stop` is given.
    private static func take(_ rest: inout ArraySlice<UInt8>, until end: UInt8, orStopAt stop: UInt8? = nil) -> ArraySlice<UInt8> {
        let index = rest.firstIndex { $0 == end || $0 == stop } ?? rest.endIndex
        let taken = rest[..<index]
        rest = rest[index...]
        if stop == nil { _ = rest.popFirst() }
        return taken
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        let isSpace = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        let start = bytes.firstIndex { !isSpace($0) } ?? bytes.endIndex
        let end = bytes.lastIndex { !isSpace($0) }.map { $0 + 1 } ?? start
        return String(decoding: bytes[start..<end], as: UTF8.self)
    }
}

extension ArraySlice<UInt8> {
    fileprivate mutating func popFirst(ifEquals byte: UInt8) -> Bool {
        guard first == byte else { return false }
        _ = popFirst()
        return true
    }
}
