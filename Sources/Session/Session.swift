package import Wire

/// One conversation, as the server keeps it: a state machine without socket, clock, thread or hidden randomness.
///
/// Change it once (`attach`, `detach`, `resume`, `receive…`, `updatePathDelay`, `handleTimeout`), then drain it: call
/// `pollOutput` until it gives `nil`, and call `handleTimeout` when `deadline` comes.
///
/// ```
///            attach             detach
///  waiting ---------> attached --------> detached
///                      | ^  ^ |            |   |
///                      | +--+ +-- resume --+   | detachedDuration
///        limit, flood  | resume                |
///                      v                       v
///                    ended <-------------------+
/// ```
///
/// Read on in `Session+Events.swift` (what a client may ask), `Session+Prompt.swift` (commit to receipt),
/// `Session+Response.swift` (response and play-out) and `Session+Resume.swift` (from one connection to the next).
package struct Session: Sendable {
    package enum Phase: Hashable, Sendable {
        /// Made, but never connected.
        case waiting
        case attached(Capabilities)
        /// Between two connections, since this instant.
        case detached(since: Instant)
        case ended
    }

    /// What a session counts; for metrics and tests.
    package struct Counters: Hashable, Sendable {
        package var eventsReceived = 0
        package var eventsRefused = 0
        package var framesReceived = 0
        package var framesSent = 0
        package var framesDuplicate = 0
        /// Frames of a decided prompt that it was decided without.
        package var framesAfterDecision = 0
        /// Frames of no prompt: cleared, too large, or beyond a limit.
        package var framesOutside = 0
    }

    package let id: String
    package let limits: SessionLimits
    package let configuration: SessionConfiguration
    package internal(set) var phase: Phase = .waiting
    package internal(set) var counters = Counters()
    /// The last prompt that was decided, where `configuration.keepsAccounts`.
    package internal(set) var lastDecidedPrompt: PromptAccount?
    /// The effective configuration.
    package internal(set) var object: SessionObject

    var identifiers: Identifiers
    let conversationID: String
    var outputs: BoundedQueue<SessionOutput>
    /// Receipts for whoever serves the session: as many as prompts can be decided in one call.
    var receipts: BoundedQueue<Receipt>
    var eventRate: EventRate
    var ledger: PromptLedger
    var clock = CaptureClock()
    /// Committed prompts that wait for their frames, the oldest first; decided in order.
    var pending: [PendingPrompt] = []
    /// Below this extended sequence number everything is decided or cleared.
    var decidedFloor: UInt64 = 0
    /// The payloads of the last decided prompt, until a response uses them.
    var answerable: [[UInt8]] = []
    var response = ResponseState.idle
    var playout: Playout
    var items: [ItemRecord] = []
    var lastItemID: String?
    var expiry: Expiry?
    var hasToldOverflow = false
    /// The connections so far, the oldest first.
    var attachments: [Attachment] = []
    var eventLog: EventLog
    /// The frames of answers that a reliable mode sent.
    var answerLog: FrameLog
    var lastClientEventID: String?
    /// One past the last frame that the client's transport says was sent.
    var announcedEnd: UInt64 = 0

    struct ItemRecord: Sendable {
        var id: String
        /// How long its audio is; `nil` for a user's message.
        var answerDuration: Duration?
    }

    struct Expiry: Sendable {
        var end: Instant
        var isAnnounced = false
    }

    package init(id: String, configuration: SessionConfiguration, limits: SessionLimits, seed: UInt64, now: Instant) {
        self.id = id
        self.configuration = configuration
        self.limits = limits
        identifiers = Identifiers(seed: seed)
        conversationID = identifiers.next(.conversation)
        object = SessionObject(id: id, model: configuration.model, instructions: configuration.instructions)
        object.expiresAt = configuration.expiresAtUnixSeconds
        object.parallax.reliability.mode = configuration.mode
        outputs = BoundedQueue(limit: limits.queuedOutputs)
        receipts = BoundedQueue(limit: limits.pendingPrompts)
        eventRate = EventRate(limits: limits, now: now)
        ledger = PromptLedger(
            frameLimit: configuration.returnsFrames ? limits.loopbackFrames : limits.promptFrames,
            byteLimit: limits.promptBytes, keepsPayloads: !configuration.returnsFrames)
        playout = Playout(limit: limits.playoutFrames, now: now)
        eventLog = EventLog(countLimit: limits.loggedEvents, byteLimit: limits.loggedEventBytes)
        answerLog = FrameLog(limit: limits.loggedAnswerFrames)
    }

    /// The mode in force, for both directions.
    package var mode: ReliabilityMode { object.parallax.reliability.mode }

    /// How frames are carried in it.
    package var delivery: Delivery { object.parallax.reliability.delivery }

    /// Whether no answer plays or waits to be played.
    package var playoutIsIdle: Bool { playout.currentResponseID == nil }

    // MARK: The connection

    /// The first connection carries the session from now on: the conversation begins.
    /// - Parameters:
    ///   - offer: with what the session may be resumed.
    ///   - wishes: what the session begins with, so that `session.created` tells it. What cannot be had on this
    ///     transport is refused by an error event behind it.
    package mutating func attach(
        _ capabilities: Capabilities, offer: ResumeOffer? = nil, wishes: SessionUpdate = SessionUpdate(), now: Instant
    ) {
        guard case .waiting = phase else { return }
        expiry = Expiry(end: now.advanced(by: limits.sessionDuration))
        phase = .attached(capabilities)
        note(capabilities, now: now)
        useOfferedMode(capabilities)
        object.parallax.resume = offer
        let refusal = grant(wishes, capabilities)
        emit(.sessionCreated(object))
        emit(.conversationCreated(conversationID: conversationID))
        if let refusal { refuse(refusal, eventID: nil) }
    }

    /// The smallest one-way delay that the transport has seen on this path; frames are never younger at their arrival.
    package mutating func updatePathDelay(_ oneWay: Duration) { clock.pathDelay = oneWay }

    /// - Returns: why the wishes are not granted; then none of them is.
    private mutating func grant(_ wishes: SessionUpdate, _ capabilities: Capabilities) -> EventError? {
        do throws(EventError) {
            object = try wishes.merged(into: object, capabilities: capabilities, limits: limits)
            return nil
        } catch {
            return error
        }
    }

    mutating func useOfferedMode(_ capabilities: Capabilities) {
        if !capabilities.modes.contains(mode), let first = capabilities.modes.first {
            object.parallax.reliability.mode = first
        }
    }

    // MARK: Frames

    /// One frame from the client, by whatever primitive it came.
    package mutating func receive(frame: MediaFrame, now: Instant) {
        switch phase {
        case .attached: break
        // Early data of the connection that is about to carry the session.
        case .detached where !configuration.returnsFrames: break
        case .waiting, .detached, .ended: return
        }
        counters.framesReceived += 1
        guard frame.payload.count <= limits.frameBytes else {
            counters.framesOutside += 1
            return
        }
        record(frame, now: now)
        // Loopback's whole way: no event, no responder, and the frame is handed on as it is.
        if configuration.returnsFrames { send(frame) }
    }

    mutating func send(_ frame: MediaFrame) { send(frame, delivery) }

    mutating func send(_ frame: MediaFrame, _ delivery: Delivery) {
        if delivery.isReliable, !configuration.returnsFrames { answerLog.append(frame) }
        if outputs.append(.frame(frame, delivery)) { counters.framesSent += 1 }
    }

    // MARK: Time and output

    /// When `handleTimeout` wants to be called; `nil` where nothing is waited for.
    package var deadline: Instant? {
        switch phase {
        case .waiting, .ended: nil
        case .detached(let since):
            earliest(since.advanced(by: limits.detachedDuration), pending.first.flatMap { Self.isSentAgain($0) ? nil : $0.nextDeadline })
        case .attached: earliest(nextExpiry, pending.first?.nextDeadline, playout.deadline)
        }
    }

    private var nextExpiry: Instant? {
        expiry.map { $0.isAnnounced ? $0.end : $0.end.advanced(by: .zero - limits.expiryNotice) }
    }

    package mutating func handleTimeout(now: Instant) {
        switch phase {
        case .waiting, .ended: return
        case .detached(let since):
            decideWhatIsDue(now: now)
            if since.advanced(by: limits.detachedDuration) <= now { end(code: 0, reason: "no connection") }
        case .attached:
            decideWhatIsDue(now: now)
            playWhatIsDue(now: now)
            expire(now: now)
        }
    }

    package mutating func pollOutput() -> SessionOutput? { outputs.popFirst() }

    /// The receipts sent since the last call, for logs; one that nobody polls makes room for none.
    package mutating func pollReceipt() -> Receipt? { receipts.popFirst() }

    private mutating func expire(now: Instant) {
        guard let expiry else { return }
        if expiry.end <= now {
            refuse(EventError(type: .server, code: .sessionExpired, message: "The session has reached its longest duration."))
            end(code: 0, reason: "session expired")
        } else if !expiry.isAnnounced, let nextExpiry, nextExpiry <= now {
            self.expiry?.isAnnounced = true
            emit(.sessionExpiring(remainingMilliseconds: Int(expiry.end.since(now).nanoseconds / 1_000_000)))
        }
    }

    mutating func end(code: UInt64, reason: String) {
        phase = .ended
        if let responseID = response.activeID { outputs.append(.responder(.cancel(responseID: responseID))) }
        response = .idle
        _ = playout.clear()
        pending = []
        outputs.append(.close(code: code, reason: reason))
    }

    /// Queues an event for the client; while there is none, it waits in the log.
    mutating func emit(_ event: ServerEvent) {
        switch phase {
        case .waiting, .ended: return
        case .attached, .detached: break
        }
        let id = identifiers.next(.event)
        let bytes = event.encoded(eventID: id)
        eventLog.append(id: id, bytes, isRepeated: !event.isOfOneConnection)
        if case .attached = phase { outputs.append(.event(bytes)) }
    }

    /// Answers an event with an error; the session goes on.
    package mutating func refuse(_ error: EventError, eventID: String? = nil) {
        var error = error
        error.eventID = eventID
        counters.eventsRefused += 1
        emit(.error(error))
    }
}

extension ServerEvent {
    /// What one connection was told of its session: a client that did not hear it hears it anew on the next.
    fileprivate var isOfOneConnection: Bool {
        switch self {
        case .sessionResumed: true
        case .error(let error): error.code == .resumeGap
        default: false
        }
    }
}
