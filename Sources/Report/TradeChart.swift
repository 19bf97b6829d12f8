internal import Lab

/// Integrity against a delay: every mode of every transport a point, with its interval on both axes.
enum TradeChart {
    private struct Point {
        var combination: Combination
        var x: Estimate
        /// In per cent.
        var y: Estimate
    }

    /// In per cent, with room for marks at the ends.
    private static let yRange = (low: -8.0, high: 112.0)

    static func chart(_ cells: [CellFigures], transports: [String], measure: MeasureName, title: String, caption: String) -> Chart {
        let points = cells.compactMap { cell -> Point? in
            guard let x = cell.spread(measure)?.estimate, let value = cell.summary.intact.value else { return nil }
            let interval = cell.summary.intact.wilson.map { Interval(low: $0.low * 100, high: $0.high * 100) }
            return Point(combination: cell.combination, x: x, y: Estimate(value: value * 100, interval: interval))
        }
        let axis = ValueAxis(title: title, values: points.flatMap { [$0.x.value, $0.x.interval?.low ?? $0.x.value, $0.x.interval?.high ?? $0.x.value] })
        let traces = transports.compactMap { transport -> JSONNode? in
            let own = points.filter { $0.combination.transport == transport }
            return own.isEmpty ? nil : trace(own, transport: transport, mark: ChartStyle.mark(of: transport, in: transports))
        }
        func up(_ y: Double) -> Double { (y - yRange.low) / (yRange.high - yRange.low) }
        let spots = points.map { point in
            let x = point.x.interval ?? Interval(low: point.x.value, high: point.x.value)
            let y = point.y.interval ?? Interval(low: point.y.value, high: point.y.value)
            return TradeLabels.Spot(
                name: point.combination.mode, colour: ChartStyle.mark(of: point.combination.transport, in: transports).colour,
                x: point.x.value, y: point.y.value, left: axis.position(point.x.value), up: up(point.y.value),
                bars: (axis.position(x.low), axis.position(x.high), up(y.low), up(y.high)))
        }
        let layout: JSONNode = [
            "xaxis": axis.spec,
            "yaxis": [
                "title": ["text": "prompts whole, %", "standoff": 4], "range": .numbers([yRange.low, yRange.high]), "fixedrange": true,
                "tickvals": [0, 20, 40, 60, 80, 100], "gridcolor": .text(ChartStyle.grid), "zeroline": false,
            ],
            "showlegend": false, "annotations": .array(TradeLabels.annotations(spots, isLogarithmic: axis.isLogarithmic)),
        ]
        return Chart(caption: caption, height: 330, left: 46, data: traces, layout: layout)
    }

    /// Hollow marks, so that those that lie on each other are all seen.
    private static func trace(_ points: [Point], transport: String, mark: ChartStyle.Mark) -> JSONNode {
        [
            "type": "scatter", "mode": "markers", "name": .text(Wording.transport(transport)),
            "x": .numbers(points.map(\.x.value)), "y": .numbers(points.map(\.y.value)),
            "error_x": errors(points.map(\.x), colour: mark.colour), "error_y": errors(points.map(\.y), colour: mark.colour),
            "marker": [
                "symbol": .text(mark.symbol + "-open"), "size": .integer(mark.ring), "color": .text(mark.colour), "line": ["width": 2],
            ],
            "text": .texts(points.map { point in
                "\(point.combination.mode) over \(Wording.transport(transport))<br>whole \(Wording.number(point.y.value, places: 0)) % "
                    + "\(Wording.interval(point.y.interval, places: 0))<br>\(Wording.number(point.x.value, places: 0)) ms "
                    + Wording.interval(point.x.interval, places: 0)
            }.map(ChartStyle.plain)),
            "hoverinfo": "text",
        ]
    }

    private static func errors(_ estimates: [Estimate], colour: String) -> JSONNode {
        [
            "type": "data", "symmetric": false, "thickness": 1, "width": 3, "color": .text(colour),
            "array": .numbers(estimates.map { ($0.interval?.high ?? $0.value) - $0.value }),
            "arrayminus": .numbers(estimates.map { $0.value - ($0.interval?.low ?? $0.value) }),
        ]
    }

}
