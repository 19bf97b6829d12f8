import Lab
import Report
import Testing

@Suite struct PageTests {
    private static func page(_ rows: [TrialRow], sections: [ReportSection] = []) throws -> String {
        Rows.report(rows, sections: sections).html(try Rows.library())
    }

    @Test func `every part is there, in its order`() throws {
        let section = ReportSection(
            title: "From elsewhere", paragraphs: ["a < b"],
            tables: [Table(caption: "t", headings: ["x"], rows: [["1"]], nameColumns: 0)])
        let rows = Rows.usual + Rows.cell("roq", "nack", whole: 90) + Rows.cell("webrtc", "nack", whole: 88)
        let page = try Self.page(rows, sections: [section])
        let parts = [
            "<title>", "id=\"summary\"", "<h2>clean</h2>", "Integrity against the wait", "<h2>burst-10</h2>", "One prompt, frame by frame", "id=\"transports\"",
            "<h2>From elsewhere</h2>", "id=\"figures\"", "id=\"repeat\"", "id=\"definitions\"", "id=\"licence\"", "MIT &lt;licence&gt;",
            "id=\"data\"", "plotly.js v9.8.7\n", "beforeprint",
        ]
        var from = page.startIndex
        for part in parts {
            let found = try #require(page[from...].firstRange(of: part), "\(part)")
            from = found.upperBound
        }
        #expect(page.contains("a &lt; b"))
        #expect(page.contains("parallax compare"))
        #expect(page.contains("0123abc"))
        // Two networks: eight charts and a strip for each.
        #expect(page.matches(of: /data-chart="/).count == 18)
    }

    @Test func `where hardly a frame tells two transports apart, the pairs say whose the link dropped`() throws {
        func lose(_ row: inout TrialRow, _ frames: Int) { (row.framesDropped, row.framesMissing) = (frames, frames) }
        var here = Rows.cell("webtransport", "nack", whole: 76)
        var there = Rows.cell("roq", "nack", whole: 90)
        for trial in here.indices { lose(&here[trial], trial < 76 ? 0 : 1) }
        // As many frames in all, so that no column tells the two apart.
        for trial in there.indices { lose(&there[trial], trial < 90 ? 0 : 2 + trial % 2) }
        for trial in 96..<100 { there[trial].framesMissing += trial % 2 }
        let page = try Self.page(here + there)
        #expect(page.contains("of 14 pairs in which one prompt is whole, the broken one lost more frames to the link in 14"))
    }

    @Test func `without rows of it a section is left out`() throws {
        let page = try Self.page(Rows.usual)
        #expect(!page.contains("id=\"transports\""))
    }

    @Test func `names from outside stay text, in the page and in its data`() throws {
        let evil = "</script><img src=x onerror=alert(1)>&\"'"
        var rows = Rows.cell("roq", "datagram", profile: evil, clip: evil, whole: 9) + Rows.cell(evil, evil, profile: evil, clip: evil, whole: 90)
        rows[0].end = evil
        let report = Rows.report(rows, command: "parallax compare '\(evil)'")
        let page = report.html(try Rows.library())
        #expect(!page.contains("<img"))
        #expect(page.matches(of: /<\/script>/).count == 3)
        #expect(page.contains("&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;&amp;&quot;&#39;"))
        // Plotly takes tags in its texts for markup: there the name is escaped twice.
        #expect(page.contains("\\u0026lt;/script\\u0026gt;"))
    }

