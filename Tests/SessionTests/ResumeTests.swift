import Session
import Testing
import Wire

/// A session that goes on over another connection.
@Suite struct ResumeTests {
    private static func id(_ event: JSONValue?) -> String { event?["event_id"]?.text ?? "" }

    @Test func `events after the one that the client has come again, in order, before session.resumed`() {
        var driver = SessionDriver()
        driver.speak(0..<5)
        driver.send(.commitAudio(SessionDriver.manifest(0..<5)))
        let sent = driver.events
        driver.forget()
        driver.session.detach(now: driver.now)
        driver.resume(lastEventID: Self.id(sent[1]))
        #expect(Array(driver.events.dropLast()) == Array(sent[2...]))
        #expect(driver.types.last == "session.resumed")
        #expect(driver.events.last?["client_events"]?.integer == 1)
        #expect(driver.events.last?["last_client_event_id"]?.text == "e1")
        #expect(driver.events.last?["transports"] == .array([.string("roq"), .string("roq")]))
    }

    @Test func `a client that says nothing of what it has gets all that it never acknowledged`() {
        var driver = SessionDriver()
        driver.send(.clearAudio(nextSequence: nil))
        driver.send(.clearAudio(nextSequence: nil))
        let sent = driver.events
        driver.send(#"{"type": "input_audio_buffer.clear", "parallax": {"last_event_id": "\#(Self.id(sent[0]))"}}"#)
        let third = driver.events[2]
        driver.forget()
        driver.resume()
        #expect(driver.events.dropLast() == [sent[1], third])
    }

    @Test func `what was forgotten by a limit is an error with a code, and the session goes on`() {
        var limits = SessionLimits()
        limits.loggedEvents = 3
        var driver = SessionDriver(limits: limits)
        for _ in 0..<5 { driver.send(.clearAudio(nextSequence: nil)) }
        let sent = driver.events
        driver.forget()
        driver.session.detach(now: driver.now)
        driver.resume(lastEventID: Self.id(sent[0]))
        #expect(driver.types == Array(repeating: "input_audio_buffer.cleared", count: 3) + ["error", "session.resumed"])
        #expect(driver.errorCode == "resume_gap")
        driver.forget()
        // The last event before those that are kept leaves no gap.
        driver.resume(lastEventID: Self.id(driver.events.last))
        driver.forget()
        driver.send(.clearAudio(nextSequence: nil))
        #expect(driver.types == ["input_audio_buffer.cleared"])
    }

    @Test func `a gap of which a connection died unheard is told by the next one, once`() {
        var driver = SessionDriver()
        driver.send(.clearAudio(nextSequence: nil))
        driver.resume(lastEventID: "event_nonsense")
        driver.forget()
        driver.resume(lastEventID: "event_nonsense")
        #expect(driver.types.filter { $0 == "error" }.count == 1)
        driver.forget()
        driver.resume()
        #expect(!driver.types.contains("error"))
    }

    @Test func `a client that has the last event before the kept ones misses nothing`() {
        var limits = SessionLimits()
        limits.loggedEvents = 2
        var driver = SessionDriver(limits: limits)
        for _ in 0..<4 { driver.send(.clearAudio(nextSequence: nil)) }
        let sent = driver.events
        driver.forget()
        driver.resume(lastEventID: Self.id(sent[1]))
        #expect(driver.types == ["input_audio_buffer.cleared", "input_audio_buffer.cleared", "session.resumed"])
    }

    @Test func `an event that never was is a gap`() {
        var driver = SessionDriver()
        driver.resume(lastEventID: "event_nonsense")
        #expect(driver.errorCode == "resume_gap")
    }

    @Test func `session.resumed names the frames that are there, and frames that come twice count once`() {
        var driver = SessionDriver()
        driver.speak(0..<10, lost: [3, 7])
        driver.session.detach(now: driver.now)
        driver.resume(Capabilities(transport: "webtransport", modes: [.datagram, .stream]))
        let held = driver.event("session.resumed")?["held"]
        func range(_ first: Int64, _ frames: Int64) -> JSONValue {
            .object(["first_sequence": .integer(first), "frames": .integer(frames)])
        }
        #expect(held == .array([range(0, 3), range(4, 3), range(8, 2)]))
        driver.speak(0..<12)
        driver.send(.commitAudio(SessionDriver.manifest(0..<12)))
        #expect(driver.receipt?.verdict == .intact)
        #expect(driver.receipt?.receivedFrames == 12)
        #expect(driver.receipt?.duplicateFrames == 8)
        #expect(driver.receipt?.transports == ["roq", "webtransport"])
    }

    @Test func `a receipt names only the attachments of its own prompt`() {
        var driver = SessionDriver()
        driver.resume(Capabilities(transport: "webtransport", modes: [.datagram, .stream]))
        driver.speak(0..<3)
        driver.send(.commitAudio(SessionDriver.manifest(0..<3)))
        #expect(driver.receipt?.transports == ["webtransport"])
    }

    @Test func `a prompt that waits for reliable frames is not decided while nobody can send them`() {
        var driver = SessionDriver()
        driver.send(#"{"type":"session.update","session":{"type":"realtime","parallax":{"reliability":{"mode":"stream","wait_ms":1000}}}}"#)
        driver.speak(0..<5, lost: [2])
        driver.send(.commitAudio(SessionDriver.manifest(0..<5)))
        driver.session.detach(now: driver.now)
        driver.advance(by: .seconds(20))
        #expect(driver.receipt == nil)
        driver.resume()
        driver.send(SessionDriver.frame(2))
        #expect(driver.receipt?.verdict == .intact)
    }

    @Test func `frames of the answer come again from where the client lacks them, in reliable modes alone`() throws {
        for mode in ["stream", "datagram"] {
            var driver = SessionDriver()
            driver.send(#"{"type":"session.update","session":{"type":"realtime","parallax":{"reliability":{"mode":"\#(mode)"}}}}"#)
            driver.send(.createResponse(.init()))
            EventTests.answer(&driver, packets: 10)
            driver.advance(by: .milliseconds(110))
            let played = driver.frames.count
            #expect(played == 6)
            driver.session.detach(now: driver.now)
            driver.forget()
            driver.resume(answerSequence: 4)
            let again: [UInt16] = mode == "stream" ? [4, 5] : []
            #expect(driver.frames.map(\.sequence) == again)
            driver.advance(by: .seconds(1))
            #expect(driver.frames.map(\.sequence) == again + [6, 7, 8, 9])
        }
    }

    @Test func `what a reliable mode promised of an answer comes again although the mode is another now`() throws {
        var driver = SessionDriver()
        driver.send(SessionDriver.update(#"{"mode":"stream"}"#))
        driver.send(.createResponse(.init()))
        EventTests.answer(&driver, packets: 10)
        driver.advance(by: .milliseconds(110))
        driver.send(SessionDriver.update(#"{"mode":"datagram"}"#))
        driver.session.detach(now: driver.now)
        driver.forget()
        driver.resume(answerSequence: 4)
        #expect(driver.frames.map(\.sequence) == [4, 5])
        #expect(driver.deliveries == [.streamPerFrame, .streamPerFrame])
        driver.advance(by: .seconds(1))
        #expect(driver.deliveries.dropFirst(2).allSatisfy { $0 == .datagram } && driver.deliveries.count == 6)
    }
}
