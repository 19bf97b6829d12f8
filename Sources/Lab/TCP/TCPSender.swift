import Wire

/// The sending half of a model of Linux's TCP: SACK, RACK and TLP (RFC 8985), RTO (RFC 6298) with F-RTO (RFC 5682), proportional
/// rate reduction (RFC 6937), CUBIC (RFC 9438), Nagle off. Where the RFCs leave a choice, or Linux another way, it is Linux's: the
/// names in the comments are those of its functions.
///
/// Here stand the queue, sending and the timer; what acknowledgements say is in `TCPSender+Acknowledgements`, what follows from it
/// in `TCPSender+Recovery`.
struct TCPSender {
    /// What PTO adds to two round trips with more than one segment out (`TCP_TIMEOUT_MIN_US`). With one it is the smallest RTO, since
    /// its acknowledgement may be delayed.
    static let probeMargin = Duration.milliseconds(2)
    /// What may be written and not acknowledged.
    private static let bufferByteCount = 128 << 10

    /// A part of the stream that was sent, and what is known of it.
    struct Sent: Hashable {
        var range: Range<Int>
        /// For the last time.
        var sent: Instant
        /// Ever sent again.
        var wasResent = false
        var isSacked = false
        /// Declared lost.
        var isLost = false
        /// Sent again since it was declared lost, and not given up again.
        var isResent = false
    }

    enum Phase: Hashable {
        case open
        /// There are gaps, none of which is a loss yet.
        case disorder
        /// Some were lost: the window shrinks as PRR has it.
        case recovery(Reduction)
        /// The timer has run out. While `isTentative`, what follows may show that nothing was lost (F-RTO).
        case loss(isTentative: Bool)
    }

    /// RFC 6937 section 3.
    struct Reduction: Hashable {
        var priorWindow: Int
        var delivered = 0
        var sent = 0
    }

    /// What is waited for: Linux has one timer for all three.
    enum Timer: Hashable {
        case none
        case retransmission(Instant)
        case probe(Instant)
        case reordering(Instant)

        var deadline: Instant? {
            switch self {
            case .none: nil
            case .retransmission(let instant), .probe(let instant), .reordering(let instant): instant
            }
        }
    }

    /// A probe under way (RFC 8985 section 7): everything below `end` had been sent by then.
    struct Probe: Hashable {
        let end: Int
        let isRetransmission: Bool
    }

    /// What a reduction would be taken back to, if nothing was lost after all.
    struct Undo: Hashable {
        let start: Int
        let window: Int
        let threshold: Int
        /// Of the segments sent again, those that have not been said to have come twice; `nil` before the first.
        var outstanding: Int?
    }

    /// A part of the stream that is to leave.
    struct Part: Hashable {
        let start: Int
        let payload: [UInt8]
        let hasFIN: Bool
    }

    let clock: KernelClock
    private var buffer: [UInt8] = []
    /// Where `buffer` begins in the stream: everything below is acknowledged.
    var first = 0
    var next = 0
    private(set) var hasFinished = false
    private var finIsAcknowledged = false
    /// What is under way, in the order of the stream.
    var segments: [Sent] = []
    var phase = Phase.open
    /// Where the stream was when the phase began, or began anew.
    var phaseEnd = 0
    var window = CubicWindow()
    var timer = Timer.none
    var timeout = TCPTimeout()
    /// Timeouts in a row.
    var timeoutCount = 0
    /// RACK: the latest of the segments that are known to have arrived, and how long it took.
    var rack: (sent: Instant, end: Int, roundTrip: Duration)?
    var rackHasAdvanced = false
    /// How often a quarter of the smallest round trip is waited for reordering: more after segments that came twice.
    var reorderingSteps = 1
    var probe: Probe?
    var undo: Undo?
    /// When the first segment of the current phase was sent again, as timestamps say it.
    var firstResent: UInt32?
    /// What leaves next.
    private var ready: [Part] = []
    /// How many segments were sent again.
    private(set) var retransmittedCount = 0
    /// Since when segments are sent again after timeouts without anything new being acknowledged: what `TCP_USER_TIMEOUT` counts from.
    var stalledSince: Instant?
    /// The last of these timeouts.
    var stalledAt: Instant?

    private var isWindowLimited = false
    private var usageEnd = 0
    private var mostOut = 0
    private var windowUsed = 0
    private var windowStamp = Instant.zero
    private var lastSent = Instant.zero

    init(clock: KernelClock) { self.clock = clock }

