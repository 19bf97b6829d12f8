internal import Lab

/// Whether the simulator is to be believed: each cell in virtual time and over the real kernel.
enum AgreementSection {
    static func html(_ rows: [TrialRow], bootstrap: Bootstrap) -> HTML {
        guard let agreement = Agreement(rows, bootstrap: bootstrap) else { return "" }
        let delays = Agreement.measures.map(heading)
        let table = Table(
            caption: "Virtual and real, cell by cell: virtual / real",
            headings: ["network", "transport", "mode", "whole, %"] + delays + ["machine late, ms", "agree", "what the rows show"],
            rows: agreement.cells.map(row), nameColumns: 3)
        let tolerance = Wording.number(Agreement.tolerance, places: 0)
        return """
            <section id="agreement">
            <h2>Virtual and real</h2>
            <p>The same trials ran over real sockets and the kernel of this machine, through the same link model. \
            Of \(agreement.cells.count) cells \(agreement.agreeing) agree: each share of whole prompts lies in the other's 95\u{A0}% interval, and the \
            medians of the delays lie within \(tolerance)\u{A0}ms of each other. In \(agreement.explained) more all that differs is what the ends compute \
            while they set up, which takes no virtual time, the machine's lateness, or what chance makes of so few trials.</p>
            \(table.html)</section>

            """
    }

    private static func row(_ cell: CellAgreement) -> [String] {
        let delays = Agreement.measures.map { name -> String in
            guard let measure = cell.measures.first(where: { $0.name == name }) else { return "–" }
            return "\(Wording.number(measure.virtual.median, places: 1)) / \(Wording.number(measure.real.median, places: 1))"
        }
        return [cell.cell.profile, Wording.transport(cell.cell.transport), cell.cell.mode, "\(share(cell.virtual)) / \(share(cell.real))"]
            + delays + [
                Wording.number(cell.real.medianLateness, places: 1), cell.agrees ? "yes" : cell.isExplained ? "explained" : "no",
                cell.reasons.map(\.description).joined(separator: "; "),
            ]
    }

    private static func share(_ world: WorldSummary) -> String {
        "\(Wording.percentNumber(world.intact.value)) \(Wording.percentInterval(world.intact.wilson))"
    }

    private static func heading(_ measure: String) -> String {
        switch MeasureName(rawValue: measure) {
        case .setup: "set-up, ms"
        case .frameDelayP50: "frame delay p50, ms"
        case .commitWait: "commit wait, ms"
        case .responseFirstAudio: "answer, ms"
        default: measure
        }
    }
}
