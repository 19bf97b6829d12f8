import Session
import Testing
import Wire

@Suite struct ResumeTokensTests {
    private static func tokens(seed: UInt64 = 1) -> ResumeTokens {
        var entropy = Entropy(seed: seed)
        return ResumeTokens(entropy: &entropy)
    }

    @Test(arguments: [
        ResumeTokens.Claim(session: 1, generation: 0), .init(session: .max, generation: .max), .init(session: 1 << 40, generation: 7),
    ])
    func `a token says what it was made for`(claim: ResumeTokens.Claim) {
        let tokens = Self.tokens()
        #expect(tokens.claim(in: tokens.token(for: claim)) == claim)
    }

    @Test func `another endpoint's token is foreign`() {
        let token = Self.tokens(seed: 2).token(for: .init(session: 1, generation: 0))
        #expect(Self.tokens().claim(in: token) == nil)
    }

    @Test func `every changed byte and every cut makes a token foreign`() {
        let tokens = Self.tokens()
        let token = Array(tokens.token(for: .init(session: 3, generation: 2)).utf8)
        for index in token.indices {
            for bit in 0..<8 {
                var changed = token
                changed[index] ^= 1 << bit
                #expect(tokens.claim(in: String(decoding: changed, as: UTF8.self)) == nil, "byte \(index), bit \(bit)")
            }
            #expect(tokens.claim(in: String(decoding: token[..<index], as: UTF8.self)) == nil)
        }
        #expect(tokens.claim(in: String(decoding: token + token, as: UTF8.self)) == nil)
        #expect(tokens.claim(in: "rt_" + String(repeating: "é", count: 28)) == nil)
    }
}
