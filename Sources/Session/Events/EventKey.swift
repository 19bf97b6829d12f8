/// Every field name that stands at the top of an event, or in the small objects that only one event has.
enum EventKey: String, CodingKey {
    case type, eventID = "event_id", session, parallax, audio, error, conversation, item, part, response, delta
    case transcript, object, id, metadata
    case itemID = "item_id", previousItemID = "previous_item_id", responseID = "response_id"
    case contentIndex = "content_index", outputIndex = "output_index", audioEndMilliseconds = "audio_end_ms"
    case remainingMilliseconds = "remaining_ms", clientSecret = "client_secret"
}

typealias EventDecodingContainer = KeyedDecodingContainer<EventKey>