    /// Everything that was written is acknowledged, the end included.
    var isDone: Bool { first == written }
    var hasRoom: Bool { buffer.count < Self.bufferByteCount && !hasFinished }
    private var written: Int { first + buffer.count + (hasFinished && !finIsAcknowledged ? 1 : 0) }
    var hasUnsent: Bool { next < written }

    /// Milliseconds, as timestamps count them.
    static func timestamp(_ now: Instant) -> UInt32 { UInt32(truncatingIfNeeded: now.nanoseconds / 1_000_000 + 1) }

    // MARK: Commands

    /// Appends to the stream, and sends what the window allows: each write that finds room makes segments of its own.
    mutating func write(_ bytes: [UInt8], roomFor sackByteCount: Int, now: Instant) {
        if segments.isEmpty, now - lastSent > timeout.current, lastSent > .zero {
            window.restart(idle: now - lastSent, timeout: timeout.current)
            windowStamp = now
            windowUsed = 0
        }
        buffer += bytes
        push(roomFor: sackByteCount, now: now)
    }

    /// Ends this end's stream behind what was written.
    mutating func finish(roomFor sackByteCount: Int, now: Instant) {
        hasFinished = true
        push(roomFor: sackByteCount, now: now)
    }

    mutating func takeReady() -> [Part] {
        defer { ready = [] }
        return ready
    }

    /// The peer has everything below `end`.
    mutating func forget(upTo end: Int) {
        let byteCount = min(buffer.count, end - first)
        buffer.removeFirst(byteCount)
        if end - first > byteCount { finIsAcknowledged = true }
        first = end
        (stalledSince, stalledAt) = (nil, nil)
    }

    // MARK: Counting

    var sackedCount: Int { segments.count(where: \.isSacked) }
    var lostCount: Int { segments.count(where: \.isLost) }
    var resentCount: Int { segments.count(where: \.isResent) }
    /// `tcp_packets_in_flight`.
    var inFlight: Int {
        segments.reduce(0) { $0 + ($1.isSacked || $1.isLost ? 0 : 1) + ($1.isResent ? 1 : 0) }
    }
    var hasResent: Bool { resentCount > 0 || segments.first?.wasResent ?? false }
    /// Only a window that is made use of grows (`tcp_is_cwnd_limited`).
    var usesWindow: Bool { isWindowLimited || (window.isSlowStart && window.count < 2 * mostOut) }

    // MARK: Sending

    /// Sends what is new as far as the window allows (`tcp_write_xmit`).
    mutating func push(roomFor sackByteCount: Int, now: Instant) {
        var count = 0
        while next < written, inFlight < window.count {
            sendNew(sackByteCount, now: now)
            count += 1
        }
        wrote(count, now: now)
        if count > 0 { _ = scheduleProbe(fromNow: false, now: now) }
    }

    private mutating func wrote(_ count: Int, now: Instant) {
        let isLimited = inFlight >= window.count
        guard count > 0 || (isLimited && next < written) else { return }
        if first >= usageEnd || isLimited || (!isWindowLimited && segments.count > mostOut) {
            (isWindowLimited, mostOut, usageEnd) = (isLimited, segments.count, next)
        }
        if usesWindow {
            (windowUsed, windowStamp) = (0, now)
        } else {
            windowUsed = max(windowUsed, segments.count)
            if now - windowStamp >= timeout.current {
                if phase == .open { window.decay(used: windowUsed) }
                (windowUsed, windowStamp) = (0, now)
            }
        }
        countSent(count)
    }

    private mutating func sendNew(_ sackByteCount: Int, now: Instant) {
        let wasIdle = segments.isEmpty
        let end = min(written, next + TCPSegment.maximumPayloadByteCount - sackByteCount)
        let range = next..<end
        next = end
        segments.append(Sent(range: range, sent: now))
        leave(range, now: now)
        if case .probe = timer { rearm(now: now) } else if wasIdle { rearm(now: now) }
    }

