import Session
import Testing
import Wire

/// How the last frame of a prompt is known where no manifest names it.
@Suite struct PromptTailTests {
    @Test func `without a manifest, the transport's word for the last frame makes the tail known`() throws {
        var driver = SessionDriver()
        driver.speak(0..<10, lost: [8, 9])
        driver.session.receive(announcement: 9, now: driver.now)
        driver.send(.commitAudio(nil))
        #expect(driver.receipt == nil && driver.expectations == [9])
        driver.advance(by: .milliseconds(200))
        let receipt = try #require(driver.receipt)
        #expect(receipt.expectedFrames == 10 && receipt.receivedFrames == 8 && receipt.verdict == .unverified)
    }

    @Test func `an announcement behind the commit still counts while the prompt waits`() throws {
        var driver = SessionDriver()
        driver.speak(0..<10, lost: [4, 8, 9])
        driver.send(.commitAudio(nil))
        driver.session.receive(announcement: 9, now: driver.now)
        driver.drain()
        driver.send(SessionDriver.frame(4))
        driver.send(SessionDriver.frame(8))
        #expect(driver.receipt == nil)
        driver.send(SessionDriver.frame(9))
        #expect(try #require(driver.receipt).receivedFrames == 10)
    }

    @Test func `without a manifest, mode repair waits for the closing marker that names the last frame`() throws {
        for isTailLost in [false, true] {
            var driver = SessionDriver(attached: false)
            driver.session.attach(Capabilities(transport: "roq", modes: ReliabilityMode.allCases), now: driver.now)
            driver.send(SessionDriver.update(#"{"mode":"repair"}"#))
            driver.forget()
            driver.speak(0..<10, lost: isTailLost ? [8, 9] : [])
            driver.send(.commitAudio(nil))
            #expect(driver.receipt == nil)
            driver.advance(by: .milliseconds(20))
            driver.session.receive(announcement: 9, now: driver.now)
            driver.drain()
            if isTailLost { for sequence in [8, 9] { driver.send(SessionDriver.frame(sequence)) } }
            let receipt = try #require(driver.receipt)
            #expect(receipt.receivedFrames == 10 && receipt.expectedFrames == 10 && receipt.waitedMilliseconds == 20)
        }
    }

    @Test func `a marker that does not come is not waited for long`() throws {
        var driver = SessionDriver(attached: false)
        driver.session.attach(Capabilities(transport: "roq", modes: ReliabilityMode.allCases), now: driver.now)
        driver.send(SessionDriver.update(#"{"mode":"repair"}"#))
        driver.forget()
        driver.speak(0..<10)
        driver.send(.commitAudio(nil))
        driver.advance(by: .milliseconds(500))
        #expect(try #require(driver.receipt).waitedMilliseconds == 500)
    }

    @Test(arguments: [4, 9, 20_000, 40_000] as [UInt16]) func `an announcement that says nothing new, or too much, changes nothing`(last: UInt16) throws {
        var driver = SessionDriver()
        driver.speak(0..<10)
        driver.session.receive(announcement: last, now: driver.now)
        driver.send(.commitAudio(nil))
        #expect(try #require(driver.receipt).expectedFrames == 10)
    }

    @Test func `a manifest is believed before any announcement`() {
        var driver = SessionDriver()
        driver.speak(0..<10)
        driver.session.receive(announcement: 15, now: driver.now)
        driver.send(.commitAudio(SessionDriver.manifest(0..<10)))
        #expect(driver.receipt?.verdict == .intact)
    }
}
