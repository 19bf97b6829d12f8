import Wire

/// The receiving half of the model: puts the stream together, and decides when to acknowledge.
///
/// Linux acknowledges the first segments of a connection at once (`TCP_MAX_QUICKACKS`), later every second one or 40 ms after the
/// first (`TCP_ATO_MIN`), and at once whatever comes out of order or fills a gap (RFC 5681 section 4.2).
struct TCPReceiver {
    /// How many segments are acknowledged at once in the beginning.
    static let quickAcknowledgements = 16
    static let acknowledgementDelay = Duration.milliseconds(40)

    /// Everything below has come.
    private(set) var next = 0
    /// The peer's stream has ended, and all of it has come.
    private(set) var hasEnded = false
    private(set) var owesAcknowledgement = false
    private(set) var deadline: Instant?
    private var received: [UInt8] = []
    /// What has come above `next`, by its start; never touching.
    private var ahead: [(start: Int, bytes: [UInt8], hasFIN: Bool)] = []
    private var latest: Int?
    private var unacknowledgedSegments = 0
    private var quickLeft = Self.quickAcknowledgements

    /// Takes a segment with payload or FIN.
    mutating func receive(_ segment: TCPSegment, now: Instant) {
        guard segment.end > segment.start else { return }
        guard segment.end > next, !ahead.contains(where: { $0.start == segment.start }) else {
            // It came twice: the acknowledgement of it was lost.
            return owesAcknowledgement = true
        }
        let hadGap = !ahead.isEmpty
        if segment.start > next {
            let index = ahead.firstIndex { $0.start > segment.start } ?? ahead.count
            ahead.insert((segment.start, segment.payload, segment.flags.contains(.fin)), at: index)
            latest = segment.start
            owesAcknowledgement = true
            return
        }
        take(start: segment.start, segment.payload, hasFIN: segment.flags.contains(.fin))
        while let first = ahead.first, first.start <= next {
            ahead.removeFirst()
            take(start: first.start, first.bytes, hasFIN: first.hasFIN)
        }
        unacknowledgedSegments += 1
        if hadGap || hasEnded || unacknowledgedSegments >= 2 || quickLeft > 0 {
            owesAcknowledgement = true
            quickLeft = max(0, quickLeft - 1)
        } else {
            deadline = deadline ?? now + Self.acknowledgementDelay
        }
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

    mutating func handleTimeout(now: Instant) {
        guard let deadline, deadline <= now else { return }
        owesAcknowledgement = true
    }

    /// An acknowledgement leaves, by itself or with data.
    mutating func acknowledged() {
        owesAcknowledgement = false
        deadline = nil
        unacknowledgedSegments = 0
    }

    /// What has come above `next`, as ranges: the one with the latest arrival first (RFC 2018 section 4).
    var sacked: [Range<Int>] {
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
        return Array(ranges.prefix(TCPSegment.maximumSackCount))
    }

    /// What has come in order since the last call.
    mutating func read() -> [UInt8] {
        defer { received = [] }
        return received
    }
}
