package import Wire

/// The client's end of a session: numbers frames, writes events, reads answers. It knows no transport and no clock.
///
/// Same contract as `Session`: change it once, then drain `pollOutput` (for the transport) and `pollNotice` (for
/// whoever talks), and call `handleTimeout` when `deadline` comes: an answer that lacks frames is judged then.
package struct RealtimeClient: Sendable {
    package let configuration: ClientConfiguration
    /// How this client's frames are carried now.
    package var mode: ReliabilityMode { reliability.mode }
    /// The same as the transport needs it.
    package var delivery: Delivery { reliability.delivery }
    private var reliability: ReliabilitySettings
    package private(set) var sessionID: String?
    /// Frames captured before the connection opened, beyond those that are kept.
    package private(set) var refusedFrames = 0
    /// How many frames the prompt that is being captured has.
    package var promptFrames: Int { prompt.frames }

    private var outputs: BoundedQueue<ClientOutput>
    /// What was said while the connection was opening, to follow the first event; `nil` once it is open. When it is full, what
    /// comes later is refused: the beginning of speech is what must not be lost.
    private var early: BoundedQueue<ClientOutput>?
    private var notices: BoundedQueue<ClientNotice>
    private var prompt: OpenPrompt
    private var answers: AnswerLedger
    /// The word for the transport in receipts of answers.
    package var transport = ""
    private var capture = CaptureCursor()
    private var eventCount = 0
    private var hasSentSecret = false

    /// The frames since the last commit or clear.
    private struct OpenPrompt: Sendable {
        var first: UInt16
        var frames = 0
        var hash = FrameHash()
    }

    /// Where the next frame lies in media time.
    private struct CaptureCursor: Sendable {
        var origin: Instant?
        var next = MediaTime(ticks: 0)
    }

    package init(_ configuration: ClientConfiguration) {
        self.configuration = configuration
        reliability = ReliabilitySettings(mode: configuration.mode)
        if let deadline = configuration.deadline { reliability.deadlineMilliseconds = Self.milliseconds(deadline) }
        if let depth = configuration.redundancyDepth { reliability.redundancyDepth = depth }
        outputs = BoundedQueue(limit: configuration.limits.queuedOutputs)
        notices = BoundedQueue(limit: configuration.limits.queuedOutputs)
        early = BoundedQueue(limit: configuration.limits.earlyOutputs)
        prompt = OpenPrompt(first: configuration.firstSequence)
        answers = AnswerLedger(limits: configuration.limits)
    }

    /// Whether an answer has ended of which frames may still come.
    package var awaitsAnswerFrames: Bool { answers.isWaiting }

    /// When `handleTimeout` wants to be called; `nil` where nothing is waited for.
    package var deadline: Instant? { answers.deadline }

    package mutating func handleTimeout(now: Instant) { judgeAnswers(now: now) }

    /// The smallest one-way delay that the transport has seen on this path.
    package mutating func updatePathDelay(_ oneWay: Duration) { answers.updatePathDelay(oneWay) }

    // MARK: What the talker does

    /// The transport takes events and frames: asks for the session that the configuration describes, and sends what was said
    /// before.
    package mutating func opened(now: Instant) {
        var kept = early.take()
        var update = SessionUpdate()
        update.mode = .value(mode.rawValue)
        if let instructions = configuration.instructions { update.instructions = .value(instructions) }
        if let onGap = configuration.onGap { update.onGap = .value(onGap.rawValue) }
        if let wait = configuration.wait { update.waitMilliseconds = .value(Self.milliseconds(wait)) }
        if let deadline = configuration.deadline { update.deadlineMilliseconds = .value(Self.milliseconds(deadline)) }
        if let depth = configuration.redundancyDepth { update.redundancyDepth = .value(depth) }
        if let deadline = configuration.liveDeadline { update.liveDeadlineMilliseconds = .value(Self.milliseconds(deadline)) }
        emit(.updateSession(update))
        while let output = kept?.popFirst() { outputs.append(output) }
    }

    /// Sends one Opus packet that was captured now; while the connection is still opening, as soon as it is open.
    /// - Parameters:
    ///   - duration: how long it plays; media time advances by it.
    ///   - marker: whether a talk spurt begins; `nil` says so of the first frame of a prompt. Media time follows the
    ///     clock across the pause before a marked frame.
    package mutating func capture(payload: [UInt8], duration: Duration, marker: Bool? = nil, now: Instant) {
        let isFirst = marker ?? (prompt.frames == 0)
        let origin = capture.origin ?? now
        capture.origin = origin
        if isFirst {
            let elapsed = MediaTime(ticks: 0).advanced(by: now.since(origin))
            if elapsed.since(capture.next) > .zero { capture.next = elapsed }
        }
        let frame = MediaFrame(
            sequence: prompt.first &+ UInt16(truncatingIfNeeded: prompt.frames), timestamp: capture.next,
            marker: isFirst, payload: payload)
        capture.next = capture.next.advanced(by: duration)
        prompt.frames += 1
        if configuration.sendsManifest { prompt.hash.update(payload) }
        if !send(.frame(frame, delivery)) { refusedFrames += 1 }
    }

    /// - Returns: whether it was taken.
    @discardableResult
    private mutating func send(_ output: ClientOutput) -> Bool { early?.append(output) ?? outputs.append(output) }

    /// Ends the prompt. The manifest says which frames the server should have.
    package mutating func commit(now: Instant) {
        let manifest = configuration.sendsManifest
            ? Manifest(firstSequence: prompt.first, frames: prompt.frames, sha256: prompt.hash.hexadecimal()) : nil
        emit(.commitAudio(manifest))
        send(.talkEnded)
        beginPrompt()
    }

    /// Takes back the frames since the last commit.
    package mutating func clear(now: Instant) {
        beginPrompt()
        emit(.clearAudio(nextSequence: configuration.sendsManifest ? prompt.first : nil))
    }

    package mutating func requestResponse(now: Instant) { emit(.createResponse(.init())) }

    /// Cancels the response in progress, and what is left of its audio.
    package mutating func cancelResponse(now: Instant) { emit(.cancelResponse(responseID: nil)) }

    package mutating func clearOutput(now: Instant) { emit(.clearOutput) }

    package mutating func truncate(itemID: String, audioEnd: Duration, now: Instant) {
        emit(.truncateItem(itemID: itemID, contentIndex: 0, audioEndMilliseconds: Self.milliseconds(audioEnd)))
    }

    /// Asks for another mode. This client's frames change when the server has agreed (`sessionUpdated`).
    package mutating func changeMode(_ mode: ReliabilityMode, now: Instant) {
        var update = SessionUpdate()
        update.mode = .value(mode.rawValue)
        emit(.updateSession(update))
    }

    // MARK: What the transport brings

    package mutating func receive(frame: MediaFrame, now: Instant) {
        notices.append(.answerFrame(frame))
        guard configuration.keepsAnswerReceipts else { return }
        answers.record(frame, now: now)
        if answers.isWaiting { judgeAnswers(now: now) }
    }

    /// One event of the server. One that cannot be read is noticed as an error.
    package mutating func receive(event bytes: [UInt8], now: Instant) {
        do throws(EventError) {
            notice(try ServerEvent(parsing: bytes, limits: configuration.limits), now: now)
        } catch {
            notices.append(.error(error))
        }
    }

    package mutating func pollOutput() -> ClientOutput? { outputs.popFirst() }
    package mutating func pollNotice() -> ClientNotice? { notices.popFirst() }

    private mutating func notice(_ event: ServerEvent, now: Instant) {
        switch event {
        case .sessionCreated(let session):
            sessionID = session.id
            notices.append(.sessionCreated(id: session.id))
        case .sessionUpdated(let session):
            reliability = session.parallax.reliability
            notices.append(.sessionUpdated(mode: mode))
        case .sessionExpiring(let remaining): notices.append(.sessionExpiring(remaining: .milliseconds(remaining)))
        case .audioCommitted(let itemID, _): notices.append(.committed(itemID: itemID))
        case .audioCleared: notices.append(.cleared)
        case .itemTruncated(let itemID, _, _): notices.append(.truncated(itemID: itemID))
        case .audioIntegrityCompleted(let receipt): notices.append(.receipt(receipt))
        case .responseCreated(let response): notices.append(.responseCreated(id: response.id))
        case .responseDone(let response): notices.append(.responseDone(id: response.id, status: response.status))
        case .outputStarted: notices.append(.outputStarted)
        case .outputStopped(let responseID, let manifest):
            notices.append(.outputStopped)
            endAnswer(responseID, manifest, now: now)
        case .outputCleared(let responseID, let manifest):
            notices.append(.outputCleared)
            endAnswer(responseID, manifest, now: now)
        case .error(let error): notices.append(.error(error))
        case .conversationCreated, .itemAdded, .itemDone, .outputItemAdded, .outputItemDone, .contentPartAdded,
            .contentPartDone, .outputAudioDone, .transcriptDelta, .transcriptDone, .other:
            break
        }
    }

    // MARK: Answers

    /// An answer's audio has ended: its account follows at once, or when its last frames have come.
    private mutating func endAnswer(_ responseID: String, _ manifest: Manifest?, now: Instant) {
        // Stopped before its first frame: there is nothing to account for.
        guard let manifest, manifest.frames != 0, configuration.keepsAnswerReceipts else { return }
        do throws(EventError) {
            let missing = try answers.end(responseID, manifest, reliability, transport: transport, now: now)
            if let missing { outputs.append(.expect(first: missing.first, last: missing.last)) }
        } catch {
            notices.append(.error(error))
        }
        judgeAnswers(now: now)
    }

    private mutating func judgeAnswers(now: Instant) {
        let liveDeadline = configuration.liveDeadline ?? .milliseconds(ParallaxSettings().liveDeadlineMilliseconds)
        while let receipt = answers.popReceipt(liveDeadline: liveDeadline, now: now) { notices.append(.answerReceipt(receipt)) }
    }

    // MARK: Parts

    private mutating func emit(_ event: ClientEvent) {
        eventCount += 1
        let secret = hasSentSecret ? nil : configuration.secret
        hasSentSecret = true
        send(.event(OutgoingEvent(event, eventID: "client_\(eventCount)", clientSecret: secret).encoded()))
    }

    private mutating func beginPrompt() {
        prompt = OpenPrompt(first: prompt.first &+ UInt16(truncatingIfNeeded: prompt.frames))
    }

    private static func milliseconds(_ duration: Duration) -> Int { Int(duration.nanoseconds / 1_000_000) }
}
