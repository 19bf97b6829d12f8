/// The digest of a certificate (RFC 8122 section 5): what binds the DTLS handshake to the signalling.
package struct Fingerprint: Hashable, Sendable {
    /// In small letters: `sha-256`.
    package var algorithm: String
    package var digest: [UInt8]

    package init(algorithm: String = "sha-256", digest: [UInt8]) {
        self.algorithm = algorithm
        self.digest = digest
    }

    /// How many bytes the digest of each algorithm has. MD5 and SHA-1 bind nothing any more and are not known here.
    private static let byteCounts = ["sha-224": 28, "sha-256": 32, "sha-384": 48, "sha-512": 64]

    /// Whether it is worth comparing with a certificate.
    package var isUsable: Bool { Self.byteCounts[algorithm] == digest.count }

    init(parsing value: Substring, line: Int) throws(SDPRefusal) {
        let words = value.words
        guard words.count == 2, words[0].isToken else {
            throw SDPRefusal(line: line, expected: "a fingerprint's algorithm and digest")
        }
        algorithm = words[0].lowercased()
        digest = []
        for pair in words[1].split(separator: ":", omittingEmptySubsequences: false) {
            guard pair.utf8.count == 2, pair.utf8.allSatisfy({ $0 != 0x2B && $0 != 0x2D }), let byte = UInt8(pair, radix: 16) else {
                throw SDPRefusal(line: line, expected: "pairs of hexadecimal digits between colons")
            }
            digest.append(byte)
        }
        if let byteCount = Self.byteCounts[algorithm], byteCount != digest.count {
            throw SDPRefusal(line: line, expected: "as many bytes in a fingerprint as its algorithm gives")
        }
    }

    package var value: String {
        let pairs = digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }
        return "\(algorithm) \(pairs.joined(separator: ":"))"
    }
}

/// Who sends the first message of the DTLS handshake (RFC 4145 section 4, RFC 8842 section 5).
package enum SetupRole: String, Hashable, Sendable {
    /// This side: the DTLS client.
    case active
    /// The other side.
    case passive
    /// An offer that leaves it to the answer.
    case actpass
}
