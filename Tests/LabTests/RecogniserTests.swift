@testable import Lab
import Foundation
import Testing

/// Programs of a line or two stand in for recognisers.
@Suite struct RecogniserTests {
    private static func run(_ command: String, count: Int = 10, seconds: Double = 20, byteCount: Int = 100_000) throws -> [String: String] {
        var limits = RecogniserLimits()
        limits.silenceSeconds = seconds
        limits.farewellSeconds = 1
        var texts: [String: String] = [:]
        try Recogniser(command: command, limits: limits).run(count: count) { index in
            RecogniserRequest(id: "p\(index)", sampleRate: 16_000, wav: [UInt8](repeating: 7, count: byteCount))
        } receive: { texts[$0] = $1 }
        return texts
    }

    private static func error(_ command: String, seconds: Double = 20) -> RecogniserError? {
        #expect(throws: RecogniserError.self) { try Self.run(command, seconds: seconds) }
    }

    @Test func `a program that answers is heard, whatever the size of what it reads`() throws {
        let texts = try Self.run(#"sed -E 's/.*"id":"(p[0-9]+)".*/{"id":"\1","text":"said \1"}/'"#)
        #expect(texts.count == 10 && texts["p3"] == "said p3")
    }

    @Test func `a request is a WAV in base64 with its rate and name`() throws {
        let texts = try Self.run(#"sed -uE 's/^(.{60}).*/\1/; s/"/\\"/g; s/.*p([0-9]+).*/{"text":"&","id":"p\1","more":[1]}/'"#, count: 1)
        #expect(texts["p0"] == #"{"id":"p0","sample_rate":16000,"wav":"BwcHBwcHBwcHBwcHBwcHBw"#)
    }

    @Test func `a program that dies is told with what it had done`() {
        let died = Self.error(#"read line; echo '{"id":"p0","text":"one"}'; exec <&-; exit 3"#)
        #expect(died == .died(how: "ended with status 3", answered: 1, of: 10))
        #expect(died?.code == "asr_died")
        #expect(Self.error("kill -9 $$") == .died(how: "was ended by signal 9", answered: 0, of: 10))
    }

    @Test func `a program that is not there cannot be started`() {
        let error = Self.error("/nowhere/to/be/found 2>/dev/null")
        #expect(error?.code == "asr_cannot_start")
    }

    @Test func `a program that hangs is ended, with what it started`() {
        let start = ContinuousClock.now
        let error = Self.error("sleep 1000; true", seconds: 0.3)
        #expect(error == .silent(seconds: 0.3, answered: 0, of: 10))
        #expect(error?.code == "asr_timeout")
        #expect(ContinuousClock.now - start < .seconds(15))
    }

    @Test(arguments: [
        ("echo hallo; sleep 5", "no JSON"), ("echo '[]'; sleep 5", "no object"), (#"echo '{"text":"a"}'; sleep 5"#, "it has no id"),
        (#"echo '{"id":"p0"}'; sleep 5"#, "it has no text"), (#"echo '{"id":"p0","text":5}'; sleep 5"#, "it has no text"),
        (#"echo '{"id":"p9","text":"a"}'; sleep 5"#, "nobody waits for the id p9"),
        (#"echo '{"id":"p0","text":"a"}'; echo '{"id":"p0","text":"a"}'; sleep 5"#, "nobody waits for the id p0"),
        ("yes | tr -d '\\n'", "a line is longer than 1024 KiB"), ("printf '\\377\\376\\n'; sleep 5", "no JSON"),
    ])
    func `rubbish is answered with what was expected`(command: String, problem: String) {
        let error = Self.error(command)
        #expect(error?.code == "asr_bad_answer")
        #expect(error?.description.contains(problem) ?? false, "\(error?.description ?? "")")
    }

    @Test func `a prompt that the program refuses is named`() {
        let error = Self.error(#"echo '{"id":"p0","error":"too loud"}'; sleep 5"#)
        #expect(error == .refused(id: "p0", reason: "too loud"))
        #expect(error?.code == "asr_refused")
    }

    @Test func `work is given up when that is wanted`() {
        let stop = Pipe()
        stop.fileHandleForWriting.write(Data([0]))
        #expect(throws: RecogniserError.stopped) {
            try Recogniser(command: "sleep 100").run(count: 1, stop: stop.fileHandleForReading.fileDescriptor) { _ in
                RecogniserRequest(id: "a", sampleRate: 16_000, wav: [])
            } receive: { _, _ in }
        }
    }
}
