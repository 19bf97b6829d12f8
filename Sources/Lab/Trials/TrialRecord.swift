package import Opus
package import QUIC
package import Session
package import Wire

/// What a trial saw, before it is boiled down to a row.
package struct TrialRecord {
    /// The session's name.
    package var session: String?
    package var opened: Instant?
    /// How many round trips had been made by then; `nil` where nobody can know.
    package var roundTrips: Int? = 0
    /// How many of them signalling made; `nil` while it is not over.
    package var signallingRoundTrips: Int?
    package var earlyData = EarlyDataOutcome.none
    package var firstEvent: Instant?
    /// When the commit left the client.
    package var committed: Instant?
    package var firstAudio: Instant?
    package var answerFrames = 0
    /// When the client heard that the answer has been played, and when it could account for it.
    package var answerStopped: Instant?
    package var answerDecided: Instant?
    package var answer: Receipt?
    /// Frames that the client's transport did not take.
    package var refusedCount = 0
    /// How often the session went on over another connection.
    package var resumeCount = 0
    /// The longest time that this took: from the wish for another connection to the event that the session goes on over it.
    package var resume: Range<Instant>?
    package var finished = Instant.zero
    package var end = ""
    package var account: PromptAccount?
    package var up = TrafficRecord()
    package var down = TrafficRecord()
    package var log: UInt64 = 0
    /// Only where real time passed: how late the machine was.
    package var lateness: Lateness?
    /// Only where real time passed: what the ends computed until frames could leave.
    package var setupComputing: Duration?
    /// The same of `resume`.
    package var resumeComputing: Duration?

    /// By frame: when it was captured.
    package private(set) var captures: [Instant] = []
    private(set) var payloadByteCount = 0
    private var lastByteCount = 0
    /// By frame: what became of the packet that left at its capture; `nil` where none left.
    private(set) var fates: [Fate?] = []

    package init(frameCount: Int) {
        captures.reserveCapacity(frameCount)
        fates.reserveCapacity(frameCount)
    }

    /// Notes the next frame.
    package mutating func captured(payloadByteCount: Int, at instant: Instant) {
        captures.append(instant)
        lastByteCount = payloadByteCount
        self.payloadByteCount += payloadByteCount
    }

    /// Notes the packets that left the client at the capture of the last frame. Nothing here looks into a packet: the frame's is the
    /// first that is long enough to hold it.
    package mutating func witness(sent: [Transmission]) {
        fates.append(sent.first { $0.byteCount > lastByteCount }?.fate)
    }
}

/// How late a machine did what was due in a trial, at the 99th percentile: its own doing, and no link's.
package struct Lateness: Hashable, Sendable {
    /// Packets that left the link after their time.
    package var link: Duration
    /// Frames that were captured after their tick.
    package var capture: Duration

    package init(link: Duration, capture: Duration) {
        self.link = link
        self.capture = capture
    }
}

/// What one direction was given, and how much of it was lost.
package struct TrafficRecord: Hashable, Sendable {
    package var byteCount = 0
    package var packetCount = 0
    package var dropCount = 0

    package init(byteCount: Int = 0, packetCount: Int = 0, dropCount: Int = 0) {
        self.byteCount = byteCount
        self.packetCount = packetCount
        self.dropCount = dropCount
    }

    init(_ direction: borrowing Direction) {
        byteCount = direction.byteCount
        packetCount = direction.packetCount
        dropCount = direction.link.drops.total
    }
}

