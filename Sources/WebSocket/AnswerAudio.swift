internal import Session

/// Answer frames as OpenAI's clients take them: `response.output_audio.delta`, which names the part that the audio belongs to.
///
/// The core's events say which: they pass by here on their way out.
struct AnswerAudio {
    /// The output format in force.
    var format = AudioFormat().type
    private let responseLimit: Int
    private var parts: [Part] = []
    /// The response whose audio plays.
    private(set) var playing = ""
    private var decoder: PCMDecoder?
    private var eventCount = 0

    private struct Part {
        var responseID: String
        var itemID: String
        var outputIndex: Int
        var contentIndex: Int
    }

    /// What matters of an event here.
    private struct Head: Decodable {
        var type: String
        var response_id: String?
        var item_id: String?
        var output_index: Int?
        var content_index: Int?
    }

    private struct Delta: Encodable {
        var content_index: Int
        var delta: String
        var event_id: String
        var item_id: String
        var output_index: Int
        var response_id: String
        var type = "response.output_audio.delta"
    }

    init(responseLimit: Int) { self.responseLimit = responseLimit }

    /// Whether one event may hold several frames.
    var joinsFrames: Bool { format != AudioFormat.opus.type }

    /// Looks at an event on its way out.
    /// - Returns: the response whose audio was cleared by it.
    mutating func observe(_ event: [UInt8], depthLimit: Int) -> String? {
        guard let head = try? JSON.decode(Head.self, from: event, depthLimit: depthLimit), let responseID = head.response_id else { return nil }
        switch head.type {
        case "response.content_part.added":
            if parts.count >= responseLimit { parts.removeFirst() }
            parts.append(
                Part(
                    responseID: responseID, itemID: head.item_id ?? "", outputIndex: head.output_index ?? 0,
                    contentIndex: head.content_index ?? 0))
            // Another answer begins from silence.
            decoder = nil
        case "output_audio_buffer.started": playing = responseID
        case "output_audio_buffer.cleared": return responseID
        default: break
        }
        return nil
    }

    /// The event that carries these frames of one response.
    mutating func delta(_ packets: [[UInt8]], of responseID: String) -> [UInt8] {
        eventCount += 1
        let part = parts.last { $0.responseID == responseID }
        return JSON.encode(
            Delta(
                content_index: part?.contentIndex ?? 0, delta: JSON.encodeBase64(sound(of: packets)), event_id: "event_audio_\(eventCount)",
                item_id: part?.itemID ?? "", output_index: part?.outputIndex ?? 0, response_id: responseID))
    }

    private mutating func sound(of packets: [[UInt8]]) -> [UInt8] {
        guard joinsFrames else { return packets.first ?? [] }
        let coding = PCMCoding(format)
        if decoder?.coding != coding { decoder = try? PCMDecoder(coding) }
        var bytes: [UInt8] = []
        for packet in packets { decoder?.decode(packet, into: &bytes) }
        return bytes
    }
}
