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

    // MARK: Shown again

    @Test func `a key is of one session and one endpoint, and is none of its tokens`() {
        let tokens = Self.tokens()
        let keys = Set([tokens.key(ofSession: 1), tokens.key(ofSession: 2), Self.tokens(seed: 2).key(ofSession: 1)])
        #expect(keys.count == 3)
        #expect(tokens.key(ofSession: 1) == tokens.key(ofSession: 1))
        let token = tokens.token(for: .init(session: 1, generation: 0))
        #expect(keys.allSatisfy { $0.utf8.count == 32 && !token.contains($0) })
    }

    @Test func `a proof is good for its token, its attempt and its key, and nothing else`() {
        let retry = ResumeRetry(attempt: 3, of: "rt_a", key: "k")
        #expect(retry.proves("rt_a", key: "k"))
        #expect(!retry.proves("rt_b", key: "k"))
        #expect(!retry.proves("rt_a", key: "l"))
        #expect(!ResumeRetry(attempt: 4, proof: retry.proof).proves("rt_a", key: "k"))
        let proof = Array(retry.proof.utf8)
        #expect(proof.count == 32)
        for index in proof.indices {
            for bit in 0..<8 {
                var changed = proof
                changed[index] ^= 1 << bit
                #expect(!ResumeRetry(attempt: 3, proof: String(decoding: changed, as: UTF8.self)).proves("rt_a", key: "k"))
            }
            #expect(!ResumeRetry(attempt: 3, proof: String(decoding: proof[..<index], as: UTF8.self)).proves("rt_a", key: "k"))
        }
    }

    /// Made with Python: `hmac.new(b"0011", b"rt_ab 2", "sha256").hexdigest()[:32]`.
    @Test func `a proof is what the documentation says`() {
        #expect(ResumeRetry(attempt: 2, of: "rt_ab", key: "0011").proof == "2bc1608e3c6451936d6bd53d14007995")
    }

    @Test func `a request survives a query`() {
        let requests = [
            ResumeRequest(token: "rt_1"), ResumeRequest(token: "rt_1", lastEventID: "event_7", answerSequence: 9),
            ResumeRequest(token: "rt_1", retry: ResumeRetry(attempt: .max, of: "rt_1", key: "k")),
        ]
        for request in requests {
            let pairs = Dictionary(request.queryItems.map { ($0.name, $0.value) }) { $1 }
            #expect(ResumeRequest(pairs) == request)
        }
        #expect(ResumeRequest([:]) == nil)
        // Half a retry is none.
        #expect(ResumeRequest(["resume": "rt_1", "resume_attempt": "1"]) == ResumeRequest(token: "rt_1"))
        #expect(ResumeRequest(["resume": "rt_1", "resume_attempt": "-1", "resume_proof": "00"]) == ResumeRequest(token: "rt_1"))
    }
}
