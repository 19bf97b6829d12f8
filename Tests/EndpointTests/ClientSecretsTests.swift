import Endpoint
import Session
import Testing
import Wire

@Suite struct ClientSecretsTests {
    private let start = Instant(nanoseconds: 1_000_000_000)

    @Test func `a secret is good until it expires, and no longer`() throws {
        var secrets = ClientSecrets()
        var entropy = Entropy(seed: 1)
        let proposal = SessionProposal(model: "echo")
        let (value, seconds) = try secrets.mint(for: proposal, lifetimeSeconds: 10, now: start, entropy: &entropy)
        #expect(seconds == 10)
        #expect(value.hasPrefix("ek_"))
        let last = secrets.standing(of: value, now: start + .nanoseconds(9_999_999_999))
        let after = secrets.standing(of: value, now: start + .seconds(10))
        #expect(last == .valid(proposal))
        #expect(after == .invalid)
        let count = secrets.count
        #expect(count == 0)
    }

    @Test func `tokens of another kind are left to others, and guesses are refused`() {
        var secrets = ClientSecrets()
        let foreign = ["", "sk-1", "Ek_1"].map { secrets.standing(of: $0, now: start) }
        let guess = secrets.standing(of: "ek_guess", now: start)
        #expect(foreign.allSatisfy { $0 == .foreign })
        #expect(guess == .invalid)
    }

    @Test(arguments: [(Int?.none, 600), (10, 10), (7_200, 7_200), (9, nil), (7_201, nil), (.min, nil), (.max, nil)] as [(Int?, Int?)])
    func `a lifetime lies between ten seconds and two hours`(asked: Int?, given: Int?) {
        var secrets = ClientSecrets()
        var entropy = Entropy(seed: 1)
        let seconds = try? secrets.mint(for: nil, lifetimeSeconds: asked, now: start, entropy: &entropy).lifetimeSeconds
        #expect(seconds == given)
    }

    @Test func `a full table says when there is room, and has it then`() throws {
        var limits = ClientSecrets.Limits()
        limits.count = 3
        var secrets = ClientSecrets(limits: limits)
        var entropy = Entropy(seed: 1)
        for seconds in [30, 10, 20] { _ = try secrets.mint(for: nil, lifetimeSeconds: seconds, now: start, entropy: &entropy) }
        var refusal: ClientSecrets.Refusal?
        do throws(ClientSecrets.Refusal) {
            _ = try secrets.mint(for: nil, lifetimeSeconds: nil, now: start + .seconds(4), entropy: &entropy)
        } catch {
            refusal = error
        }
        #expect(refusal == .full(retryAfter: .seconds(6)))
        _ = try secrets.mint(for: nil, lifetimeSeconds: nil, now: start + .seconds(10), entropy: &entropy)
        let count = secrets.count
        #expect(count == 3)
    }
}

@Suite struct MintingTests {
    @Test func `only the server's own secret makes client secrets, and they open calls and sessions`() throws {
        let house = try House { $0.secret = "server" }
        let refused = house.server.mintClientSecret(bearer: "other", proposal: nil, lifetimeSeconds: nil, unixSeconds: 100, now: house.now)
        guard case .failure(.unauthorized) = refused else { Issue.record("\(refused)"); return }
        let minted = try house.server.mintClientSecret(
            bearer: "server", proposal: SessionProposal(model: "echo"), lifetimeSeconds: 60, unixSeconds: 100, now: house.now).get()
        #expect(minted.expiresAtUnixSeconds == 160)
        #expect(minted.session.model == "echo")
        let again = house.server.mintClientSecret(bearer: minted.value, proposal: nil, lifetimeSeconds: nil, unixSeconds: 100, now: house.now)
        guard case .failure(.unauthorized) = again else { Issue.record("\(again)"); return }
        let client = try house.connect(House.transport("roq")) { $0.secret = minted.value }
        house.run(for: .seconds(2))
        #expect(house.close(client) == nil)
        #expect(house.server.counters.sessionsOpened == 1)
    }
}
