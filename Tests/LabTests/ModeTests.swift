@testable import Lab
import Opus
import Session
import Testing
import Wire

/// What each mode does to a prompt, over both transports on QUIC, in virtual time.
@Suite struct ModeTests {
    private static let transports = ["webtransport", "roq"]
    private static let recovering: [ReliabilityMode] = [.fec, .red, .nack, .deadline]

    /// Four seconds of packets that have the form of Opus: CELT, which carries no copies, and SILK whose packets all do.
    private static let clip: Clip = {
        var noise = Entropy(seed: 5)
        let count = 200
        let bodies = (0..<count).map { _ in noise.bytes(40 + Int(noise.next() % 40)) }
        var clip = Clip(
            name: "noise", frames: bodies.map { [0xF8] + $0 }, frameDuration: .milliseconds(20), playableSampleCount: count * 960, preSkip: 0)
        clip.protectedFrames = bodies.map { [0x48, 0xC0] + $0.dropFirst() }
        return clip
    }()

    private static func rows(_ modes: [ReliabilityMode], profile: String, trials: Int) throws -> [TrialRow] {
        let plan = Plan(
            seed: 3, transports: transports, modes: modes.map(\.rawValue), profiles: [profile], clips: ["noise"], trialsPerCell: trials)
        let sweep = try Sweep(plan: plan, clips: [clip], commit: "test")
        return try (0..<sweep.plan.trialCount).map { try sweep.row(at: $0) }
    }

    @Test func `without loss every mode brings the prompt intact, and recovers nothing`() throws {
        for row in try Self.rows(ReliabilityMode.allCases, profile: "clean", trials: 1) {
            #expect(row.verdict == "intact", "\(row.transport) \(row.mode)")
            #expect(row.end == TrialRow.completedEnd)
            #expect(row.framesRecoveredFEC + row.framesRecoveredRED + row.framesRecoveredNACK + row.framesDuplicate == 0)
        }
    }

    @Test(arguments: ["burst-10", "random-10"])
    func `each mode recovers by its own means only, and none is worse than a datagram`(profile: String) throws {
        let rows = try Self.rows([.datagram] + Self.recovering, profile: profile, trials: 5)
        func total(_ transport: String, _ mode: ReliabilityMode, _ value: (TrialRow) -> Int) -> Int {
            rows.filter { $0.transport == transport && $0.mode == mode.rawValue }.reduce(0) { $0 + value($1) }
        }
        for transport in Self.transports {
            let lost = total(transport, .datagram, \.framesMissing)
            #expect(lost > 20)
            #expect(total(transport, .datagram) { $0.framesRecoveredFEC + $0.framesRecoveredRED + $0.framesRecoveredNACK } == 0)
            #expect(total(transport, .fec, \.framesRecoveredFEC) > 0)
            #expect(total(transport, .red, \.framesRecoveredRED) > 0)
            #expect(total(transport, .nack, \.framesRecoveredNACK) > 0)
            // What a copy covers is missing all the same: its bytes are others.
            #expect(total(transport, .fec) { $0.framesMissing - $0.framesRecoveredFEC } < lost)
            #expect(total(transport, .red, \.framesMissing) < lost)
            #expect(total(transport, .nack, \.framesMissing) * 4 < lost)
            #expect(total(transport, .deadline, \.framesMissing) * 4 < lost)
        }
    }

    @Test func `red leaves exactly what lies before the last two of a burst`() throws {
        let plan = Plan(
            seed: 3, transports: Self.transports, modes: ["red"], profiles: ["burst-10"], clips: ["noise"], trialsPerCell: 4)
        let sweep = try Sweep(plan: plan, clips: [Self.clip], commit: "test")
        for index in 0..<plan.trialCount {
            let record = try sweep.record(at: index)
            let account = try #require(record.account)
            let isLost = record.fates.map { if case .dropped = $0 { true } else { false } }
            guard !record.fates.contains(where: { $0 == nil }) else { continue }
            for (frame, arrival) in account.arrivals.enumerated() {
                let carriers = frame..<min(frame + 3, isLost.count)
                #expect((arrival == nil) == carriers.allSatisfy { isLost[$0] }, "frame \(frame)")
            }
        }
    }

