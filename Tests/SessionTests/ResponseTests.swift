import Session
import Testing
import Wire

/// Responses, their play-out, and how they are stopped.
@Suite struct ResponseTests {
    /// A session that was asked for a response, and the response's identifier.
    private func asked() throws -> (SessionDriver, String) {
        var driver = SessionDriver()
        driver.speak(0..<5)
        driver.send(.commitAudio(SessionDriver.manifest(0..<5)))
        driver.send(.createResponse(.init()))
        guard case .respond(let responseID, _) = try #require(driver.requests.last) else { throw EventError.Missing() }
        driver.forget()
        return (driver, responseID)
    }

    @Test func `frames leave in real time, each when the one before has played`() throws {
        var (driver, id) = try asked()
        driver.give(.audio(responseID: id, packets: (0..<50).map(SessionDriver.payload)))
        driver.give(.done(responseID: id))
        #expect(driver.frames.count == 1)
        driver.advance(by: .milliseconds(19))
        #expect(driver.frames.count == 1)
        driver.advance(by: .milliseconds(1))
        #expect(driver.frames.count == 2)
        driver.advance(by: .milliseconds(480))
        #expect(driver.frames.count == 26)
        driver.advance(by: .milliseconds(499))
        #expect(driver.frames.count == 50)
        #expect(driver.types.last != "output_audio_buffer.stopped")
        driver.advance(by: .milliseconds(1))
        #expect(driver.types.last == "output_audio_buffer.stopped")
        #expect(driver.session.playoutIsIdle)
    }

    @Test func `a driver that wakes late sends what was due, and falls into step again`() throws {
        var (driver, id) = try asked()
        driver.give(.audio(responseID: id, packets: (0..<50).map(SessionDriver.payload)))
        driver.now = driver.now.advanced(by: .milliseconds(110))
        driver.session.handleTimeout(now: driver.now)
        driver.drain()
        #expect(driver.frames.count == 6)
        driver.advance(by: .milliseconds(10))
        #expect(driver.frames.count == 7)
    }

    @Test func `a packet's TOC byte sets its pace`() throws {
        var (driver, id) = try asked()
        driver.give(.audio(responseID: id, packets: [[0xF0, 1], [0x18, 1], [0xF8, 1]])) // 10, 60, 20 ms
        driver.advance(by: .seconds(1))
        let ticks = driver.frames.map(\.timestamp)
        #expect(ticks[1].since(ticks[0]) == .milliseconds(10))
        #expect(ticks[2].since(ticks[1]) == .milliseconds(60))
    }

