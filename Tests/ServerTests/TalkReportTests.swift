import Server
import Session
import Testing
import Wire

@Suite struct TalkReportTests {
    private let plain = TerminalStyle(isColoured: false)

    /// A receipt as it arrives.
    private func receipt(_ verdict: Receipt.Verdict) throws -> Receipt {
        let text = """
            {"item_id":"item_1","content_index":0,"verdict":"\(verdict.rawValue)","expected_frames":100,
            "received_frames":100,"live_frames":98,"recovered":{"fec":0,"red":0,"nack":0,"repair":0},"late_frames":2,
            "duplicate_frames":0,"missing":[],"longest_gap_ms":0,"sha256":{"expected":"ab","actual":"ab"},
            "waited_ms":12,"transport":"roq","mode":"stream"}
            """
        return try JSON.decode(Receipt.self, from: Array(text.utf8), depthLimit: 8)
    }

    @Test func `an intact prompt reads as such, with its delays`() throws {
        var report = TalkReport()
        report.receipt = try receipt(.intact)
        report.setup = .microseconds(2_340)
        report.receiptDelay = .milliseconds(15)
        report.firstAnswerDelay = .milliseconds(21)
        report.answer = [MediaFrame(sequence: 1, timestamp: MediaTime(ticks: 0), marker: true, payload: [1])]
        #expect(
            report.text(style: plain, answerFile: "a.wav") == """
                intact  100 of 100 frames arrived, 98 of them live
                  transport   roq, stream
                  opened in   2.3 ms
                  receipt     15.0 ms after the commit; the server waited 12 ms
                  missing     nothing
                  late        2 in time for the decision, but not live
                  sha256      ab on both ends
                  answer      1 frames, the first 21.0 ms after the commit, in a.wav
                """)
        #expect(report.exitStatus == 0)
    }

    @Test func `holes are named in seconds of the prompt, the first few of many`() throws {
        var report = TalkReport()
        var receipt = try receipt(.degraded)
        receipt.missing = (0..<10).map { .init(fromMilliseconds: 1_000 * $0 + 60, toMilliseconds: 1_000 * $0 + 100) }
        receipt.longestGapMilliseconds = 40
        receipt.sha256 = .init(expected: "ab", actual: "cd")
        report.receipt = receipt
        let text = report.text(style: plain, answerFile: nil)
        #expect(text.contains("missing     0.06–0.10, 1.06–1.10, "))
        #expect(text.contains("7.06–7.10 s and 2 more; the longest gap is 40 ms"))
        #expect(text.contains("cd there, ab here"))
        #expect(text.hasSuffix("answer      none"))
    }

    @Test(arguments: Receipt.Verdict.allCases)
    func `only an intact prompt exits with 0`(verdict: Receipt.Verdict) throws {
        var report = TalkReport()
        report.receipt = try receipt(verdict)
        #expect(report.exitStatus == (verdict == .intact ? 0 : 1))
        report.failure = .interrupted
        #expect(report.exitStatus == 2)
    }

    @Test func `without a receipt the status is 2 and the line for programs names the error`() {
        var report = TalkReport()
        report.failure = .refused
        #expect(report.exitStatus == 2)
        let line = JSONLine.text(TalkReportLine(report, target: "h:1", answerFile: nil))
        #expect(line.hasPrefix(#"{"answer_frames":0,"early_data":"none","error":{"code":"connection_refused","message":"nothing listens there"#))
    }

    @Test func `the line for programs carries the receipt as the server sent it`() throws {
        var report = TalkReport()
        report.receipt = try receipt(.intact)
        report.setup = .milliseconds(3)
        let line = JSONLine.text(TalkReportLine(report, target: "h:1", answerFile: "a.ogg"))
        #expect(line.contains(#""answer_file":"a.ogg","answer_frames":0,"early_data":"none","event":"talk","receipt":{"content_index":0,"#))
        #expect(line.contains(#""verdict":"intact""#))
        #expect(line.contains(#""setup_ms":3"#))
    }

    @Test func `the answer's packets are in order, each once, across the wrap of the numbers`() {
        var report = TalkReport()
        for sequence in [65_535, 0, 65_534, 1, 0] as [UInt16] {
            report.answer.append(MediaFrame(
                sequence: sequence, timestamp: MediaTime(ticks: 0), marker: false, payload: [UInt8(truncatingIfNeeded: sequence)]))
        }
        #expect(report.answerPackets == [[254], [255], [0], [1]])
    }
}
