/// The effective configuration of a session, as `session.created` and `session.updated` tell it: OpenAI's fields
/// with OpenAI's defaults, and ours under `parallax`.
package struct SessionObject: Hashable, Sendable, Codable {
    package var type = "realtime"
    package var id: String
    package var object = "realtime.session"
    package var expiresAt: Int?
    package var model: String
    package var outputModalities = ["audio"]
    package var instructions: String
    package var audio = AudioSettings()
    package var tools: [JSONValue] = []
    package var toolChoice: JSONValue = .string("auto")
    package var maxOutputTokens: JSONValue = .string("inf")
    package var tracing: JSONValue = .null
    package var prompt: JSONValue = .null
    package var include: JSONValue = .null
    package var truncation: JSONValue = .string("auto")
    package var parallax = ParallaxSettings()

    private enum CodingKeys: String, CodingKey {
        case type, id, object, expiresAt = "expires_at", model, outputModalities = "output_modalities"
        case instructions, audio, tools, toolChoice = "tool_choice", maxOutputTokens = "max_output_tokens"
        case tracing, prompt, include, truncation, parallax
    }

    init(id: String, model: String, instructions: String) {
        self.id = id
        self.model = model
        self.instructions = instructions
    }

    /// Reads what a client needs of it; a stranger's server has no `parallax`.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decodeIfPresent(String.self, forKey: .id) ?? ""
        model = try container.decodeIfPresent(String.self, forKey: .model) ?? ""
        instructions = try container.decodeIfPresent(String.self, forKey: .instructions) ?? ""
        expiresAt = try container.decodeIfPresent(Int.self, forKey: .expiresAt)
        parallax = try container.decodeIfPresent(ParallaxSettings.self, forKey: .parallax) ?? ParallaxSettings()
    }
}

/// `session.audio`. Frames carry Opus whatever the formats say: a format is for base64 audio in events.
package struct AudioSettings: Hashable, Sendable, Encodable {
    package var input = Input()
    package var output = Output()

    package init() {}

    package struct Input: Hashable, Sendable, Encodable {
        package var format = AudioFormat()
        package var transcription: JSONValue = .null
        package var noiseReduction: JSONValue = .null
        /// Always null: the server detects no turns yet, whatever a client asks for.
        package var turnDetection: JSONValue = .null

        private enum CodingKeys: String, CodingKey {
            case format, transcription, noiseReduction = "noise_reduction", turnDetection = "turn_detection"
        }
    }

    package struct Output: Hashable, Sendable, Encodable {
        package var format = AudioFormat()
        package var voice: JSONValue = .string("alloy")
        package var speed: Double = 1
    }
}

/// `audio/pcm` at 24 kHz as OpenAI has it by default, `audio/pcmu`, `audio/pcma`, and our addition `audio/opus`:
/// one Opus packet a base64 text.
package struct AudioFormat: Hashable, Sendable, Codable {
    package var type = "audio/pcm"
    package var rate: Int? = 24_000

    package init(type: String = "audio/pcm", rate: Int? = 24_000) {
        self.type = type
        self.rate = rate
    }

    package static let opus = AudioFormat(type: "audio/opus", rate: nil)
    static let knownTypes = ["audio/pcm", "audio/pcmu", "audio/pcma", "audio/opus"]
}

/// `session.parallax`: what we add to OpenAI's session.
package struct ParallaxSettings: Hashable, Sendable {
    package var reliability = ReliabilitySettings()
    /// How old a frame may be at its arrival to count as live.
    package var liveDeadlineMilliseconds = 200
    /// With what the session may be resumed; `nil` where the server resumes none.
    package var resume: ResumeOffer?

    package init() {}
}

