package import Wire

/// Where the one response of the conversation stands.
enum ResponseState: Sendable {
    case idle
    /// Asked for before its prompt was decided.
    case queued(QueuedResponse)
    case active(ActiveResponse)

    var activeID: String? {
        if case .active(let active) = self { active.id } else { nil }
    }
}

struct QueuedResponse: Sendable {
    var options: ClientEvent.ResponseOptions
    var eventID: String?
    /// How many committed prompts must be decided first.
    var promptsAhead: Int
}

struct ActiveResponse: Sendable {
    var id: String
    var itemID: String
    var previousItemID: String?
    var metadata: JSONValue?
    /// Whether `response.content_part.added` was sent: a response without audio or words has no part.
    var hasPart = false
    var transcript = ""
    var duration: Duration = .zero

    var locator: PartLocator { PartLocator(responseID: id, itemID: itemID) }

    func item(_ status: ConversationItem.Status) -> ConversationItem {
        let isStarted = hasPart && status != .inProgress
        return ConversationItem(
            id: itemID, role: "assistant", status: status,
            content: isStarted ? [ContentPart(type: "output_audio", transcript: transcript)] : [])
    }
}

/// From `response.create` to the last frame of its audio.
extension Session {
    mutating func createResponse(_ options: ClientEvent.ResponseOptions, eventID: String?, now: Instant) throws(EventError) {
        guard case .idle = response else {
            throw EventError(code: .activeResponse, message: "The conversation already has a response in progress.")
        }
        if pending.isEmpty {
            startResponse(options)
        } else {
            response = .queued(QueuedResponse(options: options, eventID: eventID, promptsAhead: pending.count))
        }
    }

    /// A prompt has its verdict: the response that waited for it may begin, or cannot.
    mutating func promptWasDecided(isRejected: Bool, now: Instant) {
        guard case .queued(var queued) = response else { return }
        queued.promptsAhead -= 1
        guard queued.promptsAhead <= 0 else {
            response = .queued(queued)
            return
        }
        response = .idle
        if isRejected {
            refuse(
                EventError(code: .promptRejected, message: "The prompt was rejected because it is not whole; no response is made."),
                eventID: queued.eventID)
        } else {
            startResponse(queued.options)
        }
    }

    private mutating func startResponse(_ options: ClientEvent.ResponseOptions) {
        let itemID = identifiers.next(.item)
        let active = ActiveResponse(
            id: identifiers.next(.response), itemID: itemID, previousItemID: addItem(itemID, answerDuration: .zero),
            metadata: options.metadata)
        response = .active(active)
        emit(.responseCreated(responseObject(active, .inProgress)))
        emit(.outputItemAdded(responseID: active.id, active.item(.inProgress)))
        emit(.itemAdded(active.item(.inProgress), previousItemID: active.previousItemID))
        let prompt = answerable
        answerable = []
        outputs.append(.responder(.respond(responseID: active.id, prompt: prompt)))
    }

    // MARK: What the responder gives

    /// One output of the session's responder. What belongs to a response that is over is dropped.
    package mutating func receive(_ output: ResponderOutput, now: Instant) {
        guard case .active(var active) = response else { return }
        switch output {
        case .audio(active.id, let packets):
            guard !packets.isEmpty else { return }
            addPart(to: &active)
            active.duration += packets.reduce(.zero) { $0 + (OpusPacket.duration(of: $1) ?? OpusPacket.usualDuration) }
            response = .active(active)
            playout.append(packets, of: active.locator, now: now)
            playWhatIsDue(now: now)
        case .transcript(active.id, let delta):
            addPart(to: &active)
            active.transcript += delta
            response = .active(active)
            emit(.transcriptDelta(active.locator, delta))
        case .done(active.id):
            playout.finish(active.id)
            close(active, .completed, details: nil)
            playWhatIsDue(now: now)
        case .failed(active.id, let message):
            playout.finish(active.id)
            refuse(EventError(type: .server, code: .responderFailed, message: message))
            let failure = ResponseObject.Failure(type: EventError.Kind.server.rawValue, code: EventError.Code.responderFailed.text)
            close(active, .failed, details: .init(type: .failed, error: failure))
        default: break
        }
    }

