import Wire

/// What a swarm is allowed, and how long it takes.
package enum SwarmLimits {
    static let clients = 6
    /// How long networks change for the worse and connections vanish.
    static let faultTime = Duration.seconds(15)
    /// How long after that everything must be over: QUIC's idle timeout and the life of a detached session lie in it.
    static let healTime = Duration.seconds(120)
    /// How many violations a client tells.
    static let violations = 16
    static let stepsAtOneInstant = 10_000
    static let packetsInFlight = 20_000
    static let transmitByteCount = 65_536
    /// How many committed prompts a client lets wait for their receipts.
    static let openPrompts = 3
}
