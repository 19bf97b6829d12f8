internal import Crypto

/// Shows that a resume token comes again from the one whom it was given to, and not from somebody who saw it on its way.
///
/// The proof is a MAC under the session's resume key, which the server gives with the token and nobody ever sends back.
package struct ResumeRetry: Hashable, Sendable, Codable {
    /// How often the token was shown before; greater each time, so that a proof is good once.
    package var attempt: UInt32
    /// The first 16 bytes of HMAC-SHA-256 (RFC 2104) under the key's ASCII of `TOKEN ATTEMPT`, in lower-case hexadecimal.
    package var proof: String

    package init(attempt: UInt32, proof: String) {
        self.attempt = attempt
        self.proof = proof
    }

    /// The owner's proof.
    package init(attempt: UInt32, of token: String, key: String) {
        self.init(attempt: attempt, proof: Self.proof(attempt, token, key))
    }

    /// Whether it is one. Takes the same time however much is right.
    package func proves(_ token: String, key: String) -> Bool {
        let (expected, given) = (Array(Self.proof(attempt, token, key).utf8), Array(proof.utf8))
        guard expected.count == given.count else { return false }
        var difference: UInt8 = 0
        for (left, right) in zip(expected, given) { difference |= left ^ right }
        return difference == 0
    }

    private static func proof(_ attempt: UInt32, _ token: String, _ key: String) -> String {
        let code = HMAC<SHA256>.authenticationCode(for: Array("\(token) \(attempt)".utf8), using: SymmetricKey(data: Array(key.utf8)))
        return hexadecimal(code.prefix(16))
    }
}
