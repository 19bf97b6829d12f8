import Logging
import Server
import Testing

@Suite struct LogOutputTests {
    private let plain = TerminalStyle(isColoured: false)

    @Test func `a line has time, level, message and sorted pairs`() {
        let line = LogOutput.line(
            time: "10:11:12.013Z", level: .info, message: "session opened",
            metadata: ["transport": "roq", "session": "sess_1"], style: plain)
        #expect(line == "10:11:12.013Z INFO     session opened session=sess_1 transport=roq")
    }

    @Test func `a peer's text can neither forge a line nor drive the terminal`() {
        let line = LogOutput.line(
            time: "", level: .warning, message: "closed", metadata: ["reason": "a\nb\u{1B}[31mc\u{9B}"], style: plain)
        #expect(line.hasSuffix(#"reason=a\u{a}b\u{1b}[31mc\u{9b}"#))
    }

    @Test func `colour needs a terminal that wants it`() {
        #expect(TerminalStyle(isTerminal: true, environment: ["TERM": "xterm"]).isColoured)
        #expect(!TerminalStyle(isTerminal: false, environment: ["TERM": "xterm"]).isColoured)
        #expect(!TerminalStyle(isTerminal: true, environment: ["NO_COLOR": "1"]).isColoured)
        #expect(TerminalStyle(isTerminal: true, environment: ["NO_COLOR": ""]).isColoured)
        #expect(!TerminalStyle(isTerminal: true, environment: ["TERM": "dumb"]).isColoured)
        #expect(plain.paint("x", .red) == "x")
        #expect(TerminalStyle(isColoured: true).paint("x", .red) == "\u{1B}[31mx\u{1B}[0m")
    }
}
