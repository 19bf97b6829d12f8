import Wire

// What a segment says of those that were sent (`tcp_ack`).
extension TCPSender {
    /// What one acknowledgement tells.
    struct News {
        var advanced = false
        /// The segment itself brings something.
        let hasData: Bool
        let echo: UInt32
        var acknowledgedCount = 0
        /// Acknowledged or SACKed for the first time.
        var delivered = 0
        /// Declared lost by it.
        var lost = 0
        var sacksNew = false
        var tellsDoubled = false
        /// Segments that were never sent again, and were sent before the phase began, have arrived (F-RTO).
        var originalArrived = false
        /// A retransmission was declared lost.
        var lostResent = false
        var restartsTimer = false
        var roundTrip: Duration?
    }

    /// What to send once an acknowledgement has been understood (`tcp_xmit_recovery`).
    enum Answer {
        case nothing
        case new
        case lost
    }

    mutating func receive(_ segment: TCPSegment, roomFor sackByteCount: Int, now: Instant) {
        guard (first...next).contains(segment.acknowledged) else { return }
        var news = News(hasData: segment.end > segment.start, echo: segment.echo)
        news.advanced = segment.acknowledged > first
        if news.advanced { timeoutCount = 0 }
        let priorFirst = first
        let wasEmpty = segments.isEmpty
        let blocks = splitDoubled(segment, news: &news)
        takeBlocks(blocks, news: &news, now: now)
        guard !wasEmpty else {
            if news.tellsDoubled { _ = undoDoubled() }
            return understandProbe(segment.acknowledged, news)
        }
        advance(to: segment.acknowledged, news: &news, now: now)
        if news.tellsDoubled, probe == nil { reorderingSteps = min(255, reorderingSteps + 1) }
        understandProbe(segment.acknowledged, news)
        var answer = Answer.nothing
        let isPlain = news.hasData || news.acknowledgedCount > 0
        if !isPlain || news.sacksNew || news.tellsDoubled || phase != .open {
            answer = recover(&news, from: priorFirst, now: now)
        }
        if news.restartsTimer, !scheduleProbe(fromNow: true, now: now) { rearm(now: now) }
        adjustWindow(news, now: now)
        send(answer, roomFor: sackByteCount, now: now)
    }

    private mutating func send(_ answer: Answer, roomFor sackByteCount: Int, now: Instant) {
        switch answer {
        case .nothing: return
        case .new:
            push(roomFor: sackByteCount, now: now)
            if next > phaseEnd { return }
            if case .loss = phase { phase = .loss(isTentative: false) }
        case .lost: break
        }
        resendLost(now: now)
    }

    // MARK: Blocks

    /// The SACK blocks but for the one that says what came twice (RFC 2883 section 4).
    private mutating func splitDoubled(_ segment: TCPSegment, news: inout News) -> [Range<Int>] {
        guard let block = segment.sacked.first else { return [] }
        let isInside = segment.sacked.count > 1 && segment.sacked[1].lowerBound <= block.lowerBound && block.upperBound <= segment.sacked[1].upperBound
        guard block.upperBound <= segment.acknowledged || isInside else { return segment.sacked }
        news.tellsDoubled = true
        if let undo, let outstanding = undo.outstanding, outstanding > 0, block.upperBound > undo.start {
            self.undo?.outstanding = outstanding - 1
        }
        return Array(segment.sacked.dropFirst())
    }

    private mutating func takeBlocks(_ blocks: [Range<Int>], news: inout News, now: Instant) {
        var firstSent: Instant?
        for block in blocks {
            split(at: block.lowerBound)
            split(at: block.upperBound)
            for index in segments.indices where !segments[index].isSacked {
                let segment = segments[index]
                guard block.lowerBound <= segment.range.lowerBound, segment.range.upperBound <= block.upperBound else { continue }
                noteArrival(segment, now: now)
                if !segment.wasResent {
                    if segment.range.upperBound <= phaseEnd { news.originalArrived = true }
                    firstSent = firstSent ?? segment.sent
                }
                segments[index].isSacked = true
                if segment.isLost { (segments[index].isLost, segments[index].isResent) = (false, false) }
                news.sacksNew = true
                news.delivered += 1
            }
        }
        news.roundTrip = firstSent.map { now - $0 }
    }

