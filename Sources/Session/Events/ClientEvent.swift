/// What a client may ask for (OpenAI Realtime GA, client events), with our additions under `parallax`.
package enum ClientEvent: Hashable, Sendable {
    case updateSession(SessionUpdate)
    /// Audio in base64, in the session's input format.
    case appendAudio(base64: String)
    case commitAudio(Manifest?)
    /// Everything below `nextSequence` is taken back: frames behind it may have overtaken the event. `nil` takes back what
    /// has come.
    case clearAudio(nextSequence: UInt16?)
    case truncateItem(itemID: String, contentIndex: Int, audioEndMilliseconds: Int)
    case createResponse(ResponseOptions)
    /// The response named, or the one in progress.
    case cancelResponse(responseID: String?)
    case clearOutput

    /// The `response` of `response.create`, as far as it is used.
    package struct ResponseOptions: Hashable, Sendable, Codable {
        package var metadata: JSONValue?
        package init(metadata: JSONValue? = nil) { self.metadata = metadata }
    }
}

/// One event of a client, read as far as it can be: its `event_id` is known even where the rest is wrong.
package struct IncomingEvent: Sendable {
    package var eventID: String?
    package var event: Result<ClientEvent, EventError>

    /// Reads one event. Total: whatever the bytes are, the result says what is wrong with them.
    package init(parsing bytes: [UInt8], limits: SessionLimits) {
        guard bytes.count <= limits.eventBytes else {
            self.init(refusing: EventError(
                code: .tooLarge, message: "The event has \(bytes.count) bytes; the limit is \(limits.eventBytes)."))
            return
        }
        do throws(EventError) {
            self = try JSON.decode(IncomingEvent.self, from: bytes, depthLimit: limits.eventDepth)
        } catch {
            self.init(refusing: error)
        }
    }

    private init(refusing error: EventError) {
        eventID = nil
        event = .failure(error)
    }
}

extension IncomingEvent: Decodable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: EventKey.self)
        do {
            eventID = try container.decodeIfPresent(String.self, forKey: .eventID)
            if let count = eventID?.count, count > 512 {
                eventID = nil
                throw EventError.invalidValue("An event_id has at most 512 characters.", param: "event_id")
            }
            event = .success(try ClientEvent(from: container))
        } catch let error as EventError {
            event = .failure(error)
        } catch let error as DecodingError {
            event = .failure(EventError(decoding: error))
        } catch {
            // The decoder's own error for a number that no type here holds; it does not say which.
            event = .failure(EventError(code: .invalidValue, message: "A number in the event is outside of its range."))
        }
    }
}

extension ClientEvent {
    /// The events that OpenAI has and this server does not take yet.
    private static let unsupportedTypes: Set<String> = [
        "conversation.item.create", "conversation.item.retrieve", "conversation.item.delete",
    ]

    init(from container: EventDecodingContainer) throws {
        let type = try container.decode(String.self, forKey: .type)
        switch type {
        case "session.update":
            self = .updateSession(try container.decode(SessionUpdate.self, forKey: .session))
        case "input_audio_buffer.append":
            self = .appendAudio(base64: try container.decode(String.self, forKey: .audio))
        case "input_audio_buffer.commit":
            self = .commitAudio(try container.decodeIfPresent(Manifest.self, forKey: .parallax))
        case "input_audio_buffer.clear":
            self = .clearAudio(nextSequence: try container.decodeIfPresent(ClearExtent.self, forKey: .parallax)?.nextSequence)
        case "conversation.item.truncate":
            self = .truncateItem(
                itemID: try container.decode(String.self, forKey: .itemID),
                contentIndex: try container.decode(Int.self, forKey: .contentIndex),
                audioEndMilliseconds: try container.decode(Int.self, forKey: .audioEndMilliseconds))
        case "response.create":
            self = .createResponse(try container.decodeIfPresent(ClientEvent.ResponseOptions.self, forKey: .response) ?? .init())
        case "response.cancel":
            self = .cancelResponse(responseID: try container.decodeIfPresent(String.self, forKey: .responseID))
        case "output_audio_buffer.clear":
            self = .clearOutput
        case let type where Self.unsupportedTypes.contains(type):
            throw EventError(code: .unsupportedEvent, message: "This server does not take '\(type)' yet.", param: "type")
        case let type:
            throw EventError(code: .invalidEvent, message: "There is no client event '\(type.prefix(64))'.", param: "type")
        }
    }
}

