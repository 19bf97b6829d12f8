import Wire

/// The receiving half of the model: puts the stream together, and decides when to acknowledge (RFC 5681 section 4.2), as Linux does
/// it: at once what comes out of order, comes twice or fills a gap, and the first segments of a connection that only hears; else
/// when the application has read the second small segment, or after 40 ms.
struct TCPReceiver {
    /// How many segments are acknowledged at once by an end that has nothing to say itself (`TCP_MAX_QUICKACKS`).
    private static let quickAcknowledgements = 16
    /// How long an acknowledgement waits at least (`TCP_ATO_MIN`), and at most (`TCP_DELACK_MAX`).
    private static let leastDelay = Duration.milliseconds(40), greatestDelay = Duration.milliseconds(200)
    /// How many acknowledgements of the same gap go at once, before they wait for each other.
    private static let duplicateLimit = 3
    /// How long they do (`tcp_comp_sack_delay_ns`), and at most a twentieth of the round trip.
    private static let compression = Duration.milliseconds(1)
    /// The size of the peer's segments that is assumed at first (`TCP_MSS_DEFAULT`).
    private static let assumedSegmentByteCount = 536

    /// Everything below has come.
    private(set) var next = 0
    /// The peer's stream has ended, and all of it has come.
    private(set) var hasEnded = false
    /// An acknowledgement is to leave now.
    private(set) var owesAcknowledgement = false
    /// What the acknowledgement says of the peer's time (RFC 7323 section 4.3).
    private(set) var echo: UInt32 = 0

    private var received: [UInt8] = []
    /// What has come above `next`, by its start; never touching.
    private var ahead: [(start: Int, bytes: [UInt8], hasFIN: Bool)] = []
    /// Where the segment began that came last above `next`.
    private var latest: Int?
    /// What came twice, to be said with the next acknowledgement.
    private var doubled: Range<Int>?

    private let clock: KernelClock
    /// What the last acknowledgement said.
    private var acknowledgedNext = 0
    private var segmentByteCount = Self.assumedSegmentByteCount
    /// The delay of acknowledgements; `nil` before the first data.
    private var delay: Duration?
    private var lastArrival = Instant.zero
    private var quickLeft = 0
    /// Answers go out soon after what they answer: then they can carry the acknowledgements.
    private var isAnswering = false
    /// How many small segments have come since the last acknowledgement.
    private var smallCount = 0
    private var isScheduled = false
    private var delayed: Instant?
    private var duplicates = (of: 0, count: 0)
    private var compressed: Instant?

    init(clock: KernelClock) { self.clock = clock }

    var deadline: Instant? { earliest(delayed, compressed) }

    /// The peer's clock at the beginning.
    mutating func begin(echo: UInt32) { self.echo = echo }

    /// Takes a segment with payload or FIN.
    /// - Parameter roundTrip: as the sending half has it.
    mutating func receive(_ segment: TCPSegment, roundTrip: Duration?, now: Instant) {
        if segment.start <= acknowledgedNext { echo = segment.timestamp }
        guard segment.end > segment.start else { return }
        guard segment.end > next else {
            // It came twice: the acknowledgement of it was lost, or the peer could not wait.
            return takeDoubled(segment.start..<segment.end)
        }
        var fillsGap = false
        if segment.start > next {
            guard store(segment) else { return takeDoubled(segment.start..<segment.end) }
            isScheduled = true
        } else {
            if segment.start < next { doubled = segment.start..<next }
            take(start: segment.start, segment.payload, hasFIN: segment.flags.contains(.fin))
            heard(segment.payload.count, now: now)
            let hadGap = !ahead.isEmpty
            while let first = ahead.first, first.start <= next {
                ahead.removeFirst()
                take(start: first.start, first.bytes, hasFIN: first.hasFIN)
            }
            fillsGap = hadGap && ahead.isEmpty
        }
        decide(fillsGap: fillsGap, roundTrip: roundTrip, now: now)
    }

    private mutating func takeDoubled(_ range: Range<Int>) {
        doubled = range
        quickLeft = max(quickLeft, Self.quickAcknowledgements)
        (isAnswering, delay) = (false, Self.leastDelay)
        (isScheduled, owesAcknowledgement) = (true, true)
    }

    /// - Returns: `false` for what is there already.
    private mutating func store(_ segment: TCPSegment) -> Bool {
        guard !ahead.contains(where: { $0.start <= segment.start && segment.start + segment.payload.count <= $0.start + $0.bytes.count })
        else { return false }
        let index = ahead.firstIndex { $0.start > segment.start } ?? ahead.count
        ahead.insert((segment.start, segment.payload, segment.flags.contains(.fin)), at: index)
        latest = segment.start
        return true
    }

