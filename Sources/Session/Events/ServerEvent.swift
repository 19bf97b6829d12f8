/// What the server tells a client (OpenAI Realtime GA, server events), and what we add.
package enum ServerEvent: Hashable, Sendable {
    case error(EventError)
    case sessionCreated(SessionObject)
    case sessionUpdated(SessionObject)
    /// Ours: another connection carries the session, and the server has this of the client.
    case sessionResumed(SessionObject, ResumeAccount)
    /// Ours: the session's end is near.
    case sessionExpiring(remainingMilliseconds: Int)
    case conversationCreated(conversationID: String)

    case audioCommitted(itemID: String, previousItemID: String?)
    case audioCleared
    case itemAdded(ConversationItem, previousItemID: String?)
    case itemDone(ConversationItem, previousItemID: String?)
    case itemTruncated(itemID: String, contentIndex: Int, audioEndMilliseconds: Int)
    /// Ours: the account of a prompt.
    case audioIntegrityCompleted(Receipt)

    case responseCreated(ResponseObject)
    case responseDone(ResponseObject)
    case outputItemAdded(responseID: String, ConversationItem)
    case outputItemDone(responseID: String, ConversationItem)
    case contentPartAdded(PartLocator, ContentPart)
    case contentPartDone(PartLocator, ContentPart)
    case outputAudioDone(PartLocator)
    case transcriptDelta(PartLocator, String)
    case transcriptDone(PartLocator, String)

    case outputStarted(responseID: String)
    /// The answer has played. Ours: the manifest of the frames that it sent, so that the client can account for them.
    case outputStopped(responseID: String, Manifest?)
    /// The answer was stopped; the manifest names what it had sent.
    case outputCleared(responseID: String, Manifest?)

    /// Read only: an event of another server, or a newer one, that says nothing to this client.
    case other(type: String)
}

extension ServerEvent {
    package var type: String {
        switch self {
        case .error: "error"
        case .sessionCreated: "session.created"
        case .sessionUpdated: "session.updated"
        case .sessionResumed: "session.resumed"
        case .sessionExpiring: "session.expiring"
        case .conversationCreated: "conversation.created"
        case .audioCommitted: "input_audio_buffer.committed"
        case .audioCleared: "input_audio_buffer.cleared"
        case .itemAdded: "conversation.item.added"
        case .itemDone: "conversation.item.done"
        case .itemTruncated: "conversation.item.truncated"
        case .audioIntegrityCompleted: "conversation.item.input_audio_integrity.completed"
        case .responseCreated: "response.created"
        case .responseDone: "response.done"
        case .outputItemAdded: "response.output_item.added"
        case .outputItemDone: "response.output_item.done"
        case .contentPartAdded: "response.content_part.added"
        case .contentPartDone: "response.content_part.done"
        case .outputAudioDone: "response.output_audio.done"
        case .transcriptDelta: "response.output_audio_transcript.delta"
        case .transcriptDone: "response.output_audio_transcript.done"
        case .outputStarted: "output_audio_buffer.started"
        case .outputStopped: "output_audio_buffer.stopped"
        case .outputCleared: "output_audio_buffer.cleared"
        case .other(let type): type
        }
    }

    /// The event as the bytes that travel.
    package func encoded(eventID: String) -> [UInt8] { JSON.encode(Envelope(eventID: eventID, event: self)) }

    /// Reads one event of a server. An unknown one is `.other`.
    package init(parsing bytes: [UInt8], limits: SessionLimits) throws(EventError) {
        self = try Self.read(bytes, limits: limits).event
    }

    /// The same with the event's identifier, which is empty where it has none.
    package static func read(_ bytes: [UInt8], limits: SessionLimits) throws(EventError) -> (event: ServerEvent, id: String) {
        guard bytes.count <= limits.eventBytes else {
            throw EventError(code: .tooLarge, message: "The event has \(bytes.count) bytes; the limit is \(limits.eventBytes).")
        }
        let envelope = try JSON.decode(Envelope.self, from: bytes, depthLimit: limits.eventDepth)
        return (envelope.event, envelope.eventID)
    }
}

/// An event with its identifier; writes and reads the fields of each type.
private struct Envelope {
    var eventID: String
    var event: ServerEvent
}

private struct Conversation: Codable {
    var id: String
    var object: String?
}

