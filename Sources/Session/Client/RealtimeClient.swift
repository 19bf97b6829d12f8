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
    /// The server has answered. Before that a connection that breaks off has cost nothing: another begins anew, if what was sent is kept.
    package var hasBegun: Bool { sessionID != nil || resumeCount > 0 || !configuration.keepsSent && hasAsked }
    /// Frames captured before the connection opened, beyond those that are kept.
    package private(set) var refusedFrames = 0
    /// How many frames the prompt that is being captured has.
    package var promptFrames: Int { prompt.frames }

    private var outputs: BoundedQueue<Queued>
    /// What was said while the connection was opening, to follow the first event; `nil` once it is open. When it is full, what
    /// comes later is refused: the beginning of speech is what must not be lost.
    private var early: BoundedQueue<Queued>?
    private var notices: BoundedQueue<ClientNotice>
    /// The frames since the last commit or clear.
    private var prompt: PromptCapture
    private var answers: AnswerLedger
    /// The word for the transport in receipts of answers.
    package var transport = ""
    /// What the connection that opened last can carry; `nil` for all.
    package var offeredModes: [ReliabilityMode]?
    private var eventCount = 0
    private var hasSentSecret = false
    private var link = Link.steady
    /// Asks for the session, before everything else.
    private var request: SessionUpdate?
    private var hasAsked = false
    /// The server has said that audio in events is Opus.
    private var agreesOnOpus = false
    private var sent: SentItems
    /// What goes out before everything that waits: the server lacked it.
    private var again = BoundedQueue<SentItems.Item>(limit: .max)
    /// The commit that was sent again ends its talk again.
    private var owesTalkEnd = false
    private var heard = SequenceRun()
    /// The last event of the server's.
    private var lastEventID: String?
    /// The events that came by either connection since a resume was asked for.
    private var seenSinceRequest: Set<String> = []
    /// What is acknowledged while a resume is under way, and no more: the server must still have all that follows the event that the
    /// resume named.
    private var hold: String??
    /// With what the session can be resumed, where the server offers it.
    package private(set) var resumeOffer: ResumeOffer? {
        didSet { if resumeOffer?.token != oldValue?.token { timesShown = 0 } }
    }
    /// How often its token was shown.
    private var timesShown: UInt32 = 0
    /// How often the session was gone on with.
    package private(set) var resumeCount = 0

    /// What waits for the transport; an event gets its number when it leaves.
    private enum Queued: Sendable {
        case event(ClientEvent)
        case frame(MediaFrame, Delivery)
        case talkEnded
        case expect(first: UInt16, last: UInt16)
    }

    /// Whether outputs may leave.
    private enum Link: Hashable, Sendable {
        case steady
        /// The connection is gone, or gives no sign: everything waits.
        case broken
        /// Another one is open, and the server has not said what it has: frames leave, up to the next event.
        case resuming
    }

    package init(_ configuration: ClientConfiguration) {
        self.configuration = configuration
        reliability = ReliabilitySettings(mode: configuration.mode)
        if let deadline = configuration.deadline { reliability.deadlineMilliseconds = Self.milliseconds(deadline) }
        if let depth = configuration.redundancyDepth { reliability.redundancyDepth = depth }
        outputs = BoundedQueue(limit: configuration.limits.queuedOutputs)
        notices = BoundedQueue(limit: configuration.limits.queuedOutputs)
        early = BoundedQueue(limit: configuration.limits.earlyOutputs)
        prompt = PromptCapture(first: configuration.firstSequence, isHashed: configuration.sendsManifest)
        answers = AnswerLedger(limits: configuration.limits)
        sent = SentItems(limit: configuration.limits.loggedClientItems)
    }

    // MARK: From one connection to the next

    /// Whether the session can go on over another connection.
    package var canResume: Bool { resumeOffer != nil }

    /// What the next connection has to show; `nil` where the server resumes nothing.
    package var resumeRequest: ResumeRequest? {
        resumeOffer.map { offer in
            var request = ResumeRequest(token: offer.token, lastEventID: lastEventID, answerSequence: heard.firstMissing)
            // The server may have taken it before, and the answer was lost.
            if timesShown > 0 { request.retry = offer.key.map { ResumeRetry(attempt: timesShown, of: offer.token, key: $0) } }
            return request
        }
    }

    /// Whether the server may have moved the session to another connection without our knowing.
    package var mayHaveMoved: Bool { timesShown > 0 }

    /// The connection is gone, or gives no sign of life: from now on everything waits.
    package mutating func interrupt() { link = .broken }

    /// It gave a sign of life after all.
    package mutating func goOn() { if case .broken = link { link = .steady } }

    /// A connection was asked to go on with the session: events that still come by the present one will come by that one, too.
    package mutating func resumeRequested() {
        seenSinceRequest = []
        hold = .some(lastEventID)
        timesShown += 1
    }

    /// The attempt came to nothing, or was given up.
    package mutating func resumeAbandoned() {
        hold = nil
        // Frames left by it that may never have come: the next one sends them again.
        if case .resuming = link { link = .broken }
    }

    /// The connection that replaces a broken one takes frames.
    /// - Parameter audioInEvents: audio may then not overtake the event that says what it is.
    package mutating func reopened(audioInEvents: Bool) {
        guard case .broken = link, agreesOnOpus || !audioInEvents else { return }
        sent.beginAttachment()
        link = .resuming
    }

    private mutating func resumed(_ account: ResumeAccount) {
        if link != .resuming { sent.beginAttachment() }
        link = .steady
        for item in sent.takeLacking(account) { again.append(asTaken(item)) }
    }

    /// The first event asks for what the present transport has.
    private func asTaken(_ item: SentItems.Item) -> SentItems.Item {
        guard case .event(number: 1, let id, let isCommit, _) = item else { return item }
        let event = OutgoingEvent(.updateSession(openingRequest), eventID: id, clientSecret: configuration.secret, lastEventID: lastEventID)
        return .event(number: 1, id: id, isCommit: isCommit, event.encoded())
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
    /// before. Called again, before the session has begun, it sends over another connection all that went out by the one before.
    package mutating func opened(now: Instant) {
        guard !hasAsked else { return resumed(ResumeAccount()) }
        hasAsked = true
        var kept = early.take()
        request = openingRequest
        while let output = kept?.popFirst() { outputs.append(output) }
    }

    /// Where the transport has not the mode that was meant for another, it asks for none, and hears which it has: a refusal would
    /// take all the rest along.
    private var openingRequest: SessionUpdate {
        var update = SessionUpdate()
        if offeredModes?.contains(configuration.mode) ?? true { update.mode = .value(configuration.mode.rawValue) }
        // This client has Opus and wants Opus, also where audio travels in events.
        update.inputFormat = .value(.opus)
        update.outputFormat = .value(.opus)
        if let instructions = configuration.instructions { update.instructions = .value(instructions) }
        if let onGap = configuration.onGap { update.onGap = .value(onGap.rawValue) }
        if let wait = configuration.wait { update.waitMilliseconds = .value(Self.milliseconds(wait)) }
        if let deadline = configuration.deadline { update.deadlineMilliseconds = .value(Self.milliseconds(deadline)) }
        if let depth = configuration.redundancyDepth { update.redundancyDepth = .value(depth) }
        if let deadline = configuration.liveDeadline { update.liveDeadlineMilliseconds = .value(Self.milliseconds(deadline)) }
        return update
    }

    /// Sends one Opus packet that was captured now; while the connection is still opening, as soon as it is open.
    /// - Parameters:
    ///   - duration: how long it plays; media time advances by it.
    ///   - marker: whether a talk spurt begins; `nil` says so of the first frame of a prompt. Media time follows the
    ///     clock across the pause before a marked frame.
    package mutating func capture(payload: [UInt8], duration: Duration, marker: Bool? = nil, now: Instant) {
        let frame = prompt.frame(payload: payload, duration: duration, marker: marker, now: now)
        if !send(.frame(frame, delivery)) { refusedFrames += 1 }
    }

    /// - Returns: whether it was taken.
    @discardableResult
    private mutating func send(_ output: Queued) -> Bool { early?.append(output) ?? outputs.append(output) }

    /// Ends the prompt. The manifest says which frames the server should have.
    package mutating func commit(now: Instant) {
        emit(.commitAudio(prompt.end()))
        send(.talkEnded)
    }

    /// Takes back the frames since the last commit.
    package mutating func clear(now: Instant) {
        prompt.begin()
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

    /// One frame of an answer; a second copy is counted, and noticed no more.
    package mutating func receive(frame: MediaFrame, now: Instant) {
        if heard.insert(frame.sequence) { notices.append(.answerFrame(frame)) }
        guard configuration.keepsAnswerReceipts else { return }
        answers.record(frame, now: now)
        if answers.isWaiting { judgeAnswers(now: now) }
    }

    /// One event of the server. One that cannot be read is noticed as an error.
    /// - Parameter isMoving: a resume is under way, so that the same event may come by two connections; each brings all in order,
    ///   and the first copy counts, by whichever it comes.
    package mutating func receive(event bytes: [UInt8], isMoving: Bool = false, now: Instant) {
        do throws(EventError) {
            let (event, id) = try ServerEvent.read(bytes, limits: configuration.limits)
            if isMoving, !seenSinceRequest.insert(id).inserted { return }
            if !id.isEmpty { lastEventID = id }
            notice(event, now: now)
        } catch {
            notices.append(.error(error))
        }
    }

    /// What the transport has to send next; `nil` while nothing waits, or what waits must.
    package mutating func pollOutput() -> ClientOutput? {
        if case .broken = link { return nil }
        if case .steady = link {
            if let request {
                self.request = nil
                return .event(encode(.updateSession(request)))
            }
            if owesTalkEnd {
                owesTalkEnd = false
                return .talkEnded
            }
            if let item = again.popFirst() { return output(item) }
        } else if let first = outputs.first {
            // Without a manifest a commit takes what came before it: nothing may overtake one that is sent again.
            guard case .frame = first, configuration.sendsManifest || !sent.holdsCommit else { return nil }
        }
        switch outputs.popFirst() {
        case nil: return nil
        case .frame(let frame, let delivery):
            if configuration.keepsSent, delivery.isReliable { sent.append(.frame(frame)) }
            return .frame(frame, delivery)
        case .talkEnded: return .talkEnded
        case .expect(let first, let last): return .expect(first: first, last: last)
        case .event(let event): return .event(encode(event))
        }
    }

    private mutating func output(_ item: SentItems.Item) -> ClientOutput {
        switch item {
        case .frame(let frame): return .frame(frame, delivery.asPromised)
        case .event(_, _, let isCommit, let bytes):
            owesTalkEnd = isCommit
            return .event(bytes)
        }
    }

    private mutating func encode(_ event: ClientEvent) -> [UInt8] {
        eventCount += 1
        let secret = hasSentSecret ? nil : configuration.secret
        hasSentSecret = true
        let id = "client_\(eventCount)"
        let bytes = OutgoingEvent(event, eventID: id, clientSecret: secret, lastEventID: hold ?? lastEventID).encoded()
        if configuration.keepsSent {
            let isCommit = if case .commitAudio = event { true } else { false }
            sent.append(.event(number: eventCount, id: id, isCommit: isCommit, bytes))
        }
        return bytes
    }

    package mutating func pollNotice() -> ClientNotice? { notices.popFirst() }

    private mutating func notice(_ event: ServerEvent, now: Instant) {
        switch event {
        case .sessionCreated(let session):
            sessionID = session.id
            resumeOffer = session.parallax.resume
            notices.append(.sessionCreated(id: session.id))
        case .sessionUpdated(let session):
            adopt(session)
            notices.append(.sessionUpdated(mode: mode))
        case .sessionResumed(let session, let account):
            adopt(session)
            seenSinceRequest = []
            hold = nil
            resumeCount += 1
            resumed(account)
            notices.append(.sessionResumed(transports: account.transports))
        case .sessionExpiring(let remaining): notices.append(.sessionExpiring(remaining: .milliseconds(remaining)))
        case .audioCommitted(let itemID, _): notices.append(.committed(itemID: itemID))
        case .audioCleared: notices.append(.cleared)
        case .itemTruncated(let itemID, _, _): notices.append(.truncated(itemID: itemID))
        case .audioIntegrityCompleted(let receipt):
            sent.settle()
            notices.append(.receipt(receipt))
        case .responseCreated(let response): notices.append(.responseCreated(id: response.id))
        case .responseDone(let response): notices.append(.responseDone(id: response.id, status: response.status))
        case .outputStarted: notices.append(.outputStarted)
        case .outputStopped(let responseID, let manifest):
            notices.append(.outputStopped)
            endAnswer(responseID, manifest, now: now)
        case .outputCleared(let responseID, let manifest):
            notices.append(.outputCleared)
            endAnswer(responseID, manifest, now: now)
        case .error(let error):
            if let id = error.eventID { sent.settle(commit: id) }
            notices.append(.error(error))
        case .conversationCreated, .itemAdded, .itemDone, .outputItemAdded, .outputItemDone, .contentPartAdded,
            .contentPartDone, .outputAudioDone, .transcriptDelta, .transcriptDone, .other:
            break
        }
    }

    private mutating func adopt(_ session: SessionObject) {
        reliability = session.parallax.reliability
        resumeOffer = session.parallax.resume
        agreesOnOpus = session.audio.input.format == .opus
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

    private mutating func emit(_ event: ClientEvent) { send(.event(event)) }

    private static func milliseconds(_ duration: Duration) -> Int { Int(duration.nanoseconds / 1_000_000) }
}
