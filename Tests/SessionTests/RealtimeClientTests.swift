import Session
import Testing
import Wire

/// The client's end, alone and against a session.
@Suite struct RealtimeClientTests {
    /// A client and a session that hear each other at once.
    struct Pair {
        var client: RealtimeClient
        var server: SessionDriver
        var notices: [ClientNotice] = []
        var lost: Set<UInt16> = []
        var deliveries: [Delivery] = []
        var sent: [MediaFrame] = []

        init(_ configuration: ClientConfiguration = ClientConfiguration()) {
            client = RealtimeClient(configuration)
            server = SessionDriver(attached: false)
            server.session.attach(SessionDriver.capabilities, now: server.now)
            client.opened(now: server.now)
            run()
        }

        mutating func run() {
            server.drain()
            while true {
                let (events, frames) = (server.eventBytes, server.frames)
                server.eventBytes = []
                server.frames = []
                for event in events { client.receive(event: event, now: server.now) }
                for frame in frames { client.receive(frame: frame, now: server.now) }
                while let notice = client.pollNotice() { notices.append(notice) }
                var isQuiet = events.isEmpty && frames.isEmpty
                while let output = client.pollOutput() {
                    isQuiet = false
                    switch output {
                    case .event(let bytes): server.session.receive(event: bytes, now: server.now)
                    case .frame(let frame, let delivery):
                        sent.append(frame)
                        deliveries.append(delivery)
                        if !lost.contains(frame.sequence) { server.session.receive(frame: frame, now: server.now) }
                    case .talkEnded, .expect: break
                    }
                    server.drain()
                }
                if isQuiet { return }
            }
        }

        mutating func speak(_ count: Int) {
            for index in 0..<count {
                client.capture(payload: SessionDriver.payload(index), duration: .milliseconds(20), now: server.now)
                run()
                server.advance(by: .milliseconds(20))
            }
        }

        var receipts: [Receipt] {
            notices.compactMap { if case .receipt(let receipt) = $0 { receipt } else { nil } }
        }
    }

    @Test func `what is said while the connection opens follows the first event, in order`() throws {
        var client = RealtimeClient(ClientConfiguration())
        for index in 0..<3 {
            client.capture(payload: SessionDriver.payload(index), duration: .milliseconds(20), now: Instant(nanoseconds: UInt64(index) * 20_000_000))
        }
        client.commit(now: Instant(nanoseconds: 60_000_000))
        let silent = client.pollOutput() == nil
        #expect(silent)
        client.opened(now: Instant(nanoseconds: 70_000_000))
        var outputs: [ClientOutput] = []
        while let output = client.pollOutput() { outputs.append(output) }
        let types = outputs.map { if case .frame(let frame, _) = $0 { "\(frame.sequence) \(frame.timestamp.ticks)" } else { "event" } }
        #expect(types.starts(with: ["event", "0 0", "1 960", "2 1920", "event"]))
    }

