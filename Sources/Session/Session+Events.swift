package import Wire

extension Session {
    /// One event from the client, whole. Whatever is wrong with it is answered by an `error` event, and the session
    /// goes on; only a client that floods loses its session.
    package mutating func receive(event bytes: [UInt8], now: Instant) {
        guard case .attached(let capabilities) = phase else { return }
        counters.eventsReceived += 1
        switch eventRate.take(now: now) {
        case .taken: break
        case .dropped: return
        case .refused:
            refuse(EventError(code: .rateLimit, message: "More than \(limits.eventsPerSecond) events a second; what follows is dropped."))
            return
        case .flood:
            end(code: 1, reason: "event rate")
            return
        }
        let incoming = IncomingEvent(parsing: bytes, limits: limits)
        if let id = incoming.eventID { lastClientEventID = id }
        if let id = incoming.lastEventID { eventLog.acknowledge(id) }
        do throws(EventError) {
            try perform(try incoming.event.get(), eventID: incoming.eventID, capabilities, now: now)
        } catch {
            refuse(error, eventID: incoming.eventID)
        }
    }

    private mutating func perform(
        _ event: ClientEvent, eventID: String?, _ capabilities: Capabilities, now: Instant
    ) throws(EventError) {
        switch event {
        case .updateSession(let update):
            object = try update.merged(into: object, capabilities: capabilities, limits: limits)
            emit(.sessionUpdated(object))
        case .appendAudio(let base64, let sequence):
            try appendAudio(base64, sequence, now: now)
        case .commitAudio(let manifest):
            try commitAudio(manifest, transport: capabilities.transport, now: now)
        case .clearAudio(let nextSequence):
            clearAudio(below: nextSequence)
        case .truncateItem(let itemID, let contentIndex, let audioEndMilliseconds):
            try truncateItem(itemID, contentIndex, audioEndMilliseconds)
        case .createResponse(let options):
            try createResponse(options, eventID: eventID, now: now)
        case .cancelResponse(let responseID):
            try cancelResponse(responseID)
        case .clearOutput:
            clearOutput()
        }
    }

    /// On transports that carry frames by themselves, `append` takes one Opus packet, and only where the session's
    /// input format says so.
    private mutating func appendAudio(_ base64: String, _ sequence: UInt16?, now: Instant) throws(EventError) {
        let format = object.audio.input.format.type
        guard format == AudioFormat.opus.type else {
            throw EventError(
                code: .unsupportedFormat,
                message: "This transport carries audio as frames. With audio.input.format 'audio/opus' an append may hold one "
                    + "Opus packet; '\(format)' comes with the WebSocket transport.",
                param: "audio")
        }
        guard let packet = JSON.decodeBase64(base64), OpusPacket.duration(of: packet) != nil else {
            throw .invalidValue("The audio is not one Opus packet in base64.", param: "audio")
        }
        let sequence = sequence ?? ledger.nextSequence
        // Appended packets have no media time of their own: the arrival stands for it.
        let timestamp = MediaTime(ticks: 0).advanced(by: now.since(.zero))
        receive(frame: MediaFrame(sequence: sequence, timestamp: timestamp, marker: false, payload: packet), now: now)
    }

    private mutating func truncateItem(_ itemID: String, _ contentIndex: Int, _ audioEndMilliseconds: Int) throws(EventError) {
        guard let index = items.firstIndex(where: { $0.id == itemID }), let duration = items[index].answerDuration else {
            throw EventError(code: .itemNotFound, message: "There is no answer with this item_id.", param: "item_id")
        }
        guard contentIndex == 0 else { throw .invalidValue("The content_index is 0.", param: "content_index") }
        let length = Int(duration.nanoseconds / 1_000_000)
        guard (0...length).contains(audioEndMilliseconds) else {
            throw .invalidValue("The answer has \(length) ms of audio.", param: "audio_end_ms")
        }
        items[index].answerDuration = .milliseconds(audioEndMilliseconds)
        emit(.itemTruncated(itemID: itemID, contentIndex: contentIndex, audioEndMilliseconds: audioEndMilliseconds))
    }

    /// Remembers a new item, and forgets the oldest beyond the limit.
    /// - Returns: the item before it.
    mutating func addItem(_ id: String, answerDuration: Duration?) -> String? {
        if items.count >= limits.conversationItems { items.removeFirst() }
        items.append(ItemRecord(id: id, answerDuration: answerDuration))
        defer { lastItemID = id }
        return lastItemID
    }
}
