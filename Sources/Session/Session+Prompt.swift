package import Wire

/// From the first frame of a prompt to its receipt.
extension Session {
    mutating func record(_ frame: MediaFrame, now: Instant) {
        clock.observe(frame.timestamp, arrival: now)
        switch ledger.record(frame, arrival: now) {
        case .fresh(let sequence):
            if !pending.isEmpty { countArrival(sequence, now: now) }
        case .duplicate:
            counters.framesDuplicate += 1
        case .afterDecision:
            counters.framesAfterDecision += 1
            lastDecidedPrompt?.framesAfterDecision += 1
        case .outside:
            counters.framesOutside += 1
        }
        if ledger.overflowedFrames > 0, !hasToldOverflow, !configuration.returnsFrames { tellOverflow() }
    }

    private mutating func tellOverflow() {
        hasToldOverflow = true
        refuse(EventError(
            code: .bufferOverflow,
            message: "The uncommitted audio is over its limit of \(limits.promptFrames) frames or \(limits.promptBytes) bytes; "
                + "frames are lost until a commit or clear."))
    }

    private mutating func countArrival(_ sequence: UInt64, now: Instant) {
        guard let index = pending.firstIndex(where: { $0.range.contains(sequence) }) else { return }
        pending[index].missingCount -= 1
        decideWhatIsDue(now: now)
    }

    // MARK: Commit

    /// The client's transport says that frames up to this one were sent: where a commit has no manifest, its prompt's tail
    /// is known by it.
    package mutating func receive(announcement last: UInt16, now: Instant) {
        guard case .attached = phase, !configuration.returnsFrames, ledger.window.upperBound > decidedFloor else { return }
        let end = ledger.extended(last) + 1
        // More than a prompt may have is not believed.
        guard end > announcedEnd, end <= ledger.window.upperBound + UInt64(limits.announcedFrames) else { return }
        announcedEnd = end
        guard let index = pending.indices.last, pending[index].manifest == nil, pending[index].range.upperBound <= end else { return }
        pending[index].tailDeadline = nil
        let unknown = end - pending[index].range.upperBound
        pending[index].missingCount += Int(unknown)
        pending[index].range = pending[index].range.lowerBound..<end
        if unknown > 0 {
            outputs.append(.expect(first: UInt16(truncatingIfNeeded: pending[index].range.lowerBound), last: last))
        }
        decideWhatIsDue(now: now)
    }

    /// `input_audio_buffer.commit`: the frames up to here are one prompt. With a manifest it may overtake them.
    mutating func commitAudio(_ manifest: Manifest?, transport: String, now: Instant) throws(EventError) {
        guard pending.count < limits.pendingPrompts else {
            throw EventError(code: .tooManyPrompts, message: "\(pending.count) committed prompts still wait for their frames.")
        }
        let (range, checked) = try promptRange(manifest)
        if let checked { ledger.expect(checked.firstSequence) }
        // What lies before the prompt belongs to none: the client has cleared it, or never counted it.
        if pending.isEmpty { ledger.drop(below: range.lowerBound) }
        let itemID = identifiers.next(.item)
        let previous = addItem(itemID, answerDuration: nil)
        pending.append(PendingPrompt(
            itemID: itemID, range: range, manifest: checked, committed: now, deadline: now.advanced(by: wait),
            missingCount: range.count - ledger.heldCount(in: range), transport: transport, mode: mode,
            onGap: object.parallax.reliability.onGap))
        if checked == nil, mode == .repair, wait > .zero, announcedEnd < range.upperBound {
            pending[pending.count - 1].tailDeadline = now.advanced(by: min(wait, limits.tailWait))
        }
        hasToldOverflow = false
        emit(.audioCommitted(itemID: itemID, previousItemID: previous))
        let item = ConversationItem(
            id: itemID, role: "user", status: .completed, content: [ContentPart(type: "input_audio")])
        emit(.itemAdded(item, previousItemID: previous))
        emit(.itemDone(item, previousItemID: previous))
        if (pending.last?.missingCount ?? 0) > 0 {
            outputs.append(
                .expect(first: UInt16(truncatingIfNeeded: range.lowerBound), last: UInt16(truncatingIfNeeded: range.upperBound - 1)))
        }
        decideWhatIsDue(now: now)
    }

