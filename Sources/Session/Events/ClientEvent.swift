/// What a client may ask for (OpenAI Realtime GA, client events), with our additions under `parallax`.
package enum ClientEvent: Hashable, Sendable {
    case updateSession(SessionUpdate)
    /// Audio in base64, in the session's input format.
    case appendAudio(base64: String, sequence: UInt16? = nil)
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
    /// `parallax.last_event_id`: the client has this event of the server's, and all before it.
    package var lastEventID: String?
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
        lastEventID = nil
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
            lastEventID = try? container.decodeIfPresent(OutgoingParallax.self, forKey: .parallax)?.lastEventID
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
            self = .appendAudio(
                base64: try container.decode(String.self, forKey: .audio),
                sequence: try container.decodeIfPresent(FrameNumber.self, forKey: .parallax)?.sequence)
        case "input_audio_buffer.commit":
            self = .commitAudio(try Manifest.read(from: container))
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
    var nextSequence: UInt16?

    enum CodingKeys: String, CodingKey { case nextSequence = "next_sequence" }
}

extension ClearExtent: Decodable {
    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        nextSequence = try container.sequence(forKey: .nextSequence)
    }
}

/// `parallax` of `input_audio_buffer.append` and `response.output_audio.delta`.
package struct FrameNumber: Hashable, Sendable, Encodable {
    /// The RTP sequence number of the first frame that the event holds.
    package var sequence: UInt16?

    package init(_ sequence: UInt16?) { self.sequence = sequence }

    enum CodingKeys: String, CodingKey { case sequence }
}

extension FrameNumber: Decodable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        sequence = try container.sequence(forKey: .sequence)
    }
}

extension KeyedDecodingContainer {
    /// An RTP sequence number, where there is one.
    fileprivate func sequence(forKey key: Key) throws -> UInt16? {
        guard contains(key) else { return nil }
        guard let sequence = UInt16(exactly: try decode(Int.self, forKey: key)) else {
            throw EventError.invalidValue("An RTP sequence number lies between 0 and 65535.", param: "parallax.\(key.stringValue)")
        }
        return sequence
    }
}

/// One event of a client, to be written.
package struct OutgoingEvent: Hashable, Sendable {
    package var eventID: String?
    package var event: ClientEvent
    /// The client's secret, on the first event where the transport has no other place for it.
    package var clientSecret: String?
    /// The last event of the server's that the client has.
    package var lastEventID: String?

    package init(_ event: ClientEvent, eventID: String? = nil, clientSecret: String? = nil, lastEventID: String? = nil) {
        self.event = event
        self.eventID = eventID
        self.clientSecret = clientSecret
        self.lastEventID = lastEventID
    }

    package func encoded() -> [UInt8] { JSON.encode(self) }
}

/// What we add to any event of a client's.
private struct OutgoingParallax: Codable {
    var clientSecret: String?
    var lastEventID: String?
    var resume: ResumeRequest?

    enum CodingKeys: String, CodingKey { case clientSecret = "client_secret", lastEventID = "last_event_id", resume }
}

extension Manifest {
    /// The manifest in the `parallax` of a commit; `nil` where that says other things only.
    fileprivate static func read(from container: EventDecodingContainer) throws -> Manifest? {
        guard container.contains(.parallax), try !container.decodeNil(forKey: .parallax) else { return nil }
        let parallax = try container.nestedContainer(keyedBy: CodingKeys.self, forKey: .parallax)
        if parallax.allKeys.isEmpty, try container.decode(OutgoingParallax.self, forKey: .parallax).lastEventID != nil { return nil }
        return try container.decode(Manifest.self, forKey: .parallax)
    }
}

/// The request for a resume where it travels as an event: it asks for nothing else.
package struct OutgoingResume: Encodable {
    package var request: ResumeRequest

    package init(_ request: ResumeRequest) { self.request = request }

    package func encoded() -> [UInt8] { JSON.encode(self) }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: EventKey.self)
        try container.encode("session.resume", forKey: .type)
        try container.encode(OutgoingParallax(resume: request), forKey: .parallax)
    }
}

extension OutgoingEvent: Encodable {

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: EventKey.self)
        try container.encodeIfPresent(eventID, forKey: .eventID)
        try encodeParallax(into: &container)
        switch event {
        case .updateSession(let update):
            try container.encode("session.update", forKey: .type)
            try container.encode(update, forKey: .session)
        case .appendAudio(let base64, _):
            try container.encode("input_audio_buffer.append", forKey: .type)
            try container.encode(base64, forKey: .audio)
        case .commitAudio:
            try container.encode("input_audio_buffer.commit", forKey: .type)
        case .clearAudio:
            try container.encode("input_audio_buffer.clear", forKey: .type)
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

extension OutgoingEvent {
    private func encodeParallax(into container: inout KeyedEncodingContainer<EventKey>) throws {
        var additions = Additions(rest: OutgoingParallax(clientSecret: clientSecret, lastEventID: lastEventID))
        switch event {
        case .commitAudio(let manifest): additions.manifest = manifest
        case .appendAudio(_, let sequence): additions.number = sequence.map { FrameNumber($0) }
        case .clearAudio(let nextSequence): additions.extent = nextSequence.map { ClearExtent(nextSequence: $0) }
        default: break
        }
        guard additions.manifest != nil || additions.extent != nil || additions.number != nil || clientSecret != nil || lastEventID != nil else { return }
        try container.encode(additions, forKey: .parallax)
    }

    /// All in one object.
    private struct Additions: Encodable {
        var manifest: Manifest?
        var extent: ClearExtent?
        var number: FrameNumber?
        var rest: OutgoingParallax

        func encode(to encoder: any Encoder) throws {
            try manifest?.encode(to: encoder)
            try extent?.encode(to: encoder)
            try number?.encode(to: encoder)
            try rest.encode(to: encoder)
        }
    }
}

extension AttachRequest {
    /// Reads `parallax.client_secret` and `parallax.resume` from a client's first event, for a transport that has no header
    /// to carry them. An event without them, or one that cannot be read, asks without.
    ///
    /// An event with `parallax.resume` is the request itself and nothing else: it goes no further.
    package init(firstEvent bytes: [UInt8], limits: SessionLimits) {
        struct Head: Decodable { var parallax: OutgoingParallax? }
        self.init()
        guard bytes.count <= limits.eventBytes else { return }
        let parallax = try? JSON.decode(Head.self, from: bytes, depthLimit: limits.eventDepth).parallax
        secret = parallax?.clientSecret
        resume = parallax?.resume
    }
}
