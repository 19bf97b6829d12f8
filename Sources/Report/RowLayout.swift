/// The rows of a chart that has one for each cell: modes from top to bottom, and within a mode its transports.
struct RowLayout {
    struct Row {
        var combination: Combination
        var y: Double
    }

    let rows: [Row]
    private let modes: [(name: String, rows: Range<Int>)]
    private static let gap = 0.7

    init(_ combinations: [Combination]) {
        var rows: [Row] = []
        var modes: [(name: String, rows: Range<Int>)] = []
        for (index, combination) in combinations.enumerated() {
            if let last = modes.last, last.name == combination.mode {
                modes[modes.count - 1].rows = last.rows.lowerBound..<index + 1
            } else {
                modes.append((combination.mode, index..<index + 1))
            }
            rows.append(Row(combination: combination, y: Double(index) + Self.gap * Double(modes.count - 1)))
        }
        self.rows = rows
        self.modes = modes
    }

    private var bottom: Double { rows.last?.y ?? 0 }

    /// - Parameter pitch: pixels a row.
    func height(pitch: Double, around: Int) -> Int { Int((bottom + 1.6) * pitch) + around }

    /// The axis with a tick for each mode, in the middle of its rows.
    var modeAxis: JSONNode {
        axis(ticks: modes.map { mode in (rows[mode.rows].map(\.y).reduce(0, +) / Double(mode.rows.count), mode.name) })
    }

    /// The axis with a tick for each row; the first of a mode has the mode's name.
    var rowAxis: JSONNode {
        axis(ticks: modes.flatMap { mode in
            mode.rows.map { index in
                let transport = Wording.shortTransport(rows[index].combination.transport)
                return (rows[index].y, index == mode.rows.lowerBound ? "\(mode.name)  \(transport)" : transport)
            }
        })
    }

    private func axis(ticks: [(Double, String)]) -> JSONNode {
        [
            "tickvals": .numbers(ticks.map(\.0)), "ticktext": .texts(ticks.map { ChartStyle.plain($0.1) }), "range": .numbers([bottom + 0.8, -0.8]),
            "fixedrange": true, "showgrid": false, "zeroline": false, "tickfont": ["size": 11],
        ]
    }

    /// A tinted band behind every other mode.
    var bands: JSONNode {
        .array(modes.enumerated().filter { $0.offset % 2 == 0 }.map { _, mode in
            let (top, bottom) = (rows[mode.rows.lowerBound].y, rows[mode.rows.upperBound - 1].y)
            let edge = 0.5 + Self.gap / 2
            return [
                "type": "rect", "xref": "paper", "x0": 0, "x1": 1, "y0": .number(top - edge), "y1": .number(bottom + edge),
                "fillcolor": .text(ChartStyle.band), "line": ["width": 0], "layer": "below",
            ]
        })
    }
}
