import Wire

// What is lost, and what follows from it (`tcp_fastretrans_alert`).
extension TCPSender {
    /// How many SACKed segments make a gap a loss without waiting for reordering (`tcp_reordering`).
    private static let duplicateThreshold = 3

    mutating func recover(_ news: inout News, from priorFirst: Int, now: Instant) -> Answer {
        if phase == .open {
            firstResent = nil
        } else if first >= phaseEnd, case .recovery = phase {
            endRecovery(news)
        }
        switch phase {
        case .recovery:
            if news.advanced, undoPartly(news) { return .nothing }
            if undoDoubled() { keepOpen() }
            identifyLosses(&news, now: now)
            if case .recovery = phase { return .lost }
            guard lostCount > 0 else { return .nothing }
            enterRecovery()
            return .lost
        case .loss:
            let answer = proceedAfterTimeout(&news)
            identifyLosses(&news, now: now)
            guard phase == .open || phase == .disorder || news.lostResent else { return answer }
            return alert(&news, answer, now: now)
        case .open, .disorder: return alert(&news, .nothing, now: now)
        }
    }

    private mutating func alert(_ news: inout News, _ answer: Answer, now: Instant) -> Answer {
        if phase == .open || phase == .disorder { _ = undoDoubled() }
        identifyLosses(&news, now: now)
        guard lostCount > 0 else {
            if !hasResent { firstResent = nil }
            keepOpen()
            return answer
        }
        enterRecovery()
        return .lost
    }

    private mutating func endRecovery(_ news: News) {
        if mayUndo(news) {
            takeBack(unmarksLosses: false)
        } else {
            window.count = window.threshold
        }
        phase = .open
    }

    /// `tcp_try_keep_open`.
    mutating func keepOpen() {
        let state: Phase = sackedCount + lostCount > 0 || hasResent ? .disorder : .open
        guard phase != state else { return }
        phase = state
        phaseEnd = next
    }

    mutating func enterRecovery() {
        let priorWindow = window.count
        beginUndo()
        phase = .recovery(Reduction(priorWindow: priorWindow))
        phaseEnd = next
        probe = nil
    }

    /// Takes the window down, and keeps what it was.
    private mutating func beginUndo() {
        let before = window.reduce()
        undo = Undo(start: first, window: before.window, threshold: before.threshold, outstanding: resentCount > 0 ? resentCount : nil)
    }

    // MARK: Losses

    /// RFC 8985 section 6.2, step 5 (`tcp_rack_mark_lost`).
    private mutating func identifyLosses(_ news: inout News, now: Instant) {
        guard rackHasAdvanced, !segments.isEmpty else { return }
        rackHasAdvanced = false
        let (lost, lostResent, wait) = detectLosses(now: now)
        news.lost += lost
        if lostResent { news.lostResent = true }
        if let wait {
            timer = .reordering(clock.expiry(after: wait + Self.probeMargin, now: now))
            news.restartsTimer = false
        }
    }

    /// Reordering is not looked for: no link of the lab that keeps order has any.
    /// - Returns: how many were declared lost, whether one of them for the second time, and how long the rest is waited for.
    private mutating func detectLosses(now: Instant) -> (lost: Int, lostResent: Bool, wait: Duration?) {
        guard let rack else { return (0, false, nil) }
        let patience = rack.roundTrip + reorderingWindow
        var (lost, lostResent) = (0, false)
        var wait: Duration?
        for index in segments.indices where !segments[index].isSacked {
            let segment = segments[index]
            if segment.isLost, !segment.isResent { continue }
            guard (segment.sent, segment.range.upperBound) < (rack.sent, rack.end) else { continue }
            let left = patience - (now - segment.sent)
            if left <= .zero {
                lost += 1
                if segment.isResent { lostResent = true }
                (segments[index].isLost, segments[index].isResent) = (true, false)
            } else {
                wait = max(wait ?? left, left)
            }
        }
        return (lost, lostResent, wait)
    }

    /// `tcp_rack_reo_wnd`.
    private var reorderingWindow: Duration {
        switch phase {
        case .recovery, .loss: return .zero
        case .open, .disorder: break
        }
        guard sackedCount < Self.duplicateThreshold, let smallest = timeout.smallest, let smoothed = timeout.smoothed else { return .zero }
        return min(smallest / 4 * reorderingSteps, smoothed)
    }

    /// `tcp_rack_reo_timeout`.
    mutating func reorderingTimeout(now: Instant) {
        let (lost, _, _) = detectLosses(now: now)
        if lost > 0 {
            if case .recovery = phase {} else {
                enterRecovery()
                reduceWindow(delivered: 1, lost: lost, advanced: false)
            }
            resendLost(now: now)
        }
        if case .retransmission = timer {} else { rearm(now: now) }
    }

    // MARK: The timeout

