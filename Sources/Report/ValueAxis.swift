internal import Foundation

/// An axis of times or ratios: logarithmic where values lie far apart, from zero where they do not.
struct ValueAxis {
    var title: String
    /// The least and the greatest value that it shows.
    private let bounds: (low: Double, high: Double)
    let isLogarithmic: Bool

    /// A share in per cent, all of it.
    init(percent title: String) {
        self.title = title
        isLogarithmic = false
        bounds = (-3, 104)
    }

    init(title: String, values: [Double]) {
        self.title = title
        let finite = values.filter(\.isFinite)
        let (low, high) = (finite.min() ?? 0, finite.max() ?? 1)
        isLogarithmic = low > 0 && high / low >= 4
        bounds = isLogarithmic ? (low * 0.88, high * 1.15) : (min(0, low), max(high, 0) * 1.12 + (high == 0 ? 1 : 0))
    }

    private static let ticks: [Double] = [1, 2, 5].flatMap { step in (-3...6).map { step * pow(10, Double($0)) } }.sorted()

    var spec: JSONNode {
        let common: JSONNode = [
            "title": ["text": .text(title), "standoff": 8], "fixedrange": true, "gridcolor": .text(ChartStyle.grid), "zeroline": false,
        ]
        guard isLogarithmic else {
            return common.adding(["type": "linear", "range": .numbers([bounds.low, bounds.high]), "nticks": 6])
        }
        let ticks = Self.ticks.filter { bounds.low <= $0 && $0 <= bounds.high }
        return common.adding([
            "type": "log", "range": .numbers([log10(bounds.low), log10(bounds.high)]),
            "tickvals": .numbers(ticks), "ticktext": .texts(ticks.map { $0 < 1 ? "\($0)" : String(Int($0)) }),
        ])
    }

    /// Where a value lies, 0 ... 1 from the left.
    func position(_ value: Double) -> Double {
        if isLogarithmic { return (log(value) - log(bounds.low)) / (log(bounds.high) - log(bounds.low)) }
        return (value - bounds.low) / (bounds.high - bounds.low)
    }
}
