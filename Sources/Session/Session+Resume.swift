package import Wire

/// From one connection to the next: what is kept between them, and what is said at the meeting.
extension Session {
    /// The connection is gone. What was being answered waits; prompt, conversation and events are kept for a while.
    package mutating func detach(now: Instant) {
        guard case .attached = phase else { return }
        phase = .detached(since: now)
    }

    /// Another connection carries the session from now on, after the last one or instead of it.
    ///
    /// The events that the client lacks come first, as if nothing had happened; `session.resumed` behind them tells the
    /// client what to send again.
    /// - Parameter offer: the token for the next time.
    package mutating func resume(
        _ capabilities: Capabilities, offer: ResumeOffer?, lastEventID: String?, answerSequence: UInt16?, now: Instant
    ) {
        switch phase {
        case .waiting, .ended: return
        case .attached: break
        case .detached(let since):
            for index in pending.indices where Self.isSentAgain(pending[index]) {
                pending[index].deadline = pending[index].deadline.advanced(by: now.since(since))
            }
            playout.resume(now: now)
        }
        phase = .attached(capabilities)
        note(capabilities, now: now)
        useOfferedMode(capabilities)
        object.parallax.resume = offer
        let (missed, hasGap) = eventLog.events(after: lastEventID)
        for event in missed { outputs.append(.event(event)) }
        if hasGap {
            refuse(EventError(
                type: .server, code: .resumeGap,
                message: "Events before these are no longer kept: at most \(limits.loggedEvents) of \(limits.loggedEventBytes) bytes "
                    + "in all. The session goes on; acknowledge events by parallax.last_event_id."))
        }
        emit(.sessionResumed(object, account))
        if let answerSequence { sendAnswerAgain(from: answerSequence) }
        decideWhatIsDue(now: now)
        playWhatIsDue(now: now)
    }

    /// Where its audio stands now.
    package var audioPlace: AudioPlace {
        var openPart: PartLocator?
        if case .active(let active) = response, active.hasPart { openPart = active.locator }
        return AudioPlace(nextSequence: ledger.nextSequence, playout: playout, openPart: openPart)
    }

    /// The attachment's place in the session's history.
    mutating func note(_ capabilities: Capabilities, now: Instant) {
        playout.playsAhead = capabilities.audioInEvents
        if attachments.count >= limits.attachmentHistory { attachments.removeFirst() }
        attachments.append(Attachment(transport: capabilities.transport, since: now))
    }

    private mutating func sendAnswerAgain(from sequence: UInt16) {
        for frame in answerLog.takeFrames(from: sequence) { send(frame, delivery.asPromised) }
    }

    private var account: ResumeAccount {
        var account = ResumeAccount()
        account.clientEvents = counters.eventsReceived
        account.lastClientEventID = lastClientEventID
        account.held = ledger.heldRanges(limit: limits.heldRanges)
        account.transports = attachments.map(\.transport)
        return account
    }

    /// The transports over which a prompt came whose first frame was there at `first`.
    func transports(since first: Instant?) -> [String] {
        let first = first ?? .distantFuture
        let start = attachments.lastIndex { $0.since <= first } ?? 0
        // A prompt without frames came, if at all, by the present one.
        return attachments[(first == .distantFuture ? max(0, attachments.count - 1) : start)...].map(\.transport)
    }

    /// Whether the client sends the frames of this prompt again on its next connection: then its time stands still meanwhile.
    static func isSentAgain(_ prompt: PendingPrompt) -> Bool { ReliabilitySettings(mode: prompt.mode).delivery.isReliable }
}

extension PromptLedger {
    /// The frames that are held, as ranges from the lowest number on, so many at most.
    func heldRanges(limit: Int) -> [ResumeAccount.FrameRange] {
        var ranges: [ResumeAccount.FrameRange] = []
        var previous: UInt64?
        for sequence in window where self[sequence] != nil {
            if let previous, previous + 1 == sequence, let last = ranges.indices.last {
                ranges[last].frames += 1
            } else {
                guard ranges.count < limit else { break }
                ranges.append(.init(firstSequence: UInt16(truncatingIfNeeded: sequence), frames: 1))
            }
            previous = sequence
        }
        return ranges
    }
}
