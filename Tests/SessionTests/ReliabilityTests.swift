import Session
import Testing
import Wire

/// The modes that recover frames: their settings, and what receipts say of them.
@Suite struct ReliabilityTests {
    /// A session over a transport that can do every mode.
    private static func driver(mode: ReliabilityMode = .datagram) -> SessionDriver {
        var configuration = SessionConfiguration()
        configuration.mode = mode
        configuration.keepsAccounts = true
        var driver = SessionDriver(configuration, attached: false)
        driver.session.attach(Capabilities(transport: "roq", modes: ReliabilityMode.allCases), now: driver.now)
        driver.drain()
        driver.forget()
        return driver
    }

    private static func told(_ driver: SessionDriver) -> JSONValue? {
        driver.event("session.updated")?["session"]?["parallax"]?["reliability"]
    }

    // MARK: Settings

    @Test func `deadline and depth are told, merged and cleared`() {
        var driver = Self.driver()
        driver.send(SessionDriver.update("{}"))
        #expect(Self.told(driver)?["deadline_ms"]?.integer == 1_000 && Self.told(driver)?["red_depth"]?.integer == 2)
        driver.send(SessionDriver.update(#"{"deadline_ms":400}"#))
        driver.send(SessionDriver.update(#"{"red_depth":5}"#))
        #expect(Self.told(driver)?["deadline_ms"]?.integer == 400 && Self.told(driver)?["red_depth"]?.integer == 5)
        driver.send(SessionDriver.update(#"{"deadline_ms":null,"red_depth":null}"#))
        #expect(Self.told(driver)?["deadline_ms"]?.integer == 1_000 && Self.told(driver)?["red_depth"]?.integer == 2)
    }

    @Test(arguments: [("deadline_ms", 19), ("deadline_ms", 10_001), ("red_depth", 0), ("red_depth", 9), ("red_depth", -1)])
    func `a value out of its bounds is refused by name, and changes nothing`(name: String, value: Int) {
        var driver = Self.driver()
        driver.send(SessionDriver.update(#"{"mode":"red","\#(name)":\#(value)}"#))
        #expect(driver.errorCode == "invalid_value")
        #expect(driver.events.last?["error"]?["param"]?.text == "session.parallax.reliability.\(name)")
        #expect(driver.session.mode == .datagram)
    }

    @Test func `an update with every setting survives the round trip`() throws {
        var update = SessionUpdate()
        update.mode = .value("nack")
        update.deadlineMilliseconds = .value(300)
        update.redundancyDepth = .null
        let bytes = OutgoingEvent(.updateSession(update)).encoded()
        #expect(try IncomingEvent(parsing: bytes, limits: SessionLimits()).event.get() == .updateSession(update))
    }

    @Test func `a mode is carried as its settings say`() {
        var settings = ReliabilitySettings()
        settings.deadlineMilliseconds = 300
        settings.redundancyDepth = 3
        let deliveries = ReliabilityMode.allCases.map { mode in
            settings.mode = mode
            return settings.delivery
        }
        #expect(deliveries == [
            .datagram, .datagram, .redundant(depth: 3), .resent(within: .milliseconds(300)), .expiring(within: .milliseconds(300)),
            .streamPerFrame, .stream, .repaired,
        ])
    }

    @Test func `a commit waits as long as its mode may still bring a frame`() {
        let waits = ReliabilityMode.allCases.map { ReliabilitySettings(mode: $0).effectiveWaitMilliseconds }
        #expect(waits == [200, 200, 200, 1_200, 1_200, 30_000, 30_000, 30_000])
    }

    @Test func `every change of mode and deadline takes effect at the next frame, both ways`() throws {
        var client = RealtimeClient(ClientConfiguration())
        client.opened(now: .zero)
        var driver = Self.driver()
        var sent: [Delivery] = []
        for mode in ReliabilityMode.allCases {
            client.changeMode(mode, now: driver.now)
            while case .event(let bytes)? = client.pollOutput() { driver.session.receive(event: bytes, now: driver.now) }
            driver.drain()
            for bytes in driver.eventBytes { client.receive(event: bytes, now: driver.now) }
            driver.forget()
            client.capture(payload: [0xF8, 1], duration: .milliseconds(20), now: driver.now)
            while case .frame(_, let delivery)? = client.pollOutput() { sent.append(delivery) }
            #expect(driver.session.delivery == sent.last)
        }
        #expect(sent == ReliabilityMode.allCases.map { ReliabilitySettings(mode: $0).delivery })
    }

    // MARK: Receipts

    @Test func `the copy that comes first says how a frame was recovered`() throws {
        var driver = Self.driver(mode: .nack)
        func frame(_ sequence: Int, _ recovery: MediaFrame.Recovery?) -> MediaFrame {
            var frame = SessionDriver.frame(sequence)
            frame.recovery = recovery
            return frame
        }
        for (sequence, recovery) in [(0, nil), (1, .red), (2, .nack), (3, .nack), (1, nil), (0, .nack), (4, nil)] as [(Int, MediaFrame.Recovery?)] {
            driver.send(frame(sequence, recovery))
        }
        driver.send(.commitAudio(SessionDriver.manifest(0..<5)))
        let receipt = try #require(driver.receipt)
        let account = try #require(driver.session.lastDecidedPrompt)
        #expect(account.frames == [nil, .red, .nack, .nack, nil].map { .arrived(driver.now, recovery: $0) })
        #expect(receipt.verdict == .intact)
        #expect(receipt.recovered.red == 1 && receipt.recovered.nack == 2 && receipt.recovered.fec == 0)
        #expect(receipt.duplicateFrames == 2 && receipt.receivedFrames == 5)
    }

    /// A SILK packet of 20 ms that says whether it carries a copy of the frame before (RFC 6716 section 4.2.3).
    private static func silk(_ sequence: Int, hasCopy: Bool) -> MediaFrame {
        var frame = SessionDriver.frame(sequence)
        frame.payload = [0x48, hasCopy ? 0xC0 : 0x80, UInt8(sequence), 0]
        return frame
    }

    struct Coverage: CustomTestStringConvertible, Sendable {
        var name: String
        var lost: Set<Int>
        var withoutCopy: Set<Int> = []
        var hasManifest = true
        var onGap: GapPolicy = .wait
        var verdict: Receipt.Verdict
        var covered: Int
        var missing: [[Int]] = []
        var testDescription: String { name }
    }

    @Test(arguments: [
        Coverage(name: "isolated holes", lost: [2, 5], verdict: .covered, covered: 2),
        Coverage(name: "the first", lost: [0], verdict: .covered, covered: 1),
        Coverage(name: "covered, rejecting", lost: [2], onGap: .reject, verdict: .covered, covered: 1),
        Coverage(name: "two in a row", lost: [2, 3], verdict: .degraded, covered: 1, missing: [[40, 60]]),
        Coverage(name: "the first two", lost: [0, 1], verdict: .degraded, covered: 1, missing: [[0, 20]]),
        Coverage(name: "no copy", lost: [2], withoutCopy: [3], verdict: .degraded, covered: 0, missing: [[40, 60]]),
        Coverage(name: "no copy, rejecting", lost: [2], withoutCopy: [3], onGap: .reject, verdict: .rejected, covered: 0, missing: [[40, 60]]),
        Coverage(name: "the last", lost: [9], verdict: .degraded, covered: 0, missing: [[180, 200]]),
        Coverage(name: "no manifest", lost: [2], hasManifest: false, verdict: .unverified, covered: 1),
        Coverage(name: "whole", lost: [], verdict: .intact, covered: 0),
    ])
    func `a hole is covered where the frame after it carries a copy`(_ test: Coverage) throws {
        var driver = Self.driver(mode: .fec)
        driver.send(SessionDriver.update(#"{"on_gap":"\#(test.onGap.rawValue)"}"#))
        var hash = FrameHash()
        for sequence in 0..<10 {
            let frame = Self.silk(sequence, hasCopy: !test.withoutCopy.contains(sequence))
            hash.update(frame.payload)
            if !test.lost.contains(sequence) { driver.send(frame) }
            driver.advance(by: .milliseconds(20))
        }
        driver.send(.commitAudio(test.hasManifest ? Manifest(firstSequence: 0, frames: 10, sha256: hash.hexadecimal()) : nil))
        driver.advance(by: .seconds(1))
        let receipt = try #require(driver.receipt)
        #expect(receipt.verdict == test.verdict)
        #expect(receipt.recovered.fec == test.covered)
        let frames = try #require(driver.session.lastDecidedPrompt).frames
        #expect(frames.count == 10)
        #expect(frames.count { $0 == .covered } == test.covered)
        #expect(frames.count { $0 == .missing } == test.lost.count - test.covered)
        // Before a first frame nobody knows where a prompt without a manifest began.
        #expect(receipt.receivedFrames == 10 - test.lost.count)
        #expect(receipt.missing.map { [$0.fromMilliseconds, $0.toMilliseconds] } == test.missing)
        #expect(receipt.longestGapMilliseconds == test.missing.map { $0[1] - $0[0] }.max() ?? 0)
    }

    // MARK: The tail

    @Test func `a commit tells of frames that have not come`() {
        var driver = Self.driver(mode: .nack)
        driver.speak(0..<10, lost: [4, 8, 9])
        driver.send(.commitAudio(SessionDriver.manifest(0..<10)))
        #expect(driver.expectations == [9])
    }

    @Test func `a commit of frames that are all there, or without a manifest, tells nothing`() {
        var driver = Self.driver(mode: .nack)
        driver.speak(0..<10)
        driver.send(.commitAudio(SessionDriver.manifest(0..<10)))
        driver.advance(by: .seconds(2))
        driver.speak(10..<20)
        driver.send(.commitAudio(nil))
        #expect(driver.expectations.isEmpty)
    }
}
