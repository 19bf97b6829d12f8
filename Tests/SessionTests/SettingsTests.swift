import Session
import Testing
import Wire

/// `session.update`: what merges, what clears, what is refused, and the mode.
@Suite struct SettingsTests {
    private func update(_ session: String) -> String { #"{"type":"session.update","session":\#(session)}"# }

    @Test func `only fields that are present change, and null clears`() {
        var driver = SessionDriver()
        driver.send(update(#"{"instructions":"be brief","tools":[{"name":"f"}],"audio":{"output":{"voice":"marin"}}}"#))
        driver.send(update(#"{"type":"realtime","audio":{"output":{"speed":1.5}}}"#))
        var session = driver.event("session.updated")?["session"]
        #expect(session?["instructions"]?.text == "be brief")
        #expect(session?["tools"] == .array([.object(["name": .string("f")])]))
        #expect(session?["audio"]?["output"]?["voice"]?.text == "marin")
        #expect(session?["audio"]?["output"]?["speed"] == .number(1.5))
        #expect(session?["audio"]?["input"]?["turn_detection"] == .null)
        driver.send(update(#"{"instructions":"","tools":[],"audio":{"output":{"voice":null}},"parallax":null}"#))
        session = driver.event("session.updated")?["session"]
        #expect(session?["instructions"]?.text == "")
        #expect(session?["tools"] == .array([]))
        #expect(session?["audio"]?["output"]?["voice"]?.text == "alloy")
        driver.send(update(#"{"instructions":"x"}"#))
        driver.send(update(#"{"instructions":null}"#))
        #expect(driver.event("session.updated")?["session"]?["instructions"]?.text == "")
    }

    @Test func `an update with one wrong field changes nothing`() {
        var driver = SessionDriver()
        driver.send(update(#"{"instructions":"new","parallax":{"reliability":{"mode":"stream","wait_ms":-1}}}"#))
        #expect(driver.errorCode == "invalid_value")
        #expect(driver.session.object.instructions == "" && driver.session.mode == .datagram)
    }

    @Test(arguments: ["fec", "red", "nack", "deadline", "repair", "teleport", ""])
    func `a mode that is not offered is refused, and those that are get named`(name: String) {
        var driver = SessionDriver()
        driver.send(update(#"{"parallax":{"reliability":{"mode":"\#(name)"}}}"#))
        #expect(driver.errorCode == "unsupported_mode")
        let error = driver.events.first?["error"]
        #expect(error?["param"]?.text == "session.parallax.reliability.mode")
        #expect(error?["message"]?.text?.contains("datagram, stream-per-frame, stream") == true)
        #expect(driver.session.mode == .datagram)
    }

    @Test func `a session begins with what was asked for before it, and session.created tells it`() {
        var driver = SessionDriver(attached: false)
        var wishes = SessionUpdate()
        wishes.mode = .value("stream")
        driver.session.attach(SessionDriver.capabilities, wishes: wishes, now: driver.now)
        driver.drain()
        let session = driver.event("session.created")?["session"]
        #expect(session?["parallax"]?["reliability"]?["mode"]?.text == "stream")
        #expect(driver.event("session.updated") == nil && driver.errorCode == nil)
    }

    @Test func `what a session cannot begin with is refused behind session.created`() {
        var driver = SessionDriver(attached: false)
        var wishes = SessionUpdate()
        wishes.mode = .value("teleport")
        driver.session.attach(SessionDriver.capabilities, wishes: wishes, now: driver.now)
        driver.drain()
        #expect(driver.events.first?["type"]?.text == "session.created")
        #expect(driver.errorCode == "unsupported_mode" && driver.session.mode == .datagram)
    }

    @Test func `a mode that the transport lacks is refused`() {
        var driver = SessionDriver(attached: false)
        driver.session.attach(Capabilities(transport: "websocket", modes: [.stream]), now: driver.now)
        driver.drain()
        #expect(driver.session.mode == .stream)
        driver.send(update(#"{"parallax":{"reliability":{"mode":"datagram"}}}"#))
        #expect(driver.errorCode == "unsupported_mode")
        #expect(driver.events.last?["error"]?["message"]?.text?.contains("websocket it is one of: stream.") == true)
    }

    @Test func `a change of mode in mid-session takes effect at the next frame, and loses none`() {
        var driver = SessionDriver()
        driver.speak(0..<20)
        driver.send(.commitAudio(SessionDriver.manifest(0..<20)))
        driver.send(.createResponse(.init()))
        EventTests.answer(&driver, packets: 9)
        driver.advance(by: .milliseconds(45))
        driver.send(update(#"{"parallax":{"reliability":{"mode":"stream"}}}"#))
        driver.advance(by: .milliseconds(55))
        driver.send(update(#"{"parallax":{"reliability":{"mode":"stream-per-frame"}}}"#))
        driver.advance(by: .seconds(1))
        #expect(driver.deliveries == Array(repeating: .datagram, count: 3) + Array(repeating: .stream, count: 3)
            + Array(repeating: .streamPerFrame, count: 3))
        #expect(driver.frames.map(\.sequence) == Array(0..<9))
        driver.speak(20..<30)
        driver.send(.commitAudio(SessionDriver.manifest(20..<30)))
        #expect(driver.receipt?.mode == .streamPerFrame && driver.receipt?.verdict == .intact)
    }

    @Test func `the wait that is told is the one in force`() {
        var driver = SessionDriver()
        func wait() -> Int? {
            driver.event("session.updated")?["session"]?["parallax"]?["reliability"]?["wait_ms"]?.integer
        }
        driver.send(update("{}"))
        #expect(wait() == 200)
        driver.send(update(#"{"parallax":{"reliability":{"mode":"stream"}}}"#))
        #expect(wait() == 30_000)
        driver.send(update(#"{"parallax":{"reliability":{"wait_ms":5}}}"#))
        #expect(wait() == 5)
        driver.send(update(#"{"parallax":{"reliability":{"wait_ms":null}}}"#))
        #expect(wait() == 30_000)
    }

    @Test func `an update survives the round trip, field by field`() throws {
        for event in [EventTests.valid[0], update("{}"), update(#"{"tools":null,"audio":{"output":{"voice":{"id":"voice_1"}}}}"#)] {
            let read = try IncomingEvent(parsing: Array(event.utf8), limits: SessionLimits()).event.get()
            let again = try IncomingEvent(parsing: OutgoingEvent(read).encoded(), limits: SessionLimits()).event.get()
            #expect(read == again)
        }
    }

    @Test func `an append carries an Opus packet where the format says so`() {
        var driver = SessionDriver()
        driver.send(update(#"{"audio":{"input":{"format":{"type":"audio/opus"}}}}"#))
        driver.forget()
        for _ in 0..<3 { driver.send(#"{"type":"input_audio_buffer.append","audio":"+AECAw=="}"#) }
        #expect(driver.events.isEmpty)
        driver.send(#"{"type":"input_audio_buffer.append","audio":"!"}"#)
        #expect(driver.errorCode == "invalid_value")
        driver.send(.commitAudio(nil))
        #expect(driver.receipt?.receivedFrames == 3)
    }
}
