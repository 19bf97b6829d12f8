internal import Foundation

/// The names beside the points of a trade chart: one label for all points in nearly one place, moved to where it covers
/// neither points nor other labels, with a line to its points.
enum TradeLabels {
    /// A point as labels see it.
    struct Spot {
        var name: String
        var colour: String
        var x: Double
        var y: Double
        /// Where it lies in the plot: 0 ... 1 from the left and from the bottom.
        var left: Double
        var up: Double
        /// Where its interval's ends lie in the same way.
        var bars: (left: Double, right: Double, bottom: Double, top: Double)
    }

    /// The plot that labels are placed for: between a phone's and a desk's. On a wider one they only have more room.
    private static let plot = (width: 400.0, height: 270.0)
    private static let letterWidth = 5.9
    private static let lineHeight = 13.0

    /// Plotly's annotations.
    static func annotations(_ spots: [Spot], isLogarithmic: Bool) -> [JSONNode] {
        let points = spots.map { Point(x: $0.left * plot.width, y: (1 - $0.up) * plot.height) }
        let bars = spots.flatMap(bars)
        var taken: [Box] = []
        return clusters(spots).sorted { $0.count > $1.count }.map { members in
            let names = members.reduce(into: [String]()) { names, spot in if !names.contains(spot.name) { names.append(spot.name) } }
            let lines = lines(names)
            let size = (
                width: Double(lines.map(\.count).max() ?? 0) * letterWidth, height: Double(lines.count) * lineHeight)
            let middle = members[members.count / 2]
            let anchor = Point(x: middle.left * plot.width, y: (1 - middle.up) * plot.height)
            let offset = offset(from: anchor, size: size, points: points, bars: bars, taken: taken)
            taken.append(Box(middle: anchor + offset, size: size))
            let colours = Set(members.map(\.colour))
            return [
                "x": .number(isLogarithmic ? log10(middle.x) : middle.x), "y": .number(middle.y),
                "ax": .number(offset.x.rounded()), "ay": .number(offset.y.rounded()), "text": .text(lines.map(ChartStyle.plain).joined(separator: "<br>")),
                "font": ["size": 11, "color": .text(colours.count == 1 ? middle.colour : "#333333")],
                "showarrow": true, "arrowhead": 0, "arrowwidth": 0.8, "arrowcolor": "#888888", "standoff": 9, "borderpad": 1,
            ]
        }
    }

    private struct Point {
        var x: Double
        var y: Double
        static func + (left: Point, right: Point) -> Point { Point(x: left.x + right.x, y: left.y + right.y) }
    }

    private struct Box {
        var low: Point
        var high: Point

        init(middle: Point, size: (width: Double, height: Double)) {
            low = Point(x: middle.x - size.width / 2, y: middle.y - size.height / 2)
            high = Point(x: middle.x + size.width / 2, y: middle.y + size.height / 2)
        }

        func overlap(_ other: Box) -> Double {
            max(0, min(high.x, other.high.x) - max(low.x, other.low.x)) * max(0, min(high.y, other.high.y) - max(low.y, other.low.y))
        }

        func distance(to point: Point) -> Double {
            let across = max(low.x - point.x, 0, point.x - high.x)
            let along = max(low.y - point.y, 0, point.y - high.y)
            return (across * across + along * along).squareRoot()
        }
    }

    /// Places along the bars of a point's interval, near enough to each other that no label fits between.
    private static func bars(_ spot: Spot) -> [Point] {
        let (x, y) = (spot.left * plot.width, (1 - spot.up) * plot.height)
        let across = stride(from: spot.bars.left * plot.width, through: spot.bars.right * plot.width, by: 12).map { Point(x: $0, y: y) }
        let along = stride(from: (1 - spot.bars.top) * plot.height, through: (1 - spot.bars.bottom) * plot.height, by: 12).map { Point(x: x, y: $0) }
        return across + along
    }

    /// From a cluster to the middle of its label: of all places around, the one that costs least.
    private static func offset(
        from anchor: Point, size: (width: Double, height: Double), points: [Point], bars: [Point], taken: [Box]
    ) -> Point {
        var best = (cost: Double.infinity, offset: Point(x: 0, y: 0))
        for distance in stride(from: 16.0, through: 112, by: 12) {
            for step in 0..<16 {
                let angle = Double(step) * .pi / 8
                let (along, across) = (sin(angle), cos(angle))
                // The label's nearest edge lies at the distance, whichever way it lies.
                let offset = Point(
                    x: across * distance + (across.magnitude < 0.2 ? 0 : across.sign == .minus ? -1 : 1) * size.width / 2,
                    y: along * distance + (along.magnitude < 0.2 ? 0 : along.sign == .minus ? -1 : 1) * size.height / 2)
                let cost = cost(
                    of: Box(middle: anchor + offset, size: size), distance: distance, points: points, bars: bars, taken: taken)
                if cost < best.cost { best = (cost, offset) }
            }
        }
        return best.offset
    }

    private static func cost(of box: Box, distance: Double, points: [Point], bars: [Point], taken: [Box]) -> Double {
        let plotBox = Box(middle: Point(x: plot.width / 2, y: plot.height / 2), size: plot)
        let outside = (box.high.x - box.low.x) * (box.high.y - box.low.y) - box.overlap(plotBox)
        let onLabels = taken.map { box.overlap($0) }.reduce(0, +)
        let onPoints = points.map { max(0, 13 - box.distance(to: $0)) }.reduce(0, +)
        let onBars = bars.map { max(0, 5 - box.distance(to: $0)) }.reduce(0, +)
        return distance + outside * 0.5 + onBars * 2 + onLabels * 2 + onPoints * 20
    }

    /// Points that lie too near to each other for labels of their own, each in the cluster of the first such point.
    private static func clusters(_ spots: [Spot]) -> [[Spot]] {
        var clusters: [[Spot]] = []
        for spot in spots {
            let near = clusters.firstIndex { abs($0[0].left - spot.left) < 0.07 && abs($0[0].up - spot.up) < 0.06 }
            if let near { clusters[near].append(spot) } else { clusters.append([spot]) }
        }
        return clusters
    }

    /// Names in lines short enough for a phone.
    private static func lines(_ names: [String]) -> [String] {
        var lines: [String] = []
        for name in names {
            if let last = lines.last, last.count + name.count < 18 {
                lines[lines.count - 1] = last + ", " + name
            } else {
                lines.append(name)
            }
        }
        return lines.enumerated().map { $0.offset + 1 < lines.count ? $0.element + "," : $0.element }
    }
}
