import Session
import Testing
import Wire

/// The account of an answer's audio: what the server says that it sent, and what the client makes of it.
@Suite struct AnswerReceiptTests {
    // MARK: The server's manifest

    /// A session that answers with `count` packets, from the first of them on.
    private static func answering(_ count: Int) throws -> SessionDriver {
        var driver = SessionDriver()
        driver.speak(0..<5)
        driver.send(.commitAudio(SessionDriver.manifest(0..<5)))
        driver.send(.createResponse(.init()))
        guard case .respond(let id, _)? = driver.requests.last else { throw EventError.Missing() }
        driver.forget()
        driver.give(.audio(responseID: id, packets: (0..<count).map(SessionDriver.payload)))
        driver.give(.done(responseID: id))
        return driver
    }

    private static func manifest(_ event: JSONValue?) -> Manifest? {
        guard let event, let bytes = Optional(JSON.encode(event)),
            let read = try? ServerEvent(parsing: bytes, limits: SessionLimits())
        else { return nil }
        switch read {
        case .outputStopped(_, let manifest), .outputCleared(_, let manifest): return manifest
        default: return nil
        }
    }

    @Test func `the event that ends an answer names its frames`() throws {
        var driver = try Self.answering(10)
        driver.advance(by: .milliseconds(200))
        #expect(driver.talkEnds == 1)
        #expect(Self.manifest(driver.event("output_audio_buffer.stopped")) == SessionDriver.manifest(0..<10))
    }

    @Test func `an answer that is stopped has sent what had left by then`() throws {
        var driver = try Self.answering(10)
        driver.advance(by: .milliseconds(65))
        driver.send(.clearOutput)
        #expect(driver.frames.count == 4)
        #expect(Self.manifest(driver.event("output_audio_buffer.cleared")) == SessionDriver.manifest(0..<4))
    }

    @Test func `the next answer counts on from there`() throws {
        var driver = try Self.answering(10)
        driver.advance(by: .seconds(1))
        driver.send(.createResponse(.init()))
        guard case .respond(let id, _)? = driver.requests.last else { throw EventError.Missing() }
        driver.give(.audio(responseID: id, packets: (10..<13).map(SessionDriver.payload)))
        driver.give(.done(responseID: id))
        driver.advance(by: .seconds(1))
        #expect(Self.manifest(driver.event("output_audio_buffer.stopped")) == SessionDriver.manifest(10..<13))
    }

    // MARK: The client's account

    private struct Listener {
        var client: RealtimeClient
        var now = Instant(nanoseconds: 1_000_000_000)

        init(_ mode: ReliabilityMode = .datagram) {
            var configuration = ClientConfiguration()
            configuration.mode = mode
            client = RealtimeClient(configuration)
            client.transport = "roq"
        }

        mutating func hear(_ sequences: some Sequence<Int>) {
            for sequence in sequences { client.receive(frame: SessionDriver.frame(sequence), now: now) }
        }

        mutating func stop(_ manifest: Manifest?, response: String = "resp_1") {
            client.receive(event: ServerEvent.outputStopped(responseID: response, manifest).encoded(eventID: "e"), now: now)
        }

        mutating func wait(_ duration: Duration) {
            let end = now.advanced(by: duration)
            while let deadline = client.deadline, deadline <= end {
                now = max(now, deadline)
                client.handleTimeout(now: now)
            }
            now = end
        }

        mutating func receipts() -> [Receipt] {
            var receipts: [Receipt] = []
            while let notice = client.pollNotice() { if case .answerReceipt(let receipt) = notice { receipts.append(receipt) } }
            return receipts
        }

        mutating func errors() -> [String?] {
            var errors: [String?] = []
            while let notice = client.pollNotice() { if case .error(let error) = notice { errors.append(error.param) } }
            return errors
        }

        mutating func expectations() -> [[UInt16]] {
            var expectations: [[UInt16]] = []
            while let output = client.pollOutput() { if case .expect(let first, let last) = output { expectations.append([first, last]) } }
            return expectations
        }
    }

    @Test func `an answer that came whole is intact at once`() {
        var listener = Listener()
        listener.hear(0..<10)
        listener.stop(SessionDriver.manifest(0..<10))
        let receipts = listener.receipts()
        #expect(receipts.map(\.verdict) == [.intact])
        #expect(receipts.first?.itemID == "resp_1" && receipts.first?.transport == "roq" && receipts.first?.waitedMilliseconds == 0)
        #expect(listener.client.deadline == nil)
    }

