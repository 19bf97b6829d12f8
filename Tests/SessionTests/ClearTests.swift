import Session
import Testing
import Wire

/// `input_audio_buffer.clear`: which frames it takes, and which it leaves.
@Suite struct ClearTests {
    @Test func `cleared frames are in no prompt, also those that arrive after the clear`() throws {
        var driver = SessionDriver()
        driver.speak(0..<8)
        driver.send(.clearAudio(nextSequence: nil))
        #expect(driver.types.last == "input_audio_buffer.cleared")
        driver.speak(8..<10) // of the cleared prompt, still under way
        driver.speak(10..<15)
        driver.send(.commitAudio(SessionDriver.manifest(10..<15)))
        let receipt = try #require(driver.receipt)
        #expect(receipt.verdict == .intact && receipt.receivedFrames == 5)
    }

    @Test func `a clear that was overtaken takes only the frames that it names`() throws {
        var driver = SessionDriver()
        driver.speak(0..<15) // 8 ..< 15 left after the clear, and came before it
        driver.send(.clearAudio(nextSequence: 8))
        driver.send(.commitAudio(SessionDriver.manifest(8..<15)))
        let receipt = try #require(driver.receipt)
        #expect(receipt.verdict == .intact && receipt.receivedFrames == 7)
    }

    @Test func `a clear behind a committed prompt takes only the frames between it and the next`() throws {
        var driver = SessionDriver()
        driver.speak(0..<15, lost: [1])
        driver.send(.commitAudio(SessionDriver.manifest(0..<4)))
        driver.send(.clearAudio(nextSequence: 8))
        driver.send(SessionDriver.frame(1))
        driver.send(.commitAudio(SessionDriver.manifest(8..<15)))
        let receipt = try #require(driver.receipt)
        #expect(receipt.verdict == .intact && receipt.receivedFrames == 7)
    }

    @Test(arguments: ["-1", "65536", "1.5", "null", #""8""#]) func `a clear that names no sequence number is refused`(number: String) {
        var driver = SessionDriver()
        driver.speak(0..<3)
        driver.send(#"{"type":"input_audio_buffer.clear","parallax":{"next_sequence":\#(number)}}"#)
        #expect(driver.types.last == "error")
        driver.send(.commitAudio(SessionDriver.manifest(0..<3)))
        #expect(driver.receipt?.verdict == .intact)
    }

    @Test func `a clear leaves a committed prompt alone`() throws {
        var driver = SessionDriver()
        driver.speak(0..<8, lost: [1])
        driver.send(.commitAudio(SessionDriver.manifest(0..<8)))
        driver.speak(8..<10)
        driver.send(.clearAudio(nextSequence: nil))
        driver.send(SessionDriver.frame(1))
        #expect(driver.receipt?.verdict == .intact)
        driver.forget()
        driver.send(.commitAudio(nil))
        #expect(driver.errorCode == "input_audio_buffer_commit_empty")
    }
}
