@testable import Lab
import Opus
import SCTPLease
import Session
import Testing
import Wire

@Suite(.ownsSCTP) struct TrialTests {
    /// Two seconds of packets that have the form of Opus, 20 ms each (RFC 6716 section 3.1: SILK, wideband, one frame).
    private static let clip = noise(frames: 100)

    private static func noise(frames count: Int) -> Clip {
        var noise = Entropy(seed: 11)
        let frames = (0..<count).map { _ in [0x48] + noise.bytes(40 + Int(noise.next() % 50)) }
        return Clip(
            name: "noise", frames: frames, frameDuration: .milliseconds(20), playableSampleCount: count * 960, preSkip: 0)
    }

    /// Those that need no virtual clock and no signalling.
    private static let quicTransports = ["webtransport", "roq"]
    private static let profiles = NetworkProfile.all.map(\.name)

    /// The usual networks are met more often than the many.
    private static func trials(of profile: String) -> Int { NetworkProfile.standard.contains { $0.name == profile } ? 6 : 1 }

    private static func sweep(
        transports: [String] = Plan.transports, modes: [String] = Plan.modes, profiles: [String], trials: Int, seed: UInt64 = 1
    ) throws -> Sweep {
        let plan = Plan(
            seed: seed, transports: transports, modes: modes, profiles: profiles, clips: ["noise"], trialsPerCell: trials)
        return try Sweep(plan: plan, clips: [clip], commit: "test", clock: .virtual)
    }

    private static func rows(_ sweep: Sweep, _ share: Share = .whole) throws -> [TrialRow] {
        try share.indices(count: sweep.plan.trialCount).map { try sweep.row(at: $0) }
    }

    @Test(arguments: ["burst-10", "bufferbloat", "wifi"])
    func `the same seed gives the same rows, and another seed others`(profile: String) throws {
        let first = try Self.rows(Self.sweep(profiles: [profile], trials: 2)).map(\.json)
        #expect(try Self.rows(Self.sweep(profiles: [profile], trials: 2)).map(\.json) == first)
        let other = try Self.rows(Self.sweep(profiles: [profile], trials: 2, seed: 2)).map(\.json)
        #expect(zip(first, other).allSatisfy { $0 != $1 })
    }

    @Test(arguments: [2, 3]) func `shares merge into the rows of the whole`(jobs: Int) throws {
        let sweep = try Self.sweep(profiles: ["random-10"], trials: 2)
        var merge = ShareMerge<TrialRow>(workers: jobs)
        for job in 0..<jobs {
            let own = try Self.sweep(profiles: ["random-10"], trials: 2)
            for row in try Self.rows(own, Share.whole.share(job, of: jobs)) { merge.append(row, from: job) }
        }
        var merged: [TrialRow] = []
        while let row = merge.popFirst() { merged.append(row) }
        #expect(merged == (try Self.rows(sweep)))
    }

