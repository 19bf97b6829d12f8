import Wire

/// The sending half of a model of Linux's TCP: SACK, RACK and TLP (RFC 8985), RTO (RFC 6298), proportional rate reduction
/// (RFC 6937), an initial window of ten segments (RFC 6928), Nagle off.
///
/// What it leaves out, and Linux has: F-RTO and every other undoing of a retransmission that was not needed, CUBIC's growth above
/// the window before a loss (here Reno's, one segment a round trip), and the shrinking of an idle connection's window. None of it
/// shows while fifty small messages a second are all that is sent.
struct TCPSender {
    static let initialWindow = 10
    /// CUBIC's share of the window that a loss leaves (RFC 9438 section 4.6): 717 / 1024 in Linux.
    static let reduction = 0.7
    /// What PTO adds to two round trips: with more than one segment out two milliseconds (`TCP_TIMEOUT_MIN_US`), with one the
    /// smallest RTO, since its acknowledgement may be delayed.
    static let probeMargin = Duration.milliseconds(2)
    static let singleProbeMargin = RetransmissionTimer.variationFloor
    /// How many SACKed segments make a gap a loss without waiting for reordering.
    static let duplicateThreshold = 3
    /// What may be written and not acknowledged.
    static let bufferByteCount = 128 << 10

    private struct Sent {
        let range: Range<Int>
        var sent: Instant
        var transmissions = 1
        var isSacked = false
        /// Declared lost, and not sent again yet.
        var isLost = false
        var isInFlight: Bool { !isSacked && !isLost }
    }

    private enum Phase: Hashable {
        case open
        /// Some were lost: until everything below `end` is there, the window shrinks as PRR has it.
        case recovery(end: Int, priorWindow: Int, delivered: Int, sent: Int)
        /// The timer has run out: slow start from one segment.
        case loss(end: Int)
    }

    /// What is waited for: Linux has one timer for all three.
    private enum Timer: Hashable {
        case none
        case retransmission(Instant)
        case probe(Instant)
        case reordering(Instant)
    }

    private var buffer: [UInt8] = []
    /// Where `buffer` begins in the stream: everything below is acknowledged.
    private var first = 0
    private var next = 0
    private(set) var hasFinished = false
    private var segments: [Sent] = []
    private var phase = Phase.open
    private var window = Self.initialWindow
    private var threshold = Int.max
    private var growth = 0
    private var mostInFlight = 0
    private var timer = Timer.none
    private var retransmissionTimer = RetransmissionTimer()
    private var smoothed: Duration?
    private var smallest: Duration?
    /// RACK: the latest of the segments that are known to have arrived, and how long it took.
    private var rack: (sent: Instant, end: Int, roundTrip: Duration)?
    private var owesProbe = false
    /// One probe a tail.
    private var probed: Int?

    /// How many segments were sent again.
    private(set) var retransmittedCount = 0

    /// Since when segments are sent again after timeouts without anything new being acknowledged: what `TCP_USER_TIMEOUT` counts from.
    private(set) var stalledSince: Instant?

    var hasRoom: Bool { buffer.count < Self.bufferByteCount && !hasFinished }
    /// Everything that was written is acknowledged, the end included.
    var isDone: Bool { first == written }
    private var written: Int { first + buffer.count + (finIsBuffered ? 1 : 0) }
    private var finIsBuffered: Bool { hasFinished && !finIsAcknowledged }
    private var finIsAcknowledged = false

    mutating func write(_ bytes: [UInt8]) { buffer += bytes }
    mutating func finish() { hasFinished = true }

    // MARK: Acknowledgements

    /// - Parameter roundTrip: of the handshake, at first.
    mutating func measured(_ roundTrip: Duration) { sample(roundTrip) }

    private mutating func sample(_ roundTrip: Duration) {
        retransmissionTimer.sample(roundTrip)
        smoothed = smoothed.map { $0 * 7 / 8 + roundTrip / 8 } ?? roundTrip
        smallest = min(smallest ?? roundTrip, roundTrip)
    }

