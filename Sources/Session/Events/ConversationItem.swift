/// A message of the conversation. Audio bytes are never in it.
package struct ConversationItem: Hashable, Sendable, Codable {
    package var id: String
    package var object = "realtime.item"
    package var type = "message"
    package var role: String
    package var status: Status
    package var content: [ContentPart]

    package enum Status: String, Codable, Hashable, Sendable {
        case inProgress = "in_progress"
        case completed
        case incomplete
    }
}

/// Part of a message. In items the types are `input_audio` and `output_audio`, in `response.content_part.*` it is `audio`.
package struct ContentPart: Hashable, Sendable, Codable {
    package var type: String
    package var transcript: String?
}

/// A response, as `response.created` and `response.done` tell it.
package struct ResponseObject: Hashable, Sendable {
    package var id: String
    package var object = "realtime.response"
    package var status: Status
    package var statusDetails: StatusDetails?
    package var output: [ConversationItem]
    package var conversationID: String?
    package var outputModalities: [String]
    package var metadata: JSONValue?

    package enum Status: String, Codable, Hashable, Sendable {
        case inProgress = "in_progress"
        case completed, cancelled, failed, incomplete
    }

    package struct StatusDetails: Hashable, Sendable, Codable {
        package var type: Status
        package var reason: String?
        package var error: Failure?
    }

    package struct Failure: Hashable, Sendable, Codable {
        package var type: String
        package var code: String
    }
}

extension ResponseObject: Codable {
    private enum CodingKeys: String, CodingKey {
        case id, object, status, statusDetails = "status_details", output, conversationID = "conversation_id"
        case outputModalities = "output_modalities", metadata
    }

    /// Reads what a client needs of it.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decodeIfPresent(String.self, forKey: .id) ?? ""
        status = try container.decode(Status.self, forKey: .status)
        statusDetails = nil
        output = []
        outputModalities = []
    }
}

/// Where a part stands: OpenAI's `response_id, item_id, output_index, content_index`.
package struct PartLocator: Hashable, Sendable {
    package var responseID: String
    package var itemID: String
    package var outputIndex = 0
    package var contentIndex = 0

    package init(responseID: String, itemID: String, outputIndex: Int = 0, contentIndex: Int = 0) {
        (self.responseID, self.itemID, self.outputIndex, self.contentIndex) = (responseID, itemID, outputIndex, contentIndex)
    }
}