    @Test func `after a cancel no frame follows`() throws {
        for milliseconds in stride(from: 0, through: 200, by: 5) {
            var (driver, id) = try asked()
            driver.give(.audio(responseID: id, packets: (0..<10).map(SessionDriver.payload)))
            driver.advance(by: .milliseconds(milliseconds))
            driver.forget()
            driver.send(.cancelResponse(responseID: nil))
            #expect(driver.requests == [.cancel(responseID: id)])
            #expect(driver.types == [
                "response.output_audio.done", "response.output_audio_transcript.done", "response.content_part.done",
                "response.output_item.done", "conversation.item.done", "response.done", "output_audio_buffer.cleared",
            ])
            let response = driver.event("response.done")?["response"]
            #expect(response?["status"]?.text == "cancelled")
            #expect(response?["status_details"]?["reason"]?.text == "client_cancelled")
            driver.forget()
            driver.give(.audio(responseID: id, packets: [SessionDriver.payload(1)]))
            driver.give(.done(responseID: id))
            driver.advance(by: .seconds(2))
            #expect(driver.frames.isEmpty && driver.events.isEmpty)
        }
    }

    @Test func `a cancel also stops audio whose response is done`() throws {
        var (driver, id) = try asked()
        driver.give(.audio(responseID: id, packets: (0..<10).map(SessionDriver.payload)))
        driver.give(.done(responseID: id))
        driver.advance(by: .milliseconds(50))
        driver.forget()
        driver.send(.cancelResponse(responseID: id))
        #expect(driver.types == ["output_audio_buffer.cleared"])
        driver.advance(by: .seconds(2))
        #expect(driver.frames.isEmpty)
    }

    @Test func `clearing the output stops audio at once and leaves the response its course`() throws {
        var (driver, id) = try asked()
        driver.give(.audio(responseID: id, packets: (0..<10).map(SessionDriver.payload)))
        driver.advance(by: .milliseconds(50))
        driver.forget()
        driver.send(.clearOutput)
        #expect(driver.types == ["output_audio_buffer.cleared"])
        driver.give(.audio(responseID: id, packets: [SessionDriver.payload(1)]))
        driver.give(.done(responseID: id))
        driver.advance(by: .seconds(2))
        #expect(driver.frames.isEmpty)
        #expect(driver.event("response.done")?["response"]?["status"]?.text == "completed")
    }

    @Test func `a response waits until its prompt is decided`() {
        var driver = SessionDriver()
        driver.speak(0..<5, lost: [1])
        driver.send(.commitAudio(SessionDriver.manifest(0..<5)))
        driver.send(.createResponse(.init()))
        #expect(driver.requests.isEmpty)
        driver.advance(by: .milliseconds(150))
        driver.send(SessionDriver.frame(1))
        #expect(driver.types.suffix(4) == [
            "conversation.item.input_audio_integrity.completed", "response.created", "response.output_item.added",
            "conversation.item.added",
        ])
        #expect(driver.requests.count == 1)
    }

    @Test func `a rejected prompt gets no response`() {
        var driver = SessionDriver()
        driver.send(#"{"type":"session.update","session":{"parallax":{"reliability":{"on_gap":"reject"}}}}"#)
        driver.speak(0..<5, lost: [1])
        driver.send(.commitAudio(SessionDriver.manifest(0..<5)))
        driver.send(#"{"event_id":"ask","type":"response.create"}"#)
        driver.advance(by: .seconds(1))
        #expect(driver.receipt?.verdict == .rejected)
        #expect(driver.errorCode == "prompt_rejected")
        #expect(driver.events.last?["error"]?["event_id"]?.text == "ask")
        #expect(driver.requests.isEmpty)
    }

    @Test func `a second response of the same prompt has nothing to answer`() throws {
        var (driver, id) = try asked()
        driver.give(.done(responseID: id))
        driver.send(.createResponse(.init()))
        guard case .respond(_, let prompt) = try #require(driver.requests.last) else { return }
        #expect(prompt.isEmpty)
    }

    @Test func `a responder that fails ends its response and says so`() throws {
        var (driver, id) = try asked()
        driver.give(.failed(responseID: id, message: "no model"))
        #expect(driver.errorCode == "responder_failed")
        #expect(driver.event("error")?["error"]?["type"]?.text == "server_error")
        #expect(driver.event("response.done")?["response"]?["status"]?.text == "failed")
        driver.send(.createResponse(.init()))
        #expect(driver.event("response.created") != nil)
    }

    @Test func `an answer can be truncated up to its length`() throws {
        var (driver, id) = try asked()
        driver.give(.audio(responseID: id, packets: (0..<10).map(SessionDriver.payload)))
        driver.give(.done(responseID: id))
        let itemID = try #require(driver.event("response.output_item.done")?["item"]?["id"]?.text)
        driver.forget()
        driver.send(.truncateItem(itemID: itemID, contentIndex: 0, audioEndMilliseconds: 201))
        #expect(driver.events.last?["error"]?["param"]?.text == "audio_end_ms")
        driver.send(.truncateItem(itemID: itemID, contentIndex: 1, audioEndMilliseconds: 0))
        #expect(driver.events.last?["error"]?["param"]?.text == "content_index")
        driver.send(.truncateItem(itemID: itemID, contentIndex: 0, audioEndMilliseconds: 120))
        #expect(driver.events.last?["type"]?.text == "conversation.item.truncated")
        #expect(driver.events.last?["audio_end_ms"]?.integer == 120)
        driver.send(.truncateItem(itemID: itemID, contentIndex: 0, audioEndMilliseconds: 121))
        #expect(driver.events.last?["error"]?["param"]?.text == "audio_end_ms")
    }

    @Test func `an answer waits for the next connection, and goes on there in real time`() throws {
        var (driver, id) = try asked()
        driver.give(.audio(responseID: id, packets: (0..<10).map(SessionDriver.payload)))
        driver.advance(by: .milliseconds(50))
        driver.session.detach(now: driver.now)
        driver.forget()
        driver.give(.done(responseID: id))
        driver.advance(by: .seconds(2))
        #expect(driver.requests.isEmpty && driver.frames.isEmpty && driver.events.isEmpty)
        driver.resume()
        #expect(driver.types.contains("response.done"))
        #expect(driver.types.last == "session.resumed")
        #expect(driver.frames.map(\.sequence) == [3])
        driver.advance(by: .seconds(1))
        #expect(driver.frames.map(\.sequence) == Array(3..<10))
    }

    @Test func `media time follows the clock between answers, and sequence numbers have no hole`() throws {
        var (driver, id) = try asked()
        driver.give(.audio(responseID: id, packets: (0..<3).map(SessionDriver.payload)))
        driver.give(.done(responseID: id))
        driver.advance(by: .seconds(5))
        driver.send(.createResponse(.init()))
        EventTests.answer(&driver, packets: 2)
        driver.advance(by: .seconds(1))
        #expect(driver.frames.map(\.sequence) == [0, 1, 2, 3, 4])
        #expect(driver.frames.map(\.marker) == [true, false, false, true, false])
        #expect(driver.frames[3].timestamp.since(driver.frames[0].timestamp) == .seconds(5))
    }

    // MARK: Loopback

    @Test func `loopback returns each frame as it came, by the session's mode`() {
        var configuration = SessionConfiguration()
        configuration.returnsFrames = true
        configuration.mode = .streamPerFrame
        var driver = SessionDriver(configuration)
        let frames = [65_535, 65_536, 3, 3].map(SessionDriver.frame)
        for frame in frames { driver.send(frame) }
        #expect(driver.frames == frames)
        #expect(driver.deliveries.allSatisfy { $0 == .streamPerFrame })
        #expect(driver.events.isEmpty && driver.requests.isEmpty)
    }

    @Test func `loopback of hours keeps a bounded book, and its receipt claims no proof`() {
        var configuration = SessionConfiguration()
        configuration.returnsFrames = true
        var driver = SessionDriver(configuration)
        for sequence in 0..<100_000 {
            driver.session.receive(frame: SessionDriver.frame(sequence), now: driver.now)
            while driver.session.pollOutput() != nil {}
            driver.now = driver.now.advanced(by: .milliseconds(20))
        }
        driver.send(.commitAudio(SessionDriver.manifest(99_900..<100_000)))
        #expect(driver.receipt?.verdict == .unverified)
        #expect(driver.receipt?.receivedFrames == 100)
        #expect(driver.receipt?.sha256.actual == nil)
        #expect(driver.session.counters.framesReceived == 100_000)
    }
}

extension EventError {
    /// Thrown by a test whose session did not do what it needs to go on.
    struct Missing: Error {}
}