extension TrialRow {
    package init(_ record: TrialRecord, of plan: TrialPlan, clip: Clip, commit: String) {
        self.init()
        self.commit = commit
        seed = Int(plan.seed.value)
        trial = plan.trial
        transport = plan.cell.transport
        mode = plan.cell.mode
        profile = plan.cell.profile
        self.clip = plan.cell.clip
        clipMilliseconds = clip.durationMilliseconds
        framesSent = record.captures.count
        framesDropped = record.fates.count { if case .dropped = $0 { true } else { false } }
        framesRefused = record.refusedCount
        resumes = record.resumeCount
        resumeMilliseconds = record.resume.map { Self.milliseconds($0.upperBound - $0.lowerBound) }
        framesHeld = record.fates.count { $0 == nil }
        end = record.end
        setupMilliseconds = record.opened.map { Self.milliseconds($0 - .zero) }
        setupRoundTrips = record.opened.flatMap { _ in record.roundTrips }
        setupSignallingRoundTrips = record.opened.flatMap { _ in record.signallingRoundTrips }
        earlyData = record.earlyData.rawValue
        firstEventMilliseconds = record.firstEvent.map { Self.milliseconds($0 - .zero) }
        if let committed = record.committed {
            responseFirstAudioMilliseconds = record.firstAudio.map { Self.milliseconds($0 - committed) }
        }
        responseFrames = record.answerFrames
        if let answer = record.answer {
            answerFrames = answer.expectedFrames
            answerFramesMissing = answer.expectedFrames - answer.receivedFrames
            answerIntact = answer.verdict == .intact
            answerVerdict = answer.verdict.rawValue
            if let stopped = record.answerStopped {
                answerWaitMilliseconds = record.answerDecided.map { Self.milliseconds($0 - stopped) }
            }
        }
        (wireBytesUp, wirePacketsUp, droppedPacketsUp) = (record.up.byteCount, record.up.packetCount, record.up.dropCount)
        (wireBytesDown, wirePacketsDown) = (record.down.byteCount, record.down.packetCount)
        droppedPacketsDown = record.down.dropCount
        payloadBytesUp = record.payloadByteCount
        log = String(record.log, radix: 16)
        virtualSeconds = Self.milliseconds(record.finished - .zero) / 1000
        linkLatenessP99Milliseconds = record.lateness.map { Self.milliseconds($0.link) }
        captureLatenessP99Milliseconds = record.lateness.map { Self.milliseconds($0.capture) }
        resumeComputingMilliseconds = record.resumeComputing.map(Self.milliseconds)
        setupComputingMilliseconds = record.setupComputing.map(Self.milliseconds)
        if let account = record.account { describe(account, captures: record.captures, committed: record.committed) }
    }

    /// What the server decided, with delays by the clock of the world and not by either end's estimate.
    private mutating func describe(_ account: PromptAccount, captures: [Instant], committed: Instant?) {
        let receipt = account.receipt
        framesPrompt = receipt.receivedFrames
        framesMissing = receipt.expectedFrames - receipt.receivedFrames
        framesAfterDecision = account.framesAfterDecision
        framesRecoveredFEC = receipt.recovered.fec
        framesRecoveredRED = receipt.recovered.red
        framesRecoveredNACK = receipt.recovered.nack
        framesRecoveredRepair = receipt.recovered.repair
        framesDuplicate = receipt.duplicateFrames
        longestGapMilliseconds = receipt.longestGapMilliseconds
        intact = receipt.verdict == .intact
        verdict = receipt.verdict.rawValue
        if let passed = receipt.transports, passed.count > 1 { transports = passed.joined(separator: ">") }
        stallMilliseconds = Self.stall(account).map(Self.milliseconds)
        commitWaitMilliseconds = committed.map { Self.milliseconds(account.decided - $0) }
        frameFates = String(FrameFate.fates(of: captures, in: account).map(\.rawValue))

        let delays = zip(captures, account.arrivals).compactMap { captured, arrival in
            arrival.map { Self.milliseconds($0 - captured) }
        }
        let all = Sample(delays)
        let live = Sample(delays.filter { $0 <= TrialSettings.liveDeadline.milliseconds })
        framesLive = live.count
        frameDelayP50Milliseconds = all.percentile(0.50).map(Self.rounded)
        frameDelayP95Milliseconds = all.percentile(0.95).map(Self.rounded)
        frameDelayP99Milliseconds = all.percentile(0.99).map(Self.rounded)
        liveDelayP99Milliseconds = live.percentile(0.99).map(Self.rounded)
        liveOwnDelayP99Milliseconds = Self.ownDelays(account, captures: captures).percentile(0.99).map(Self.rounded)
    }

    /// Of the live frames that came by themselves: what a mode costs them that recovers others.
    private static func ownDelays(_ account: PromptAccount, captures: [Instant]) -> Sample {
        Sample(zip(captures, account.frames).compactMap { captured, frame in
            guard case .arrived(let arrival, recovery: nil) = frame, arrival - captured <= TrialSettings.liveDeadline else { return nil }
            return milliseconds(arrival - captured)
        })
    }

    /// The longest time without a frame, from the first one to the last or to the commit, whichever came later.
    private static func stall(_ account: PromptAccount) -> Duration? {
        var instants = account.arrivals.compactMap(\.self).sorted()
        guard let last = instants.last else { return nil }
        if account.committed > last { instants.append(account.committed) }
        return zip(instants, instants.dropFirst()).map { $1 - $0 }.max() ?? .zero
    }

    private static func milliseconds(_ duration: Duration) -> Double { rounded(duration.milliseconds) }
    private static func rounded(_ milliseconds: Double) -> Double { (milliseconds * 1000).rounded() / 1000 }
}
