import Session
import Testing
import Wire

/// What a client may say, in every state, and everything it may say wrong.
@Suite struct EventTests {
    /// One valid event of each type.
    static let valid: [String] = [
        #"{"event_id":"a","type":"session.update","session":{"type":"realtime","instructions":"be brief","output_modalities":["audio"],"audio":{"input":{"format":{"type":"audio/opus"},"transcription":null,"turn_detection":{"type":"server_vad"}},"output":{"voice":"marin","speed":1.25}},"tools":[{"type":"function","name":"f","parameters":{"a":[1,2.5,true,null]}}],"tool_choice":"none","max_output_tokens":300,"parallax":{"reliability":{"mode":"stream","on_gap":"proceed","wait_ms":5},"live_deadline_ms":100}}}"#,
        #"{"event_id":"b","type":"input_audio_buffer.append","audio":"+AAAAA=="}"#,
        #"{"event_id":"c","type":"input_audio_buffer.commit","parallax":{"first_sequence":0,"frames":5,"sha256":"59ab76efdde33f750ad085a096e4c9cdede498efa4917e6bbe60d9dbb85ba326"}}"#,
        #"{"event_id":"d","type":"input_audio_buffer.clear"}"#,
        #"{"event_id":"e","type":"conversation.item.truncate","item_id":"item_x","content_index":0,"audio_end_ms":20}"#,
        #"{"event_id":"f","type":"response.create","response":{"metadata":{"k":"v"}}}"#,
        #"{"event_id":"g","type":"response.cancel","response_id":"resp_x"}"#,
        #"{"event_id":"h","type":"output_audio_buffer.clear"}"#,
        #"{"event_id":"b","type":"input_audio_buffer.append","audio":"+AAAAA==","parallax":{"sequence":65535}}"#,
    ]

    // MARK: Every event in every state

    enum State: String, CaseIterable { case fresh, speaking, waiting, queued, thinking, playing, drained, detached, ended }

    static func driver(in state: State) -> SessionDriver {
        var driver = SessionDriver()
        if state == .fresh { return driver }
        driver.speak(0..<5, lost: state == .waiting || state == .queued ? [2] : [])
        switch state {
        case .fresh, .speaking: break
        case .waiting: driver.send(.commitAudio(SessionDriver.manifest(0..<5)))
        case .queued:
            driver.send(.commitAudio(SessionDriver.manifest(0..<5)))
            driver.send(.createResponse(.init()))
        case .thinking, .playing, .drained:
            driver.send(.commitAudio(SessionDriver.manifest(0..<5)))
            driver.send(.createResponse(.init()))
            if state == .thinking { break }
            answer(&driver, packets: 10)
            if state == .drained { driver.advance(by: .seconds(1)) }
        case .detached: driver.session.detach(now: driver.now)
        case .ended: driver.advance(by: .seconds(4000))
        }
        driver.forget()
        return driver
    }

    /// Answers the response that was asked for last, with silence of 20 ms each.
    static func answer(_ driver: inout SessionDriver, packets: Int) {
        for case .respond(let responseID, _) in driver.requests {
            driver.give(.audio(responseID: responseID, packets: (0..<packets).map(SessionDriver.payload)))
            driver.give(.done(responseID: responseID))
        }
    }

    @Test(arguments: State.allCases)
    func `every event is answered in every state, and the session goes on`(state: State) {
        for event in Self.valid {
            var driver = Self.driver(in: state)
            driver.send(event)
            if state == .detached || state == .ended {
                #expect(driver.events.isEmpty)
                continue
            }
            // An append is never acknowledged; it is refused here, since the format is not Opus.
            let isSilent = event.contains("output_audio_buffer.clear")
                || event.contains("response.create") && (state == .waiting)
            #expect(driver.events.isEmpty == (isSilent && state != .playing), "\(event) in \(state)")
            driver.forget()
            driver.send(Self.valid[0])
            #expect(driver.types == ["session.updated"], "after \(event) in \(state)")
        }
    }

