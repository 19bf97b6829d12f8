import Session
import Testing
import Wire

/// A turn from the first frame to the last, and the order of what the server says.
@Suite struct TurnTests {
    @Test func `a new connection hears session.created, then conversation.created`() {
        var driver = SessionDriver(attached: false)
        driver.session.attach(SessionDriver.capabilities, now: driver.now)
        driver.drain()
        #expect(driver.types == ["session.created", "conversation.created"])
        let session = driver.events[0]["session"]
        #expect(session?["id"]?.text == "sess_test")
        #expect(session?["object"]?.text == "realtime.session")
        #expect(session?["parallax"]?["reliability"]?["mode"]?.text == "datagram")
        #expect(session?["parallax"]?["live_deadline_ms"]?.integer == 200)
    }

    @Test func `a whole turn comes in the order that OpenAI's events have`() {
        var driver = SessionDriver()
        driver.speak(0..<5)
        driver.send(.commitAudio(SessionDriver.manifest(0..<5)))
        driver.send(.createResponse(.init()))
        #expect(driver.types == [
            "input_audio_buffer.committed", "conversation.item.added", "conversation.item.done",
            "conversation.item.input_audio_integrity.completed",
            "response.created", "response.output_item.added", "conversation.item.added",
        ])
        #expect(driver.receipt?.verdict == .intact)
        guard case .respond(let responseID, let prompt) = driver.requests.last else {
            Issue.record("the responder was not asked")
            return
        }
        #expect(prompt == (0..<5).map(SessionDriver.payload))
        driver.forget()
        driver.give(.transcript(responseID: responseID, delta: "hello"))
        driver.give(.audio(responseID: responseID, packets: prompt))
        driver.give(.done(responseID: responseID))
        driver.advance(by: .seconds(1))
        #expect(driver.types == [
            "response.content_part.added", "response.output_audio_transcript.delta", "output_audio_buffer.started",
            "response.output_audio.done", "response.output_audio_transcript.done", "response.content_part.done",
            "response.output_item.done", "conversation.item.done", "response.done", "output_audio_buffer.stopped",
        ])
        #expect(driver.frames.map(\.payload) == prompt)
        #expect(driver.frames.map(\.sequence) == [0, 1, 2, 3, 4])
        #expect(driver.frames.map(\.marker) == [true, false, false, false, false])
        let steps = zip(driver.frames, driver.frames.dropFirst()).map { $1.timestamp.since($0.timestamp) }
        #expect(steps.allSatisfy { $0 == .milliseconds(20) })
    }
}