    /// What was merged when it was sent again may have arrived in part.
    private mutating func split(at place: Int) {
        guard let index = segments.firstIndex(where: { $0.range.lowerBound < place && place < $0.range.upperBound }), !segments[index].isSacked
        else { return }
        var rest = segments[index]
        rest.range = place..<rest.range.upperBound
        segments[index].range = segments[index].range.lowerBound..<place
        segments.insert(rest, at: index + 1)
    }

    /// Round trips differ by a segment's length alone, here to the nanosecond; in the kernel that drowns in what hosts take.
    private static var roundTripTolerance: Duration { .microseconds(100) }

    // MARK: The stream

    /// `tcp_clean_rtx_queue`.
    private mutating func advance(to acknowledged: Int, news: inout News, now: Instant) {
        var firstSent: Instant?
        var hasResent = false
        var count = 0
        for segment in segments {
            guard segment.range.upperBound <= acknowledged else { break }
            count += 1
            if segment.wasResent {
                hasResent = true
            } else if !segment.isSacked {
                firstSent = firstSent ?? segment.sent
                if segment.range.upperBound <= phaseEnd { news.originalArrived = true }
            }
            guard !segment.isSacked else { continue }
            news.delivered += 1
            if !isSpurious(segment, news) { noteArrival(segment, now: now) }
        }
        let sackedRoundTrip = news.roundTrip
        segments.removeFirst(count)
        news.acknowledgedCount = count
        if acknowledged > first { forget(upTo: acknowledged) }
        if let firstSent, !hasResent { news.roundTrip = now - firstSent }
        if news.roundTrip == nil, count > 0, news.echo > 0 {
            news.roundTrip = .milliseconds(Int64(max(1, Int64(Self.timestamp(now)) - Int64(news.echo))))
        }
        if let roundTrip = news.roundTrip { timeout.sample(roundTrip, acknowledged: first, next: next) }
        if count > 0 {
            news.restartsTimer = true
        } else if let sackedRoundTrip, let head = segments.first, sackedRoundTrip > now - head.sent {
            // Sent before the first one was sent again: the timeout is not put off for ever.
            news.restartsTimer = true
        }
    }

    /// RFC 8985 section 6.2, steps 1 and 2 (`tcp_rack_advance`).
    private mutating func noteArrival(_ segment: Sent, now: Instant) {
        let roundTrip = now - segment.sent
        // The acknowledgement may be of an earlier transmission.
        if segment.wasResent, let smallest = timeout.smallest, roundTrip + Self.roundTripTolerance < smallest { return }
        rackHasAdvanced = true
        guard let latest = rack, (latest.sent, latest.end) >= (segment.sent, segment.range.upperBound) else {
            return rack = (segment.sent, segment.range.upperBound, roundTrip)
        }
        rack = (latest.sent, latest.end, roundTrip)
    }

    /// The peer answers to a transmission before the last one (`tcp_skb_spurious_retrans`).
    private func isSpurious(_ segment: Sent, _ news: News) -> Bool {
        segment.wasResent && news.echo > 0 && news.echo < Self.timestamp(segment.sent)
    }

    // MARK: The probe

    /// RFC 8985 section 7.4 (`tcp_process_tlp_ack`).
    private mutating func understandProbe(_ acknowledged: Int, _ news: News) {
        guard let probe, acknowledged >= probe.end else { return }
        if !probe.isRetransmission || news.tellsDoubled {
            self.probe = nil
        } else if acknowledged > probe.end {
            // The probe filled a gap that nothing else told of: that was a loss, and counts as one.
            self.probe = nil
            _ = window.reduce()
            window.count = window.threshold
            keepOpen()
        } else if !news.advanced, !news.sacksNew, !news.hasData {
            // Both the original and the probe arrived.
            self.probe = nil
        }
    }
}
