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
    package var transport: String
    /// The mode and the policy at the commit; what changes later is for the next prompt.
    package var mode: ReliabilityMode
    package var onGap: GapPolicy
}

/// What the ledger holds of a prompt at its decision: counted and hashed once.
struct PromptAssessment {
    var receipt: Receipt
    /// The payloads that are there, in order.
    var payloads: [[UInt8]] = []
    var missing: [UInt64] = []
    var arrivals: [Instant?] = []

    init(
        of prompt: PendingPrompt, in ledger: PromptLedger, clock: CaptureClock, liveDeadline: Duration,
        decided: Instant, keepsArrivals: Bool
    ) {
        var hash = FrameHash()
        var live = 0
        var duplicates = 0
        var holes = HoleFinder(first: prompt.range.lowerBound)
        payloads.reserveCapacity(ledger.keepsPayloads ? prompt.range.count : 0)
        for sequence in prompt.range {
            guard let record = ledger[sequence] else {
                missing.append(sequence)
                if keepsArrivals { arrivals.append(nil) }
                continue
            }
            if keepsArrivals { arrivals.append(record.arrival) }
            duplicates += Int(record.duplicates)
            if clock.delay(record.timestamp, arrival: record.arrival) <= liveDeadline { live += 1 }
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
            verdict: Self.verdict(isWhole: missing.isEmpty, hasManifest: prompt.manifest != nil, hashes: hashes, onGap: prompt.onGap),
            expectedFrames: prompt.range.count, receivedFrames: received, liveFrames: live,
            lateFrames: received - live, duplicateFrames: duplicates,
            missing: holes.ranges, longestGapMilliseconds: holes.longestMilliseconds, sha256: hashes,
            waitedMilliseconds: Int(decided.since(prompt.committed).nanoseconds / 1_000_000),
            transport: prompt.transport, mode: prompt.mode)
    }

    /// The verdicts of docs/receipts.md.
    static func verdict(isWhole: Bool, hasManifest: Bool, hashes: Receipt.Hashes, onGap: GapPolicy) -> Receipt.Verdict {
        let isContradicted = hashes.expected.flatMap { expected in hashes.actual.map { $0 != expected } } ?? false
        if !isWhole || isContradicted {
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

    mutating func found(_ sequence: UInt64, _ record: PromptLedger.Record) {
        let duration = OpusPacket.duration(of: record.payload) ?? OpusPacket.usualDuration
        if let previous, let origin {
            if sequence > previous.sequence + 1 {
                add(from: previous.end.since(origin), to: record.timestamp.since(origin))
            }
        } else {
            frameDuration = duration
            let lead = duration * Int(sequence - first)
            origin = record.timestamp.advanced(by: .zero - lead)
            if sequence > first { add(from: .zero, to: lead) }
        }
        previous = (sequence, record.timestamp.advanced(by: duration))
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