    @Test func `nothing in it is fetched, and the head forbids it`() throws {
        let page = try Self.page(Rows.usual)
        #expect(page.contains("content=\"default-src &#39;none&#39;; script-src &#39;unsafe-inline&#39;"))
        for word in ["http://", "https://", "src=\"", "@import", "url("] { #expect(!page.contains(word), "\(word)") }
        for link in page.matches(of: /href="([^"]*)"/) { #expect(link.1.hasPrefix("#")) }
        let anchors = Set(page.matches(of: /\sid="([^"]*)"/).map { String($0.1) })
        for link in page.matches(of: /href="#([^"]*)"/) { #expect(anchors.contains(String(link.1)), "\(link.1)") }
    }

    @Test func `the same rows give the same bytes`() throws {
        #expect(try Self.page(Rows.usual) == Self.page(Rows.usual))
    }

    @Test func `the tables hold the figures of summary.csv`() throws {
        let summaries = Rows.summaries(Rows.usual)
        let lines = CellSummary.csv(summaries).split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
        let page = try Self.page(Rows.usual).replacing("&gt;", with: ">")
        let names = ["roq": "RoQ", "webrtc": "WebRTC"]
        #expect(lines.count == 5 + 4)
        for line in lines.dropFirst() {
            let row = Dictionary(zip(lines[0], line), uniquingKeysWith: { first, _ in first })
            func rounded(_ column: String, times factor: Double = 1) -> Int { Int((Double(row[column] ?? "") ?? -1) * factor + 0.5) }
            let transport = try #require(names[row["transport"] ?? ""])
            let start = try #require(page.firstRange(of: "<caption>\(row["profile"] ?? "")</caption>")).upperBound
            let cell = try #require(page[start...].firstRange(of: "<td class=\"name\">\(transport)</td><td class=\"name\">\(row["mode"] ?? "")</td>"))
            let figures = page[cell.upperBound...].prefix { $0 != "\n" }
            #expect(figures.contains(
                "<td>\(rounded("intact_share", times: 100)) [\(rounded("intact_low", times: 100))–\(rounded("intact_high", times: 100))]</td>"))
            #expect(figures.contains(
                "<td>\(rounded("commit_wait_ms_median")) [\(rounded("commit_wait_ms_low"))–\(rounded("commit_wait_ms_high"))]</td>"))
            #expect(figures.contains("<td>\(rounded("frame_delay_p99_ms_median"))</td>"))
            #expect(figures.contains("<td>\(rounded("setup_ms_median"))</td>"))
        }
    }

    @Test func `real trials are drawn alone, and never mixed with virtual ones`() throws {
        let real = Rows.usual.map { row in
            var row = row
            (row.world, row.intact) = (TrialRow.realWorld, false)
            return row
        }
        #expect(Rows.report(Rows.usual + real).summary == Rows.report(Rows.usual).summary)
        let both = try Self.page(Rows.usual + real)
        #expect(both.contains("id=\"agreement\"") && both.contains("Of 8 cells 0 agree"))
        #expect(both.contains("<td>9 [5–16] / 0 [0–4]</td>"))
        #expect(try Self.page(Rows.usual + Rows.usual.map { row in
            var row = row
            row.world = TrialRow.realWorld
            return row
        }).contains("Of 8 cells 8 agree"))
        #expect(try !Self.page(real).contains("id=\"agreement\""))
        #expect(try Self.page(real).contains("800 trials over real sockets"))
    }

    @Test func `beyond the limit a network has words and no charts`() throws {
        let names = (0...Report.drawnProfileLimit).map { "n\($0)" }
        let rows = names.flatMap { Rows.cell("roq", "datagram", profile: $0, trials: 2, whole: 1) }
        let page = try Self.page(rows)
        #expect(page.contains("<h2>n\(Report.drawnProfileLimit)</h2>"))
        #expect(page.matches(of: /data-chart="/).count == 9 * Report.drawnProfileLimit)
    }

    @Test func `a library that is none, or would end its element, is refused`() throws {
        #expect(throws: ChartLibrary.Refusal.notPlotly) { try ChartLibrary(script: "alert(1)", licence: "") }
        #expect(throws: ChartLibrary.Refusal.endsElement) { try Rows.library("'</script>'") }
        #expect(throws: ChartLibrary.Refusal.endsElement) { try Rows.library("'<!--'") }
        #expect(try Rows.library().version == "plotly.js 9.8.7")
    }
}