package struct ReliabilitySettings: Hashable, Sendable {
    package var mode = ReliabilityMode.datagram
    package var onGap = GapPolicy.wait
    /// What the client asked for; `nil` takes the mode's default.
    package var waitMilliseconds: Int?
    /// How long a frame is worth sending again (`nack`) or keeping on its stream (`deadline`).
    ///
    /// A frame of a prompt is of use until the prompt is decided, long after it has ceased to be live; but whoever has
    /// spoken waits for an answer. A second holds several round trips and outlives almost every burst of losses, and it is the
    /// most that a commit waits in these modes.
    package var deadlineMilliseconds = 1_000
    /// How many frames before its own a datagram carries (`red`).
    package var redundancyDepth = 2

    /// What `deadline_ms` may be: a frame of 20 ms at least, and no more than what a sender keeps (500 frames of 20 ms).
    package static let deadlineRange = 20...10_000
    /// What `red_depth` may be. Eight frames of 20 ms lie 160 ms back; where frames are so long that RED's 341 ms do not
    /// reach, the oldest are left out.
    package static let depthRange = 1...8
    /// How long after a frame's last moment it may still be under way, or datagrams be out of order.
    private static let reorderMilliseconds = 200

    package init(mode: ReliabilityMode = .datagram) { self.mode = mode }

    /// How long a committed prompt waits for its missing frames. With datagrams nothing comes after a short time of
    /// reordering; what is sent again comes until it is too old; a reliable mode loses frames only with its connection.
    package var effectiveWaitMilliseconds: Int {
        if let waitMilliseconds { return waitMilliseconds }
        return switch delivery {
        case .datagram, .redundant: Self.reorderMilliseconds
        case .resent, .expiring: deadlineMilliseconds + Self.reorderMilliseconds
        case .streamPerFrame, .stream, .repaired: 30_000
        }
    }

    /// Which primitive of the transport carries a frame.
    package var delivery: Delivery {
        switch mode {
        // What makes `fec` of it is in the frames themselves.
        case .datagram, .fec: .datagram
        case .red: .redundant(depth: redundancyDepth)
        case .nack: .resent(within: .milliseconds(deadlineMilliseconds))
        case .deadline: .expiring(within: .milliseconds(deadlineMilliseconds))
        case .streamPerFrame: .streamPerFrame
        case .stream: .stream
        case .repair: .repaired
        }
    }
}

/// What becomes of a prompt that has holes: `session.parallax.reliability.on_gap`.
package enum GapPolicy: String, Codable, Hashable, Sendable, CaseIterable {
    /// Wait for the missing frames up to `wait_ms`, then go on without them.
    case wait
    /// Go on at once with what is there when the commit arrives.
    case proceed
    /// Wait up to `wait_ms`, then reject the prompt: no response is made from it.
    case reject
}

extension ParallaxSettings: Codable {
    private enum CodingKeys: String, CodingKey {
        case reliability, liveDeadlineMilliseconds = "live_deadline_ms", resume
    }

    /// Reads what another server may say only in part.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init()
        reliability = try container.decodeIfPresent(ReliabilitySettings.self, forKey: .reliability) ?? reliability
        liveDeadlineMilliseconds =
            try container.decodeIfPresent(Int.self, forKey: .liveDeadlineMilliseconds) ?? liveDeadlineMilliseconds
        resume = try container.decodeIfPresent(ResumeOffer.self, forKey: .resume)
    }
}

extension ReliabilitySettings: Codable {
    private enum CodingKeys: String, CodingKey {
        case mode, onGap = "on_gap", waitMilliseconds = "wait_ms", deadlineMilliseconds = "deadline_ms"
        case redundancyDepth = "red_depth"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init()
        mode = try container.decodeIfPresent(ReliabilityMode.self, forKey: .mode) ?? mode
        onGap = try container.decodeIfPresent(GapPolicy.self, forKey: .onGap) ?? onGap
        waitMilliseconds = try container.decodeIfPresent(Int.self, forKey: .waitMilliseconds)
        // What another server says is kept within what this client can do.
        deadlineMilliseconds = Self.clamp(
            try container.decodeIfPresent(Int.self, forKey: .deadlineMilliseconds) ?? deadlineMilliseconds, to: Self.deadlineRange)
        redundancyDepth = Self.clamp(
            try container.decodeIfPresent(Int.self, forKey: .redundancyDepth) ?? redundancyDepth, to: Self.depthRange)
    }

    private static func clamp(_ value: Int, to range: ClosedRange<Int>) -> Int {
        max(range.lowerBound, min(range.upperBound, value))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(mode, forKey: .mode)
        try container.encode(onGap, forKey: .onGap)
        try container.encode(effectiveWaitMilliseconds, forKey: .waitMilliseconds)
        try container.encode(deadlineMilliseconds, forKey: .deadlineMilliseconds)
        try container.encode(redundancyDepth, forKey: .redundancyDepth)
    }
}