extension Envelope: Encodable {
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: EventKey.self)
        try container.encode(eventID, forKey: .eventID)
        try container.encode(event.type, forKey: .type)
        switch event {
        case .error(let error):
            try container.encode(error, forKey: .error)
        case .sessionCreated(let session), .sessionUpdated(let session):
            try container.encode(session, forKey: .session)
        case .sessionResumed(let session, let account):
            try container.encode(session, forKey: .session)
            try account.encode(to: encoder)
        case .sessionExpiring(let remaining):
            try container.encode(remaining, forKey: .remainingMilliseconds)
        case .conversationCreated(let id):
            try container.encode(Conversation(id: id, object: "realtime.conversation"), forKey: .conversation)
        case .audioCommitted(let itemID, let previous):
            try container.encode(itemID, forKey: .itemID)
            try container.encode(previous, forKey: .previousItemID)
        case .audioCleared, .other:
            break
        case .itemAdded(let item, let previous), .itemDone(let item, let previous):
            try container.encode(item, forKey: .item)
            try container.encode(previous, forKey: .previousItemID)
        case .itemTruncated(let itemID, let contentIndex, let audioEnd):
            try container.encode(itemID, forKey: .itemID)
            try container.encode(contentIndex, forKey: .contentIndex)
            try container.encode(audioEnd, forKey: .audioEndMilliseconds)
        case .audioIntegrityCompleted(let receipt):
            try receipt.encode(to: encoder)
        case .responseCreated(let response), .responseDone(let response):
            try container.encode(response, forKey: .response)
        case .outputItemAdded(let responseID, let item), .outputItemDone(let responseID, let item):
            try container.encode(responseID, forKey: .responseID)
            try container.encode(0, forKey: .outputIndex)
            try container.encode(item, forKey: .item)
        case .contentPartAdded(let locator, let part), .contentPartDone(let locator, let part):
            try encode(locator, into: &container)
            try container.encode(part, forKey: .part)
        case .outputAudioDone(let locator):
            try encode(locator, into: &container)
        case .transcriptDelta(let locator, let delta):
            try encode(locator, into: &container)
            try container.encode(delta, forKey: .delta)
        case .transcriptDone(let locator, let transcript):
            try encode(locator, into: &container)
            try container.encode(transcript, forKey: .transcript)
        case .outputStarted(let responseID):
            try container.encode(responseID, forKey: .responseID)
        case .outputStopped(let responseID, let manifest), .outputCleared(let responseID, let manifest):
            try container.encode(responseID, forKey: .responseID)
            try container.encodeIfPresent(manifest, forKey: .parallax)
        }
    }

    private func encode(_ locator: PartLocator, into container: inout KeyedEncodingContainer<EventKey>) throws {
        try container.encode(locator.responseID, forKey: .responseID)
        try container.encode(locator.itemID, forKey: .itemID)
        try container.encode(locator.outputIndex, forKey: .outputIndex)
        try container.encode(locator.contentIndex, forKey: .contentIndex)
    }
}

extension Envelope: Decodable {
    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: EventKey.self)
        eventID = try container.decodeIfPresent(String.self, forKey: .eventID) ?? ""
        let type = try container.decode(String.self, forKey: .type)
        event = switch type {
        case "error": .error(try container.decode(EventError.self, forKey: .error))
        case "session.created": .sessionCreated(try container.decode(SessionObject.self, forKey: .session))
        case "session.updated": .sessionUpdated(try container.decode(SessionObject.self, forKey: .session))
        case "session.resumed":
            .sessionResumed(try container.decode(SessionObject.self, forKey: .session), try ResumeAccount(from: decoder))
        case "session.expiring":
            .sessionExpiring(remainingMilliseconds: try container.decode(Int.self, forKey: .remainingMilliseconds))
        case "conversation.created":
            .conversationCreated(conversationID: try container.decode(Conversation.self, forKey: .conversation).id)
        case "input_audio_buffer.committed":
            .audioCommitted(
                itemID: try container.decode(String.self, forKey: .itemID),
                previousItemID: try container.decodeIfPresent(String.self, forKey: .previousItemID))
        case "input_audio_buffer.cleared": .audioCleared
        case "conversation.item.truncated":
            .itemTruncated(
                itemID: try container.decode(String.self, forKey: .itemID),
                contentIndex: try container.decode(Int.self, forKey: .contentIndex),
                audioEndMilliseconds: try container.decode(Int.self, forKey: .audioEndMilliseconds))
        case "conversation.item.input_audio_integrity.completed": .audioIntegrityCompleted(try Receipt(from: decoder))
        case "response.created": .responseCreated(try container.decode(ResponseObject.self, forKey: .response))
        case "response.done": .responseDone(try container.decode(ResponseObject.self, forKey: .response))
        case "output_audio_buffer.started": .outputStarted(responseID: try container.decode(String.self, forKey: .responseID))
        case "output_audio_buffer.stopped":
            .outputStopped(
                responseID: try container.decode(String.self, forKey: .responseID),
                try container.decodeIfPresent(Manifest.self, forKey: .parallax))
        case "output_audio_buffer.cleared":
            .outputCleared(
                responseID: try container.decode(String.self, forKey: .responseID),
                try container.decodeIfPresent(Manifest.self, forKey: .parallax))
        // The rest tells a client nothing that it acts on: not decoding it saves a microsecond or two an event.
        default: .other(type: type)
        }
    }
}
