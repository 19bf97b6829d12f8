internal import Lab

/// `nack` and `red` over different transports: the same repair, so the same integrity is expected; where not, why.
enum ComparisonSection {
    static func html(_ figures: Figures) -> HTML {
        let comparisons = TransportComparison.all(figures)
        guard !comparisons.isEmpty else { return "" }
        let modes = figures.modes.filter(TransportComparison.expectedModes.contains)
        let apart = comparisons.filter { !$0.agrees }
        let verdict = apart.isEmpty
            ? "In all \(comparisons.count) comparisons each share of whole prompts lies in the other's interval."
            : "In \(comparisons.count - apart.count) of \(comparisons.count) comparisons each share of whole prompts lies in the other's interval. "
                + "In the others the rows show what is different: shares of frames whose paired difference is not zero."
        let table = Table(
            caption: "The same mode over two transports",
            headings: [
                "network", "mode", "transports", "whole, %", "and, %", "in each other's interval", "paired difference, points", "set-up shift, ms", "what the rows show",
            ],
            rows: comparisons.map(row), nameColumns: 3)
        return """
            <section id="transports">
            <h2>\(Wording.list(modes)) over different transports</h2>
            <p>These modes do the same by other means on every transport, so they should keep as many prompts whole. \(verdict)</p>
            <p>A transport that takes longer to set up captures its frames later, and they meet a later stretch of the same network: pairs of equal seed are \
            then no longer equal frame by frame, only alike.</p>
            \(table.html)</section>

            """
    }

    private static func row(_ comparison: TransportComparison) -> [String] {
        func share(_ cell: CellFigures) -> String {
            "\(Wording.percentNumber(cell.summary.intact.value)) \(Wording.percentInterval(cell.summary.intact.wilson))"
        }
        func points(_ estimate: Estimate?) -> String {
            guard let estimate else { return "–" }
            let interval = estimate.interval.map { Interval(low: $0.low * 100, high: $0.high * 100) }
            return "\(Wording.number(estimate.value * 100, places: 0)) \(Wording.interval(interval, places: 0))"
        }
        return [
            comparison.profile, comparison.mode,
            "\(Wording.transport(comparison.here.combination.transport)), \(Wording.transport(comparison.there.combination.transport))",
            share(comparison.here), share(comparison.there), comparison.agrees ? "yes" : "no", points(comparison.difference),
            Wording.number(comparison.setupShift?.value, places: 0), comparison.explanation,
        ]
    }
}
