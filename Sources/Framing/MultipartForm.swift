internal import Wire

/// The body of a form: `multipart/form-data` (RFC 7578 over RFC 2046 section 5.1), as OpenAI's clients post a call.
package struct MultipartForm: Hashable, Sendable {
    package struct Part: Hashable, Sendable {
        package var name: String
        /// In lower case, without its parameters; `nil` where the part says none.
        package var contentType: String?
        package var body: [UInt8]
    }

    package struct Limits: Hashable, Sendable {
        package var parts = 8
        /// The header fields of one part, with their line ends.
        package var headerBytes = 2_048
        package init() {}
    }

    package enum Malformed: Error, Hashable, Sendable {
        /// `Content-Type` names no boundary of 1 to 70 characters.
        case noBoundary
        /// The boundary does not begin the body, or a line, where one must.
        case noOpeningBoundary
        /// The body ends before its closing boundary.
        case unterminated
        /// Something other than a line end follows a boundary.
        case afterBoundary
        case headerTooLong(limit: Int)
        /// A part without `Content-Disposition: form-data; name="…"`.
        case unnamedPart
        case tooManyParts(limit: Int)
    }

    package var parts: [Part]

    /// The first part with this name.
    package func part(_ name: String) -> Part? { parts.first { $0.name == name } }

    /// Takes a body apart. `contentType` is the field of the request, with its boundary.
    package init(parsing body: Span<UInt8>, contentType: FieldParameters, limits: Limits = Limits()) throws(Malformed) {
        guard let boundary = contentType.parameters["boundary"], (1...70).contains(boundary.utf8.count) else { throw .noBoundary }
        let delimiter = Array("\r\n--\(boundary)".utf8)
        // The first delimiter may open the body without a line end before it; what stands before it is a preamble.
        var position: Int
        if Self.starts(body, at: 0, with: delimiter.dropFirst(2)) {
            position = delimiter.count - 2
        } else if let opening = Self.firstIndex(of: delimiter, in: body, from: 0) {
            position = opening + delimiter.count
        } else {
            throw .noOpeningBoundary
        }
        parts = []
        while try !Self.skipLineEnd(body, &position) {
            guard parts.count < limits.parts else { throw .tooManyParts(limit: limits.parts) }
            let header = try Self.readHeader(body, &position, limit: limits.headerBytes)
            // A part without a body ends where its header does: the blank line's end serves the delimiter too.
            guard let end = Self.firstIndex(of: delimiter, in: body, from: position - 2) else { throw .unterminated }
            let bytes = end < position ? [] : [UInt8](body.extracting(position..<end))
            parts.append(Part(name: header.name, contentType: header.contentType, body: bytes))
            position = end + delimiter.count
        }
    }

    /// Passes what follows a boundary.
    /// - Returns: whether it was the closing one.
    private static func skipLineEnd(_ body: Span<UInt8>, _ position: inout Int) throws(Malformed) -> Bool {
        if starts(body, at: position, with: [UInt8(ascii: "-"), UInt8(ascii: "-")]) { return true }
        // RFC 2046 section 5.1.1: transport padding.
        while position < body.count, body[position] == UInt8(ascii: " ") || body[position] == UInt8(ascii: "\t") { position += 1 }
        guard position < body.count else { throw .unterminated }
        guard starts(body, at: position, with: lineEnd) else { throw .afterBoundary }
        position += 2
        return false
    }

    private static func readHeader(
        _ body: Span<UInt8>, _ position: inout Int, limit: Int
    ) throws(Malformed) -> (name: String, contentType: String?) {
        let start = position
        var name: String?
        var contentType: String?
        while true {
            guard let end = firstIndex(of: lineEnd, in: body, from: position) else { throw .unterminated }
            guard end - start <= limit else { throw .headerTooLong(limit: limit) }
            let line = String(decoding: [UInt8](body.extracting(position..<end)), as: UTF8.self)
            position = end + 2
            if line.isEmpty { break }
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = FieldParameters(String(line[line.index(after: colon)...]))
            switch line[..<colon].lowercased() {
            case "content-disposition": if value.value == "form-data" { name = value.parameters["name"] }
            case "content-type": contentType = value.value
            default: break
            }
        }
        guard let name, !name.isEmpty else { throw .unnamedPart }
        return (name, contentType)
    }

    private static let lineEnd: [UInt8] = [13, 10]

    private static func starts(_ body: Span<UInt8>, at position: Int, with pattern: some RandomAccessCollection<UInt8>) -> Bool {
        guard body.count - position >= pattern.count else { return false }
        var index = position
        for byte in pattern {
            guard body[index] == byte else { return false }
            index += 1
        }
        return true
    }

    private static func firstIndex(of pattern: [UInt8], in body: Span<UInt8>, from start: Int) -> Int? {
        var index = start
        while index <= body.count - pattern.count {
            if starts(body, at: index, with: pattern) { return index }
            index += 1
        }
        return nil
    }
}

extension MultipartForm.Malformed: CustomStringConvertible {
    package var description: String {
        switch self {
        case .noBoundary: "Content-Type names no boundary"
        case .noOpeningBoundary: "the boundary that Content-Type names is not in the body"
        case .unterminated: "the body ends before its closing boundary"
        case .afterBoundary: "a boundary must be followed by a line end"
        case .headerTooLong(let limit): "the header of a part has more than \(limit) bytes"
        case .unnamedPart: "a part has no Content-Disposition with a name"
        case .tooManyParts(let limit): "there are more than \(limit) parts"
        }
    }
}