    /// Sends a segment again, as many of those behind it as fit into it with it (`tcp_retrans_try_collapse`).
    ///
    /// - Parameter isProbe: it stands for no loss, and is under way beside what went before.
    private mutating func resend(_ index: Int, isProbe: Bool = false, now: Instant) {
        segments[index].range = max(first, segments[index].range.lowerBound)..<segments[index].range.upperBound
        while index + 1 < segments.count, !segments[index + 1].isSacked,
            segments[index + 1].range.upperBound - segments[index].range.lowerBound <= TCPSegment.maximumPayloadByteCount
        {
            let merged = segments.remove(at: index + 1)
            segments[index].range = segments[index].range.lowerBound..<merged.range.upperBound
            if merged.wasResent { segments[index].wasResent = true }
        }
        (segments[index].sent, segments[index].wasResent) = (now, true)
        retransmittedCount += 1
        leave(segments[index].range, now: now)
        guard !isProbe else { return }
        segments[index].isResent = true
        firstResent = firstResent ?? Self.timestamp(now)
        let outstanding = (undo?.outstanding ?? 0) + 1
        undo?.outstanding = outstanding
    }

    /// Sends again what is lost, as far as the window allows (`tcp_xmit_retransmit_queue`).
    mutating func resendLost(now: Instant) {
        var index = 0
        var hasResentHead = false
        while index < segments.count, inFlight < window.count {
            let segment = segments[index]
            if segment.isLost, !segment.isSacked, !segment.isResent {
                resend(index, now: now)
                countSent(1)
                if index == 0 { hasResentHead = true }
            }
            index += 1
        }
        if hasResentHead {
            if case .reordering = timer { return }
            timer = .retransmission(clock.expiry(after: timeout.current, now: now))
        }
    }

    /// `tcp_retransmit_timer`: what is out first is lost, and goes again at once.
    mutating func resendHead(now: Instant) {
        guard !segments.isEmpty else { return }
        resend(0, now: now)
    }

    private mutating func leave(_ range: Range<Int>, now: Instant) {
        lastSent = now
        let dataEnd = first + buffer.count
        let payload = Array(buffer[(min(range.lowerBound, dataEnd) - first)..<(min(range.upperBound, dataEnd) - first)])
        ready.append(Part(start: range.lowerBound, payload: payload, hasFIN: range.upperBound > dataEnd))
    }

    private mutating func countSent(_ count: Int) {
        guard case .recovery(var reduction) = phase else { return }
        reduction.sent += count
        phase = .recovery(reduction)
    }

    // MARK: Time

    var deadline: Instant? { timer.deadline }

    /// How long until the timeout, counted from when the first segment left for the last time (`tcp_rto_delta_us`).
    private func untilTimeout(now: Instant) -> Duration {
        segments.first.map { $0.sent + timeout.current - now } ?? timeout.current
    }

    /// Waits for a probe, where there is no loss to be recovered from (`tcp_schedule_loss_probe`).
    /// - Parameter fromNow: the timeout begins anew.
    /// - Returns: whether it does.
    mutating func scheduleProbe(fromNow: Bool, now: Instant) -> Bool {
        guard phase == .open, !segments.isEmpty else { return false }
        var wait = TCPTimeout.initial
        if let smoothed = timeout.smoothed {
            wait = KernelClock.rounded(smoothed * 2 + (segments.count == 1 ? TCPTimeout.variationFloor : Self.probeMargin))
        }
        let limit = fromNow ? timeout.current : untilTimeout(now: now)
        if limit > .zero { wait = min(wait, KernelClock.rounded(limit)) }
        timer = .probe(clock.expiry(after: wait, now: now))
        return true
    }

    /// Waits for the timeout (`tcp_rearm_rto`).
    mutating func rearm(now: Instant) {
        guard !segments.isEmpty else { return timer = .none }
        let wait: Duration =
            switch timer {
            case .probe, .reordering: max(.microseconds(1), untilTimeout(now: now))
            case .none, .retransmission: timeout.current
            }
        timer = .retransmission(clock.expiry(after: wait, now: now))
    }

    mutating func handleTimeout(roomFor sackByteCount: Int, now: Instant) {
        guard let deadline, deadline <= now else { return }
        switch timer {
        case .none: break
        case .reordering: reorderingTimeout(now: now)
        case .probe: sendProbe(sackByteCount, now: now)
        case .retransmission:
            timer = .none
            timeOut(now: now)
        }
    }

    /// RFC 8985 section 7.3: what is new, or the last once more; one probe at a time (`tcp_send_loss_probe`).
    private mutating func sendProbe(_ sackByteCount: Int, now: Instant) {
        defer { rearm(now: now) }
        guard probe == nil, let last = segments.indices.last else { return }
        if next < written {
            sendNew(sackByteCount, now: now)
            wrote(1, now: now)
            probe = Probe(end: next, isRetransmission: false)
        } else {
            resend(last, isProbe: true, now: now)
            probe = Probe(end: next, isRetransmission: true)
        }
        timer = .none
    }
}
