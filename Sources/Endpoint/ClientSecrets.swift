package import Session
package import Wire

/// The secrets (`ek_…`) that a server gave to its clients' pages, each good for calls until it expires.
///
/// A value for the event loop's thread. Time and entropy come in; the wall clock only labels.
package struct ClientSecrets: Sendable {
    package struct Limits: Hashable, Sendable {
        /// Secrets at once that have not expired.
        package var count = 10_000
        /// What a client may ask for, in seconds, as OpenAI has it.
        package var lifetimeSeconds = 10...7_200
        package var defaultLifetimeSeconds = 600

        package init() {}
    }

    /// Why no secret was made.
    package enum Refusal: Error, Hashable, Sendable {
        case lifetimeOutOfRange(ClosedRange<Int>)
        /// So many live already; the first of them expires after this.
        case full(retryAfter: Duration)
    }

    private struct Entry: Sendable {
        let expiry: Instant
        let proposal: SessionProposal?
    }

    private let limits: Limits
    private var entries: [String: Entry] = [:]
    /// No entry expires before this, so that a full table is not searched for each request.
    private var earliestExpiry = Instant.distantFuture

    package init(limits: Limits = Limits()) { self.limits = limits }

    /// Secrets kept, expired ones that were not looked at since among them.
    package var count: Int { entries.count }

    /// Makes a secret.
    /// - Parameter proposal: what sessions that it opens begin with.
    /// - Returns: the secret and how many seconds it lives.
    package mutating func mint(
        for proposal: SessionProposal?, lifetimeSeconds: Int?, now: Instant, entropy: inout Entropy
    ) throws(Refusal) -> (value: String, lifetimeSeconds: Int) {
        let seconds = lifetimeSeconds ?? limits.defaultLifetimeSeconds
        guard limits.lifetimeSeconds.contains(seconds) else { throw .lifetimeOutOfRange(limits.lifetimeSeconds) }
        if entries.count >= limits.count { removeExpired(now: now) }
        guard entries.count < limits.count else { throw .full(retryAfter: earliestExpiry - now) }
        let value = Self.prefix + entropy.bytes(24).map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
        let expiry = now + .seconds(seconds)
        entries[value] = Entry(expiry: expiry, proposal: proposal)
        earliestExpiry = min(earliestExpiry, expiry)
        return (value, seconds)
    }

    /// What a bearer's token is worth.
    package enum Standing: Hashable, Sendable {
        /// One of ours, and still good.
        case valid(SessionProposal?)
        /// It looks like one of ours, but it has expired or never was.
        case invalid
        /// Another kind of token.
        case foreign
    }

    package mutating func standing(of token: String, now: Instant) -> Standing {
        guard token.hasPrefix(Self.prefix) else { return .foreign }
        guard let entry = entries[token] else { return .invalid }
        guard entry.expiry > now else {
            entries[token] = nil
            return .invalid
        }
        return .valid(entry.proposal)
    }

    private mutating func removeExpired(now: Instant) {
        guard earliestExpiry <= now else { return }
        entries = entries.filter { $0.value.expiry > now }
        earliestExpiry = entries.values.map(\.expiry).min() ?? .distantFuture
    }

    private static let prefix = "ek_"
}
