internal import Wire

/// The client's book of the answers: what the server keeps of a prompt, the other way round.
///
/// An answer is judged when all frames are there that its manifest names, or when its time is over.
struct AnswerLedger: Sendable {
    private let limits: SessionLimits
    private var ledger: PromptLedger
    private var clock = CaptureClock()
    /// Answers that have ended and lack frames, the oldest first.
    private var pending: [PendingPrompt] = []

    init(limits: SessionLimits) {
        self.limits = limits
        ledger = PromptLedger(frameLimit: limits.promptFrames, byteLimit: limits.promptBytes, keepsPayloads: true)
    }

    /// When the oldest answer is judged at the latest.
    var deadline: Instant? { pending.first?.deadline }
    var isWaiting: Bool { !pending.isEmpty }

    mutating func updatePathDelay(_ oneWay: Duration) { clock.pathDelay = oneWay }

    mutating func record(_ frame: MediaFrame, now: Instant) {
        clock.observe(frame.timestamp, arrival: now)
        guard case .fresh(let sequence) = ledger.record(frame, arrival: now),
            let index = pending.firstIndex(where: { $0.range.contains(sequence) })
        else { return }
        pending[index].missingCount -= 1
    }

    /// The server says that an answer has ended, and which frames it sent.
    /// - Returns: the first and last frame, where some have not come.
    /// - Throws: the error of a manifest that cannot be true. Nothing is changed then.
    mutating func end(
        _ responseID: String, _ manifest: Manifest, _ reliability: ReliabilitySettings, transport: String, now: Instant
    ) throws(EventError) -> (first: UInt16, last: UInt16)? {
        var manifest = manifest
        let floor = pending.last?.range.upperBound
        let range = try ledger.range(of: &manifest, from: floor)
        ledger.expect(manifest.firstSequence)
        if pending.isEmpty { ledger.drop(below: range.lowerBound) }
        // A server that ends more answers than that without their frames: the oldest are judged as they are.
        if pending.count >= limits.pendingPrompts { pending[0].deadline = now }
        let missingCount = range.count - ledger.heldCount(in: range)
        pending.append(PendingPrompt(
            itemID: responseID, range: range, manifest: manifest, committed: now,
            deadline: now.advanced(by: .milliseconds(reliability.effectiveWaitMilliseconds)), missingCount: missingCount,
            transport: transport, mode: reliability.mode, onGap: .wait))
        guard missingCount > 0 else { return nil }
        return (manifest.firstSequence, UInt16(truncatingIfNeeded: range.upperBound - 1))
    }

    /// The account of the oldest answer, where it can be given now.
    mutating func popReceipt(liveDeadline: Duration, now: Instant) -> Receipt? {
        guard let answer = pending.first, answer.missingCount <= 0 || answer.deadline <= now else { return nil }
        pending.removeFirst()
        let assessment = PromptAssessment(
            of: answer, in: ledger, clock: clock, liveDeadline: liveDeadline, decided: now, keepsFrames: false)
        ledger.close(answer.range, missing: assessment.missing)
        return assessment.receipt
    }
}
