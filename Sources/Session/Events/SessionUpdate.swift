internal import Wire

/// The `session` of `session.update`: only fields that are present change, and null clears a field.
package struct SessionUpdate: Hashable, Sendable {
    /// What kind of session is meant; OpenAI's has to be named.
    package var type: String? = "realtime"
    package var instructions = Field<String>.absent
    package var outputModalities = Field<[String]>.absent
    package var inputFormat = Field<AudioFormat>.absent
    package var transcription = Field<JSONValue>.absent
    package var noiseReduction = Field<JSONValue>.absent
    package var outputFormat = Field<AudioFormat>.absent
    package var voice = Field<JSONValue>.absent
    package var speed = Field<Double>.absent
    package var tools = Field<[JSONValue]>.absent
    package var toolChoice = Field<JSONValue>.absent
    package var maxOutputTokens = Field<JSONValue>.absent
    package var tracing = Field<JSONValue>.absent
    package var prompt = Field<JSONValue>.absent
    package var include = Field<JSONValue>.absent
    package var truncation = Field<JSONValue>.absent
    package var mode = Field<String>.absent
    package var onGap = Field<String>.absent
    package var waitMilliseconds = Field<Int>.absent
    package var deadlineMilliseconds = Field<Int>.absent
    package var redundancyDepth = Field<Int>.absent
    package var liveDeadlineMilliseconds = Field<Int>.absent

    package init() {}
}

extension SessionUpdate {
    /// Merges into `session`, or changes nothing and says which field is wrong.
    func merged(into session: SessionObject, capabilities: Capabilities, limits: SessionLimits) throws(EventError) -> SessionObject {
        if let type, type != "realtime" {
            throw .invalidValue("A session of type '\(type)' is not offered; 'realtime' is.", param: "session.type")
        }
        var merged = session
        switch outputModalities {
        case .absent: break
        case .null: merged.outputModalities = ["audio"]
        case .value(let modalities):
            guard modalities == ["audio"] || modalities == ["text"] else {
                throw .invalidValue("The output modalities are ['audio'] or ['text'].", param: "session.output_modalities")
            }
            merged.outputModalities = modalities
        }
        Self.merge(instructions, into: &merged.instructions, cleared: "")
        Self.merge(tools, into: &merged.tools, cleared: [])
        Self.merge(toolChoice, into: &merged.toolChoice, cleared: .string("auto"))
        Self.merge(maxOutputTokens, into: &merged.maxOutputTokens, cleared: .string("inf"))
        Self.merge(tracing, into: &merged.tracing, cleared: .null)
        Self.merge(prompt, into: &merged.prompt, cleared: .null)
        Self.merge(include, into: &merged.include, cleared: .null)
        Self.merge(truncation, into: &merged.truncation, cleared: .string("auto"))
        try mergeAudio(into: &merged.audio)
        try mergeParallax(into: &merged.parallax, capabilities: capabilities, limits: limits)
        return merged
    }

    private func mergeAudio(into audio: inout AudioSettings) throws(EventError) {
        Self.merge(transcription, into: &audio.input.transcription, cleared: .null)
        Self.merge(noiseReduction, into: &audio.input.noiseReduction, cleared: .null)
        Self.merge(voice, into: &audio.output.voice, cleared: .string("alloy"))
        try Self.merge(inputFormat, into: &audio.input.format, param: "session.audio.input.format")
        try Self.merge(outputFormat, into: &audio.output.format, param: "session.audio.output.format")
        switch speed {
        case .absent: break
        case .null: audio.output.speed = 1
        case .value(let value):
            guard (0.25...1.5).contains(value) else {
                throw .invalidValue("The speed lies between 0.25 and 1.5.", param: "session.audio.output.speed")
            }
            audio.output.speed = value
        }
    }

