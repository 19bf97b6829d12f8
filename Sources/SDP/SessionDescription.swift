/// One `a=` line: `a=name` or `a=name:value`.
package struct SDPAttribute: Hashable, Sendable {
    package var name: String
    package var value: String?
    /// Where it stood in what was read; 0 where it was not read.
    package var line: Int

    package init(_ name: String, _ value: String? = nil, line: Int = 0) {
        self.name = name
        self.value = value
        self.line = line
    }

    init(_ line: SDPLine) throws(SDPRefusal) {
        let (name, value) = line.value.cut(at: ":").map { ($0, Optional($1)) } ?? (line.value, nil)
        guard name.isToken else { throw SDPRefusal(line: line.number, expected: "the name of an attribute") }
        self.init(String(name), value.map(String.init), line: line.number)
    }

    var text: String { value.map { "a=\(name):\($0)\r\n" } ?? "a=\(name)\r\n" }
}

/// One `m=` line and what follows it (RFC 8866 section 5.14).
package struct SDPMedia: Hashable, Sendable {
    /// `audio`, `video`, `application` …
    package var kind: String
    /// 0 where the section is rejected or, with `a=bundle-only`, has no port of its own.
    package var port: UInt16
    /// `UDP/TLS/RTP/SAVPF`, `UDP/DTLS/SCTP` …
    package var proto: String
    package var formats: [String]
    /// The value of the `c=` line.
    package var connection: String?
    package var attributes: [SDPAttribute] = []
    package var line: Int

    package init(kind: String, port: UInt16, proto: String, formats: [String], connection: String? = nil, line: Int = 0) {
        self.kind = kind
        self.port = port
        self.proto = proto
        self.formats = formats
        self.connection = connection
        self.line = line
    }

    init(_ line: SDPLine) throws(SDPRefusal) {
        let words = line.value.words
        guard words.count >= 4 else { throw SDPRefusal(line: line.number, expected: "m=<media> <port> <proto> <fmt> …") }
        // A port may be followed by a count, which has no meaning with ICE.
        let number = words[1].cut(at: "/")?.0 ?? words[1]
        guard let port = number.decimal(UInt16.self) else { throw SDPRefusal(line: line.number, expected: "a port from 0 to 65535") }
        guard words[0].isToken, words[2].split(separator: "/").allSatisfy(\.isToken), words[3...].allSatisfy(\.isToken) else {
            throw SDPRefusal(line: line.number, expected: "tokens after m=")
        }
        self.init(
            kind: String(words[0]), port: port, proto: String(words[2]), formats: words[3...].map(String.init), line: line.number)
    }

    var text: String {
        let connection = connection.map { "c=\($0)\r\n" } ?? ""
        return "m=\(kind) \(port) \(proto) \(formats.joined(separator: " "))\r\n\(connection)" + attributes.map(\.text).joined()
    }
}

/// A session description as RFC 8866 has it: the lines that WebRTC uses, in their sections, not yet understood.
package struct SessionDescription: Hashable, Sendable {
    /// The value of `o=`: who made it, which session, which version.
    package var origin: String
    /// The value of `s=`.
    package var name: String
    /// The value of a `c=` line before the first section.
    package var connection: String?
    package var attributes: [SDPAttribute] = []
    package var media: [SDPMedia] = []

    /// A new description of the session with this number (RFC 9429 section 5.2.1: the address in `o=` tells nothing).
    package init(sessionID: UInt64, version: UInt64 = 1) {
        origin = "- \(sessionID) \(version) IN IP4 127.0.0.1"
        name = "-"
    }

    /// Reads `text`. Lines that WebRTC has no use for (`b=`, `k=`, `i=` …) are checked to be lines and left out.
    package init(parsing text: String) throws(SDPRefusal) {
        let lines = try SDPLine.read(text)
        guard let first = lines.first, first.type == "v", first.value == "0" else {
            throw SDPRefusal(line: lines.first?.number ?? 0, expected: "v=0 on the first line")
        }
        var origin: String?, name: String?
        var hasTime = false
        for line in lines.dropFirst() {
            switch (line.type, media.isEmpty) {
            case ("o", true) where origin == nil:
                guard line.value.words.count == 6 else {
                    throw SDPRefusal(line: line.number, expected: "o= with six fields")
                }
                origin = String(line.value)
            case ("s", true) where name == nil: name = String(line.value)
            case ("t", true): hasTime = true
            case ("c", true): connection = String(line.value)
            case ("c", false): media[media.count - 1].connection = String(line.value)
            case ("a", true): attributes.append(try SDPAttribute(line))
            case ("a", false): media[media.count - 1].attributes.append(try SDPAttribute(line))
            case ("m", _):
                guard origin != nil, name != nil, hasTime else {
                    throw SDPRefusal(line: line.number, expected: "o=, s= and t= before the first m=")
                }
                guard media.count < SDPLimits.mediaSectionCount else {
                    throw SDPRefusal(
                        .tooLarge, line: line.number, expected: "at most \(SDPLimits.mediaSectionCount) media sections")
                }
                media.append(try SDPMedia(line))
            case ("i", _), ("b", _), ("k", _), ("u", true), ("e", true), ("p", true), ("r", true), ("z", true): break
            default: throw SDPRefusal(line: line.number, expected: "another line at this place")
            }
        }
        guard let origin, let name, hasTime else {
            throw SDPRefusal(line: 0, expected: "the lines v=, o=, s= and t=")
        }
        self.origin = origin
        self.name = name
    }

    /// The description with line ends of CRLF.
    package var text: String {
        let connection = connection.map { "c=\($0)\r\n" } ?? ""
        return "v=0\r\no=\(origin)\r\ns=\(name)\r\n\(connection)t=0 0\r\n"
            + attributes.map(\.text).joined() + media.map(\.text).joined()
    }
}

extension [SDPAttribute] {
    /// The first attribute of this name.
    func first(_ name: String) -> SDPAttribute? { first { $0.name == name } }

    func contains(_ name: String) -> Bool { contains { $0.name == name } }

    /// The values of all attributes of this name.
    func all(_ name: String) -> [(value: Substring, line: Int)] {
        compactMap { $0.name == name ? ($0.value.map { $0[...] } ?? "", $0.line) : nil }
    }

    /// What follows `payloadType` and a space in attributes of this name: `a=fmtp:111 …`.
    func all(_ name: String, of payloadType: UInt8) -> [Substring] {
        all(name).compactMap { attribute in
            guard let (head, rest) = attribute.value.cut(at: " "), head.decimal(UInt8.self) == payloadType else { return nil }
            return rest
        }
    }

    mutating func add(_ name: String, _ value: String? = nil) { append(SDPAttribute(name, value)) }
}
