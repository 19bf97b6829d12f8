package import Wire

/// One `a=candidate` (RFC 8839 section 5.1).
package struct ICECandidate: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
        case host, srflx, prflx, relay
    }

    package var foundation: String
    package var component: UInt16
    /// `udp` or `tcp`, in small letters.
    package var transport: String
    package var priority: UInt32
    /// `nil` where a name stands (browsers hide addresses behind mDNS names): nothing is looked up.
    package var address: PeerAddress?
    package var kind: Kind

    /// Where a check can be sent to; `nil` for TCP, names, and RTCP's own component.
    package var usableAddress: PeerAddress? { transport == "udp" && component == 1 ? address : nil }

    /// A host candidate for the one component of a bundle.
    /// - Parameter preference: 0 for the first, 1 for the next …: what is smaller is tried earlier.
    package init(host address: PeerAddress, preference: Int = 0) {
        foundation = String(preference + 1)
        component = 1
        transport = "udp"
        // RFC 8445 section 5.1.2.1, with the type preference 126 of host candidates.
        priority = 126 << 24 | UInt32(clamping: max(0, 65_535 - preference)) << 8 | 255
        self.address = address
        kind = .host
    }

    /// Reads the value of the attribute: what follows `candidate:`.
    package init(parsing value: Substring, line: Int = 0) throws(SDPRefusal) {
        let words = value.words
        guard words.count >= 8 else { throw SDPRefusal(line: line, expected: "a candidate of at least eight fields") }
        guard words[0].areICECharacters, words[0].utf8.count <= 32 else {
            throw SDPRefusal(line: line, expected: "a candidate's foundation")
        }
        guard let component = words[1].decimal(UInt16.self), (1...256).contains(component) else {
            throw SDPRefusal(line: line, expected: "a candidate's component from 1 to 256")
        }
        guard words[2].isToken else { throw SDPRefusal(line: line, expected: "a candidate's transport") }
        guard let priority = words[3].decimal(UInt32.self) else {
            throw SDPRefusal(line: line, expected: "a candidate's priority")
        }
        guard let port = words[5].decimal(UInt16.self) else { throw SDPRefusal(line: line, expected: "a candidate's port") }
        guard words[6] == "typ", let kind = Kind(rawValue: String(words[7])) else {
            throw SDPRefusal(line: line, expected: "typ and host, srflx, prflx or relay")
        }
        foundation = String(words[0])
        self.component = component
        transport = words[2].lowercased()
        self.priority = priority
        address = port == 0 ? nil : PeerAddress(literal: words[4], port: port)
        self.kind = kind
    }

    /// The value of the attribute; `nil` when there is no address to write.
    package var value: String? {
        guard let address else { return nil }
        return "\(foundation) \(component) \(transport) \(priority) \(address.literal) \(address.port) typ \(kind.rawValue)"
    }
}

/// What authenticates one side's checks, as SDP carries it.
package struct ICEParameters: Hashable, Sendable {
    package var ufrag: String
    package var password: String
    /// `a=ice-lite`: this side only answers checks.
    package var isLite: Bool

    package init(ufrag: String, password: String, isLite: Bool = false) {
        self.ufrag = ufrag
        self.password = password
        self.isLite = isLite
    }

    /// RFC 8839 section 5.4: at least 4 and 22 characters, at most 256.
    init?(ufrag: Substring, password: Substring, isLite: Bool) {
        guard (4...256).contains(ufrag.utf8.count), ufrag.areICECharacters,
            (22...256).contains(password.utf8.count), password.areICECharacters
        else { return nil }
        self.init(ufrag: String(ufrag), password: String(password), isLite: isLite)
    }
}
