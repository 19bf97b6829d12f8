internal import Lab
internal import Wire

/// A profile's part of the page: what it is, what its rows say, and the charts.
struct ProfileSection {
    let figures: Figures
    let findings: ProfileFindings
    let profile: String
    /// `nil` where nobody knows any more what the name stood for.
    let network: NetworkProfile?

    /// - Parameter isDrawn: whether charts are drawn; without, words stand alone.
    func html(_ charts: inout ChartSheet, isDrawn: Bool) -> HTML {
        let meaning: HTML = network.map { "<p class=\"network\">\($0.summary). Source: \($0.source).</p>\n" as HTML } ?? ""
        let drawn: [HTML] = isDrawn ? self.charts.map { charts.add($0) } : []
        let grid: HTML = drawn.isEmpty ? "" : "\(key)<div class=\"charts\">\n\(drawn)</div>\n"
        return """
            <section class="profile" id="\(PageLink.anchor(profile))">
            <h2>\(profile)</h2>
            \(meaning)\(HTML.paragraphs(findings.sentences))\(grid)</section>

            """
    }

    /// Colours and symbols of the transports.
    private var key: HTML {
        let marks = figures.transports.map { transport -> HTML in
            let mark = ChartStyle.mark(of: transport, in: figures.transports)
            let short = Wording.shortTransport(transport)
            let name = Wording.transport(transport)
            let text = name == short ? name : "\(name) (\(short))"
            return "<span><span style=\"color:\(mark.colour)\" aria-hidden=\"true\">\(mark.glyph)</span> \(text)</span> "
        }
        return "<p class=\"key\">\(marks)</p>\n"
    }

    private var charts: [Chart] {
        let (cells, transports) = (findings.cells, figures.transports)
        var charts = [
            TradeChart.chart(
                cells, transports: transports, measure: .commitWait, title: "commit wait, ms (median)",
                caption: "Integrity against the wait for the prompt's decision, with 95 % intervals. Better is up and to the left."),
            TradeChart.chart(
                cells, transports: transports, measure: .frameDelayP99, title: "slowest frame in a hundred, ms (median)",
                caption: "Integrity against the delay of the slowest frames that came, with 95 % intervals."),
            RangeChart.chart(
                cells, transports: transports, axisTitle: "frame delay, ms",
                caption: "Frame delay from capture to server: the mark at half of a prompt's frames, thick to 95 %, thin to 99 % (medians over trials).",
                range: RangeChart.frameDelays),
            RangeChart.chart(
                cells, transports: transports, axisTitle: "frames that were live, %", isPercent: true,
                caption: "Frames that arrived within 200 ms of their capture, of those sent; over trials, marks and lines as for the commit wait.",
                range: { RangeChart.distribution($0, .framesLiveShare, scale: 100, places: 0, unit: "%") }),
            distribution(
                .commitWait, axisTitle: "commit wait, ms", unit: "ms", places: 0,
                caption: "Commit wait over trials: the mark at the median, thick over half of the trials, thin over nine in ten."),
            distribution(
                .responseFirstAudio, axisTitle: "first audio of the answer, ms", unit: "ms", places: 0,
                caption: "From the commit to the first sound of the answer, \(TrialSettings.thinkTime.milliseconds.formattedInteger) ms of thinking in it; marks and lines as for the commit wait."),
            distribution(
                .setup, axisTitle: "set-up, ms", unit: "ms", places: 0,
                caption: "Set-up, until the first frame may leave; marks and lines as for the commit wait. \(roundTrips)"),
            distribution(
                .wireBytesPerPayloadByte, axisTitle: "bytes sent for each byte of Opus", unit: "bytes", places: 2,
                caption: "Wire cost of the client's direction, IP and UDP headers included; marks and lines as for the commit wait."),
        ]
        if let strip = PromptStrip(figures, profile: profile) { charts.append(StripChart.chart(strip)) }
        return charts
    }

    private func distribution(_ measure: MeasureName, axisTitle: String, unit: String, places: Int, caption: String) -> Chart {
        RangeChart.chart(findings.cells, transports: figures.transports, axisTitle: axisTitle, caption: caption) {
            RangeChart.distribution($0, measure, places: places, unit: unit)
        }
    }

    private var roundTrips: String {
        let parts = figures.transports.compactMap { transport -> String? in
            let cells = findings.cells.filter { $0.combination.transport == transport }
            let trips = cells.compactMap { Sample($0.rows.compactMap { $0.setupRoundTrips.map(Double.init) }).median }
            guard !trips.isEmpty else { return nil }
            return "\(Wording.transport(transport)) \(Wording.range(trips, unit: "") { Wording.number($0, places: 0) })"
                .trimmingSuffix(Wording.space)
        }
        return parts.isEmpty ? "" : "Round trips made by then: \(Wording.list(parts))."
    }
}

extension Double {
    fileprivate var formattedInteger: String { Wording.number(self, places: 0) }
}

extension String {
    fileprivate func trimmingSuffix(_ suffix: String) -> String { hasSuffix(suffix) ? String(dropLast(suffix.count)) : self }
}
