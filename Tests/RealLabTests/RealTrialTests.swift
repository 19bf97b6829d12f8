import Lab
import Opus
@testable import Session
import Testing
import Wire

@testable import RealLab

@Suite struct RealTrialTests {
    private static let origin = Instant(nanoseconds: 5_000_000_000)
    private static func at(_ milliseconds: Int) -> UInt64 { (origin + .milliseconds(milliseconds)).nanoseconds }

    /// Three frames of 40 bytes, captured at 120, 140 and 161 ms; the second's packet is dropped, the third is held back.
    private static let client: ClientRecord = {
        var client = ClientRecord(trial: 2)
        client.session = "sess_1"
        client.opened = at(102)
        client.firstEvent = at(204)
        client.captures = [120, 140, 161].map(at)
        client.ticks = [120, 140, 160].map(at)
        client.committed = at(161)
        client.firstAudio = at(600)
        client.answerFrames = 50
        (client.resumeWanted, client.resumed, client.resumeCount) = (at(150), at(260), 1)
        client.finished = at(1700)
        client.end = TrialRow.completedEnd
        return client
    }()

    private static func sent(_ milliseconds: Int, _ byteCount: Int, _ fate: Fate) -> Transmission {
        Transmission(sent: .zero + .milliseconds(milliseconds), byteCount: byteCount, fate: fate)
    }

    private static let relay = RelayAccount(
        trial: 2, up: TrafficRecord(byteCount: 900, packetCount: 9, dropCount: 1), down: TrafficRecord(byteCount: 700, packetCount: 7),
        latenessP99: .microseconds(250),
        transmissions: [
            sent(100, 1200, .delivered(at: .zero + .milliseconds(150))),
            // An acknowledgement, too short for a frame, and then the frame.
            sent(121, 30, .delivered(at: .zero + .milliseconds(171))),
            sent(121, 80, .delivered(at: .zero + .milliseconds(171))),
            sent(141, 80, .dropped(.loss)),
            sent(190, 80, .delivered(at: .zero + .milliseconds(240))),
        ], answers: [])

    private static func account() -> PromptAccount {
        let receipt = Receipt(
            itemID: "item_1", verdict: .degraded, expectedFrames: 3, receivedFrames: 2, liveFrames: 2, lateFrames: 0, duplicateFrames: 0,
            missing: [.init(fromMilliseconds: 20, toMilliseconds: 40)], longestGapMilliseconds: 20,
            sha256: .init(expected: "a", actual: "b"), waitedMilliseconds: 200, transport: "roq", mode: .datagram)
        return PromptAccount(
            receipt: receipt, firstSequence: 0,
            frames: [
                .arrived(Instant(nanoseconds: at(171)), recovery: nil), .missing, .arrived(Instant(nanoseconds: at(240)), recovery: .nack),
            ], committed: Instant(nanoseconds: at(211)), decided: Instant(nanoseconds: at(411)), framesAfterDecision: 1)
    }

    private static func trial() -> RealTrial {
        let clip = Clip(
            name: "c", frames: Array(repeating: Array(repeating: 1, count: 40), count: 3), frameDuration: .milliseconds(20),
            playableSampleCount: 2880, preSkip: 0)
        let plan = Plan(
            seed: 1, transports: ["roq"], modes: ["datagram"], profiles: ["clean"], clips: ["c"], trialsPerCell: 1)
        var trial = RealTrial(index: 0, plan: plan[0], clip: clip, origin: origin, attempt: 1)
        trial.client = client
        trial.account = AccountRecord(account())
        return trial
    }

    @Test func `counts every instant from the trial's beginning`() {
        let row = Self.trial().row(Self.relay, commit: "abc")
        #expect(row.world == TrialRow.realWorld)
        #expect(row.setupMilliseconds == 102)
        #expect(row.firstEventMilliseconds == 204)
        #expect(row.commitWaitMilliseconds == 250)
        #expect(row.responseFirstAudioMilliseconds == 439)
        #expect(row.frameDelayP50Milliseconds == 65)
        #expect(row.resumeMilliseconds == 110)
        #expect(row.virtualSeconds == 1.7)
        #expect(row.setupRoundTrips == nil)
    }

    @Test func `the longest time without a frame ends with the last one, or with the commit`() {
        // Frames came at 171 and 240 ms; the commit at 211, and in the other trial at 311.
        #expect(Self.trial().row(Self.relay, commit: "abc").stallMilliseconds == 69)
        var late = Self.trial()
        late.account?.committed += 100_000_000
        #expect(late.row(Self.relay, commit: "abc").stallMilliseconds == 71)
    }

    @Test func `finds each frame's packet by its time and size`() {
        let row = Self.trial().row(Self.relay, commit: "abc")
        #expect(row.framesSent == 3)
        #expect(row.framesDropped == 1)
        #expect(row.framesHeld == 1)
        #expect(row.framesAfterDecision == 1)
        #expect(row.frameFates == "L-R")
    }

    @Test func `has the relay's counts and the machine's lateness`() {
        let row = Self.trial().row(Self.relay, commit: "abc")
        #expect((row.wireBytesUp, row.wirePacketsUp, row.droppedPacketsUp) == (900, 9, 1))
        #expect((row.wireBytesDown, row.wirePacketsDown) == (700, 7))
        #expect(row.linkLatenessP99Milliseconds == 0.25)
        #expect(row.captureLatenessP99Milliseconds == 0)
    }

    @Test func `survives its file`() throws {
        let row = Self.trial().row(Self.relay, commit: "abc")
        #expect(try TrialRow(json: row.json) == row)
    }

    @Test func `an account survives the way between processes`() {
        let moved = AccountRecord(Self.account()).account(since: .zero)
        #expect(moved == Self.account())
    }

    @Test func `a trial of which nothing was heard is a row without an account`() {
        var trial = Self.trial()
        trial.client = nil
        trial.account = nil
        let row = trial.row(Self.relay, commit: "abc")
        #expect(row.verdict.isEmpty && row.setupMilliseconds == nil && row.framesSent == 0)
    }
}
