import Session
import Testing
import Wire

/// Manifests that cannot be true, and some that could.
@Suite struct LyingManifestTests {
    @Test(arguments: [
        (#"{"first_sequence":0,"frames":0}"#, "parallax.frames"),
        (#"{"first_sequence":0,"frames":-5}"#, "parallax.frames"),
        (#"{"first_sequence":0,"frames":15001}"#, "parallax.frames"),
        (#"{"first_sequence":0,"frames":9223372036854775807}"#, "parallax.frames"),
        (#"{"first_sequence":65536,"frames":5}"#, "parallax.first_sequence"),
        (#"{"first_sequence":-1,"frames":5}"#, "parallax.first_sequence"),
        (#"{"first_sequence":3,"frames":5}"#, "parallax.first_sequence"),
        (#"{"frames":5}"#, "parallax.first_sequence"),
        (#"{"first_sequence":5}"#, "parallax.frames"),
        (#"{"first_sequence":"5","frames":5}"#, "parallax.first_sequence"),
        (#"{"first_sequence":5,"frames":5,"sha256":"xyz"}"#, "parallax.sha256"),
        (#"{"first_sequence":5,"frames":5,"sha256":"\#(String(repeating: "g", count: 64))"}"#, "parallax.sha256"),
        (#"{"first_sequence":5,"frames":5,"sha256":7}"#, "parallax.sha256"),
    ])
    func `a manifest that cannot be true is refused, and the prompt can still be committed`(manifest: String, param: String) {
        var driver = SessionDriver()
        driver.speak(0..<5)
        driver.send(.commitAudio(SessionDriver.manifest(0..<5)))
        driver.speak(5..<10)
        driver.forget()
        driver.send(#"{"type":"input_audio_buffer.commit","event_id":"mine","parallax":\#(manifest)}"#)
        #expect(driver.types == ["error"])
        #expect(driver.events.first?["error"]?["param"]?.text == param)
        #expect(driver.events.first?["error"]?["event_id"]?.text == "mine")
        driver.forget()
        driver.send(.commitAudio(SessionDriver.manifest(5..<10)))
        #expect(driver.receipt?.verdict == .intact)
    }

    @Test func `a manifest far ahead of the frames does not move the count of the real ones`() {
        var driver = SessionDriver()
        driver.speak(0..<5)
        driver.send(#"{"type":"input_audio_buffer.commit","parallax":{"first_sequence":32000,"frames":20000}}"#)
        #expect(driver.errorCode == "invalid_value")
        driver.send(.commitAudio(SessionDriver.manifest(0..<5)))
        #expect(driver.receipt?.verdict == .intact)
    }

    @Test func `a manifest that counts too many waits for them, takes the next prompt's and degrades; the one after is whole`() throws {
        var driver = SessionDriver()
        driver.speak(0..<5)
        var lie = SessionDriver.manifest(0..<5)
        lie.frames = 8
        driver.send(.commitAudio(lie))
        #expect(driver.receipt == nil)
        driver.speak(5..<10)
        #expect(try #require(driver.receipt).verdict == .degraded)
        // The frames are in one prompt only: what overlaps it is refused, and the rest can be committed.
        driver.forget()
        driver.send(.commitAudio(SessionDriver.manifest(5..<10)))
        #expect(driver.errorCode == "invalid_value")
        driver.forget()
        driver.send(.commitAudio(SessionDriver.manifest(8..<10)))
        #expect(driver.receipt?.verdict == .intact)
        driver.speak(10..<15)
        driver.send(.commitAudio(SessionDriver.manifest(10..<15)))
        #expect(driver.receipt?.verdict == .intact)
    }

    @Test func `frames that never come are holes when the wait is over, and the next prompt is whole`() throws {
        var driver = SessionDriver()
        driver.speak(0..<5)
        driver.send(.commitAudio(SessionDriver.manifest(0..<9)))
        driver.advance(by: .milliseconds(200))
        let receipt = try #require(driver.receipt)
        #expect(receipt.verdict == .degraded && receipt.expectedFrames == 9 && receipt.longestGapMilliseconds == 80)
        driver.forget()
        driver.speak(9..<12)
        driver.send(.commitAudio(SessionDriver.manifest(9..<12)))
        #expect(driver.receipt?.verdict == .intact)
    }
}
