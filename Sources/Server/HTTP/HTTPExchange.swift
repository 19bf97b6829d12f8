internal import Session
package import Wire

/// One HTTP request, read whole: what the routes see of it, whatever version of HTTP it came by.
package struct HTTPCall: Sendable {
    package var method: String
    /// Without its query.
    package var path: String
    /// The query's pairs, unescaped; of two with one name the first.
    package var query: [String: String] = [:]
    /// By name in lower case; several fields of one name are joined with commas (RFC 9110 section 5.2).
    package var fields: [String: String] = [:]
    package var body: [UInt8] = []
    /// Where the connection arrived; `nil` where that is unknown.
    package var localAddress: PeerAddress?
    /// Who asks.
    package var remoteAddress: PeerAddress?

    package init(_ method: String, _ path: String, fields: [String: String] = [:], body: [UInt8] = []) {
        self.method = method
        self.path = path
        self.fields = fields
        self.body = body
    }

    /// The token of `Authorization: Bearer …` (RFC 6750 section 2.1); the scheme's case is free (RFC 9110 section 11.1).
    var bearer: String? {
        guard let parts = fields["authorization"]?.split(separator: " ", maxSplits: 1), parts.count == 2,
            parts[0].lowercased() == "bearer"
        else { return nil }
        return String(parts[1].drop { $0 == " " })
    }
}

/// What a request is answered with.
package struct HTTPAnswer: Hashable, Sendable {
    package var status: Int
    /// In the order in which they are sent; `Content-Length` is added when they are.
    package var fields: [Field] = []
    package var body: [UInt8] = []

    package struct Field: Hashable, Sendable {
        package var name: String
        package var value: String
    }

    init(status: Int) { self.status = status }

    init(status: Int = 200, text: String, type: String) {
        self.status = status
        body = Array(text.utf8)
        self["Content-Type"] = type
    }

    init(status: Int = 200, json value: some Encodable) {
        self.status = status
        body = JSON.encode(value)
        self["Content-Type"] = "application/json"
    }

    /// The first field of a name, compared without case; setting it replaces all of them.
    package subscript(_ name: String) -> String? {
        get { fields.first { $0.name.lowercased() == name.lowercased() }?.value }
        set {
            fields.removeAll { $0.name.lowercased() == name.lowercased() }
            if let newValue { fields.append(Field(name: name, value: newValue)) }
        }
    }
}