    @Test(arguments: Plan.transports) func `speech that does not wait for the connection is kept from its first frame`(transport: String) throws {
        let profile = NetworkProfile(
            "clean, at once", "", source: "", both: try #require(NetworkProfile.named("clean")).up, speaksWhileOpening: true)
        var talker = ClientConfiguration()
        talker.mode = transport == "websocket" ? .stream : .datagram
        let sweep = try Self.sweep(transports: [transport], modes: [talker.mode.rawValue], profiles: ["clean"], trials: 1)
        LabClock.virtual.begin(1)
        defer { LabClock.virtual.end() }
        let record = try Self.run(
            Trial(
                sweep.plan[0], course: try #require(TrialCourse(transport)), profile: profile,
                talker: talker, clip: Self.clip, credentials: TrialCredentials(), clock: .virtual))
        #expect(record.captures.first == .zero && record.refusedCount == 0)
        #expect(record.account?.receipt.verdict == .intact)
        // What was captured before the connection opened left then, all of it.
        let opened = try #require(record.opened)
        #expect(zip(record.captures, record.fates).allSatisfy { captured, fate in (captured >= opened) == (fate != nil) })
    }

    @Test(arguments: profiles) func `reliable modes bring every prompt whole`(profile: String) throws {
        let sweep = try Self.sweep(modes: ["stream-per-frame", "stream"], profiles: [profile], trials: Self.trials(of: profile))
        for row in try Self.rows(sweep) {
            #expect(row.end == TrialRow.completedEnd, "\(row.transport) \(row.mode) seed \(row.seed)")
            #expect(row.verdict == "intact", "\(row.transport) \(row.mode) seed \(row.seed)")
            #expect(row.framesPrompt == 100)
        }
    }

    @Test(arguments: ["random-10", "burst-10", "bufferbloat", "outage-2s"])
    func `each frame has one fate, and they add up to the row's counts`(profile: String) throws {
        var seen: Set<Character> = []
        for row in try Self.rows(Self.sweep(modes: ["datagram", "fec", "red", "nack", "stream"], profiles: [profile], trials: 3)) {
            let fates = Dictionary(grouping: row.frameFates, by: { $0 }).mapValues(\.count)
            func count(_ letters: Character...) -> Int { letters.reduce(0) { $0 + fates[$1, default: 0] } }
            seen.formUnion(fates.keys)
            #expect(row.world == "virtual")
            #expect(row.frameFates.count == row.framesSent)
            #expect(count("L", "R") == row.framesLive)
            #expect(count("L", "t", "R", "r") == row.framesPrompt)
            #expect(count("R", "r") == row.framesRecoveredRED + row.framesRecoveredNACK)
            #expect(count("f") == row.framesRecoveredFEC)
            #expect(count("f", "-") == row.framesMissing)
            #expect(count("L", "t", "R", "r", "f", "-") == row.framesSent)
        }
        #expect(seen.isSuperset(of: ["L", "t", "-"]))
        if profile == "random-10" { #expect(seen.isSuperset(of: ["R", "r"])) }
    }

    /// The link's word against the server's, frame by frame.
    @Test(arguments: profiles) func `datagrams miss exactly what the link dropped`(profile: String) throws {
        let sweep = try Self.sweep(modes: ["datagram"], profiles: [profile], trials: Self.trials(of: profile))
        // Behind a new address the server takes no SRTP before a check has proved it.
        let isForgotten = NetworkProfile.named(profile)?.rebinding != nil
        for index in 0..<sweep.plan.trialCount {
            let record = try sweep.record(at: index)
            let account = try #require(record.account)
            #expect(account.arrivals.count == 100)
            for (fate, arrival) in zip(record.fates, account.arrivals) {
                switch fate {
                case .delivered: #expect(arrival != nil || isForgotten, "seed \(sweep.plan[index].seed.value)")
                case .dropped: #expect(arrival == nil, "seed \(sweep.plan[index].seed.value)")
                case nil: break
                }
            }
        }
    }

    @Test(arguments: quicTransports) func `a connection moves with its client's address and loses no frame`(transport: String) throws {
        let sweep = try Self.sweep(transports: [transport], modes: ["datagram", "stream"], profiles: ["nat-rebinding"], trials: 4)
        for row in try Self.rows(sweep) {
            #expect(row.end == TrialRow.completedEnd && row.verdict == "intact" && row.framesLive == 100)
        }
    }

    @Test func `a call follows its client's address, and repair brings what was lost meanwhile`() throws {
        let sweep = try Self.sweep(transports: ["webrtc"], modes: ["datagram", "repair"], profiles: ["nat-rebinding"], trials: 4)
        let rows = try Self.rows(sweep)
        #expect(rows.allSatisfy { $0.end == TrialRow.completedEnd && $0.framesMissing < 50 })
        #expect(rows.allSatisfy { $0.mode != "repair" || $0.verdict == "intact" })
        // In a trial or two the talk is over by then.
        #expect(rows.contains { $0.mode == "datagram" && $0.framesMissing > 0 })
    }

    @Test(arguments: quicTransports) func `a connection carries frames after one round trip`(transport: String) throws {
        let sweep = try Self.sweep(transports: [transport], profiles: ["clean"], trials: 1)
        for row in try Self.rows(sweep) {
            #expect(row.setupRoundTrips == 1 && row.setupSignallingRoundTrips == 0)
            let setup = try #require(row.setupMilliseconds)
            #expect((100...105).contains(setup))
            #expect(row.framesSent == 100 && row.framesLive == 100 && row.framesDropped == 0 && row.framesHeld == 0)
            // Think time and a round trip, and nothing else worth speaking of.
            let answer = try #require(row.responseFirstAudioMilliseconds)
            #expect((400...405).contains(answer))
            #expect(row.responseFrames == 50)
        }
    }

    /// Those over WebRTC begin to speak later, and so meet another part of it.
    @Test func `cells of one trial meet the same network`() throws {
        let sweep = try Self.sweep(transports: Self.quicTransports, profiles: ["burst-10"], trials: 3)
        let rows = try Self.rows(sweep)
        for trials in Dictionary(grouping: rows, by: \.seed).values {
            #expect(trials.count == 2 * Plan.modes.count)
            #expect(Set(trials.map(\.framesDropped)).count == 1)
        }
    }

    // MARK: The loss of the client's last handshake packet

    /// A network like `clean` with this delay each way, on which nothing of the client's gets through for a while after
    /// the server's first flight has come: 5 ms hold its last handshake packet, but no frame.
    private static func losingFinished(delay: Duration, length: Duration = .milliseconds(5)) -> NetworkProfile {
        let down = LinkProfile(delay: delay, bitsPerSecond: 10_000_000, queueLimit: .milliseconds(300))
        var up = down
        let start = delay * 2 + .milliseconds(1)
        up.outage = Outage(earliestStart: start, latestStart: start, length: length)
        return NetworkProfile(name: "losing", summary: "", source: "", up: up, down: down)
    }

    private static func run(
        _ profile: NetworkProfile, transport: String, mode: ReliabilityMode, clip: Clip = clip
    ) throws -> TrialRecord {
        let cell = Cell(transport: transport, mode: mode.rawValue, profile: profile.name, clip: "noise")
        let plan = TrialPlan(cell: cell, trial: 0, seed: TrialSeed(sweep: 1, profile: "", clip: "", trial: 0))
        let credentials = try TrialCredentials()
        let course = try #require(TrialCourse(transport))
        var talker = ClientConfiguration()
        talker.mode = mode
        return try run(
            Trial(plan, course: course, profile: profile, talker: talker, clip: clip, credentials: credentials))
    }

    private static func run(_ trial: consuming Trial) throws -> TrialRecord { try trial.run() }

    @Test func `without a virtual clock a plan with WebRTC is refused`() throws {
        let plan = Plan(
            seed: 1, transports: ["roq", "webrtc"], modes: ["datagram"], profiles: ["clean"], clips: ["noise"], trialsPerCell: 1)
        #expect(throws: SweepError.needsClock(transport: "webrtc")) {
            try Sweep(plan: plan, clips: [Self.clip], commit: "test")
        }
    }

    @Test(arguments: quicTransports, ReliabilityMode.allCases)
    func `frames that overtake the handshake's end are kept until they can be read`(
        transport: String, mode: ReliabilityMode
    ) throws {
        let record = try Self.run(Self.losingFinished(delay: .milliseconds(20)), transport: transport, mode: mode)
        #expect(record.end == TrialRow.completedEnd)
        #expect(record.up.dropCount >= 1)
        let account = try #require(record.account)
        #expect(account.receipt.verdict == .intact)
    }

    @Test(arguments: quicTransports, ReliabilityMode.allCases)
    func `frames that nobody acknowledges yet leave room for the handshake's end`(
        transport: String, mode: ReliabilityMode
    ) throws {
        // More frames than a congestion window holds, before the loss can be seen.
        let profile = Self.losingFinished(delay: .milliseconds(1500), length: .milliseconds(300))
        let record = try Self.run(profile, transport: transport, mode: mode, clip: Self.noise(frames: 400))
        #expect(record.end == TrialRow.completedEnd)
        #expect(record.up.dropCount >= 1)
        #expect(record.account != nil)
    }
}
