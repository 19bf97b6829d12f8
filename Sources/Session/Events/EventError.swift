/// The body of an `error` event: what was wrong with a client's event, or with the server. The session goes on.
package struct EventError: Error, Hashable, Sendable {
    /// Whose fault it is.
    package var type = Kind.invalidRequest
    package var code: Code
    package var message: String
    /// The field that is wrong, with dots between its names.
    package var param: String?
    /// The client's `event_id`, where it gave one.
    package var eventID: String?

    package enum Kind: String, Codable, Hashable, Sendable {
        case invalidRequest = "invalid_request_error"
        case server = "server_error"
    }

    /// A word for programs. A struct over its text, since a client may meet codes of other servers.
    package struct Code: Hashable, Sendable, Codable {
        package let text: String
        package init(_ text: String) { self.text = text }
        package init(from decoder: any Decoder) throws { text = try decoder.singleValueContainer().decode(String.self) }
        package func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(text)
        }

        package static let invalidJSON = Code("invalid_json")
        package static let invalidEvent = Code("invalid_event")
        package static let unsupportedEvent = Code("unsupported_event")
        package static let invalidType = Code("invalid_type")
        package static let invalidValue = Code("invalid_value")
        package static let missingParameter = Code("missing_required_parameter")
        package static let tooLarge = Code("event_too_large")
        package static let tooDeep = Code("event_too_deep")
        package static let rateLimit = Code("rate_limit_exceeded")
        package static let unsupportedMode = Code("unsupported_mode")
        package static let unsupportedFormat = Code("unsupported_audio_format")
        package static let emptyBuffer = Code("input_audio_buffer_commit_empty")
        package static let bufferOverflow = Code("input_audio_buffer_overflow")
        package static let tooManyPrompts = Code("too_many_pending_prompts")
        package static let promptRejected = Code("prompt_rejected")
        package static let itemNotFound = Code("item_not_found")
        package static let activeResponse = Code("conversation_already_has_active_response")
        package static let noActiveResponse = Code("response_cancel_not_active")
        package static let responderFailed = Code("responder_failed")
        package static let sessionExpired = Code("session_expired")
        package static let resumeTokenInvalid = Code("resume_token_invalid")
        package static let resumeTokenUsed = Code("resume_token_used")
        package static let resumeTokenExpired = Code("resume_token_expired")
        package static let resumeGap = Code("resume_gap")
    }

    package init(type: Kind = .invalidRequest, code: Code, message: String, param: String? = nil) {
        self.type = type
        self.code = code
        self.message = message
        self.param = param
    }

    static func invalidValue(_ message: String, param: String) -> EventError {
        EventError(code: .invalidValue, message: message, param: param)
    }

    static let notJSON = EventError(code: .invalidJSON, message: "The event is not a JSON object.")
}

extension EventError {
    init(decoding error: DecodingError) {
        switch error {
        case .keyNotFound(let key, let context):
            let path = Self.path(context.codingPath + [key])
            self.init(code: .missingParameter, message: "Missing required parameter: '\(path)'.", param: path)
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            self = Self.wrongType(context.codingPath)
        case .dataCorrupted(let context):
            // Without a path it is the text itself that cannot be read.
            if context.codingPath.isEmpty { self = .notJSON } else {
                let path = Self.path(context.codingPath)
                self.init(code: .invalidValue, message: "Invalid value for '\(path)'.", param: path)
            }
        @unknown default:
            self = .notJSON
        }
    }

    private static func wrongType(_ codingPath: [any CodingKey]) -> EventError {
        guard !codingPath.isEmpty else { return .notJSON }
        let path = path(codingPath)
        return EventError(code: .invalidType, message: "The type of '\(path)' is not the one expected.", param: path)
    }

    private static func path(_ keys: [any CodingKey]) -> String {
        keys.map { key in key.intValue.map { "[\($0)]" } ?? key.stringValue }.joined(separator: ".")
    }
}

extension EventError: Codable {
    private enum CodingKeys: String, CodingKey {
        case type, code, message, param, eventID = "event_id"
    }
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        type = (try? container.decode(Kind.self, forKey: .type)) ?? .invalidRequest
        code = try container.decodeIfPresent(Code.self, forKey: .code) ?? Code("")
        message = try container.decodeIfPresent(String.self, forKey: .message) ?? ""
        param = try container.decodeIfPresent(String.self, forKey: .param)
        eventID = try container.decodeIfPresent(String.self, forKey: .eventID)
    }
}