    private func mergeParallax(
        into parallax: inout ParallaxSettings, capabilities: Capabilities, limits: SessionLimits
    ) throws(EventError) {
        if let name = mode.value { parallax.reliability.mode = try Self.mode(named: name, capabilities) }
        if mode == .null, let first = capabilities.modes.first { parallax.reliability.mode = first }
        switch onGap {
        case .absent: break
        case .null: parallax.reliability.onGap = .wait
        case .value(let name):
            guard let policy = GapPolicy(rawValue: name) else {
                throw .invalidValue("on_gap is one of: wait, proceed, reject.", param: "session.parallax.reliability.on_gap")
            }
            parallax.reliability.onGap = policy
        }
        switch waitMilliseconds {
        case .absent: break
        case .null: parallax.reliability.waitMilliseconds = nil
        case .value(let value):
            let greatest = Int(limits.wait.nanoseconds / 1_000_000)
            guard (0...greatest).contains(value) else {
                throw .invalidValue("wait_ms lies between 0 and \(greatest).", param: "session.parallax.reliability.wait_ms")
            }
            parallax.reliability.waitMilliseconds = value
        }
        try Self.merge(
            deadlineMilliseconds, into: &parallax.reliability.deadlineMilliseconds,
            cleared: ReliabilitySettings().deadlineMilliseconds, within: ReliabilitySettings.deadlineRange, name: "deadline_ms")
        try Self.merge(
            redundancyDepth, into: &parallax.reliability.redundancyDepth,
            cleared: ReliabilitySettings().redundancyDepth, within: ReliabilitySettings.depthRange, name: "red_depth")
        switch liveDeadlineMilliseconds {
        case .absent: break
        case .null: parallax.liveDeadlineMilliseconds = ParallaxSettings().liveDeadlineMilliseconds
        case .value(let value):
            guard (1...60_000).contains(value) else {
                throw .invalidValue("live_deadline_ms lies between 1 and 60000.", param: "session.parallax.live_deadline_ms")
            }
            parallax.liveDeadlineMilliseconds = value
        }
    }

    /// The mode with this name, where the transport can carry it.
    static func mode(named name: String, _ capabilities: Capabilities) throws(EventError) -> ReliabilityMode {
        if let mode = ReliabilityMode(rawValue: name), capabilities.modes.contains(mode) { return mode }
        let offered = capabilities.modes.map(\.rawValue).joined(separator: ", ")
        let isKnown = ReliabilityMode(rawValue: name) != nil
        let reason = isKnown ? "The mode '\(name)' is not offered here" : "There is no mode '\(name.prefix(64))'"
        throw EventError(
            code: .unsupportedMode, message: "\(reason); over \(capabilities.transport) it is one of: \(offered).",
            param: "session.parallax.reliability.mode")
    }

    private static func merge<Value>(_ field: Field<Value>, into target: inout Value, cleared: Value) {
        switch field {
        case .absent: break
        case .null: target = cleared
        case .value(let value): target = value
        }
    }

    private static func merge(
        _ field: Field<Int>, into target: inout Int, cleared: Int, within range: ClosedRange<Int>, name: String
    ) throws(EventError) {
        if let value = field.value, !range.contains(value) {
            throw .invalidValue(
                "\(name) lies between \(range.lowerBound) and \(range.upperBound).", param: "session.parallax.reliability.\(name)")
        }
        merge(field, into: &target, cleared: cleared)
    }

    private static func merge(_ field: Field<AudioFormat>, into target: inout AudioFormat, param: String) throws(EventError) {
        switch field {
        case .absent: break
        case .null: target = AudioFormat()
        case .value(let format):
            guard AudioFormat.knownTypes.contains(format.type) else {
                throw .invalidValue("The format is one of: \(AudioFormat.knownTypes.joined(separator: ", ")).", param: param + ".type")
            }
            target = format
        }
    }
}

// The JSON nests deeper than the struct: `audio.input.format`, `parallax.reliability.mode`.
extension SessionUpdate: Codable {
    private enum Key: String, CodingKey {
        case type, instructions, outputModalities = "output_modalities", audio, tools, toolChoice = "tool_choice"
        case maxOutputTokens = "max_output_tokens", tracing, prompt, include, truncation, parallax
    }
    private enum AudioKey: String, CodingKey { case input, output }
    private enum InputKey: String, CodingKey { case format, transcription, noiseReduction = "noise_reduction" }
    private enum OutputKey: String, CodingKey { case format, voice, speed }
    private enum ParallaxKey: String, CodingKey { case reliability, liveDeadlineMilliseconds = "live_deadline_ms" }
    private enum ReliabilityKey: String, CodingKey {
        case mode, onGap = "on_gap", waitMilliseconds = "wait_ms", deadlineMilliseconds = "deadline_ms"
        case redundancyDepth = "red_depth"
    }

