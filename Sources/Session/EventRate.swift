internal import Wire

/// A token bucket over the events of one client.
struct EventRate: Sendable {
    enum Verdict { case taken, refused, dropped, flood }

    private let perSecond: Int
    private let burst: Int
    private let dropLimit: Int
    private var tokens: Double
    private var refilled: Instant
    /// Since the bucket was full last: a client that goes on at more than its rate never fills it.
    private var dropped = 0

    init(limits: SessionLimits, now: Instant) {
        perSecond = limits.eventsPerSecond
        burst = limits.eventBurst
        dropLimit = limits.eventsDropped
        tokens = Double(burst)
        refilled = now
    }

    /// `refused` once when the rate is passed, so that the client is told; then `dropped` in silence, and `flood` when
    /// it goes on and on.
    mutating func take(now: Instant) -> Verdict {
        if now > refilled {
            tokens = min(Double(burst), tokens + now.since(refilled).milliseconds / 1_000 * Double(perSecond))
            refilled = now
            if tokens == Double(burst) { dropped = 0 }
        }
        if tokens >= 1 {
            tokens -= 1
            return .taken
        }
        dropped += 1
        if dropped > dropLimit { return .flood }
        return dropped == 1 ? .refused : .dropped
    }
}
