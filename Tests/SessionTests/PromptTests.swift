import Session
import Testing
import Wire

/// From the commit to the receipt.
@Suite struct PromptTests {
    private static func configuration(_ mode: ReliabilityMode = .datagram) -> SessionConfiguration {
        var configuration = SessionConfiguration()
        configuration.mode = mode
        configuration.keepsAccounts = true
        return configuration
    }

    // MARK: The table of verdicts

    struct Case: CustomTestStringConvertible, Sendable {
        var name: String
        var lost: Set<Int> = []
        var hasManifest = true
        var hasHash = true
        var liesAboutHash = false
        var onGap: GapPolicy = .wait
        var verdict: Receipt.Verdict
        var testDescription: String { name }
    }

    @Test(arguments: [
        Case(name: "whole", verdict: .intact),
        Case(name: "whole, rejecting", onGap: .reject, verdict: .intact),
        Case(name: "whole, proceeding", onGap: .proceed, verdict: .intact),
        Case(name: "a hole", lost: [3], verdict: .degraded),
        Case(name: "a hole, proceeding", lost: [3], onGap: .proceed, verdict: .degraded),
        Case(name: "a hole, rejecting", lost: [3], onGap: .reject, verdict: .rejected),
        Case(name: "the tail is gone", lost: [8, 9], verdict: .degraded),
        Case(name: "nothing came", lost: Set(0..<10), verdict: .degraded),
        Case(name: "another hash", liesAboutHash: true, verdict: .degraded),
        Case(name: "another hash, rejecting", liesAboutHash: true, onGap: .reject, verdict: .rejected),
        Case(name: "no hash", hasHash: false, verdict: .unverified),
        Case(name: "no hash, a hole", lost: [3], hasHash: false, verdict: .degraded),
        Case(name: "no manifest", hasManifest: false, verdict: .unverified),
        Case(name: "no manifest, a hole", lost: [3], hasManifest: false, verdict: .unverified),
        Case(name: "no manifest, a hole, rejecting", lost: [3], hasManifest: false, onGap: .reject, verdict: .rejected),
    ])
    func `the verdict follows from what came and what was promised`(_ test: Case) throws {
        var driver = SessionDriver()
        driver.send(SessionDriver.update(#"{"on_gap":"\#(test.onGap.rawValue)"}"#))
        driver.speak(0..<10, lost: test.lost)
        var manifest = SessionDriver.manifest(0..<10)
        if !test.hasHash { manifest.sha256 = nil }
        if test.liesAboutHash { manifest.sha256 = String(repeating: "0", count: 64) }
        driver.send(.commitAudio(test.hasManifest ? manifest : nil))
        driver.advance(by: .seconds(1))
        let receipt = try #require(driver.receipt)
        #expect(receipt.verdict == test.verdict)
        #expect(receipt.receivedFrames == 10 - test.lost.count)
        #expect(receipt.expectedFrames == 10)
        #expect(receipt.liveFrames == receipt.receivedFrames)
    }

    // MARK: Counts

    @Test func `holes are told in milliseconds, with the longest`() throws {
        var driver = SessionDriver()
        driver.speak(0..<20, lost: [0, 1, 5, 9, 10, 11, 18, 19])
        driver.send(.commitAudio(SessionDriver.manifest(0..<20)))
        driver.advance(by: .seconds(1))
        let receipt = try #require(driver.receipt)
        #expect(receipt.missing == [
            .init(fromMilliseconds: 0, toMilliseconds: 40), .init(fromMilliseconds: 100, toMilliseconds: 120),
            .init(fromMilliseconds: 180, toMilliseconds: 240), .init(fromMilliseconds: 360, toMilliseconds: 400),
        ])
        #expect(receipt.longestGapMilliseconds == 60)
        #expect(receipt.receivedFrames == 12)
    }

    @Test func `where nothing came, all is one hole`() throws {
        var driver = SessionDriver()
        driver.send(.commitAudio(SessionDriver.manifest(0..<25)))
        driver.advance(by: .seconds(1))
        let receipt = try #require(driver.receipt)
        #expect(receipt.missing == [.init(fromMilliseconds: 0, toMilliseconds: 500)])
        #expect(receipt.longestGapMilliseconds == 500)
    }

    @Test func `silence that was not sent is no hole`() throws {
        var driver = SessionDriver()
        for (index, ticks) in [0, 960, 20_160, 21_120].enumerated() {
            var frame = SessionDriver.frame(index)
            frame.timestamp = MediaTime(ticks: UInt32(ticks))
            driver.send(frame)
        }
        driver.send(.commitAudio(SessionDriver.manifest(0..<4)))
        let receipt = try #require(driver.receipt)
        #expect(receipt.missing.isEmpty && receipt.longestGapMilliseconds == 0)
        #expect(receipt.verdict == .intact)
    }

