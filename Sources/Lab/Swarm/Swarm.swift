import Wire

/// Swarms, one after the other: each is a town of its own with a seed of its own, so that a failing one runs again alone.
package struct Swarm: Sendable {
    private let credentials: TrialCredentials
    private let clock: LabClock

    package init(clock: LabClock) throws(SweepError) {
        credentials = try TrialCredentials()
        self.clock = clock
    }

    /// Runs the swarm of this seed.
    package func run(seed: UInt64) -> SwarmReport {
        clock.begin(seed)
        // The town is gone before the clock is: what C libraries do at the end of a connection, they do in its time.
        defer { clock.end() }
        return Self.run(SwarmTown(seed: seed, credentials: credentials, clock: clock))
    }

    private static func run(_ town: consuming SwarmTown) -> SwarmReport { town.run() }

    /// The seed of swarm `index` of a series.
    package static func seed(_ series: UInt64, index: Int) -> UInt64 {
        var mixer = SplitMix64(state: series &+ UInt64(index) &* 0x9E37_79B9_7F4A_7C15)
        // As rows have them: 53 bits survive any reader of JSON.
        return mixer.next() >> 11
    }
}
