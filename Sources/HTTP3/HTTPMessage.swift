internal import Framing
internal import Wire

/// The head of a request (RFC 9114 section 4.3.1), checked.
package struct HTTPRequest: Hashable, Sendable {
    package var method: String
    package var scheme: String?
    package var authority: String
    package var path: String?
    /// `:protocol` of an extended CONNECT (RFC 9220).
    package var connectProtocol: String?
    /// The regular fields, in order.
    package var fields: [HeaderField]

    package init(
        method: String, scheme: String? = "https", authority: String, path: String?, connectProtocol: String? = nil,
        fields: [HeaderField] = []
    ) {
        self.method = method
        self.scheme = scheme
        self.authority = authority
        self.path = path
        self.connectProtocol = connectProtocol
        self.fields = fields
    }

    var fieldSection: [HeaderField] {
        var section = [HeaderField(":method", method)]
        if let connectProtocol { section.append(HeaderField(":protocol", connectProtocol)) }
        if let scheme { section.append(HeaderField(":scheme", scheme)) }
        section.append(HeaderField(":authority", authority))
        if let path { section.append(HeaderField(":path", path)) }
        return section + fields
    }
}

/// The head of a response (RFC 9114 section 4.3.2), checked.
package struct HTTPResponse: Hashable, Sendable {
    package var status: Int
    package var fields: [HeaderField]

    package init(status: Int, fields: [HeaderField] = []) {
        self.status = status
        self.fields = fields
    }

    var fieldSection: [HeaderField] { [HeaderField(":status", String(status))] + fields }
}

// Reading: everything that RFC 9114 section 4.1.2 calls malformed throws H3_MESSAGE_ERROR.

extension HTTPRequest {
    init(parsing section: [HeaderField]) throws(HTTP3Error) {
        let message = try SplitFieldSection(section, pseudoHeaders: [":method", ":scheme", ":authority", ":path", ":protocol"])
        fields = message.fields
        guard let method = message.pseudo[":method"], !method.isEmpty else {
            throw HTTP3Error(.messageError, "a request without :method")
        }
        self.method = method
        scheme = message.pseudo[":scheme"]
        path = message.pseudo[":path"]
        connectProtocol = message.pseudo[":protocol"]
        authority = try Self.authority(pseudo: message.pseudo[":authority"], host: fields.first("host"))
        if connectProtocol != nil && method != "CONNECT" {
            throw HTTP3Error(.messageError, ":protocol without CONNECT")
        }
        if method == "CONNECT" && connectProtocol == nil {
            // RFC 9114 section 4.4: an ordinary CONNECT names an authority alone.
            guard scheme == nil, path == nil else { throw HTTP3Error(.messageError, "CONNECT with :scheme or :path") }
        } else {
            guard scheme != nil, let path, !path.isEmpty else {
                throw HTTP3Error(.messageError, "a request without :scheme or :path")
            }
        }
        guard !authority.isEmpty else { throw HTTP3Error(.messageError, "a request without an authority") }
    }

    private static func authority(pseudo: String?, host: String?) throws(HTTP3Error) -> String {
        if let pseudo, let host, pseudo != host { throw HTTP3Error(.messageError, ":authority and host differ") }
        return pseudo ?? host ?? ""
    }
}

extension HTTPResponse {
    init(parsing section: [HeaderField]) throws(HTTP3Error) {
        let message = try SplitFieldSection(section, pseudoHeaders: [":status"])
        guard let text = message.pseudo[":status"], text.utf8.count == 3, let status = Int(text), (100...599).contains(status) else {
            throw HTTP3Error(.messageError, "a response without a :status of three digits")
        }
        self.init(status: status, fields: message.fields)
    }
}

/// A field section taken apart: pseudo-header fields, each at most once and before all others, and the rest.
struct SplitFieldSection {
    var pseudo: [String: String] = [:]
    var fields: [HeaderField] = []

    init(_ section: [HeaderField], pseudoHeaders allowed: [String]) throws(HTTP3Error) {
        for field in section {
            guard Self.isValid(field) else { throw HTTP3Error(.messageError, "a field with a forbidden character") }
            guard field.name.utf8.first == UInt8(ascii: ":") else {
                guard !Self.isConnectionSpecific(field) else { throw HTTP3Error(.messageError, "a field of one hop") }
                fields.append(field)
                continue
            }
            guard fields.isEmpty else { throw HTTP3Error(.messageError, "a pseudo-header field after a field") }
            guard allowed.contains(field.name) else { throw HTTP3Error(.messageError, "an unknown pseudo-header field") }
            guard pseudo.updateValue(field.value, forKey: field.name) == nil else {
                throw HTTP3Error(.messageError, "a pseudo-header field came twice")
            }
        }
    }

    /// RFC 9114 section 4.2: names in lower case; RFC 9110 section 5.5: no NUL, CR or LF in values.
    private static func isValid(_ field: HeaderField) -> Bool {
        !field.name.isEmpty
            && field.name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !(UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
            && field.value.utf8.allSatisfy { $0 != 0 && $0 != 0x0A && $0 != 0x0D }
    }

    private static func isConnectionSpecific(_ field: HeaderField) -> Bool {
        switch field.name {
        case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade": true
        case "te": field.value != "trailers"
        default: false
        }
    }
}