    mutating func receive(acknowledged: Int, sacked: [Range<Int>], now: Instant) {
        guard acknowledged <= next, !segments.isEmpty else { return }
        let advanced = acknowledged > first
        var delivered = 0
        var earliest: Instant?
        func note(_ segment: Sent) {
            delivered += 1
            if segment.transmissions == 1 { earliest = min(earliest ?? segment.sent, segment.sent) }
        }
        for index in segments.indices where !segments[index].isSacked {
            let range = segments[index].range
            guard range.upperBound <= acknowledged || sacked.contains(where: { $0.lowerBound <= range.lowerBound && range.upperBound <= $0.upperBound })
            else { continue }
            note(segments[index])
            noteArrival(segments[index], now: now)
            (segments[index].isSacked, segments[index].isLost) = (true, false)
        }
        if let earliest { sample(now - earliest) }
        if advanced { advance(to: acknowledged) }
        let lost = detectLosses(now: now)
        adjustWindow(delivered: delivered, lost: lost, advanced: advanced)
        if delivered > 0 || advanced { setTimer(restarts: advanced, now: now) }
    }

    private mutating func advance(to acknowledged: Int) {
        let byteCount = min(buffer.count, acknowledged - first)
        buffer.removeFirst(byteCount)
        if acknowledged - first > byteCount { finIsAcknowledged = true }
        first = acknowledged
        stalledSince = nil
        segments.removeAll { $0.range.upperBound <= acknowledged }
        retransmissionTimer.restore()
        if let probed, acknowledged >= probed { self.probed = nil }
        if segments.isEmpty { mostInFlight = 0 }
    }

    /// RFC 8985 section 6.2, steps 1 and 2.
    private mutating func noteArrival(_ segment: Sent, now: Instant) {
        let roundTrip = now - segment.sent
        // The acknowledgement may be of an earlier transmission.
        if segment.transmissions > 1, let smallest, roundTrip < smallest { return }
        if let rack, (rack.sent, rack.end) >= (segment.sent, segment.range.upperBound) { return }
        rack = (segment.sent, segment.range.upperBound, roundTrip)
    }

    /// RFC 8985 section 6.2, step 5. Reordering is not looked for: no link of the lab that keeps order has any.
    /// - Returns: how many were declared lost; the rest waits for the timer.
    private mutating func detectLosses(now: Instant) -> Int {
        timer = if case .reordering = timer { .none } else { timer }
        guard let rack else { return 0 }
        let wait = reorderingWindow
        var lost = 0
        var due: Instant?
        for index in segments.indices where segments[index].isInFlight {
            let segment = segments[index]
            guard (segment.sent, segment.range.upperBound) < (rack.sent, rack.end) else { continue }
            let limit = segment.sent + rack.roundTrip + wait
            if limit <= now {
                segments[index].isLost = true
                lost += 1
            } else {
                due = max(due ?? limit, limit)
            }
        }
        if let due { timer = .reordering(due) }
        return lost
    }

    private var reorderingWindow: Duration {
        if phase != .open || segments.count(where: \.isSacked) >= Self.duplicateThreshold { return .zero }
        return min((smallest ?? .zero) / 4, (smoothed ?? .zero) / 8)
    }

    // MARK: The window

    private mutating func adjustWindow(delivered: Int, lost: Int, advanced: Bool) {
        switch phase {
        case .open:
            if lost > 0 { enterRecovery() } else if advanced { grow(by: delivered) }
        case .recovery(let end, _, _, _) where first >= end, .loss(let end) where first >= end:
            if case .recovery = phase { window = threshold }
            phase = .open
            if lost > 0 { enterRecovery() }
        case .recovery(let end, let prior, var total, let sent):
            total += delivered
            phase = .recovery(end: end, priorWindow: prior, delivered: total, sent: sent)
            // RFC 6937 section 3, with the bound by slow start that Linux takes where the receiver makes progress.
            let room = threshold - inFlight
            var count = room < 0 ? (threshold * total + prior - 1) / prior - sent : max(total - sent, delivered)
            if room >= 0, advanced, lost == 0 { count += 1 }
            count = room < 0 ? count : min(room, count)
            window = inFlight + max(count, sent > 0 ? 0 : 1)
        case .loss: if advanced { grow(by: delivered) }
        }
    }

    private mutating func enterRecovery() {
        threshold = max(2, Int(Double(window) * Self.reduction))
        phase = .recovery(end: next, priorWindow: window, delivered: 0, sent: 0)
        // The fast retransmission itself is always allowed.
        window = max(inFlight + 1, min(window, threshold))
    }

    /// Only a window that is made use of grows.
    private mutating func grow(by delivered: Int) {
        if window < threshold {
            if window < 2 * max(mostInFlight, 1) { window += delivered }
        } else if mostInFlight >= window {
            growth += delivered
            if growth >= window {
                growth = 0
                window += 1
            }
        }
    }

