@testable import Lab
import Opus
import Testing
import Wire

/// WebSocket over the model of TCP.
@Suite struct WebSocketTrialTests {
    private static let clip: Clip = {
        var noise = Entropy(seed: 12)
        let frames = (0..<100).map { _ in [0x48] + noise.bytes(40 + Int(noise.next() % 50)) }
        return Clip(name: "noise", frames: frames, frameDuration: .milliseconds(20), playableSampleCount: 96_000, preSkip: 0)
    }()

    private static func rows(_ profile: String, trials: Int = 1) throws -> [TrialRow] {
        let plan = Plan(
            seed: 1, transports: ["websocket"], modes: Plan.modes, profiles: [profile], clips: ["noise"], trialsPerCell: trials)
        let sweep = try Sweep(plan: plan, clips: [clip], commit: "test")
        return try (0..<plan.trialCount).map { try sweep.row(at: $0) }
    }

    /// TCP, TLS 1.3 and the upgrade.
    @Test func `frames leave after three round trips, and each arrives after the path's delay`() throws {
        let rows = try Self.rows("clean")
        #expect(rows.count == 1)
        let row = try #require(rows.first)
        #expect(row.mode == "stream")
        #expect(row.end == TrialRow.completedEnd)
        #expect(row.verdict == "intact" && row.framesLive == 100 && row.framesDuplicate == 0)
        #expect(row.setupRoundTrips == 3)
        let setup = try #require(row.setupMilliseconds)
        #expect((300...305).contains(setup))
        let delay = try #require(row.frameDelayP99Milliseconds)
        #expect((50...51).contains(delay))
        // RTP 12, WebSocket 6 or 8, TLS 22, TCP and IPv4 52: 92 or 94 bytes a frame, beside opening and acknowledgements.
        #expect(row.wireBytesUp > row.payloadBytesUp + 100 * 92)
        #expect(row.wireBytesUp < row.payloadBytesUp + 100 * 94 + 5_000)
    }

    @Test(arguments: ["random-10", "burst-5", "burst-10", "bufferbloat", "outage-2s", "wifi", "satellite"])
    func `whatever the network loses, the prompt is whole`(profile: String) throws {
        for row in try Self.rows(profile, trials: 4) {
            #expect(row.end == TrialRow.completedEnd)
            #expect(row.verdict == "intact" && row.framesMissing == 0)
        }
    }

    /// Nothing else tells TCP that its client is another now: the server's RST, and the next connection goes on.
    @Test func `a NAT that forgets its client costs a connection, and the session goes on over another`() throws {
        for row in try Self.rows("nat-rebinding", trials: 4) {
            #expect(row.end == TrialRow.completedEnd)
            #expect(row.verdict == "intact" && row.framesMissing == 0)
            #expect(row.resumes == 1)
            // In one of them the talk was over by then.
            #expect(row.transports == "websocket>websocket" || row.transports.isEmpty)
        }
    }

    @Test func `a blackout that TCP would sit out for long costs a connection, and the session goes on over another`() throws {
        for row in try Self.rows("blackout", trials: 4) {
            #expect(row.end == TrialRow.completedEnd)
            #expect(row.verdict == "intact" && row.framesMissing == 0)
            #expect(row.resumes == 1)
        }
    }

    @Test func `a plan has no cells that a transport cannot be`() {
        let plan = Plan(
            seed: 1, transports: ["websocket", "roq"], modes: ["datagram", "stream"], profiles: ["clean"], clips: ["a", "b"],
            trialsPerCell: 2)
        #expect(plan.cellCount == 6)
        let cells = Set((0..<plan.trialCount).map { plan[$0].cell })
        #expect(cells.count == 6)
        #expect(!cells.contains { $0.transport == "websocket" && $0.mode == "datagram" })
        #expect(throws: PlanError.self) {
            try Plan(seed: 1, transports: "websocket", modes: "datagram", profiles: "clean", clips: [], trialsPerCell: 1)
        }
    }
}
