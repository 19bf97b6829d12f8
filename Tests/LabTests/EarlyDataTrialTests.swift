import Opus
import Testing
import Wire

@testable import Lab

/// Trials of a client that was here before.
@Suite struct EarlyDataTrialTests {
    private static func row(_ profile: String, _ transport: String, mode: String = "datagram") throws -> TrialRow {
        var noise = Entropy(seed: 11)
        let clip = Clip(
            name: "noise", frames: (0..<40).map { _ in [0x48] + noise.bytes(60) }, frameDuration: .milliseconds(20),
            playableSampleCount: 40 * 960, preSkip: 0)
        let plan = Plan(seed: 1, transports: [transport], modes: [mode], profiles: [profile], clips: [clip.name], trialsPerCell: 1)
        return try Sweep(plan: plan, clips: [clip], commit: "test").row(at: 0)
    }

    @Test(arguments: ["webtransport", "roq"]) func `it speaks with its first packet, and is heard after one way`(transport: String) throws {
        let row = try Self.row("clean+seen", transport)
        #expect(row.earlyData == "accepted")
        #expect(row.setupMilliseconds == 0 && row.setupRoundTrips == 0)
        #expect(row.intact && row.framesLive == row.framesSent)
        // The pacer, which knows no round trip yet, lets the first packets out some milliseconds apart.
        let slowest = try #require(row.frameDelayP99Milliseconds)
        #expect(slowest < 70)
        let first = try Self.row("clean", transport)
        #expect(first.earlyData == "none" && first.setupRoundTrips == 1)
    }

    @Test func `its network is that of the profile it is a form of`() throws {
        let plan = { Plan(seed: 4, transports: ["roq"], modes: ["datagram"], profiles: [$0], clips: ["a"], trialsPerCell: 1)[0].seed }
        #expect(plan("setup") == plan("setup+seen"))
        #expect(NetworkProfile.named("setup+seen@25ms")?.name == "setup+seen@25ms")
        #expect(NetworkProfile.named("setup+seen@25ms")?.seenBefore == true)
        #expect(NetworkProfile.named("setup")?.seenBefore == false)
    }

    @Test func `the same seed gives the same packets`() throws {
        let rows = try (0..<2).map { _ in try Self.row("setup+seen", "webtransport", mode: "repair") }
        #expect(rows[0].log == rows[1].log)
        #expect(rows[0] == rows[1])
    }

    @Test func `over WebSocket there is no early data`() throws {
        #expect(try Self.row("clean+seen", "websocket", mode: "stream").earlyData == "none")
    }
}