    private var inFlight: Int { segments.count(where: \.isInFlight) }

    // MARK: Time

    var deadline: Instant? {
        switch timer {
        case .none: nil
        case .retransmission(let instant), .probe(let instant), .reordering(let instant): instant
        }
    }

    private mutating func setTimer(restarts: Bool, now: Instant) {
        if case .reordering = timer { return }
        guard let head = segments.first(where: { !$0.isSacked }) else {
            timer = .none
            return
        }
        let limit = restarts ? now + retransmissionTimer.timeout : max(now, head.sent + retransmissionTimer.timeout)
        if phase == .open, probed == nil, !segments.contains(where: \.isSacked), let smoothed {
            let wait = smoothed * 2 + (segments.count == 1 ? Self.singleProbeMargin : Self.probeMargin)
            timer = .probe(min(now + wait, max(now, head.sent + retransmissionTimer.timeout)))
        } else if case .retransmission = timer, !restarts {
            return
        } else {
            timer = .retransmission(limit)
        }
    }

    mutating func handleTimeout(now: Instant) {
        guard let deadline, deadline <= now else { return }
        switch timer {
        case .none: break
        case .reordering:
            timer = .none
            if detectLosses(now: now) > 0, phase == .open { enterRecovery() }
            setTimer(restarts: false, now: now)
        case .probe:
            owesProbe = true
            probed = next
            timer = .retransmission(now + retransmissionTimer.timeout)
        case .retransmission: timeOut(now: now)
        }
    }

    private mutating func timeOut(now: Instant) {
        stalledSince = stalledSince ?? now
        retransmissionTimer.backOff()
        if case .loss = phase {} else { threshold = max(2, Int(Double(window) * Self.reduction)) }
        // The first is lost; of the others those that had time to arrive.
        var isHead = true
        for index in segments.indices where segments[index].isInFlight {
            let limit = rack.map { segments[index].sent + $0.roundTrip + reorderingWindow } ?? now
            if isHead || limit <= now { segments[index].isLost = true }
            isHead = false
        }
        phase = .loss(end: next)
        window = inFlight + 1
        (probed, owesProbe) = (nil, false)
        timer = .retransmission(now + retransmissionTimer.timeout)
    }

    // MARK: Sending

    /// The next part of the stream to send; `nil` when there is nothing, or the window is full.
    mutating func pollSegment(roomFor sackByteCount: Int, now: Instant) -> (start: Int, payload: [UInt8], hasFIN: Bool)? {
        if owesProbe {
            owesProbe = false
            // RFC 8985 section 7.3: what is new, or the last once more.
            if next < written { return sendNew(sackByteCount, now: now) }
            return segments.indices.last { !segments[$0].isSacked }.map { resend($0, now: now) }
        }
        guard inFlight < window else { return nil }
        if let index = segments.firstIndex(where: \.isLost) { return resend(index, now: now) }
        return next < written ? sendNew(sackByteCount, now: now) : nil
    }

    private mutating func resend(_ index: Int, now: Instant) -> (start: Int, payload: [UInt8], hasFIN: Bool) {
        segments[index].isLost = false
        segments[index].sent = now
        segments[index].transmissions += 1
        retransmittedCount += 1
        countSent()
        if timer == .none { timer = .retransmission(now + retransmissionTimer.timeout) }
        return part(segments[index].range)
    }

    private mutating func sendNew(_ sackByteCount: Int, now: Instant) -> (start: Int, payload: [UInt8], hasFIN: Bool) {
        let end = min(written, next + TCPSegment.maximumPayloadByteCount - sackByteCount)
        let range = next..<end
        next = end
        segments.append(Sent(range: range, sent: now))
        mostInFlight = max(mostInFlight, inFlight)
        countSent()
        setTimer(restarts: segments.count == 1, now: now)
        return part(range)
    }

    private mutating func countSent() {
        guard case .recovery(let end, let prior, let delivered, let sent) = phase else { return }
        phase = .recovery(end: end, priorWindow: prior, delivered: delivered, sent: sent + 1)
    }

    private func part(_ range: Range<Int>) -> (start: Int, payload: [UInt8], hasFIN: Bool) {
        let dataEnd = first + buffer.count
        return (
            range.lowerBound, Array(buffer[(min(range.lowerBound, dataEnd) - first)..<(min(range.upperBound, dataEnd) - first)]),
            range.upperBound > dataEnd
        )
    }
}