    private mutating func addPart(to active: inout ActiveResponse) {
        guard !active.hasPart else { return }
        active.hasPart = true
        emit(.contentPartAdded(active.locator, ContentPart(type: "audio", transcript: "")))
    }

    /// Sends the `.done` events, which come whatever the outcome.
    private mutating func close(_ active: ActiveResponse, _ status: ResponseObject.Status, details: ResponseObject.StatusDetails?) {
        let item = active.item(status == .completed ? .completed : .incomplete)
        if active.hasPart {
            emit(.outputAudioDone(active.locator))
            emit(.transcriptDone(active.locator, active.transcript))
            emit(.contentPartDone(active.locator, ContentPart(type: "audio", transcript: active.transcript)))
        }
        emit(.outputItemDone(responseID: active.id, item))
        emit(.itemDone(item, previousItemID: active.previousItemID))
        var done = responseObject(active, status)
        done.statusDetails = details
        done.output = [item]
        emit(.responseDone(done))
        if let index = items.lastIndex(where: { $0.id == active.itemID }) { items[index].answerDuration = active.duration }
        response = .idle
    }

    private func responseObject(_ active: ActiveResponse, _ status: ResponseObject.Status) -> ResponseObject {
        ResponseObject(
            id: active.id, status: status, output: [], conversationID: conversationID,
            outputModalities: object.outputModalities, metadata: active.metadata)
    }

    // MARK: Cancel and clear

    /// `response.cancel`. Audio stops with it, also audio of a response that is done but still plays: no frame follows.
    mutating func cancelResponse(_ responseID: String?) throws(EventError) {
        switch response {
        case .active(let active) where responseID == nil || responseID == active.id:
            let cleared = playout.clear()
            outputs.append(.responder(.cancel(responseID: active.id)))
            close(active, .cancelled, details: .init(type: .cancelled, reason: "client_cancelled"))
            for answer in cleared { emit(.outputCleared(responseID: answer.responseID, answer.manifest)) }
        case .queued(let queued) where responseID == nil:
            // It was never begun, but a client waits for its end: begin and cancel it in one.
            response = .idle
            let itemID = identifiers.next(.item)
            let active = ActiveResponse(id: identifiers.next(.response), itemID: itemID, metadata: queued.options.metadata)
            emit(.responseCreated(responseObject(active, .inProgress)))
            var done = responseObject(active, .cancelled)
            done.statusDetails = .init(type: .cancelled, reason: "client_cancelled")
            emit(.responseDone(done))
        default:
            guard let playing = playout.currentResponseID, responseID == nil || responseID == playing else {
                throw EventError(
                    code: .noActiveResponse, message: "There is no such response in progress.",
                    param: responseID == nil ? nil : "response_id")
            }
            clearOutput()
        }
    }

    /// `output_audio_buffer.clear`: audio stops at once. The response itself goes on; what it still gives is not played.
    mutating func clearOutput() {
        let started = playout.clear()
        if case .active(let active) = response { playout.mute(active.id) }
        for answer in started { emit(.outputCleared(responseID: answer.responseID, answer.manifest)) }
    }

    // MARK: Play-out

    /// Plays to whoever is there: an answer waits for the next connection.
    mutating func playWhatIsDue(now: Instant) {
        guard case .attached = phase else { return }
        while let step = playout.step(now: now) {
            switch step {
            case .started(let responseID): emit(.outputStarted(responseID: responseID))
            case .frame(let frame): send(frame)
            case .stopped(let responseID, let manifest):
                emit(.outputStopped(responseID: responseID, manifest))
                outputs.append(.talkEnded)
            }
        }
    }
}
