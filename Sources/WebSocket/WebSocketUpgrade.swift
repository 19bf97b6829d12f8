internal import Crypto
internal import Session
internal import Wire

/// The opening handshake (RFC 6455 section 4), as text: what a server reads of a request and both ends write.
package struct WebSocketUpgrade: Hashable, Sendable {
    /// `Sec-WebSocket-Key`, as it came.
    package var key: String
    package var form: WebSocketForm
    /// The sub-protocol that the answer names; none where the client has offered none.
    package var subprotocol: String?
    /// The secret that a browser, which cannot set header fields, hides among its sub-protocols.
    package var secret: String?

    /// Why a request is not answered with 101.
    package enum Refusal: Error, Hashable, Sendable {
        /// 426: no upgrade to WebSocket is asked for.
        case notAnUpgrade
        /// 426: another version than 13.
        case version
        /// 400.
        case malformedKey
    }

    /// What stands before the secret in OpenAI's sub-protocol of that name.
    private static let secretPrefix = "openai-insecure-api-key."
    private static let beta = "openai-beta.realtime-v1"

    /// Reads a client's request.
    /// - Parameter fields: header fields by name in lower case; of one name joined with commas.
    package init(fields: [String: String]) throws(Refusal) {
        guard Self.tokens(fields["upgrade"]).contains(where: { $0.lowercased() == "websocket" }),
            Self.tokens(fields["connection"]).contains(where: { $0.lowercased() == "upgrade" })
        else { throw .notAnUpgrade }
        guard fields["sec-websocket-version"] == "13" else { throw .version }
        // Section 4.1: 16 bytes in base64.
        guard let key = fields["sec-websocket-key"], key.utf8.count == 24, JSON.decodeBase64(key)?.count == 16 else {
            throw .malformedKey
        }
        self.key = key
        let offered = Self.tokens(fields["sec-websocket-protocol"])
        secret = offered.first { $0.hasPrefix(Self.secretPrefix) }.map { String($0.dropFirst(Self.secretPrefix.count)) }
        form = offered.contains(WebSocketForm.rtp.subprotocol) ? .rtp : .openAI
        subprotocol = [form.subprotocol, Self.beta].first(where: offered.contains)
    }

    private static func tokens(_ field: String?) -> [String] {
        (field ?? "").split(separator: ",").map { token in
            String(token.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
        }
    }

    /// The server's answer, to the empty line.
    package var response: [UInt8] {
        var text = """
            HTTP/1.1 101 Switching Protocols\r
            Upgrade: websocket\r
            Connection: Upgrade\r
            Sec-WebSocket-Accept: \(Self.accept(key))\r\n
            """
        if let subprotocol { text += "Sec-WebSocket-Protocol: \(subprotocol)\r\n" }
        return Array((text + "\r\n").utf8)
    }

    /// Proves that the server has read the key (section 4.2.2).
    package static func accept(_ key: String) -> String {
        JSON.encodeBase64(Array(Insecure.SHA1.hash(data: Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))))
    }

    // MARK: The client's half

    static func request(_ configuration: WebSocketClientConfiguration, key: String) -> [UInt8] {
        var text = """
            GET \(path(configuration)) HTTP/1.1\r
            Host: \(configuration.authority)\r
            Upgrade: websocket\r
            Connection: Upgrade\r
            Sec-WebSocket-Key: \(key)\r
            Sec-WebSocket-Version: 13\r
            Sec-WebSocket-Protocol: \(configuration.form.subprotocol)\r\n
            """
        if let secret = configuration.secret { text += "Authorization: Bearer \(secret)\r\n" }
        return Array((text + "\r\n").utf8)
    }

    private static func path(_ configuration: WebSocketClientConfiguration) -> String {
        guard let resume = configuration.resume else { return configuration.path }
        return configuration.path + (configuration.path.contains("?") ? "&" : "?") + resume.query
    }

    /// Checks a server's answer (section 4.1).
    /// - Returns: why it is none; `nil` where all is well.
    static func objection(to head: WebSocketHead, key: String, form: WebSocketForm) -> String? {
        guard head.status == 101 else { return "the server answered with \(head.status)" }
        guard tokens(head.fields["upgrade"]).contains(where: { $0.lowercased() == "websocket" }) else { return "its 101 names no WebSocket" }
        guard head.fields["sec-websocket-accept"] == accept(key) else { return "its 101 does not prove that it read the request" }
        // A server may leave the sub-protocol out, where it is the one that it speaks anyway; ours is nobody's.
        guard head.fields["sec-websocket-protocol"].map({ $0 == form.subprotocol }) ?? (form == .openAI) else {
            return "it does not speak the sub-protocol \(form.subprotocol)"
        }
        return nil
    }
}

/// The head of an HTTP/1.1 message: its first line and its fields (RFC 9112 section 2).
package struct WebSocketHead: Hashable, Sendable {
    package var firstLine: String
    /// By name in lower case; of one name joined with commas.
    package var fields: [String: String] = [:]
    /// How many bytes it took, with the empty line.
    package var byteCount: Int

    /// The status of a response's first line; 0 where it has none.
    package var status: Int {
        let words = firstLine.split(separator: " ")
        return words.count >= 2 && words[0].hasPrefix("HTTP/1.") ? Int(words[1]) ?? 0 : 0
    }

    /// The query of a request's target, as pairs; nothing is unescaped, and of one name the last stands.
    package var query: [String: String] {
        let words = firstLine.split(separator: " ")
        guard words.count >= 2, let start = words[1].firstIndex(of: "?") else { return [:] }
        var pairs: [String: String] = [:]
        for pair in words[1][start...].dropFirst().split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            pairs[String(parts[0])] = parts.count > 1 ? String(parts[1]) : ""
        }
        return pairs
    }

    /// Reads a head that stands at the beginning of `bytes`; `nil` while its end has not come.
    package init?(_ bytes: [UInt8]) {
        guard let end = bytes.indices.first(where: { bytes[$0...].starts(with: [0x0D, 0x0A, 0x0D, 0x0A]) }) else { return nil }
        byteCount = end + 4
        let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n")
        firstLine = lines.first.map(String.init) ?? ""
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let name = line[..<colon].lowercased()
            let value = String(line[line.index(after: colon)...].drop { $0 == " " })
            fields[name] = fields[name].map { "\($0), \(value)" } ?? value
        }
    }
}