    @Test func `a frame counts as live up to the deadline and not beyond it`() throws {
        var driver = SessionDriver()
        // Frame 0 comes at once; every other as late as its number says.
        let delays = [0, 199, 200, 201, 500]
        let start = driver.now
        var arrivals = delays.enumerated().map { index, delay in (index, index * 20 + delay) }
        arrivals.sort { $0.1 < $1.1 }
        for (index, milliseconds) in arrivals {
            driver.advance(by: start.advanced(by: .milliseconds(milliseconds)).since(driver.now))
            driver.send(SessionDriver.frame(index))
        }
        driver.send(.commitAudio(SessionDriver.manifest(0..<5)))
        let receipt = try #require(driver.receipt)
        #expect(receipt.receivedFrames == 5)
        #expect(receipt.liveFrames == 3)
        #expect(receipt.lateFrames == 2)
    }

    @Test func `the path's delay counts against the live deadline`() throws {
        var driver = SessionDriver()
        driver.session.updatePathDelay(.milliseconds(201))
        driver.speak(0..<5)
        driver.send(.commitAudio(SessionDriver.manifest(0..<5)))
        let receipt = try #require(driver.receipt)
        #expect(receipt.liveFrames == 0 && receipt.receivedFrames == 5)
        #expect(receipt.verdict == .intact)
    }

    @Test func `duplicates are counted and change nothing`() throws {
        var driver = SessionDriver()
        driver.speak(0..<5)
        for sequence in [1, 3, 3] { driver.send(SessionDriver.frame(sequence)) }
        driver.send(.commitAudio(SessionDriver.manifest(0..<5)))
        let receipt = try #require(driver.receipt)
        #expect(receipt.duplicateFrames == 3)
        #expect(receipt.verdict == .intact)
        #expect(driver.session.counters.framesDuplicate == 3)
    }

    // MARK: Waiting

    @Test func `a commit may overtake all of its frames`() throws {
        var driver = SessionDriver(Self.configuration(.streamPerFrame))
        driver.send(.commitAudio(SessionDriver.manifest(0..<10)))
        #expect(driver.types == ["input_audio_buffer.committed", "conversation.item.added", "conversation.item.done"])
        driver.advance(by: .milliseconds(700))
        for sequence in (0..<10).reversed() { driver.send(SessionDriver.frame(sequence)) }
        let receipt = try #require(driver.receipt)
        #expect(receipt.verdict == .intact)
        #expect(receipt.waitedMilliseconds == 700)
        #expect(receipt.mode == .streamPerFrame && receipt.transport == "roq")
    }

    @Test(arguments: [(.datagram, 200), (.stream, 30_000), (.streamPerFrame, 30_000)] as [(ReliabilityMode, Int)])
    func `a hole is waited for as long as the mode says by default`(mode: ReliabilityMode, milliseconds: Int) throws {
        var driver = SessionDriver(Self.configuration(mode))
        driver.speak(0..<10, lost: [4])
        driver.send(.commitAudio(SessionDriver.manifest(0..<10)))
        driver.advance(by: .milliseconds(milliseconds - 1))
        #expect(driver.receipt == nil)
        driver.advance(by: .milliseconds(1))
        let receipt = try #require(driver.receipt)
        #expect(receipt.waitedMilliseconds == milliseconds)
        #expect(receipt.verdict == .degraded)
    }