    @Test(arguments: transports) func `no frame comes later than its deadline and the path allow`(transport: String) throws {
        // 50 ms each way, and all is lost for a second: far longer than the deadline.
        let down = LinkProfile(delay: .milliseconds(50), bitsPerSecond: 10_000_000, queueLimit: .milliseconds(300))
        var up = down
        up.outage = Outage(earliestStart: .seconds(1), latestStart: .seconds(1), length: .seconds(1))
        let profile = NetworkProfile(name: "outage", summary: "", source: "", up: up, down: down)
        var talker = ClientConfiguration()
        talker.deadline = .milliseconds(300)
        talker.mode = .deadline
        let record = try Self.run(profile, transport: transport, talker: talker)
        let account = try #require(record.account)
        let delays = zip(record.captures, account.arrivals).compactMap { captured, arrival in arrival.map { $0 - captured } }
        #expect(delays.allSatisfy { $0 <= .milliseconds(300 + 50 + 1) })
        // The rest of the second was given up, and what came after it was not.
        #expect((25...60).contains(account.receipt.expectedFrames - account.receipt.receivedFrames))
        #expect(account.arrivals.suffix(50).allSatisfy { $0 != nil })
    }

    @Test(arguments: transports) func `a change among all modes in mid-session loses nothing without loss`(transport: String) throws {
        for first in ReliabilityMode.allCases {
            for second in ReliabilityMode.allCases where second != first {
                var talker = ClientConfiguration()
                talker.mode = first
                let record = try Self.run(
                    NetworkProfile.named("clean"), transport: transport, talker: talker, change: (frame: 100, mode: second))
                #expect(record.account?.receipt.verdict == .intact, "\(first) to \(second)")
                #expect(record.account?.receipt.duplicateFrames == 0, "\(first) to \(second)")
            }
        }
    }

    @Test(arguments: transports) func `a change among all modes in mid-session, with loss, keeps what each promises`(transport: String) throws {
        for (first, second) in ModeChanges.pairs {
            let record = try Self.run(
                NetworkProfile.named("random-10"), transport: transport, talker: ModeChanges.talker(first),
                change: (frame: 100, mode: second))
            ModeChanges.check(record, from: first, to: second)
        }
    }

    @Test(arguments: ["burst-10", "random-10", "random-10@25ms", "burst-10@25ms"])
    func `repair brings every prompt and answer intact, and what is live by itself as soon as a datagram`(profile: String) throws {
        let rows = try Self.rows([.datagram, .repair], profile: profile, trials: 4)
        let plain = rows.filter { $0.mode == "datagram" }
        let repaired = rows.filter { $0.mode == "repair" }
        #expect(plain.count == 8 && repaired.count == 8)
        for (plain, repaired) in zip(plain, repaired) {
            #expect(plain.seed == repaired.seed && plain.transport == repaired.transport)
            #expect(repaired.verdict == "intact" && repaired.answerVerdict == "intact")
            #expect(repaired.framesDuplicate == 0)
            #expect(repaired.framesLive >= plain.framesLive)
            #expect(try #require(repaired.liveOwnDelayP99Milliseconds) <= #require(plain.liveOwnDelayP99Milliseconds) + 1)
            // What came by itself in one mode came so in the other.
            for (one, other) in zip(plain.frameFates, repaired.frameFates) where one == "L" { #expect(other == "L") }
        }
        #expect(repaired.reduce(0) { $0 + $1.framesRecoveredRepair } > 20)
    }

    private static func run(
        _ profile: NetworkProfile?, transport: String, talker: ClientConfiguration, change: (frame: Int, mode: ReliabilityMode)? = nil
    ) throws -> TrialRecord {
        let profile = try #require(profile)
        let cell = Cell(transport: transport, mode: talker.mode.rawValue, profile: profile.name, clip: "noise")
        let plan = TrialPlan(cell: cell, trial: 0, seed: TrialSeed(sweep: 1, profile: "", clip: "", trial: 0))
        var trial = Trial(
            plan, course: try #require(TrialCourse(transport)), profile: profile, talker: talker, clip: clip,
            credentials: try TrialCredentials(), modeChange: change)
        return try trial.run()
    }
}
