@testable import Lab
import SCTPLease
import Testing
import Wire

/// Random transports, modes, networks, faults and resets; then the networks heal, and everything must come to its end.
@Suite(.ownsSCTP) struct SwarmTests {
    @Test(arguments: 0..<4) func `a swarm breaks no promise`(index: Int) throws {
        let report = try Swarm(clock: .virtual).run(seed: Swarm.seed(1, index: index))
        #expect(report.violations == [], "replay with: parallax-lab swarm --replay \(report.seed)")
        #expect(report.counts.frames > 500 && report.counts.packetsDropped > 0)
    }

    @Test func `the same seed makes the same swarm`() throws {
        let swarm = try Swarm(clock: .virtual)
        #expect(swarm.run(seed: 5) == swarm.run(seed: 5))
    }
}
