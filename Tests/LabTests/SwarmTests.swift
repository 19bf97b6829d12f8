@testable import Lab
import Endpoint
import SCTPLease
import Session
import Testing
import WebSocket
import Wire

/// Random transports, modes, networks, faults, resets and moves; then the networks heal, and everything must come to its end.
@Suite(.ownsSCTP) struct SwarmTests {
    @Test func `no swarm of a small series breaks a promise, and the series meets every fault`() throws {
        let swarm = try Swarm(clock: .virtual)
        var counts = SwarmCounts()
        for index in 0..<6 {
            let report = swarm.run(seed: Swarm.seed(5, index: index))
            #expect(report.violations == [], "replay with: parallax-lab swarm --replay \(report.seed)")
            counts += report.counts
        }
        #expect(counts.sessions > 30 && counts.frames > 6_000 && counts.intact > 50)
        #expect(counts.resumes > 20 && counts.switches > 10)
        #expect(counts.resets > 10 && counts.rebindings > 5 && counts.modeChanges > 20)
        #expect(counts.packetsDropped > 0 && counts.packetsDoubled > 0 && counts.packetsCorrupted > 0 && counts.packetsStray > 0)
    }

    @Test func `every transport and both forms of WebSocket are drawn`() {
        var kinds: Set<String> = []
        for index in 0..<40 {
            var source = Xoshiro256(seed: Swarm.seed(1, index: index))
            let habits = SwarmClient.Habits(&source)
            kinds.insert(habits.transport == .webSocket ? "websocket \(habits.form.rawValue)" : habits.transport.rawValue)
        }
        #expect(kinds == ["webrtc", "webtransport", "roq", "websocket openai", "websocket rtp"])
    }

    @Test func `the same seed makes the same swarm`() throws {
        let swarm = try Swarm(clock: .virtual)
        #expect(swarm.run(seed: 5) == swarm.run(seed: 5))
    }

    // MARK: What would break a promise

    @Test func `a frame that is counted twice, or a prompt that says otherwise, is a violation`() {
        var account = FrameAccount()
        (account.received, account.fresh, account.decided) = (12, 12, 12)
        var audit = SwarmAudit()
        audit.hear(.framesAccounted(sessionID: "sess_a", account))
        #expect(audit.violations.count == 1, "no receipt says so")
        account.duplicate = 1
        var other = SwarmAudit()
        other.hear(.framesAccounted(sessionID: "sess_a", account))
        #expect(other.violations.first?.contains("do not add up") == true)
    }

    @Test func `an answer that comes twice is a violation`() {
        var book = SwarmBook()
        book.hear(.sessionCreated(id: "sess_a"))
        #expect(book.violations == [])
        book.hear(.sessionCreated(id: "sess_a"))
        #expect(book.violations.count == 1)
    }
}