    @Test func `wait_ms sets the wait, and proceed does not wait`() throws {
        var driver = SessionDriver()
        driver.send(SessionDriver.update(#"{"wait_ms":750}"#))
        driver.speak(0..<4, lost: [1])
        driver.send(.commitAudio(SessionDriver.manifest(0..<4)))
        driver.advance(by: .milliseconds(749))
        #expect(driver.receipt == nil)
        driver.advance(by: .milliseconds(1))
        #expect(driver.receipt?.waitedMilliseconds == 750)
        driver.forget()
        driver.send(SessionDriver.update(#"{"on_gap":"proceed"}"#))
        driver.speak(4..<8, lost: [5])
        driver.send(.commitAudio(SessionDriver.manifest(4..<8)))
        #expect(driver.receipt?.waitedMilliseconds == 0)
    }

    @Test func `a frame after the decision is counted late, and not mixed into the next prompt`() throws {
        var driver = SessionDriver(Self.configuration())
        driver.speak(0..<5, lost: [4])
        driver.send(.commitAudio(SessionDriver.manifest(0..<5)))
        driver.advance(by: .seconds(1))
        driver.send(SessionDriver.frame(4))
        #expect(driver.session.counters.framesAfterDecision == 1)
        #expect(driver.session.lastDecidedPrompt?.framesAfterDecision == 1)
        driver.speak(5..<9)
        driver.send(.commitAudio(SessionDriver.manifest(5..<9)))
        #expect(driver.receipt?.verdict == .intact)
        #expect(driver.receipt?.expectedFrames == 4)
    }

    @Test func `frames of the next prompt may come while one still waits`() throws {
        var driver = SessionDriver()
        driver.speak(0..<5, lost: [2])
        driver.send(.commitAudio(SessionDriver.manifest(0..<5)))
        driver.speak(5..<8)
        driver.send(SessionDriver.frame(2))
        #expect(driver.receipt?.verdict == .intact)
        driver.forget()
        driver.send(.commitAudio(SessionDriver.manifest(5..<8)))
        #expect(driver.receipt?.verdict == .intact)
        #expect(driver.receipt?.expectedFrames == 3)
    }

    @Test func `prompts follow each other across the wrap of sequence numbers`() throws {
        var driver = SessionDriver()
        for prompt in 0..<5 {
            let range = (65_500 + prompt * 20)..<(65_520 + prompt * 20)
            driver.speak(range)
            driver.send(.commitAudio(SessionDriver.manifest(range)))
            #expect(driver.receipt?.verdict == .intact, "prompt \(prompt)")
            driver.forget()
        }
    }

    @Test func `without a manifest, a lost head after the first prompt is known to be missing`() throws {
        var driver = SessionDriver()
        driver.speak(0..<5)
        driver.send(.commitAudio(nil))
        driver.forget()
        driver.speak(5..<10, lost: [5, 6])
        driver.send(.commitAudio(nil))
        driver.advance(by: .seconds(1))
        let receipt = try #require(driver.receipt)
        #expect(receipt.expectedFrames == 5 && receipt.receivedFrames == 3)
        #expect(receipt.verdict == .unverified)
    }

    @Test func `the account of a decided prompt names every arrival`() throws {
        var driver = SessionDriver(Self.configuration())
        let start = driver.now
        driver.speak(40..<45, lost: [41])
        let committed = driver.now
        driver.send(.commitAudio(SessionDriver.manifest(40..<45)))
        driver.advance(by: .seconds(1))
        let account = try #require(driver.session.lastDecidedPrompt)
        #expect(account.firstSequence == 40)
        #expect(account.arrivals == [0, nil, 40, 60, 80].map { $0.map { start.advanced(by: .milliseconds($0)) } })
        #expect(account.frames[1] == .missing)
        #expect(account.committed == committed)
        #expect(account.decided == committed.advanced(by: .milliseconds(200)))
        #expect(account.receipt == driver.receipt)
    }

    @Test func `accounts are kept only where they are asked for`() {
        var driver = SessionDriver()
        driver.speak(0..<3)
        driver.send(.commitAudio(SessionDriver.manifest(0..<3)))
        #expect(driver.session.lastDecidedPrompt == nil)
    }

    @Test func `an empty buffer cannot be committed`() {
        var driver = SessionDriver()
        driver.send(.commitAudio(nil))
        #expect(driver.errorCode == "input_audio_buffer_commit_empty")
    }

    @Test func `every frame that came is in one column of the account, and every new one in another`() {
        var driver = SessionDriver()
        // Four in time, one of them twice; one after the decision, and twice; four that are cleared, and one of them again.
        driver.speak(0..<5, lost: [3])
        driver.send(SessionDriver.frame(4))
        driver.send(.commitAudio(SessionDriver.manifest(0..<5)))
        driver.advance(by: .seconds(60))
        driver.send(SessionDriver.frame(3))
        driver.send(SessionDriver.frame(3))
        driver.speak(5..<9)
        driver.send(.clearAudio(nextSequence: nil))
        driver.send(SessionDriver.frame(6))
        driver.speak(9..<11)
        let account = driver.session.frameAccount
        #expect(account.isBalanced)
        #expect(account.received == 14 && account.fresh == 10 && account.afterDecision == 1)
        #expect(account.decided == 4 && account.cleared == 4 && account.held == 2 && account.overflowed == 0)
        #expect(account.duplicate + account.outside == 3)
    }
}
