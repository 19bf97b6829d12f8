import Lab
import Report
import Testing

@Suite struct PromptStripTests {
    private static func strip(_ rows: [TrialRow]) -> PromptStrip? {
        PromptStrip(Figures(rows, summaries: Rows.summaries(rows), world: TrialRow.virtualWorld), profile: "burst-10")
    }

    @Test func `the prompt shown lost the median number of frames, and is the same for all`() throws {
        let rows = Rows.cell("roq", "datagram", trials: 11, whole: 0) + Rows.cell("roq", "stream", trials: 11, whole: 11)
        // Trials lose 1, 2, 3, 4, 5, 1, 2, … frames: the middle of eleven lost 3.
        let strip = try #require(Self.strip(rows))
        let losses = (0..<11).map { 1 + $0 % 5 }.sorted()
        #expect(losses[5] == 3)
        #expect(strip.rows.map(\.fates) == [String(repeating: "L", count: 17) + "---", String(repeating: "L", count: 20)])
        #expect(strip.trial == 2)
        #expect(strip.frameMilliseconds == 20)
        #expect(strip.rule.contains("median number of frames (3) with datagram over RoQ"))
    }

    @Test func `a prompt that some mode did not decide is not chosen`() throws {
        var rows = Rows.cell("roq", "datagram", trials: 3, whole: 0) + Rows.cell("roq", "stream", trials: 3, whole: 3)
        rows[4].frameFates = ""
        #expect(try #require(Self.strip(rows)).trial == 0)
        for index in rows.indices { rows[index].frameFates = "" }
        #expect(Self.strip(rows) == nil)
    }

    @Test func `runs cover every frame once`() {
        let runs = PromptStrip.runs("LLtt-RrfL?")
        #expect(runs.map(\.fate) == [.live, .late, .missing, .recovered, .recoveredLate, .covered, .live, .missing])
        #expect(runs.flatMap { Array($0.frames) } == Array(0..<10))
        #expect(PromptStrip.runs("").isEmpty)
    }

    @Test func `a long prompt is cut, and says so`() throws {
        var rows = Rows.cell("roq", "datagram", trials: 1, whole: 1)
        (rows[0].framesSent, rows[0].clipMilliseconds) = (4000, 80_000)
        rows[0].frameFates = String(repeating: "L", count: 4000)
        let strip = try #require(Self.strip(rows))
        #expect(strip.shownFrames < 4000 && strip.frames == 4000)
        #expect(strip.rows[0].fates.count == strip.shownFrames)
        #expect(Rows.report(rows).html(try Rows.library()).contains("of 4000 frames are shown"))
    }
}
