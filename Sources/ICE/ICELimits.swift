/// The times and counts of both agents.
package struct ICELimits: Hashable, Sendable {
    /// How long a session may wait for its first valid check, or its first answer.
    package var setupTime: Duration = .seconds(30)
    /// How long consent lasts after the last sign of it (RFC 7675 section 5.1).
    package var consentTime: Duration = .seconds(30)
    /// The time between consent checks, which is then varied by a fifth either way (RFC 7675 section 5.1).
    package var consentInterval: Duration = .seconds(5)
    /// How long nothing may come back after media was sent, before a controlling agent checks its path out of turn: a NAT
    /// may have forgotten it, and only a check shows the peer where it is now.
    package var silenceTime: Duration = .milliseconds(500)
    /// The time between checks while the silence lasts.
    package var silenceInterval: Duration = .milliseconds(200)
    /// The time between a controlling agent's checks while it has no path (RFC 8445 section 14.2 calls it Ta).
    package var checkInterval: Duration = .milliseconds(50)
    /// Remote candidates that a controlling agent checks; what goes over is not looked at.
    package var candidates = 16
    /// Checks whose answers a controlling agent still waits for; the oldest goes first. At 50 ms a check, 64 are 3 s.
    package var transactions = 64
    /// Checks that a lite agent remembers, so that nobody who overheard one draws the media to himself with it.
    package var rememberedChecks = 32
    /// Changes of role by conflict (RFC 8445 section 7.3.1.1); then the peer's next check is refused.
    package var roleChanges = 4

    package init() {}
}