/// `parallax` of `input_audio_buffer.clear`.
private struct ClearExtent: Encodable {
    /// The RTP sequence number of the first frame that is not taken back.
    var nextSequence: UInt16

    enum CodingKeys: String, CodingKey { case nextSequence = "next_sequence" }
}

extension ClearExtent: Decodable {
    init(from decoder: any Decoder) throws {
        let number = try decoder.container(keyedBy: CodingKeys.self).decode(Int.self, forKey: .nextSequence)
        guard let sequence = UInt16(exactly: number) else {
            throw EventError.invalidValue("An RTP sequence number lies between 0 and 65535.", param: "parallax.next_sequence")
        }
        nextSequence = sequence
    }
}

/// One event of a client, to be written.
package struct OutgoingEvent: Hashable, Sendable {
    package var eventID: String?
    package var event: ClientEvent
    /// The client's secret, on the first event where the transport has no other place for it.
    package var clientSecret: String?

    package init(_ event: ClientEvent, eventID: String? = nil, clientSecret: String? = nil) {
        self.event = event
        self.eventID = eventID
        self.clientSecret = clientSecret
    }

    package func encoded() -> [UInt8] { JSON.encode(self) }
}

extension OutgoingEvent: Encodable {
    private struct Secret: Encodable {
        var clientSecret: String
        private enum CodingKeys: String, CodingKey { case clientSecret = "client_secret" }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: EventKey.self)
        try container.encodeIfPresent(eventID, forKey: .eventID)
        if let clientSecret { try container.encode(Secret(clientSecret: clientSecret), forKey: .parallax) }
        switch event {
        case .updateSession(let update):
            try container.encode("session.update", forKey: .type)
            try container.encode(update, forKey: .session)
        case .appendAudio(let base64):
            try container.encode("input_audio_buffer.append", forKey: .type)
            try container.encode(base64, forKey: .audio)
        case .commitAudio(let manifest):
            try container.encode("input_audio_buffer.commit", forKey: .type)
            try container.encodeIfPresent(manifest, forKey: .parallax)
        case .clearAudio(let nextSequence):
            try container.encode("input_audio_buffer.clear", forKey: .type)
            if let nextSequence { try container.encode(ClearExtent(nextSequence: nextSequence), forKey: .parallax) }
        case .truncateItem(let itemID, let contentIndex, let audioEndMilliseconds):
            try container.encode("conversation.item.truncate", forKey: .type)
            try container.encode(itemID, forKey: .itemID)
            try container.encode(contentIndex, forKey: .contentIndex)
            try container.encode(audioEndMilliseconds, forKey: .audioEndMilliseconds)
        case .createResponse(let options):
            try container.encode("response.create", forKey: .type)
            if options != .init() { try container.encode(options, forKey: .response) }
        case .cancelResponse(let responseID):
            try container.encode("response.cancel", forKey: .type)
            try container.encodeIfPresent(responseID, forKey: .responseID)
        case .clearOutput:
            try container.encode("output_audio_buffer.clear", forKey: .type)
        }
    }
}

extension AttachRequest {
    /// Reads `parallax.client_secret` from a client's first event, for a transport that has no header to carry it.
    /// An event without one, or one that cannot be read, asks without a secret.
    package init(firstEvent bytes: [UInt8], limits: SessionLimits) {
        struct Head: Decodable {
            struct Parallax: Decodable { var client_secret: String? }
            var parallax: Parallax?
        }
        self.init()
        guard bytes.count <= limits.eventBytes else { return }
        secret = try? JSON.decode(Head.self, from: bytes, depthLimit: limits.eventDepth).parallax?.client_secret
    }
}
