package import Wire

/// A fragment of SDP that carries candidates and credentials alone (RFC 8840 section 9): what WHIP's PATCH brings and, for a
/// restart, takes back (RFC 9725 section 4.3).
package struct TrickleFragment: Hashable, Sendable {
    /// Absent where only candidates come.
    package var ufrag: String?
    package var password: String?
    /// The section whose candidates these are; of a bundle, the tagged one.
    package var mid: String?
    package var candidates: [ICECandidate]
    package var hasAllCandidates: Bool

    package init(
        ufrag: String? = nil, password: String? = nil, mid: String? = nil, candidates: [ICECandidate] = [],
        hasAllCandidates: Bool = false
    ) {
        self.ufrag = ufrag
        self.password = password
        self.mid = mid
        self.candidates = candidates
        self.hasAllCandidates = hasAllCandidates
    }

    /// Where checks can go, in the order of the lines.
    package var usableAddresses: [PeerAddress] { candidates.compactMap(\.usableAddress) }

    /// Reads `text`. Sections after the first add their candidates: in a bundle they share one transport.
    package init(parsing text: String) throws(SDPRefusal) {
        self.init()
        var hasContent = false
        for line in try SDPLine.read(text) {
            switch line.type {
            case "a":
                hasContent = try read(SDPAttribute(line)) || hasContent
            // A pseudo section: only its a=mid says something (section 9.2).
            case "m": _ = try SDPMedia(line)
            // Whole descriptions are taken for their candidates.
            case "v", "o", "s", "t", "c", "b", "i": break
            default: throw SDPRefusal(line: line.number, expected: "a=, or a pseudo m=")
            }
        }
        guard (ufrag == nil) == (password == nil) else {
            throw SDPRefusal(.noICE, expected: "both a=ice-ufrag and a=ice-pwd, or neither")
        }
        guard hasContent else { throw SDPRefusal(.noICE, expected: "credentials, candidates or a=end-of-candidates") }
    }

    /// The same for bytes, which must be UTF-8.
    package init(parsing bytes: [UInt8]) throws(SDPRefusal) {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw SDPRefusal(.invalid, expected: "UTF-8") }
        try self.init(parsing: text)
    }

    /// - Returns: Whether it was one of the lines that a fragment is for.
    private mutating func read(_ attribute: SDPAttribute) throws(SDPRefusal) -> Bool {
        let value = (attribute.value ?? "")[...]
        switch attribute.name {
        case "ice-ufrag":
            guard (4...256).contains(value.utf8.count), value.areICECharacters, ufrag == nil || ufrag == String(value) else {
                throw SDPRefusal(.noICE, line: attribute.line, expected: "one ufrag of 4 to 256 letters, digits, + or /")
            }
            ufrag = String(value)
        case "ice-pwd":
            guard (22...256).contains(value.utf8.count), value.areICECharacters, password == nil || password == String(value) else {
                throw SDPRefusal(.noICE, line: attribute.line, expected: "one password of 22 to 256 letters, digits, + or /")
            }
            password = String(value)
        case "candidate":
            let candidate = try ICECandidate(parsing: value, line: attribute.line)
            if candidates.count < SDPLimits.candidateCount { candidates.append(candidate) }
        case "end-of-candidates": hasAllCandidates = true
        case "mid":
            guard value.isToken, value.utf8.count <= 64 else {
                throw SDPRefusal(line: attribute.line, expected: "a mid of 1 to 64 characters")
            }
            mid = mid ?? String(value)
            return false
        default: return false
        }
        return true
    }

    /// The fragment's lines (section 9.2), with a pseudo section where there is a mid.
    package var text: String {
        var attributes: [SDPAttribute] = []
        if let ufrag { attributes.add("ice-ufrag", ufrag) }
        if let password { attributes.add("ice-pwd", password) }
        var section: [SDPAttribute] = []
        if let mid { section.add("mid", mid) }
        for candidate in candidates {
            if let value = candidate.value { section.add("candidate", value) }
        }
        if hasAllCandidates { section.add("end-of-candidates") }
        let head = attributes.map(\.text).joined()
        guard mid != nil else { return head + section.map(\.text).joined() }
        return head + "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n" + section.map(\.text).joined()
    }
}