    /// How long a commit's decision waits for frames.
    private var wait: Duration {
        let reliability = object.parallax.reliability
        return reliability.onGap == .proceed ? .zero : .milliseconds(reliability.effectiveWaitMilliseconds)
    }

    /// The sequence numbers that a commit closes, and its manifest in normal form.
    /// - Throws: the error for a manifest that cannot be true, with the field that cannot.
    private func promptRange(_ manifest: Manifest?) throws(EventError) -> (Range<UInt64>, Manifest?) {
        let floor = pending.last?.range.upperBound ?? decidedFloor
        guard var manifest else {
            // After the last prompt every number counts, unless they are too many to be a prompt; before the first
            // one nobody knows where the client began.
            let isContinued = floor > 0 && ledger.window.upperBound - min(floor, ledger.window.upperBound) <= UInt64(ledger.frameLimit)
            let lower = isContinued ? floor : max(floor, ledger.window.lowerBound)
            guard lower < ledger.window.upperBound, ledger.heldCount(in: lower..<ledger.window.upperBound) > 0 else {
                throw EventError(code: .emptyBuffer, message: "There is no audio to commit.")
            }
            return (lower..<max(ledger.window.upperBound, announcedEnd), nil)
        }
        return (try ledger.range(of: &manifest, from: floor), manifest)
    }

    /// `input_audio_buffer.clear`: the frames since the last commit will be in no prompt.
    /// - Parameter next: the first frame that is not meant; frames may overtake the event. `nil` means all that have come.
    mutating func clearAudio(below next: UInt16?) {
        let upperBound = next.map(ledger.extended) ?? ledger.window.upperBound
        if let last = pending.last {
            ledger.forget(from: last.range.upperBound, to: upperBound)
        } else {
            ledger.drop(below: upperBound)
        }
        decidedFloor = max(decidedFloor, next == nil ? max(upperBound, announcedEnd) : upperBound)
        hasToldOverflow = false
        emit(.audioCleared)
    }

    // MARK: Decision

    /// Decides the prompts that are whole, or have waited long enough, the oldest first.
    mutating func decideWhatIsDue(now: Instant) {
        while let prompt = pending.first, prompt.isDecidable(at: now) {
            if case .detached = phase, prompt.missingCount > 0, Self.isSentAgain(prompt) { return }
            pending.removeFirst()
            decide(prompt, now: now)
        }
    }

    private mutating func decide(_ prompt: PendingPrompt, now: Instant) {
        var assessment = PromptAssessment(
            of: prompt, in: ledger, clock: clock, liveDeadline: .milliseconds(object.parallax.liveDeadlineMilliseconds),
            decided: now, keepsFrames: configuration.keepsAccounts)
        assessment.receipt.transports = transports(since: assessment.firstArrival)
        ledger.close(prompt.range, missing: assessment.missing)
        decidedFloor = max(decidedFloor, prompt.range.upperBound)
        if configuration.keepsAccounts {
            lastDecidedPrompt = PromptAccount(
                receipt: assessment.receipt, firstSequence: UInt16(truncatingIfNeeded: prompt.range.lowerBound),
                frames: assessment.frames, committed: prompt.committed, decided: now)
        }
        receipts.append(assessment.receipt)
        emit(.audioIntegrityCompleted(assessment.receipt))
        let isRejected = assessment.receipt.verdict == .rejected
        answerable = isRejected ? [] : assessment.payloads
        promptWasDecided(isRejected: isRejected, now: now)
    }
}