    @Test(arguments: [
        (.fresh, "", "response.created"), (.speaking, "", "response.created"), (.drained, "", "response.created"),
        (.playing, "", "response.created"), (.queued, "conversation_already_has_active_response", ""),
        (.thinking, "conversation_already_has_active_response", ""), (.waiting, "", ""),
    ] as [(State, String, String)])
    func `a response is created where none is in progress`(state: State, code: String, type: String) {
        var driver = Self.driver(in: state)
        driver.send(#"{"type":"response.create"}"#)
        #expect(driver.errorCode ?? "" == code)
        if !type.isEmpty { #expect(driver.types.first == type) }
    }

    @Test(arguments: [
        (.fresh, "response_cancel_not_active"), (.speaking, "response_cancel_not_active"), (.waiting, "response_cancel_not_active"),
        (.drained, "response_cancel_not_active"), (.queued, nil), (.thinking, nil), (.playing, nil),
    ] as [(State, String?)])
    func `there is something to cancel only while something is in progress or plays`(state: State, code: String?) {
        var driver = Self.driver(in: state)
        driver.send(#"{"type":"response.cancel"}"#)
        #expect(driver.errorCode == code)
    }

    // MARK: Malformed

    @Test(arguments: [
        ("", "invalid_json", nil), ("{", "invalid_json", nil), ("[]", "invalid_json", nil), ("null", "invalid_json", nil),
        ("7", "invalid_json", nil), (#""type""#, "invalid_json", nil), ("\u{0}\u{0}", "invalid_json", nil),
        ("{}", "missing_required_parameter", "type"), (#"{"type":7}"#, "invalid_type", "type"),
        (#"{"type":null}"#, "invalid_type", "type"),
        (#"{"type":"session.updates"}"#, "invalid_event", "type"),
        (#"{"type":"conversation.item.create","item":{}}"#, "unsupported_event", "type"),
        (#"{"type":"session.update"}"#, "missing_required_parameter", "session"),
        (#"{"type":"session.update","session":[]}"#, "invalid_type", "session"),
        (#"{"type":"session.update","session":{"type":"transcription"}}"#, "invalid_value", "session.type"),
        (#"{"type":"session.update","session":{"instructions":7}}"#, "invalid_type", "session.instructions"),
        (#"{"type":"session.update","session":{"output_modalities":["video"]}}"#, "invalid_value", "session.output_modalities"),
        (#"{"type":"session.update","session":{"audio":{"output":{"speed":9}}}}"#, "invalid_value", "session.audio.output.speed"),
        (#"{"type":"session.update","session":{"audio":{"input":{"format":{"type":"audio/mp3"}}}}}"#, "invalid_value", "session.audio.input.format.type"),
        (#"{"type":"session.update","session":{"parallax":{"live_deadline_ms":0}}}"#, "invalid_value", "session.parallax.live_deadline_ms"),
        (#"{"type":"session.update","session":{"parallax":{"reliability":{"wait_ms":120001}}}}"#, "invalid_value", "session.parallax.reliability.wait_ms"),
        (#"{"type":"session.update","session":{"parallax":{"reliability":{"wait_ms":1e400}}}}"#, "", nil),
        (#"{"type":"conversation.item.truncate","item_id":"item_x","content_index":99999999999999999999,"audio_end_ms":1}"#, "invalid_value", nil),
        (#"{"type":"session.update","session":{"parallax":{"reliability":{"on_gap":"panic"}}}}"#, "invalid_value", "session.parallax.reliability.on_gap"),
        (#"{"type":"input_audio_buffer.append"}"#, "missing_required_parameter", "audio"),
        (#"{"type":"input_audio_buffer.append","audio":"+AAAAA==","parallax":{"sequence":65536}}"#, "invalid_value", "parallax.sequence"),
        (#"{"type":"input_audio_buffer.append","audio":"+AAAAA==","parallax":{"sequence":-1}}"#, "invalid_value", "parallax.sequence"),
        (#"{"type":"input_audio_buffer.append","audio":"AAAA"}"#, "unsupported_audio_format", "audio"),
        (#"{"type":"conversation.item.truncate","item_id":"item_x","content_index":0,"audio_end_ms":1.5}"#, "", nil),
        (#"{"type":"conversation.item.truncate","item_id":"item_x","content_index":0,"audio_end_ms":1}"#, "item_not_found", "item_id"),
        (#"{"type":"response.cancel","response_id":"resp_nobody"}"#, "response_cancel_not_active", "response_id"),
        (#"{"type":"response.cancel","response_id":7}"#, "invalid_type", "response_id"),
    ] as [(String, String, String?)])
    func `what is wrong is named by code and parameter`(event: String, code: String, param: String?) {
        var driver = SessionDriver()
        driver.send(event)
        #expect(driver.types == ["error"])
        let error = driver.events.first?["error"]
        #expect(error?["type"]?.text == "invalid_request_error")
        #expect(error?["message"]?.text?.isEmpty == false)
        if !code.isEmpty {
            #expect(error?["code"]?.text == code)
            #expect(error?["param"]?.text == param)
        }
    }

    @Test func `an error names the event that it is about, as far as that can be read`() {
        var driver = SessionDriver()
        driver.send(#"{"event_id":"mine","type":"nothing"}"#)
        #expect(driver.events.last?["error"]?["event_id"]?.text == "mine")
        driver.send(#"{"event_id":"mine","type":"session.update","session":{"instructions":7}}"#)
        #expect(driver.events.last?["error"]?["event_id"]?.text == "mine")
        driver.send(#"{"event_id":7,"type":"response.create"}"#)
        #expect(driver.events.last?["error"]?["param"]?.text == "event_id")
        driver.send(#"{"event_id":"\#(String(repeating: "x", count: 513))","type":"response.create"}"#)
        #expect(driver.events.last?["error"]?["param"]?.text == "event_id")
    }

    @Test func `every byte of every event may be mangled, and the session goes on`() {
        var limits = SessionLimits()
        limits.eventsPerSecond = 1_000_000
        limits.eventBurst = 1_000_000
        for event in Self.valid {
            var driver = SessionDriver(limits: limits)
            let bytes = Array(event.utf8)
            for index in bytes.indices {
                for value in [0x00, 0x0A, 0x20, 0x22, 0x2D, 0x30, 0x39, 0x5B, 0x5C, 0x5D, 0x65, 0x7B, 0x7D, 0x80, 0xC3, 0xED, 0xFF] as [UInt8] {
                    var mangled = bytes
                    mangled[index] = value
                    driver.session.receive(event: mangled, now: driver.now)
                    while driver.session.pollOutput() != nil {}
                }
            }
            driver.send(Self.valid[3])
            #expect(driver.types.last == "input_audio_buffer.cleared")
        }
    }

    @Test func `every prefix of every event is an error`() {
        for event in Self.valid {
            var driver = SessionDriver()
            let bytes = Array(event.utf8)
            for count in 0..<bytes.count {
                driver.now = driver.now.advanced(by: .milliseconds(20))
                driver.session.receive(event: Array(bytes.prefix(count)), now: driver.now)
            }
            driver.drain()
            #expect(driver.types.allSatisfy { $0 == "error" })
            #expect(driver.types.count == bytes.count)
        }
    }

    // MARK: Limits

    @Test func `an event over the size limit is refused, one at it is not`() {
        var limits = SessionLimits()
        limits.eventBytes = 200
        var driver = SessionDriver(limits: limits)
        let frame = #"{"type":"response.cancel","x":""}"#
        let padding = String(repeating: "y", count: 200 - frame.utf8.count)
        driver.send(#"{"type":"response.cancel","x":"\#(padding)"}"#)
        #expect(driver.errorCode == "response_cancel_not_active")
        driver.forget()
        driver.send(#"{"type":"response.cancel","x":"\#(padding)y"}"#)
        #expect(driver.errorCode == "event_too_large")
    }

    @Test(arguments: [(31, "response_cancel_not_active"), (32, "event_too_deep"), (30_000, "event_too_deep")])
    func `an event may nest to the limit`(depth: Int, code: String) {
        var driver = SessionDriver()
        let nest = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        driver.send(#"{"type":"response.cancel","x":\#(nest)}"#)
        #expect(driver.errorCode == code)
    }

    @Test func `brackets in a text do not nest`() {
        var driver = SessionDriver()
        let text = String(repeating: #"[{\"\\"#, count: 200)
        driver.send(#"{"type":"response.cancel","x":"\#(text)"}"#)
        #expect(driver.errorCode == "response_cancel_not_active")
    }

    @Test func `a client over the event rate is told once, then dropped, and recovers`() {
        var limits = SessionLimits()
        limits.eventBurst = 10
        var driver = SessionDriver(limits: limits)
        for _ in 0..<50 { driver.send(.clearAudio(nextSequence: nil)) }
        #expect(driver.types.filter { $0 == "input_audio_buffer.cleared" }.count == 10)
        #expect(driver.errorCode == "rate_limit_exceeded")
        driver.advance(by: .milliseconds(100))
        driver.forget()
        for _ in 0..<10 { driver.send(.clearAudio(nextSequence: nil)) }
        #expect(driver.types.count == 10 && driver.errorCode == nil)
    }

    @Test func `a client that stays over the rate for long is told once and loses its session`() {
        var limits = SessionLimits()
        limits.eventsDropped = 100
        var driver = SessionDriver(limits: limits)
        for _ in 0..<1_000 {
            driver.send(.clearAudio(nextSequence: nil))
            driver.advance(by: .milliseconds(4))
        }
        #expect(driver.types.filter { $0 == "error" }.count == 1)
        #expect(driver.closes == ["event rate"])
    }

    @Test func `a flood of events ends its session`() {
        var limits = SessionLimits()
        limits.eventBurst = 10
        limits.eventsDropped = 100
        var driver = SessionDriver(limits: limits)
        for _ in 0..<200 { driver.send(.clearAudio(nextSequence: nil)) }
        #expect(driver.closes == ["event rate"])
        #expect(driver.session.phase == .ended)
        #expect(driver.session.deadline == nil)
    }

    @Test func `uncommitted audio over the limit is told once, and a commit starts afresh`() {
        var limits = SessionLimits()
        limits.promptFrames = 100
        var driver = SessionDriver(limits: limits)
        driver.speak(0..<200)
        #expect(driver.types == ["error"] && driver.errorCode == "input_audio_buffer_overflow")
        driver.send(.clearAudio(nextSequence: nil))
        driver.forget()
        driver.speak(200..<300)
        driver.send(.commitAudio(SessionDriver.manifest(200..<300)))
        #expect(driver.receipt?.verdict == .intact)
        #expect(driver.errorCode == nil)
    }

    @Test func `only so many prompts may wait`() {
        var driver = SessionDriver()
        driver.speak(0..<20, lost: [0])
        for prompt in 0..<4 { driver.send(.commitAudio(SessionDriver.manifest(prompt * 4..<prompt * 4 + 4))) }
        #expect(driver.errorCode == nil)
        driver.send(.commitAudio(SessionDriver.manifest(16..<20)))
        #expect(driver.errorCode == "too_many_pending_prompts")
        driver.send(SessionDriver.frame(0))
        #expect(driver.types.filter { $0.hasSuffix("integrity.completed") }.count == 4)
    }

    @Test func `old items are forgotten, so a long conversation stays bounded`() {
        var limits = SessionLimits()
        limits.conversationItems = 3
        var driver = SessionDriver(limits: limits)
        for turn in 0..<10 {
            driver.speak(turn..<turn + 1)
            driver.send(.commitAudio(SessionDriver.manifest(turn..<turn + 1)))
        }
        #expect(driver.errorCode == nil)
        let committed = driver.events.filter { $0["type"]?.text == "input_audio_buffer.committed" }
        for (before, after) in zip(committed, committed.dropFirst()) {
            #expect(after["previous_item_id"]?.text == before["item_id"]?.text)
        }
    }

    // MARK: The session's life

    @Test func `the end of a session is announced, then comes`() {
        var driver = SessionDriver()
        driver.advance(by: .seconds(3539))
        #expect(driver.events.isEmpty)
        driver.advance(by: .seconds(1))
        #expect(driver.types == ["session.expiring"])
        #expect(driver.events[0]["remaining_ms"]?.integer == 60_000)
        driver.advance(by: .seconds(59))
        #expect(driver.closes.isEmpty)
        driver.advance(by: .seconds(1))
        #expect(driver.errorCode == "session_expired")
        #expect(driver.closes == ["session expired"])
        driver.send(.clearAudio(nextSequence: nil))
        driver.send(SessionDriver.frame(0))
        #expect(driver.types.count == 2 && driver.frames.isEmpty)
    }

    @Test func `a session outlives its connection for a while, with its prompt`() {
        var driver = SessionDriver()
        driver.speak(0..<5)
        driver.session.detach(now: driver.now)
        driver.advance(by: .seconds(29))
        driver.resume(Capabilities(transport: "webtransport", modes: [.stream]))
        #expect(driver.types.last == "session.resumed")
        #expect(driver.session.mode == .stream)
        driver.send(.commitAudio(SessionDriver.manifest(0..<5)))
        #expect(driver.receipt?.verdict == .intact)
        #expect(driver.receipt?.transport == "webtransport")
        driver.session.detach(now: driver.now)
        driver.advance(by: .seconds(30))
        #expect(driver.closes == ["no connection"])
    }

    @Test func `the same seed gives the same bytes, another seed others`() {
        func run(seed: UInt64) -> [[UInt8]] {
            var driver = SessionDriver(seed: seed, attached: false)
            driver.session.attach(SessionDriver.capabilities, now: driver.now)
            driver.speak(0..<5, lost: [3])
            for event in Self.valid { driver.send(event) }
            driver.advance(by: .seconds(40))
            Self.answer(&driver, packets: 3)
            driver.advance(by: .seconds(4))
            return driver.eventBytes
        }
        let first = run(seed: 42)
        #expect(first == run(seed: 42))
        #expect(first != run(seed: 43))
        #expect(first.count > 10)
    }
}
