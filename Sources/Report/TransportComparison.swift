internal import Lab

/// The same mode over two transports on one network: do they keep as many prompts whole, and if not, what do the rows show?
struct TransportComparison {
    let profile: String
    let mode: String
    let here: CellFigures
    let there: CellFigures
    /// Share of prompts whole, here minus there, over pairs of equal seeds.
    let difference: Estimate?
    /// By how much later frames are captured here: their stretch of the same network begins as much later.
    let setupShift: Estimate?
    let causes: [Cause]
    private let brokenByTheLink: (count: Int, of: Int)

    /// A share of the frames sent whose paired difference is told apart from zero.
    struct Cause {
        var text: String
        var here: Double
        var there: Double
        var difference: Estimate
    }

    /// Modes whose transports are expected to agree: the same repair by other means.
    static let expectedModes = ["nack", "red"]

    /// Every pair of transports, for each network and mode.
    static func all(_ figures: Figures, modes: [String] = expectedModes) -> [TransportComparison] {
        figures.profiles.flatMap { profile in
            figures.modes.filter(modes.contains).flatMap { mode -> [TransportComparison] in
                let cells = figures.cells(of: profile).filter { $0.combination.mode == mode }
                return cells.indices.flatMap { first in
                    cells[(first + 1)...].map {
                        TransportComparison(profile, mode, here: cells[first], there: $0, bootstrap: figures.bootstrap)
                    }
                }
            }
        }
    }

    private init(_ profile: String, _ mode: String, here: CellFigures, there: CellFigures, bootstrap: Bootstrap) {
        (self.profile, self.mode, self.here, self.there) = (profile, mode, here, there)
        let pairs = Pairs(here, against: there, bootstrap: bootstrap)
        difference = pairs.mean { $0.intact ? 1 : 0 }
        setupShift = pairs.median(.setup)?.estimate
        brokenByTheLink = pairs.brokenByTheLink
        causes = Self.columns.compactMap { text, path in
            let share = { @Sendable (row: TrialRow) in row.framesSent == 0 ? nil : Double(row[keyPath: path]) / Double(row.framesSent) }
            guard let difference = pairs.mean(share), difference.isSeparatedFromZero else { return nil }
            let mean = { (rows: [TrialRow]) in Sample(rows.compactMap(share)).mean ?? 0 }
            return Cause(text: text, here: mean(here.rows), there: mean(there.rows), difference: difference)
        }
    }

    private static let columns: [(String, any KeyPath<TrialRow, Int> & Sendable)] = [
        ("dropped by the link", \.framesDropped),
        ("held back by congestion or flow control", \.framesHeld),
        ("refused by a full queue", \.framesRefused),
        ("missing at the decision", \.framesMissing),
        ("come after the decision", \.framesAfterDecision),
    ]

    /// Each share lies in the other's interval.
    var agrees: Bool {
        guard let a = here.summary.intact.wilson, let b = there.summary.intact.wilson,
            let x = here.summary.intact.value, let y = there.summary.intact.value
        else { return false }
        return a.contains(y) && b.contains(x)
    }

    /// What the rows show, in words, where the two do not agree.
    var explanation: String {
        guard !agrees else { return "as expected" }
        var words: [String] = []
        if let difference, !difference.isSeparatedFromZero { words.append("over pairs of equal seeds the difference is not separated from none") }
        words += causes.map { "\($0.text): \(Wording.percent($0.here)) and \(Wording.percent($0.there)) of the frames" }
        if causes.contains(where: { $0.text == Self.columns[0].0 }), let setupShift, abs(setupShift.value) >= 1 {
            let later = setupShift.value > 0 ? here : there
            words.append("over \(Wording.transport(later.combination.transport)) speech began \(Wording.milliseconds(abs(setupShift.value))) later "
                + "and met another stretch of the same network")
        }
        // A frame or two that found no room in a queue: too few to be told apart among all.
        if words.isEmpty, brokenByTheLink.count * 2 > brokenByTheLink.of {
            words.append("of \(brokenByTheLink.of) pairs in which one prompt is whole, the broken one lost more frames to the link in "
                + "\(brokenByTheLink.count)")
        }
        return words.isEmpty ? "the columns of the rows show no cause" : words.joined(separator: "; ")
    }
}
