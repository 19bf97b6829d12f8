@testable import Lab
import Opus
import SCTPLease
import Session
import Testing
import Wire

/// Sessions that move from one transport to another in mid-prompt.
@Suite(.ownsSCTP) struct CourseTests {
    private static let clip: Clip = {
        var noise = Entropy(seed: 13)
        let frames = (0..<150).map { _ in [0x48] + noise.bytes(40 + Int(noise.next() % 50)) }
        return Clip(name: "noise", frames: frames, frameDuration: .milliseconds(20), playableSampleCount: 144_000, preSkip: 0)
    }()

    private static let transports = Plan.transports
    private static let moves = transports.flatMap { from in transports.map { "\(from)>\($0)" } }

    private static func rows(_ names: [String], modes: [ReliabilityMode], profile: String, trials: Int = 1) throws -> [TrialRow] {
        let plan = Plan(
            seed: 1, transports: names, modes: modes.map(\.rawValue), profiles: [profile], clips: ["noise"], trialsPerCell: trials)
        let sweep = try Sweep(plan: plan, clips: [clip], commit: "test", clock: .virtual)
        return try (0..<plan.trialCount).map { try sweep.row(at: $0) }
    }

    // MARK: Names

    @Test(arguments: ["roq", "roq>webrtc", "webtransport>websocket@1.5s", "webrtc>webrtc@0s", "roq>webrtc@0.02s", "roq>webrtc@3600s"])
    func `a name is read and written`(name: String) throws {
        #expect(try #require(TrialCourse(name)).name == name)
    }

    @Test func `seconds may stand without their unit, and are rounded to milliseconds`() {
        #expect(TrialCourse("roq>webrtc@2")?.name == "roq>webrtc@2s")
        #expect(TrialCourse("roq>webrtc@0.12345")?.name == "roq>webrtc@0.123s")
    }

    @Test(arguments: [
        "", ">", "roq>", ">roq", "roq>tcp", "tcp>roq", "roq>webrtc>roq", "roq>webrtc@", "roq>webrtc@s", "roq>webrtc@-1", "roq>webrtc@nan",
        "roq>webrtc@1e9", "roq>webrtc@9999", "roq>webrtc@1.5.5", "roq@1", "roq>webrtc@1@2", "roq>webrtc@٣",
    ])
    func `what means nothing is no course`(name: String) {
        #expect(TrialCourse(name) == nil)
    }

    @Test func `a plan has each transport, and behind it its moves, in the modes that both can do`() throws {
        let plan = try Plan(
            seed: 1, transports: "roq,websocket", moves: "websocket,webrtc@1", modes: "datagram,stream", profiles: "clean", clips: [Self.clip],
            trialsPerCell: 1)
        #expect(plan.ways.map { "\($0.transport) \($0.mode)" } == [
            "roq datagram", "roq stream", "roq>websocket stream", "roq>webrtc@1s datagram", "roq>webrtc@1s stream", "websocket stream",
            "websocket>websocket stream", "websocket>webrtc@1s stream",
        ])
        let own = try Plan(
            seed: 1, transports: "roq,roq>webrtc", moves: "webrtc", modes: "stream", profiles: "clean", clips: [Self.clip], trialsPerCell: 1)
        #expect(own.transports == ["roq", "roq>webrtc"])
        #expect(throws: PlanError.self) {
            try Plan(seed: 1, transports: nil, moves: "tcp", modes: nil, profiles: nil, clips: [Self.clip], trialsPerCell: 1)
        }
    }

    @Test func `a move lies in the middle of the clip, or where its name says`() throws {
        func frame(_ name: String) throws -> Int? {
            try #require(TrialCourse(name)).moveFrame(count: 150, frameDuration: .milliseconds(20))
        }
        #expect(try frame("roq") == nil)
        #expect(try frame("roq>webrtc") == 75)
        #expect(try frame("roq>webrtc@0s") == 0)
        #expect(try frame("roq>webrtc@0.03s") == 2)
        // Behind the end: the prompt is over before.
        #expect(try frame("roq>webrtc@100s") == 150)
    }

    // MARK: Trials

    @Test(arguments: moves)
    func `where nothing is lost, every prompt survives its move in every mode`(move: String) throws {
        for row in try Self.rows([move], modes: ReliabilityMode.allCases, profile: "clean") {
            #expect(row.end == TrialRow.completedEnd, "\(row.mode)")
            #expect(row.verdict == "intact" && row.framesMissing == 0, "\(row.mode)")
            #expect(row.resumes == 1 && row.transports == move)
            #expect(row.answerVerdict == "intact")
            // The former connection carries frames until the new one stands: the server never waits longer for one.
            #expect(try #require(row.stallMilliseconds) < 21, "\(row.mode)")
            #expect(try Self.time(of: move).contains(#require(row.resumeMilliseconds)), "\(row.mode)")
        }
    }

    /// How long a move takes where a round trip is 100 ms: QUIC opens in one, TCP and TLS in two, a WebRTC call in five, and the session's
    /// event comes one later.
    private static func time(of move: String) -> ClosedRange<Double> {
        switch TrialCourse(move)?.move?.to.rawValue {
        case "webrtc": 600...610
        case "websocket": 300...306
        default: 200...205
        }
    }

    @Test(arguments: moves)
    func `reliable modes bring every prompt whole through a move while packets are lost`(move: String) throws {
        for row in try Self.rows([move], modes: [.stream, .streamPerFrame, .repair], profile: "burst-10", trials: 2) {
            #expect(row.end == TrialRow.completedEnd, "\(row.mode) \(row.seed)")
            #expect(row.verdict == "intact" && row.framesMissing == 0, "\(row.mode) \(row.seed)")
        }
    }

    @Test(arguments: ["blackout", "nat-rebinding"])
    func `a move and a connection that dies meet, and the prompt is whole`(profile: String) throws {
        for row in try Self.rows(Self.moves, modes: [.stream], profile: profile, trials: 2) {
            #expect(row.end == TrialRow.completedEnd, "\(row.transport) \(row.seed)")
            #expect(row.verdict == "intact", "\(row.transport) \(row.seed)")
        }
    }

    @Test func `the same seed gives the same move`() throws {
        let first = try Self.rows(["roq>webrtc"], modes: [.repair], profile: "burst-10", trials: 2).map(\.json)
        #expect(try Self.rows(["roq>webrtc"], modes: [.repair], profile: "burst-10", trials: 2).map(\.json) == first)
    }
}