    /// `tcp_retransmit_timer` and `tcp_enter_loss`.
    mutating func timeOut(now: Instant) {
        guard !segments.isEmpty else { return }
        stalledSince = stalledSince ?? now
        stalledAt = now
        let isNew: Bool
        switch phase {
        case .open, .disorder: isNew = true
        case .recovery, .loss: isNew = false
        }
        markLost(now: now)
        if isNew || phaseEnd <= first || (isLoss && timeoutCount == 0) {
            beginUndo()
            window.forget()
        }
        window.count = inFlight + 1
        phase = .loss(isTentative: isNew || timeoutCount > 0)
        phaseEnd = next
        probe = nil
        timeoutCount += 1
        resendHead(now: now)
        timeout.backOff()
        timer = .retransmission(clock.expiry(after: timeout.current, now: now))
    }

    private var isLoss: Bool { if case .loss = phase { true } else { false } }

    /// The first is lost; of the others those that had time to arrive (`tcp_timeout_mark_lost`).
    private mutating func markLost(now: Instant) {
        for index in segments.indices where !segments[index].isSacked {
            let limit = rack.map { segments[index].sent + $0.roundTrip } ?? now
            if index == 0 || limit <= now { (segments[index].isLost, segments[index].isResent) = (true, false) }
        }
    }

    /// `tcp_process_loss`, with F-RTO (RFC 5682 section 3.1).
    private mutating func proceedAfterTimeout(_ news: inout News) -> Answer {
        let hasRecovered = first >= phaseEnd
        if news.advanced, mayUndo(news) {
            undoTimeout()
            return .nothing
        }
        if case .loss(isTentative: true) = phase {
            if news.originalArrived {
                undoTimeout()
                return .nothing
            }
            if next > phaseEnd {
                let isDuplicate = !news.advanced && !news.hasData && !news.tellsDoubled && news.acknowledgedCount == 0
                if news.sacksNew || isDuplicate { phase = .loss(isTentative: false) }
            } else if news.advanced, !hasRecovered {
                phaseEnd = next
                if hasUnsent { return .new }
                phase = .loss(isTentative: false)
            }
        }
        if hasRecovered {
            if mayUndo(news) { takeBack(unmarksLosses: false) }
            phase = .open
            return .nothing
        }
        return .lost
    }

    private mutating func undoTimeout() {
        takeBack(unmarksLosses: true)
        timeoutCount = 0
        phase = .open
    }

    // MARK: What turned out not to be lost

    /// Everything that was sent again came twice, or the peer answers to what was sent before (`tcp_may_undo`).
    private func mayUndo(_ news: News) -> Bool {
        guard let undo else { return false }
        return undo.outstanding == 0 || answersOriginal(news)
    }

    /// `tcp_packet_delayed` (RFC 3522).
    private func answersOriginal(_ news: News) -> Bool {
        guard let firstResent, news.echo > 0 else { return false }
        return news.echo < firstResent
    }

    private mutating func undoPartly(_ news: News) -> Bool {
        guard undo != nil, answersOriginal(news) else { return false }
        if resentCount > 0 { return true }
        if !hasResent { firstResent = nil }
        takeBack(unmarksLosses: true)
        keepOpen()
        return true
    }

    mutating func undoDoubled() -> Bool {
        guard undo?.outstanding == 0 else { return false }
        takeBack(unmarksLosses: false)
        return true
    }

    private mutating func takeBack(unmarksLosses: Bool) {
        if unmarksLosses { for index in segments.indices { segments[index].isLost = false } }
        if let undo { window.restore(window: undo.window, threshold: undo.threshold) }
        undo = nil
        rackHasAdvanced = true
    }

    // MARK: The window

    /// `tcp_cong_control`.
    mutating func adjustWindow(_ news: News, now: Instant) {
        if case .recovery = phase {
            reduceWindow(delivered: news.delivered, lost: news.lost, advanced: news.advanced)
        } else if news.acknowledgedCount > 0, news.delivered > 0, usesWindow {
            window.grow(by: news.delivered, roundTrip: timeout.smallest ?? .zero, now: now)
        }
    }

    /// RFC 6937 section 3, with the bound by slow start where the receiver makes progress (`tcp_cwnd_reduction`).
    private mutating func reduceWindow(delivered: Int, lost: Int, advanced: Bool) {
        guard delivered > 0, case .recovery(var reduction) = phase else { return }
        reduction.delivered += delivered
        phase = .recovery(reduction)
        let inFlight = inFlight
        let room = window.threshold - inFlight
        var count: Int
        if room < 0 {
            count = (window.threshold * reduction.delivered + reduction.priorWindow - 1) / max(1, reduction.priorWindow) - reduction.sent
        } else {
            count = max(reduction.delivered - reduction.sent, delivered)
            if advanced, lost == 0 { count += 1 }
            count = min(room, count)
        }
        window.count = inFlight + max(count, reduction.sent > 0 ? 0 : 1)
    }
}
