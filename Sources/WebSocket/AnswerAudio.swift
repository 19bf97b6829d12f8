internal import Session

/// Answer frames as OpenAI's clients take them: `response.output_audio.delta`, which names the part that the audio belongs to.
///
/// The core's events say which: they pass by here on their way out.
struct AnswerAudio {
    /// The output format in force.
    var format = AudioFormat().type
    private let responseLimit: Int
    private var parts: [PartLocator] = []
    /// The response whose audio plays.
    private var playing = ""
    /// Where the answers lie that another connection began; `nil` once a frame has come that is new.
    private var place: AudioPlace?
    private var decoder: PCMDecoder?
    private var eventCount = 0

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
        var parallax: FrameNumber
        var response_id: String
        var type = "response.output_audio.delta"
    }

    init(responseLimit: Int) { self.responseLimit = responseLimit }

    /// Whether one event may hold several frames.
    var joinsFrames: Bool { format != AudioFormat.opus.type }

    /// Goes on where another connection was.
    mutating func goOn(at place: AudioPlace) {
        self.place = place
        parts = (place.answers.map(\.part) + place.openParts).suffix(responseLimit)
        playing = place.playingResponseID ?? ""
    }

    /// The response that a frame belongs to: one that is sent again, to the answer among whose frames it lies; a new one, to the one
    /// that plays.
    mutating func responseID(of sequence: UInt16) -> String {
        func isBehind(_ first: UInt16) -> Bool { Int16(bitPattern: sequence &- first) >= 0 }
        guard let place else { return playing }
        guard !isBehind(place.nextAnswerSequence) else {
            self.place = nil
            return playing
        }
        return place.answers.last { isBehind($0.firstSequence) }?.part.responseID ?? playing
    }

    /// Looks at an event on its way out.
    /// - Returns: the response whose audio was cleared by it.
    mutating func observe(_ event: [UInt8], depthLimit: Int) -> String? {
        guard let head = try? JSON.decode(Head.self, from: event, depthLimit: depthLimit), let responseID = head.response_id else { return nil }
        switch head.type {
        case "response.content_part.added":
            if parts.count >= responseLimit { parts.removeFirst() }
            parts.append(
                PartLocator(
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
    /// - Parameter sequence: the number of the first.
    mutating func delta(_ packets: [[UInt8]], from sequence: UInt16, of responseID: String) -> [UInt8] {
        eventCount += 1
        let part = parts.last { $0.responseID == responseID }
        return JSON.encode(
            Delta(
                content_index: part?.contentIndex ?? 0, delta: JSON.encodeBase64(sound(of: packets)), event_id: "event_audio_\(eventCount)",
                item_id: part?.itemID ?? "", output_index: part?.outputIndex ?? 0, parallax: FrameNumber(sequence), response_id: responseID))
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
