internal import Crypto
package import Wire

/// Makes the tokens that resume sessions, and tells its own from others.
///
/// A token names its session and says the how manieth of that session it is, under a MAC (HMAC-SHA-256) that only this
/// endpoint can make. So nothing has to be remembered of a token: a session knows the number of the one that is good,
/// a lower number has been used, and a session that is gone has taken its tokens along.
package struct ResumeTokens: Sendable {
    /// What a token of ours says.
    package struct Claim: Hashable, Sendable {
        /// The session's number at this endpoint.
        package var session: UInt64
        /// The how manieth token of its session it is, from 0.
        package var generation: UInt32

        package init(session: UInt64, generation: UInt32) {
            self.session = session
            self.generation = generation
        }
    }

    private let secret: [UInt8]
    private static let prefix = "rt_"
    private static let claimByteCount = 12
    /// Half of HMAC-SHA-256, as RFC 2104 section 5 allows.
    private static let codeByteCount = 16

    /// - Parameter entropy: of the key; a token of another endpoint, or from before a restart, is foreign.
    package init(entropy: inout Entropy) { secret = entropy.bytes(32) }

    package func token(for claim: Claim) -> String {
        let bytes = Self.bytes(claim)
        return Self.prefix + hexadecimal(bytes + code(of: bytes))
    }

    /// - Returns: `nil` for what no token of this endpoint is.
    package func claim(in token: String) -> Claim? {
        guard token.hasPrefix(Self.prefix), let bytes = Self.bytes(hexadecimal: token.utf8.dropFirst(Self.prefix.utf8.count)),
            bytes.count == Self.claimByteCount + Self.codeByteCount
        else { return nil }
        let named = Array(bytes.prefix(Self.claimByteCount))
        // Takes the same time however much is right.
        var difference: UInt8 = 0
        for (expected, given) in zip(code(of: named), bytes.dropFirst(Self.claimByteCount)) { difference |= expected ^ given }
        guard difference == 0 else { return nil }
        let session = named.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let generation = named.dropFirst(8).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return Claim(session: session, generation: generation)
    }

    /// What a session's owner proves with that it shows a token again: of the session alone, and known to nobody else.
    package func key(ofSession number: UInt64) -> String {
        hexadecimal(code(of: Array("key".utf8) + Self.bytes(Claim(session: number, generation: 0))))
    }

    private func code(of claim: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: claim, using: SymmetricKey(data: secret)).prefix(Self.codeByteCount))
    }

    private static func bytes(_ claim: Claim) -> [UInt8] {
        var bytes: [UInt8] = []
        for shift in stride(from: UInt64(56), through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: claim.session >> shift)) }
        for shift in stride(from: UInt32(24), through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: claim.generation >> shift)) }
        return bytes
    }

    /// Lower case alone, as they are written: a token has one form.
    private static func bytes(hexadecimal text: Substring.UTF8View) -> [UInt8]? {
        guard text.count == (claimByteCount + codeByteCount) * 2 else { return nil }
        var bytes: [UInt8] = []
        var high: UInt8?
        for digit in text {
            guard let value = hexadecimalDigits.firstIndex(of: digit).map({ UInt8($0) }) else { return nil }
            if let first = high {
                bytes.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return bytes
    }
}

private let hexadecimalDigits = Array("0123456789abcdef".utf8)

/// In lower case.
func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    String(decoding: bytes.flatMap { [hexadecimalDigits[Int($0 >> 4)], hexadecimalDigits[Int($0 & 15)]] }, as: UTF8.self)
}