    package init(from decoder: any Decoder) throws {
        let session = try decoder.container(keyedBy: Key.self)
        type = try session.decodeIfPresent(String.self, forKey: .type)
        instructions = try session.decodeField(String.self, forKey: .instructions)
        outputModalities = try session.decodeField([String].self, forKey: .outputModalities)
        tools = try session.decodeField([JSONValue].self, forKey: .tools)
        toolChoice = try session.decodeField(JSONValue.self, forKey: .toolChoice)
        maxOutputTokens = try session.decodeField(JSONValue.self, forKey: .maxOutputTokens)
        tracing = try session.decodeField(JSONValue.self, forKey: .tracing)
        prompt = try session.decodeField(JSONValue.self, forKey: .prompt)
        include = try session.decodeField(JSONValue.self, forKey: .include)
        truncation = try session.decodeField(JSONValue.self, forKey: .truncation)
        if session.contains(.audio), try !session.decodeNil(forKey: .audio) {
            let audio = try session.nestedContainer(keyedBy: AudioKey.self, forKey: .audio)
            if audio.contains(.input), try !audio.decodeNil(forKey: .input) {
                let input = try audio.nestedContainer(keyedBy: InputKey.self, forKey: .input)
                inputFormat = try input.decodeField(AudioFormat.self, forKey: .format)
                transcription = try input.decodeField(JSONValue.self, forKey: .transcription)
                noiseReduction = try input.decodeField(JSONValue.self, forKey: .noiseReduction)
            }
            if audio.contains(.output), try !audio.decodeNil(forKey: .output) {
                let output = try audio.nestedContainer(keyedBy: OutputKey.self, forKey: .output)
                outputFormat = try output.decodeField(AudioFormat.self, forKey: .format)
                voice = try output.decodeField(JSONValue.self, forKey: .voice)
                speed = try output.decodeField(Double.self, forKey: .speed)
            }
        }
        if session.contains(.parallax), try !session.decodeNil(forKey: .parallax) {
            let parallax = try session.nestedContainer(keyedBy: ParallaxKey.self, forKey: .parallax)
            liveDeadlineMilliseconds = try parallax.decodeField(Int.self, forKey: .liveDeadlineMilliseconds)
            if parallax.contains(.reliability), try !parallax.decodeNil(forKey: .reliability) {
                let reliability = try parallax.nestedContainer(keyedBy: ReliabilityKey.self, forKey: .reliability)
                mode = try reliability.decodeField(String.self, forKey: .mode)
                onGap = try reliability.decodeField(String.self, forKey: .onGap)
                waitMilliseconds = try reliability.decodeField(Int.self, forKey: .waitMilliseconds)
                deadlineMilliseconds = try reliability.decodeField(Int.self, forKey: .deadlineMilliseconds)
                redundancyDepth = try reliability.decodeField(Int.self, forKey: .redundancyDepth)
            }
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var session = encoder.container(keyedBy: Key.self)
        try session.encodeIfPresent(type, forKey: .type)
        try session.encodeField(instructions, forKey: .instructions)
        try session.encodeField(outputModalities, forKey: .outputModalities)
        try session.encodeField(tools, forKey: .tools)
        try session.encodeField(toolChoice, forKey: .toolChoice)
        try session.encodeField(maxOutputTokens, forKey: .maxOutputTokens)
        try session.encodeField(tracing, forKey: .tracing)
        try session.encodeField(prompt, forKey: .prompt)
        try session.encodeField(include, forKey: .include)
        try session.encodeField(truncation, forKey: .truncation)
        if hasAudio { try encodeAudio(into: &session) }
        if hasParallax { try encodeParallax(into: &session) }
    }

    private var hasAudio: Bool {
        inputFormat.isPresent || transcription.isPresent || noiseReduction.isPresent || outputFormat.isPresent || voice.isPresent
            || speed.isPresent
    }

    private var hasParallax: Bool {
        mode.isPresent || onGap.isPresent || waitMilliseconds.isPresent || deadlineMilliseconds.isPresent
            || redundancyDepth.isPresent || liveDeadlineMilliseconds.isPresent
    }

    private func encodeAudio(into session: inout KeyedEncodingContainer<Key>) throws {
        var audio = session.nestedContainer(keyedBy: AudioKey.self, forKey: .audio)
        var input = audio.nestedContainer(keyedBy: InputKey.self, forKey: .input)
        try input.encodeField(inputFormat, forKey: .format)
        try input.encodeField(transcription, forKey: .transcription)
        try input.encodeField(noiseReduction, forKey: .noiseReduction)
        var output = audio.nestedContainer(keyedBy: OutputKey.self, forKey: .output)
        try output.encodeField(outputFormat, forKey: .format)
        try output.encodeField(voice, forKey: .voice)
        try output.encodeField(speed, forKey: .speed)
    }

    private func encodeParallax(into session: inout KeyedEncodingContainer<Key>) throws {
        var parallax = session.nestedContainer(keyedBy: ParallaxKey.self, forKey: .parallax)
        try parallax.encodeField(liveDeadlineMilliseconds, forKey: .liveDeadlineMilliseconds)
        var reliability = parallax.nestedContainer(keyedBy: ReliabilityKey.self, forKey: .reliability)
        try reliability.encodeField(mode, forKey: .mode)
        try reliability.encodeField(onGap, forKey: .onGap)
        try reliability.encodeField(waitMilliseconds, forKey: .waitMilliseconds)
        try reliability.encodeField(deadlineMilliseconds, forKey: .deadlineMilliseconds)
        try reliability.encodeField(redundancyDepth, forKey: .redundancyDepth)
    }
}
