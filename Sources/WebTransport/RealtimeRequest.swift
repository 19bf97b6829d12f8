internal import HTTP3
internal import Session

/// What a request for a session says, taken apart.
struct RealtimeRequest: Hashable {
    /// The path without its query.
    var path: String
    var attach: AttachRequest

    init(_ request: HTTPRequest) {
        let target = (request.path ?? "").utf8
        let pathEnd = target.firstIndex(of: UInt8(ascii: "?")) ?? target.endIndex
        path = String(decoding: target[..<pathEnd], as: UTF8.self)
        attach = AttachRequest()
        var query: [String: String] = [:]
        for pair in target[pathEnd...].dropFirst().split(separator: UInt8(ascii: "&")) {
            let nameEnd = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            query[Self.percentDecoded(pair[..<nameEnd])] = Self.percentDecoded(pair[nameEnd...].dropFirst())
        }
        attach.model = query["model"]
        // A page cannot set header fields on a WebTransport, so its secret comes in the query.
        attach.secret = query["client_secret"]
        attach.resume = ResumeRequest(query)
        if let secret = request.fields.first("authorization").flatMap(Self.bearerToken) { attach.secret = secret }
    }

    /// The token of `Bearer …` (RFC 6750 section 2.1); the scheme's case is free (RFC 9110 section 11.1).
    private static func bearerToken(_ value: String) -> String? {
        let parts = value.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1].drop { $0 == " " })
    }

    /// RFC 3986 section 2.1; what is no escape stays as it is, and `+` is a space as forms have it.
    static func percentDecoded(_ text: Substring.UTF8View) -> String {
        var bytes: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let high = hexValue(rest.first), let low = hexValue(rest.dropFirst().first) {
                bytes.append(high << 4 | low)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `text` as a value of a query: all but the unreserved characters escaped.
    static func percentEncoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                bytes.append(byte)
            default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func hexValue(_ byte: UInt8?) -> UInt8? {
        switch byte {
        case .some(let digit) where (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit): digit - UInt8(ascii: "0")
        case .some(let digit) where (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(digit | 0x20): (digit | 0x20) - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
