package import Wire

/// A prompt between its commit and its decision.
package struct PendingPrompt: Hashable, Sendable {
    package var itemID: String
    /// The extended sequence numbers of its frames, as the manifest says or as they were seen.
    package var range: Range<UInt64>
    package var manifest: Manifest?
    package var committed: Instant
    /// When the decision falls at the latest.
    package var deadline: Instant
    /// How many frames are not there yet.
    package var missingCount: Int
    /// Until when the transport's word for the last frame is awaited, where there is no manifest and it will come.
    package var tailDeadline: Instant?
    package var transport: String
    /// The mode and the policy at the commit; what changes later is for the next prompt.
    package var mode: ReliabilityMode
    package var onGap: GapPolicy

    /// Whether all is there, or the time is over.
    func isDecidable(at now: Instant) -> Bool {
        if deadline <= now { return true }
        return missingCount <= 0 && tailDeadline.map { $0 <= now } ?? true
    }

    /// When that may next be so by the clock alone.
    var nextDeadline: Instant {
        guard missingCount <= 0, let tailDeadline else { return deadline }
        return min(deadline, tailDeadline)
    }
}

/// What the ledger holds of a prompt at its decision: counted and hashed once.
struct PromptAssessment {
    var receipt: Receipt
    /// The payloads that are there, in order.
    var payloads: [[UInt8]] = []
    var missing: [UInt64] = []
    /// When the first of its frames came.
    var firstArrival: Instant?
    /// One for each frame of the prompt, where somebody wants to know.
    var frames: [PromptAccount.Frame] = []

    init(
        of prompt: PendingPrompt, in ledger: PromptLedger, clock: CaptureClock, liveDeadline: Duration,
        decided: Instant, keepsFrames: Bool
    ) {
        var hash = FrameHash()
        var live = 0
        var duplicates = 0
        var recovered = Receipt.Recovered()
        var holes = HoleFinder(first: prompt.range.lowerBound)
        payloads.reserveCapacity(ledger.keepsPayloads ? prompt.range.count : 0)
        for sequence in prompt.range {
            guard let record = ledger[sequence] else {
                missing.append(sequence)
                if keepsFrames { frames.append(.missing) }
                continue
            }
            if keepsFrames { frames.append(.arrived(record.arrival, recovery: record.recovery)) }
            firstArrival = min(firstArrival ?? record.arrival, record.arrival)
            duplicates += Int(record.duplicates)
            recovered.count(record.recovery)
            if clock.delay(record.timestamp, arrival: record.arrival) <= liveDeadline { live += 1 }
            if missing.last == sequence &- 1, holes.cover(before: sequence, record) {
                recovered.fec += 1
                if keepsFrames { frames[frames.count - 2] = .covered }
            }
            holes.found(sequence, record)
            if ledger.keepsPayloads {
                hash.update(record.payload)
                payloads.append(record.payload)
            }
        }
        holes.finish(at: prompt.range.upperBound)
        let received = prompt.range.count - missing.count
        let hashes = Receipt.Hashes(
            expected: prompt.manifest?.sha256, actual: ledger.keepsPayloads ? hash.hexadecimal() : nil)
        receipt = Receipt(
            itemID: prompt.itemID,
            verdict: Self.verdict(
                missingCount: missing.count, coveredCount: recovered.fec, hasManifest: prompt.manifest != nil, hashes: hashes,
                onGap: prompt.onGap),
            expectedFrames: prompt.range.count, receivedFrames: received, liveFrames: live,
            recovered: recovered, lateFrames: received - live, duplicateFrames: duplicates,
            missing: holes.ranges, longestGapMilliseconds: holes.longestMilliseconds, sha256: hashes,
            waitedMilliseconds: Int(decided.since(prompt.committed).nanoseconds / 1_000_000),
            transport: prompt.transport, transports: nil, mode: prompt.mode)
    }

    /// The verdicts of docs/receipts.md.
    static func verdict(
        missingCount: Int, coveredCount: Int, hasManifest: Bool, hashes: Receipt.Hashes, onGap: GapPolicy
    ) -> Receipt.Verdict {
        // A copy covers a hole, but its bytes are not the frame's: such a prompt's hash says nothing.
        if missingCount > 0, coveredCount == missingCount { return hasManifest ? .covered : .unverified }
        let isContradicted = hashes.expected.flatMap { expected in hashes.actual.map { $0 != expected } } ?? false
        if missingCount > 0 || isContradicted {
            if onGap == .reject { return .rejected }
            return hasManifest ? .degraded : .unverified
        }
        return hashes.expected != nil && hashes.actual != nil ? .intact : .unverified
    }
}

/// Turns the frames that are there into the holes between them, in media time.
private struct HoleFinder {
    private(set) var ranges: [Receipt.MissingRange] = []
    private(set) var longestMilliseconds = 0
    private let first: UInt64
    /// Media time of the prompt's beginning, estimated back from its first frame that is there.
    private var origin: MediaTime?
    private var previous: (sequence: UInt64, end: MediaTime)?
    private var frameDuration = OpusPacket.usualDuration

    init(first: UInt64) { self.first = first }

    /// The frame before `sequence` is missing: covers it where this one carries a copy of it.
    mutating func cover(before sequence: UInt64, _ record: PromptLedger.Record) -> Bool {
        guard let duration = OpusPacket.forwardErrorCorrection(in: record.payload) else { return false }
        found(sequence - 1, at: record.timestamp.advanced(by: .zero - duration), lasting: duration)
        return true
    }

    mutating func found(_ sequence: UInt64, _ record: PromptLedger.Record) {
        found(sequence, at: record.timestamp, lasting: OpusPacket.duration(of: record.payload) ?? OpusPacket.usualDuration)
    }

    private mutating func found(_ sequence: UInt64, at timestamp: MediaTime, lasting duration: Duration) {
        if let previous, let origin {
            if sequence > previous.sequence + 1 {
                add(from: previous.end.since(origin), to: timestamp.since(origin))
            }
        } else {
            frameDuration = duration
            let lead = duration * Int(sequence - first)
            origin = timestamp.advanced(by: .zero - lead)
            if sequence > first { add(from: .zero, to: lead) }
        }
        previous = (sequence, timestamp.advanced(by: duration))
    }

    mutating func finish(at upperBound: UInt64) {
        guard let previous, let origin else {
            add(from: .zero, to: frameDuration * Int(upperBound - first))
            return
        }
        if upperBound > previous.sequence + 1 {
            let from = previous.end.since(origin)
            add(from: from, to: from + frameDuration * Int(upperBound - previous.sequence - 1))
        }
    }

    private mutating func add(from: Duration, to: Duration) {
        let range = Receipt.MissingRange(
            fromMilliseconds: Int(from.nanoseconds / 1_000_000), toMilliseconds: Int(to.nanoseconds / 1_000_000))
        // A sender whose media time stands still or runs backwards has holes of no length; they count all the same.
        longestMilliseconds = max(longestMilliseconds, range.toMilliseconds - range.fromMilliseconds)
        ranges.append(range)
    }
}