    @Test func `what is said longer than is kept is refused, and the beginning stays`() {
        var configuration = ClientConfiguration()
        configuration.limits.earlyOutputs = 2
        var client = RealtimeClient(configuration)
        for index in 0..<5 { client.capture(payload: SessionDriver.payload(index), duration: .milliseconds(20), now: .zero) }
        #expect(client.refusedFrames == 3)
        client.opened(now: .zero)
        _ = client.pollOutput()
        let first = client.pollOutput()
        guard case .frame(let frame, _) = first else { return #expect(Bool(false), "no frame follows the first event") }
        #expect(frame.sequence == 0)
    }

    @Test func `a talk is heard whole: prompt, receipt, answer`() {
        var pair = Pair()
        pair.speak(10)
        pair.client.commit(now: pair.server.now)
        pair.client.requestResponse(now: pair.server.now)
        pair.run()
        EventTests.answer(&pair.server, packets: 3)
        pair.server.advance(by: .seconds(1))
        pair.run()
        #expect(pair.receipts.map(\.verdict) == [.intact])
        let kinds = pair.notices.map { notice in
            switch notice {
            case .sessionCreated(let id): "created \(id)"
            case .sessionUpdated(let mode): "updated \(mode.rawValue)"
            case .committed: "committed"
            case .receipt: "receipt"
            case .responseCreated: "response"
            case .responseDone(_, let status): "done \(status.rawValue)"
            case .answerFrame: "frame"
            case .outputStarted: "started"
            case .outputStopped: "stopped"
            case .answerReceipt(let receipt): "answer \(receipt.verdict.rawValue)"
            default: "other"
            }
        }
        #expect(kinds.filter { $0 != "frame" } == [
            "created sess_test", "updated datagram", "committed", "receipt", "response", "started", "done completed", "stopped",
            "answer intact",
        ])
        #expect(kinds.filter { $0 == "frame" }.count == 3)
    }

    @Test func `frames are numbered on across prompts and the wrap, and marked where a prompt begins`() {
        var configuration = ClientConfiguration()
        configuration.firstSequence = 65_530
        var pair = Pair(configuration)
        for prompt in 0..<3 {
            pair.lost = prompt == 1 ? [3, 4] : []
            pair.speak(8)
            pair.client.commit(now: pair.server.now)
            pair.run()
            pair.server.advance(by: .seconds(2))
            pair.run()
        }
        #expect(pair.sent.map(\.sequence) == (0..<24).map { UInt16(truncatingIfNeeded: 65_530 + $0) })
        #expect(pair.sent.indices.filter { pair.sent[$0].marker } == [0, 8, 16])
        #expect(pair.receipts.map(\.verdict) == [.intact, .degraded, .intact])
        #expect(pair.receipts[1].receivedFrames == 6)
        // The pauses are in media time, so nothing seems late.
        #expect(pair.receipts.allSatisfy { $0.lateFrames == 0 })
    }

    @Test func `without manifests a prompt stays unverified`() {
        var configuration = ClientConfiguration()
        configuration.sendsManifest = false
        var pair = Pair(configuration)
        pair.speak(5)
        pair.client.commit(now: pair.server.now)
        pair.run()
        #expect(pair.receipts.map(\.verdict) == [.unverified])
    }

    @Test func `what the configuration asks for is what the session does`() {
        var configuration = ClientConfiguration()
        configuration.mode = .stream
        configuration.onGap = .reject
        configuration.wait = .milliseconds(1234)
        configuration.liveDeadline = .milliseconds(77)
        configuration.instructions = "listen"
        let pair = Pair(configuration)
        let parallax = pair.server.session.object.parallax
        #expect(parallax.reliability.mode == .stream && parallax.reliability.onGap == .reject)
        #expect(parallax.reliability.waitMilliseconds == 1234 && parallax.liveDeadlineMilliseconds == 77)
        #expect(pair.server.session.object.instructions == "listen")
        #expect(pair.notices.contains(.sessionUpdated(mode: .stream)))
    }

    @Test func `frames change their mode when the server has agreed, and not before`() {
        var pair = Pair()
        pair.speak(2)
        pair.client.changeMode(.stream, now: pair.server.now)
        pair.client.capture(payload: [0xF8], duration: .milliseconds(20), now: pair.server.now)
        pair.run()
        pair.speak(2)
        #expect(pair.deliveries == [.datagram, .datagram, .datagram, .stream, .stream])
        pair.client.commit(now: pair.server.now)
        pair.run()
        #expect(pair.receipts.map(\.verdict) == [.intact])
    }

    @Test func `clear takes a prompt back, truncate and cancel reach the server`() {
        var pair = Pair()
        pair.speak(4)
        pair.client.clear(now: pair.server.now)
        pair.run()
        #expect(pair.notices.last == .cleared)
        pair.speak(3)
        pair.client.commit(now: pair.server.now)
        pair.client.requestResponse(now: pair.server.now)
        pair.run()
        #expect(pair.receipts.map(\.expectedFrames) == [3])
        pair.client.cancelResponse(now: pair.server.now)
        pair.run()
        guard case .responseDone(_, .cancelled)? = pair.notices.last else {
            Issue.record("\(String(describing: pair.notices.last))")
            return
        }
        pair.client.truncate(itemID: "item_none", audioEnd: .zero, now: pair.server.now)
        pair.run()
        guard case .error(let error)? = pair.notices.last else { return }
        #expect(error.code == .itemNotFound && error.param == "item_id" && error.eventID != nil)
    }

    @Test func `the secret is in the first event and in no other`() {
        var configuration = ClientConfiguration()
        configuration.secret = "ek_1"
        var client = RealtimeClient(configuration)
        client.opened(now: .zero)
        client.clear(now: .zero)
        var requests: [AttachRequest] = []
        while case .event(let bytes)? = client.pollOutput() {
            requests.append(AttachRequest(firstEvent: bytes, limits: SessionLimits()))
        }
        #expect(requests.map(\.secret) == ["ek_1", nil])
    }

    private static func event(_ output: ClientOutput?) throws -> JSONValue {
        guard case .event(let bytes)? = output else { return .null }
        return try JSON.decode(JSONValue.self, from: bytes, depthLimit: 32)
    }

    /// The server has the session, but not the first event, which asks for a mode and says what the audio is: refused for the one, it
    /// would not be heard for the other.
    @Test(arguments: [([ReliabilityMode.stream], false), ([.fec, .stream], true)])
    func `a first event that was lost asks the next transport for no mode that it lacks`(offered: [ReliabilityMode], asks: Bool) throws {
        var configuration = ClientConfiguration()
        configuration.mode = .fec
        var client = RealtimeClient(configuration)
        client.opened(now: .zero)
        let lost = try Self.event(client.pollOutput())
        #expect(lost["session"]?["parallax"]?["reliability"]?["mode"]?.text == "fec")
        client.resumeRequested()
        client.offeredModes = offered
        let resumed = #"{"type":"session.resumed","event_id":"e","client_events":0,"held":[],"transports":["roq","websocket"],"session":{"id":"sess_1"}}"#
        client.receive(event: Array(resumed.utf8), isMoving: true, now: .zero)
        let event = try Self.event(client.pollOutput())
        #expect(event["event_id"]?.text == "client_1")
        #expect(event["session"]?["audio"]?["input"]?["format"]?["type"]?.text == "audio/opus")
        #expect(event["session"]?["parallax"]?["reliability"]?["mode"]?.text == (asks ? "fec" : nil))
        #expect(client.pollOutput() == nil)
    }

    /// The word that the mode has changed comes with the resume, if not before.
    @Test(arguments: [("datagram", Delivery.streamPerFrame), ("repair", .repaired), ("stream", .stream)])
    func `a frame that a reliable mode promised goes out again reliably, whatever the mode is now`(mode: String, delivery: Delivery) {
        var configuration = ClientConfiguration()
        configuration.mode = .stream
        var client = RealtimeClient(configuration)
        client.opened(now: .zero)
        client.capture(payload: [0xF8], duration: .milliseconds(20), now: .zero)
        while client.pollOutput() != nil {}
        client.resumeRequested()
        let resumed = #"{"type":"session.resumed","event_id":"e","client_events":1,"held":[],"transports":["roq","roq"],"session":{"id":"sess_1","parallax":{"reliability":{"mode":"\#(mode)"}}}}"#
        client.receive(event: Array(resumed.utf8), isMoving: true, now: .zero)
        guard case .frame(let frame, let way)? = client.pollOutput() else { return #expect(Bool(false), "nothing goes out again") }
        #expect(frame.payload == [0xF8] && way == delivery)
        #expect(client.pollOutput() == nil)
    }

    @Test func `events of another server, and rubbish, do not stop a client`() {
        var client = RealtimeClient(ClientConfiguration())
        for text in [
            #"{"type":"rate_limits.updated","event_id":"e","rate_limits":[]}"#, "", "{", "[]", #"{"type":7}"#,
            #"{"type":"session.updated","event_id":"e","session":{"type":"realtime","id":"sess_1","object":"realtime.session"}}"#,
            #"{"type":"session.created","session":{"parallax":{"reliability":{"mode":"teleport"}}}}"#,
        ] { client.receive(event: Array(text.utf8), now: .zero) }
        var errors = 0
        while let notice = client.pollNotice() { if case .error = notice { errors += 1 } }
        #expect(errors == 5)
    }

    @Test func `a server that tells only the mode is understood`() {
        var client = RealtimeClient(ClientConfiguration())
        let text = #"{"type":"session.updated","event_id":"e","session":{"id":"sess_1","parallax":{"reliability":{"mode":"stream"}}}}"#
        client.receive(event: Array(text.utf8), now: .zero)
        let notice = client.pollNotice()
        #expect(notice == .sessionUpdated(mode: .stream))
    }

    @Test func `every mangled byte of a server's events leaves the client standing`() {
        var pair = Pair()
        pair.speak(2)
        pair.client.commit(now: pair.server.now)
        while let output = pair.client.pollOutput() {
            if case .event(let bytes) = output { pair.server.session.receive(event: bytes, now: pair.server.now) }
        }
        pair.server.drain()
        #expect(pair.server.eventBytes.count == 4)
        for event in pair.server.eventBytes {
            for index in event.indices {
                for value in [0x00, 0x22, 0x2D, 0x39, 0x5B, 0x5C, 0x7B, 0x7D, 0xFF] as [UInt8] {
                    var mangled = event
                    mangled[index] = value
                    pair.client.receive(event: mangled, now: .zero)
                    while pair.client.pollNotice() != nil {}
                }
            }
        }
        pair.client.clear(now: .zero)
        #expect(pair.client.pollOutput() != nil)
    }

    /// Both connections of a move bring the events in order, one further than the other.
    @Test(arguments: [["a", "b", "a", "b"], ["a", "a", "b", "b"]])
    func `an event that comes by both connections of a move counts once, whichever is first`(arrivals: [String]) {
        var pair = Pair()
        pair.client.resumeRequested()
        pair.notices = []
        for id in arrivals {
            let event = #"{"type":"input_audio_buffer.committed","event_id":"event_\#(id)","item_id":"\#(id)"}"#
            pair.client.receive(event: Array(event.utf8), isMoving: true, now: pair.server.now)
        }
        pair.run()
        #expect(pair.notices == [.committed(itemID: "a"), .committed(itemID: "b")])
    }

    /// The refusal of the second settled the first as well, and the first one's receipt then the third.
    @Test func `a commit that is lost goes again, though one before it was refused and another waits`() {
        var configuration = ClientConfiguration()
        configuration.sendsManifest = false
        configuration.wait = .seconds(30)
        var pair = Pair(configuration)
        pair.lost = [1, 5, 6, 7]
        for count in [5, 3] {
            pair.speak(count)
            pair.client.commit(now: pair.server.now)
            pair.run()
        }
        #expect(pair.receipts.isEmpty && pair.notices.contains { if case .error(let error) = $0 { error.code == .emptyBuffer } else { false } })
        pair.speak(2)
        pair.client.commit(now: pair.server.now)
        while pair.client.pollOutput() != nil {}
        pair.server.advance(by: .seconds(31))
        pair.run()
        #expect(pair.receipts.count == 1)
        pair.server.resume(lastEventID: pair.server.events.last?["event_id"]?.text)
        pair.run()
        pair.server.advance(by: .seconds(31))
        pair.run()
        #expect(Set(pair.receipts.map(\.itemID)).count == 2)
    }

    @Test func `while a resume is under way nothing is acknowledged that came after it was asked for`() {
        var pair = Pair()
        _ = pair.acknowledgedByClear()
        pair.client.resumeRequested()
        let request = pair.acknowledgedByClear()
        let meanwhile = pair.acknowledgedByClear()
        #expect(request != nil && meanwhile == request)
        pair.client.resumeAbandoned()
        let later = pair.acknowledgedByClear()
        #expect(later != nil && later != request)
    }
}

extension RealtimeClientTests.Pair {
    /// Lets the client send one event, and the server answer it.
    /// - Returns: which event of the server's the client's acknowledged.
    fileprivate mutating func acknowledgedByClear() -> String? {
        client.clear(now: server.now)
        guard case .event(let bytes)? = client.pollOutput() else { return nil }
        server.session.receive(event: bytes, now: server.now)
        run()
        let event = try? JSON.decode(JSONValue.self, from: bytes, depthLimit: 32)
        return event?["parallax"]?["last_event_id"]?.text
    }
}
