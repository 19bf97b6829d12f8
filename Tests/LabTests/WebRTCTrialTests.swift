@testable import Lab
import Opus
import SCTPLease
import Session
import Testing
import Wire

/// What only WebRTC has: signalling before the first packet, and a handshake of its own making.
@Suite(.ownsSCTP) struct WebRTCTrialTests {
    private static let clip: Clip = {
        var noise = Entropy(seed: 12)
        let frames = (0..<100).map { _ in [0x48] + noise.bytes(40 + Int(noise.next() % 50)) }
        return Clip(name: "noise", frames: frames, frameDuration: .milliseconds(20), playableSampleCount: 96_000, preSkip: 0)
    }()

    private static func rows(_ mode: ReliabilityMode, _ profile: String, trials: Int = 1) throws -> [TrialRow] {
        let plan = Plan(
            seed: 1, transports: ["webrtc"], modes: [mode.rawValue], profiles: [profile], clips: ["noise"], trialsPerCell: trials)
        let sweep = try Sweep(plan: plan, clips: [clip], commit: "test", clock: .virtual)
        return try (0..<plan.trialCount).map { try sweep.row(at: $0) }
    }

    @Test(arguments: ReliabilityMode.allCases) func `every mode brings the prompt whole over a clean network`(mode: ReliabilityMode) throws {
        for row in try Self.rows(mode, "clean") {
            #expect(row.end == TrialRow.completedEnd)
            #expect(row.verdict == "intact" && row.framesLive == 100 && row.framesDuplicate == 0)
        }
    }

    /// TCP, TLS 1.3 and the POST are three. Then one: the first check, the answer to it and the ClientHello travel at the
    /// same time, since the client starts DTLS without waiting for the check; with the server's flight the client has keys,
    /// and frames leave behind its Finished.
    @Test func `frames leave one round trip after the answer`() throws {
        for row in try Self.rows(.datagram, "clean") {
            #expect(row.setupSignallingRoundTrips == 3)
            #expect(row.setupRoundTrips == 4)
            let setup = try #require(row.setupMilliseconds)
            #expect((400...410).contains(setup))
        }
    }

    @Test func `in long bursts nack brings frames that datagram misses`() throws {
        let plain = try Self.rows(.datagram, "burst-10", trials: 6)
        let resent = try Self.rows(.nack, "burst-10", trials: 6)
        for (plain, resent) in zip(plain, resent) {
            #expect(plain.framesMissing == plain.framesDropped && resent.framesDropped == plain.framesDropped)
            #expect(resent.framesMissing <= plain.framesMissing)
            #expect(resent.framesRecoveredNACK >= resent.framesDropped - resent.framesMissing)
        }
        let (lost, missing) = (plain.map(\.framesMissing).reduce(0, +), resent.map(\.framesMissing).reduce(0, +))
        #expect(lost > 0 && missing * 2 < lost, "\(missing) of \(lost)")
    }

    @Test(arguments: ["burst-10", "random-10", "random-10@25ms", "burst-10@25ms"])
    func `repair brings every prompt and answer intact`(profile: String) throws {
        let rows = try Self.rows(.repair, profile, trials: 6)
        for row in rows {
            #expect(row.verdict == "intact" && row.answerVerdict == "intact" && row.framesDuplicate == 0)
        }
        #expect(rows.reduce(0) { $0 + $1.framesRecoveredNACK + $1.framesRecoveredRepair } > 10)
    }

    @Test(arguments: ["clean", "random-10"]) func `a change among all modes in mid-session keeps what each promises`(profile: String) throws {
        for (first, second) in ModeChanges.pairs {
            let cell = Cell(transport: "webrtc", mode: first.rawValue, profile: profile, clip: "noise")
            let plan = TrialPlan(cell: cell, trial: 0, seed: TrialSeed(sweep: 1, profile: "", clip: "", trial: 0))
            LabClock.virtual.begin(1)
            defer { LabClock.virtual.end() }
            var trial = Trial(
                plan, course: TrialCourse(first: .webRTC), profile: try #require(NetworkProfile.named(profile)), talker: ModeChanges.talker(first),
                clip: Self.clip, credentials: try TrialCredentials(), modeChange: (frame: 40, mode: second), clock: .virtual)
            let record = try trial.run()
            ModeChanges.check(record, from: first, to: second)
            if profile == "clean" { #expect(record.account?.receipt.verdict == .intact, "\(first) to \(second)") }
        }
    }

    private static func losing(at start: Duration, up: Bool) -> NetworkProfile {
        let link = LinkProfile(delay: .milliseconds(50), bitsPerSecond: 10_000_000, queueLimit: .milliseconds(300))
        var broken = link
        broken.outage = Outage(earliestStart: start, latestStart: start, length: .milliseconds(10))
        return NetworkProfile(name: "losing", summary: "", source: "", up: up ? broken : link, down: up ? link : broken)
    }

    /// What TCP takes to notice: a second for a SYN; for the rest a probe, or the timeout, and a round trip where the probe finds more missing.
    @Test(arguments: [("SYN", 0, true, 1000.0...1040), ("POST", 200, true, 300...450), ("answer", 250, false, 300...450)])
    func `a lost part of the signalling delays the call by what TCP takes to notice and harms nothing else`(
        name: String, sent: Int, up: Bool, cost: ClosedRange<Double>
    ) throws {
        let profile = Self.losing(at: .milliseconds(sent), up: up)
        let cell = Cell(transport: "webrtc", mode: "datagram", profile: profile.name, clip: "noise")
        let plan = TrialPlan(cell: cell, trial: 0, seed: TrialSeed(sweep: 1, profile: "", clip: "", trial: 0))
        LabClock.virtual.begin(1)
        defer { LabClock.virtual.end() }
        let record = try Self.run(
            Trial(
                plan, course: TrialCourse(first: .webRTC), profile: profile, talker: ClientConfiguration(), clip: Self.clip,
                credentials: TrialCredentials(), clock: .virtual))
        #expect(record.up.dropCount + record.down.dropCount >= 1, "\(name)")
        #expect(record.account?.receipt.verdict == .intact)
        let opened = try #require(record.opened)
        #expect(cost.contains((opened - .zero).milliseconds - 404), "\(name)")
    }

    private static func run(_ trial: consuming Trial) throws -> TrialRecord { try trial.run() }
}
