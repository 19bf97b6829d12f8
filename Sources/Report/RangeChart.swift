internal import Lab

/// A row for each cell: a mark in the middle of its values, a thick line over many of them and a thin one over nearly all.
enum RangeChart {
    struct Range {
        var middle: Double
        var thick: (low: Double, high: Double)
        var thin: (low: Double, high: Double)
        /// What the pointer is told.
        var text: String
    }

    static func chart(
        _ cells: [CellFigures], transports: [String], axisTitle: String, isPercent: Bool = false, caption: String,
        range: (CellFigures) -> Range?
    ) -> Chart {
        let layout = RowLayout(cells.map(\.combination))
        let ranges = cells.map(range)
        let values = ranges.compactMap { $0 }.flatMap { [$0.middle, $0.thin.low, $0.thin.high] }
        let axis = isPercent ? ValueAxis(percent: axisTitle) : ValueAxis(title: axisTitle, values: values)
        let traces = transports.flatMap { transport in
            let mark = ChartStyle.mark(of: transport, in: transports)
            let own = zip(layout.rows, ranges).compactMap { row, range in
                row.combination.transport == transport ? range.map { (row: row, range: $0) } : nil
            }
            guard !own.isEmpty else { return [] as [JSONNode] }
            return [
                line(own.map { ($0.row.y, $0.range.thin) }, width: 1.2, colour: mark.colour),
                line(own.map { ($0.row.y, $0.range.thick) }, width: 4, colour: mark.colour),
                [
                    "type": "scatter", "mode": "markers", "name": .text(Wording.transport(transport)),
                    "x": .numbers(own.map(\.range.middle)), "y": .numbers(own.map(\.row.y)),
                    "marker": [
                        "symbol": .text(mark.symbol), "size": .integer(mark.size), "color": "#ffffff",
                        "line": ["width": 1.8, "color": .text(mark.colour)],
                    ],
                    "text": .texts(own.map { item in
                        ChartStyle.plain("\(item.row.combination.mode) over \(Wording.transport(transport))<br>\(item.range.text)")
                    }),
                    "hoverinfo": "text",
                ],
            ]
        }
        return Chart(
            caption: caption, height: layout.height(pitch: 13, around: 52), left: 112, data: traces,
            layout: ["xaxis": axis.spec, "yaxis": layout.modeAxis, "shapes": layout.bands, "showlegend": false])
    }

    /// Lines from low to high, each on its row, in one trace.
    private static func line(_ spans: [(y: Double, span: (low: Double, high: Double))], width: Double, colour: String) -> JSONNode {
        [
            "type": "scatter", "mode": "lines", "hoverinfo": "skip", "line": ["width": .number(width), "color": .text(colour)],
            "x": .array(spans.flatMap { [.number($0.span.low), .number($0.span.high), .null] }),
            "y": .array(spans.flatMap { [.number($0.y), .number($0.y), .null] }),
        ]
    }

    /// The distribution of a measure over a cell's trials.
    /// - Parameter scale: what values are multiplied with, 100 for shares in per cent.
    static func distribution(_ cell: CellFigures, _ measure: MeasureName, scale: Double = 1, places: Int, unit: String) -> Range? {
        let sample = Sample(cell.rows.compactMap(measure.value).map { $0 * scale })
        guard let p5 = sample.percentile(0.05), let p25 = sample.percentile(0.25), let p50 = sample.median,
            let p75 = sample.percentile(0.75), let p95 = sample.percentile(0.95)
        else { return nil }
        func write(_ value: Double) -> String { Wording.number(value, places: places) }
        let text = "median \(write(p50)) \(unit), half of the trials \(write(p25))–\(write(p75)), nine in ten \(write(p5))–\(write(p95))"
        return Range(middle: p50, thick: (p25, p75), thin: (p5, p95), text: text)
    }

    /// The delays of a trial's frames: medians over trials of three percentiles.
    static func frameDelays(_ cell: CellFigures) -> Range? {
        guard let p50 = cell.spread(.frameDelayP50)?.median, let p95 = cell.spread(.frameDelayP95)?.median,
            let p99 = cell.spread(.frameDelayP99)?.median
        else { return nil }
        func write(_ value: Double) -> String { Wording.number(value, places: 0) }
        let text = "half of the frames within \(write(p50)) ms, 95 % within \(write(p95)) ms, 99 % within \(write(p99)) ms"
        return Range(middle: p50, thick: (p50, p95), thin: (p50, p99), text: text)
    }
}