    private mutating func take(start: Int, _ bytes: [UInt8], hasFIN: Bool) {
        let end = start + bytes.count
        if end > next {
            received += bytes[(next - start)...]
            next = end
        }
        if hasFIN, next == end {
            next += 1
            hasEnded = true
        }
    }

    /// Data has come in order (`tcp_event_data_recv`).
    private mutating func heard(_ byteCount: Int, now: Instant) {
        isScheduled = true
        if byteCount >= segmentByteCount {
            segmentByteCount = min(byteCount, TCPSegment.maximumPayloadByteCount)
        } else {
            smallCount += 1
        }
        if let delay {
            let gap = now - lastArrival
            if gap <= Self.leastDelay / 2 {
                self.delay = delay / 2 + Self.leastDelay / 2
            } else if gap < delay {
                self.delay = delay / 2 + gap
            }
        } else {
            quickLeft = Self.quickAcknowledgements
            delay = Self.leastDelay
        }
        lastArrival = now
    }

    /// `__tcp_ack_snd_check`, and what the application's reading adds to it (`tcp_cleanup_rbuf`).
    private mutating func decide(fillsGap: Bool, roundTrip: Duration?, now: Instant) {
        if next - acknowledgedNext > segmentByteCount || (quickLeft > 0 && !isAnswering) || fillsGap || hasEnded {
            return owesAcknowledgement = true
        }
        guard ahead.isEmpty else { return reportGap(roundTrip: roundTrip, now: now) }
        // The application reads at once.
        if smallCount >= 2 || (smallCount == 1 && !isAnswering) { return owesAcknowledgement = true }
        wait(roundTrip: roundTrip, now: now)
    }

    private mutating func reportGap(roundTrip: Duration?, now: Instant) {
        if duplicates.of != next { duplicates = (next, 0) }
        guard duplicates.count >= Self.duplicateLimit else {
            duplicates.count += 1
            return owesAcknowledgement = true
        }
        compressed = compressed ?? now + min(Self.compression, (roundTrip ?? .seconds(1)) / 20)
    }

    /// `tcp_send_delayed_ack`.
    private mutating func wait(roundTrip: Duration?, now: Instant) {
        var wait = delay ?? Self.leastDelay
        if wait > Self.leastDelay {
            wait = min(wait, max(Self.leastDelay, min(roundTrip ?? Self.greatestDelay, Self.greatestDelay)))
        }
        let due = clock.expiry(after: wait, now: now)
        guard let delayed else { return self.delayed = due }
        if delayed <= now + wait / 4 { return owesAcknowledgement = true }
        self.delayed = min(due, delayed)
    }

    mutating func handleTimeout(now: Instant) {
        if let compressed, compressed <= now { owesAcknowledgement = true }
        guard let delayed, delayed <= now else { return }
        self.delayed = nil
        guard isScheduled else { return }
        // No answer came that could have carried it.
        if isAnswering {
            (isAnswering, delay) = (false, Self.leastDelay)
        } else {
            delay = delay.map { $0 * 2 }
        }
        owesAcknowledgement = true
    }

    /// A segment leaves, and says what has come. With payload it may be the answer to what came last.
    mutating func acknowledged(withPayload hasPayload: Bool, now: Instant) {
        if hasPayload, let delay, now - lastArrival < delay { isAnswering = true }
        if quickLeft > 0, isScheduled {
            quickLeft -= 1
            if quickLeft == 0 { delay = Self.leastDelay }
        }
        acknowledgedNext = next
        (owesAcknowledgement, isScheduled, smallCount) = (false, false, 0)
        (delayed, compressed) = (nil, nil)
    }

    /// What has come above `next`, as ranges: the one with the latest arrival first (RFC 2018 section 4), before that what came
    /// twice.
    mutating func takeBlocks() -> [Range<Int>] {
        defer { doubled = nil }
        return Array(((doubled.map { [$0] } ?? []) + blocksAhead).prefix(TCPSegment.maximumSackCount))
    }

    /// How many of them the next segment has.
    var blockCount: Int { min(TCPSegment.maximumSackCount, blocksAhead.count + (doubled == nil ? 0 : 1)) }

    private var blocksAhead: [Range<Int>] {
        var ranges: [Range<Int>] = []
        for (start, bytes, hasFIN) in ahead {
            let end = start + bytes.count + (hasFIN ? 1 : 0)
            if let last = ranges.last, last.upperBound >= start {
                ranges[ranges.count - 1] = last.lowerBound..<max(last.upperBound, end)
            } else {
                ranges.append(start..<end)
            }
        }
        if let latest, let index = ranges.firstIndex(where: { $0.contains(latest) }) { ranges.insert(ranges.remove(at: index), at: 0) }
        return ranges
    }

    /// What has come in order since the last call.
    mutating func read() -> [UInt8] {
        defer { received = [] }
        return received
    }
}
