internal import Lab

/// Colours and symbols, the same in every chart and in the key beside it. The colours are told apart by the colour-blind,
/// and on grey paper by their lightness or by the symbol.
enum ChartStyle {
    struct Mark {
        var colour: String
        /// Plotly's name of the symbol.
        var symbol: String
        /// The same symbol in text.
        var glyph: String
        /// The marker's width where each has its row.
        var size: Int
        /// Its width where marks may lie in one place: hollow, one within the other.
        var ring: Int
    }

    private static let marks = [
        Mark(colour: "#0060a8", symbol: "circle", glyph: "●", size: 8, ring: 19),
        Mark(colour: "#c84a00", symbol: "diamond", glyph: "◆", size: 8, ring: 14),
        Mark(colour: "#00805a", symbol: "square", glyph: "■", size: 7, ring: 8),
        Mark(colour: "#9b3f86", symbol: "triangle-up", glyph: "▲", size: 8, ring: 6),
        Mark(colour: "#5b5b5b", symbol: "triangle-down", glyph: "▼", size: 8, ring: 12),
        Mark(colour: "#8a6d00", symbol: "star", glyph: "★", size: 9, ring: 16),
        // Sessions that move: one for each of the usual transports.
        Mark(colour: "#3b4cc0", symbol: "pentagon", glyph: "⬟", size: 8, ring: 18),
        Mark(colour: "#b00020", symbol: "hexagon", glyph: "⬢", size: 8, ring: 13),
        Mark(colour: "#4a7c00", symbol: "cross", glyph: "✚", size: 8, ring: 10),
        Mark(colour: "#6d4c41", symbol: "x", glyph: "✖", size: 8, ring: 7),
    ]

    private static let usual = ["webtransport", "roq", "webrtc", "websocket"]

    /// The usual transports have their mark in every report, others by their place among the rest.
    static func mark(of transport: String, in transports: [String]) -> Mark {
        if let index = usual.firstIndex(of: transport) { return marks[index] }
        let others = transports.filter { !usual.contains($0) }
        let index = others.firstIndex(of: transport) ?? 0
        return marks[usual.count + index % (marks.count - usual.count)]
    }

    static let fates: [(fate: FrameFate, name: String, colour: String)] = [
        (.live, "live", "#cfe3f2"),
        (.late, "late", "#f2a900"),
        (.recovered, "recovered, live", "#2c9c69"),
        (.recoveredLate, "recovered, late", "#0b5a4a"),
        (.covered, "covered by FEC", "#a77fc4"),
        (.missing, "lost", "#14080e"),
    ]

    /// A text as Plotly shows it as it is: of the tags that Plotly takes for markup, only line breaks stay, which are ours.
    static func plain(_ text: String) -> String {
        let lines = text.split(separator: "<br>", omittingEmptySubsequences: false)
        return lines.map { line in
            line.unicodeScalars.reduce(into: "") { escaped, scalar in
                switch scalar {
                case "\n": escaped += " "
                case "&": escaped += "&amp;"
                case "<": escaped += "&lt;"
                case ">": escaped += "&gt;"
                default: escaped.unicodeScalars.append(scalar)
                }
            }
        }
        .joined(separator: "<br>")
    }

    static let ink = "#222222"
    static let grid = "#dddddd"
    static let band = "#f4f4f1"

    static let font: JSONNode = ["family": "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif", "size": 12, "color": .text(ink)]
}

/// A chart: what Plotly draws, and what it shows in words.
struct Chart {
    var caption: String
    /// Pixels.
    var height: Int
    /// Pixels left of the axis, for its labels.
    var left: Int
    var data: [JSONNode]
    /// What the layout has beside what every chart's has.
    var layout: JSONNode
    /// What its colours stand for, where it has colours of its own.
    var key: [KeyEntry] = []
    /// Whether it takes the page's whole width, where there is room for two beside each other.
    var isWide = false

    struct KeyEntry {
        var colour: String
        var name: String
    }

    /// Data and layout as Plotly takes them. Nothing is dragged, so that a finger scrolls the page.
    var spec: JSONNode {
        let common: JSONNode = [
            "font": ChartStyle.font, "height": .integer(height), "autosize": true, "dragmode": false, "hovermode": "closest",
            "paper_bgcolor": "#ffffff", "plot_bgcolor": "#ffffff",
            "margin": ["l": .integer(left), "r": 14, "t": 8, "b": 44],
        ]
        return ["data": .array(data), "layout": common.adding(layout)]
    }
}