    @Test func `frames that the event overtook are waited for, and then it is intact`() {
        var listener = Listener(.repair)
        listener.hear([0, 1, 4])
        listener.stop(SessionDriver.manifest(0..<6))
        #expect(listener.client.awaitsAnswerFrames)
        let expectations = listener.expectations()
        #expect(expectations == [[0, 5]])
        listener.wait(.milliseconds(300))
        listener.hear([5, 3])
        #expect(listener.client.awaitsAnswerFrames)
        listener.hear([2])
        let receipts = listener.receipts()
        #expect(receipts.map(\.verdict) == [.intact])
        #expect(receipts.first?.waitedMilliseconds == 300)
    }

    @Test(arguments: [(ReliabilityMode.datagram, 200), (.nack, 1_200), (.repair, 30_000)])
    func `frames that never come are holes when the mode's time is over`(mode: ReliabilityMode, wait: Int) {
        var listener = Listener(mode)
        listener.hear([0, 1, 4])
        listener.stop(SessionDriver.manifest(0..<6))
        listener.wait(.milliseconds(wait - 1))
        let before = listener.receipts()
        #expect(before.isEmpty)
        listener.wait(.milliseconds(1))
        let receipts = listener.receipts()
        #expect(receipts.map(\.verdict) == [.degraded])
        #expect(receipts.first?.missing.map { [$0.fromMilliseconds, $0.toMilliseconds] } == [[40, 80], [100, 120]])
    }

    @Test func `answers are judged in order, and late frames of one are not in the next`() {
        var listener = Listener()
        listener.hear(0..<3)
        listener.stop(SessionDriver.manifest(0..<4))
        listener.hear(4..<8)
        listener.stop(SessionDriver.manifest(4..<8), response: "resp_2")
        listener.wait(.milliseconds(200))
        listener.hear([3])
        let receipts = listener.receipts()
        #expect(receipts.map(\.itemID) == ["resp_1", "resp_2"])
        #expect(receipts.map(\.verdict) == [.degraded, .intact])
    }

    @Test func `other bytes than the manifest's degrade it`() {
        var listener = Listener()
        listener.hear(0..<4)
        var manifest = SessionDriver.manifest(0..<4)
        manifest.sha256 = String(repeating: "0", count: 64)
        listener.stop(manifest)
        let verdicts = listener.receipts().map(\.verdict)
        #expect(verdicts == [.degraded])
    }

    @Test func `a server that says nothing of its frames is no trouble`() {
        var listener = Listener()
        listener.hear(0..<4)
        listener.stop(nil)
        listener.stop(Manifest(firstSequence: 4, frames: 0, sha256: nil))
        #expect(listener.client.deadline == nil)
        let receipts = listener.receipts()
        #expect(receipts.isEmpty)
    }

    @Test(arguments: [
        (Manifest(firstSequence: 0, frames: -1, sha256: nil), "parallax.frames"),
        (Manifest(firstSequence: 0, frames: .max, sha256: nil), "parallax.frames"),
        (Manifest(firstSequence: 1, frames: 2, sha256: nil), "parallax.first_sequence"),
        (Manifest(firstSequence: 4, frames: 2, sha256: "no hash"), "parallax.sha256"),
    ])
    func `a manifest of the server's that cannot be true is an error, and the next answer is judged`(manifest: Manifest, param: String) {
        var listener = Listener()
        listener.hear(0..<4)
        listener.stop(SessionDriver.manifest(0..<4))
        listener.stop(manifest)
        let errors = listener.errors()
        #expect(errors == [param])
        listener.hear(4..<6)
        listener.stop(SessionDriver.manifest(4..<6))
        let verdicts = listener.receipts().map(\.verdict)
        #expect(verdicts == [.intact])
    }

    @Test func `answers that end without their frames are few at a time`() {
        var listener = Listener(.repair)
        listener.hear([0])
        for answer in 0..<20 { listener.stop(SessionDriver.manifest(answer * 4 + 1..<answer * 4 + 5)) }
        let receipts = listener.receipts()
        #expect(receipts.count >= 20 - SessionLimits().pendingPrompts)
        #expect(receipts.allSatisfy { $0.verdict == .degraded })
    }
}
