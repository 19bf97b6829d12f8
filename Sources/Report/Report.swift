package import Lab

/// `report.html`: one file that shows and says what a sweep's rows hold, without a network.
///
/// ```
/// rows -> Figures -> findings (sentences) ─┐
///                └-> charts (Plotly specs) ┴-> page
/// ```
package struct Report: Sendable {
    private let figures: Figures
    private let profiles: [ProfileFindings]
    private let overall: OverallFindings
    /// Empty where rows are of one world only.
    private let agreement: HTML
    private let repetition: Repetition
    private let sections: [ReportSection]
    private let networks: ProfileCatalogue

    /// - Parameters:
    ///   - rows: of one sweep; where both worlds are among them, the virtual one is drawn.
    ///   - summaries: of all their cells over all clips, as `summary.csv` has them.
    ///   - networks: where the profiles' descriptions are.
    ///   - sections: what others have found, to stand before the repetition.
    package init(
        _ rows: [TrialRow], summaries: [CellSummary], repetition: Repetition, networks: ProfileCatalogue = .builtIn, sections: [ReportSection] = [],
        bootstrap: Bootstrap = Bootstrap()
    ) {
        let hasVirtual = rows.contains { $0.world == TrialRow.virtualWorld }
        let figures = Figures(
            rows, summaries: summaries, world: hasVirtual ? TrialRow.virtualWorld : TrialRow.realWorld, bootstrap: bootstrap)
        self.figures = figures
        agreement = AgreementSection.html(rows, bootstrap: bootstrap)
        self.repetition = repetition
        self.sections = sections
        self.networks = networks
        profiles = figures.profiles.map { ProfileFindings(figures, profile: $0) }
        overall = OverallFindings(figures, profiles: profiles)
    }

    /// The claims over all profiles, the most important first.
    package var summary: [String] { overall.sentences }

    /// The claims about each profile.
    package var profileSummaries: [(profile: String, sentences: [String])] { profiles.map { ($0.profile, $0.sentences) } }

    /// Beyond so many profiles the rest has words and tables, but no charts: a browser draws a few hundred charts, not more.
    package static let drawnProfileLimit = 40

    /// The page.
    package func html(_ library: ChartLibrary) -> String {
        var charts = ChartSheet()
        let parts = profiles.enumerated().map { index, findings in
            ProfileSection(figures: figures, findings: findings, profile: findings.profile, network: networks.profile(named: findings.profile))
                .html(&charts, isDrawn: index < Self.drawnProfileLimit)
        }
        let body: HTML = """
            <header>
            <h1>What transports and modes do to a spoken prompt</h1>
            <p class="subtitle">\(subtitle)</p>
            </header>
            <section id="summary">
            <div class="summary">\(HTML.list(overall.sentences))</div>
            <p class="note">These sentences are computed from the rows. They call two cells different only where their 95\u{A0}% intervals have no value in common.</p>
            <noscript><p>The charts need JavaScript; the tables below hold all their figures.</p></noscript>
            </section>
            \(contents)\(parts)\(ComparisonSection.html(figures))\(agreement)\(sections.map(\.html))\(tables)\(repetition.html(figures))\
            \(Definitions.html(modes: figures.modes))
            """
        return page(body, charts: charts, library: library).markup
    }

    private var subtitle: String {
        let world = figures.world == TrialRow.realWorld ? "over real sockets" : "in virtual time"
        return "A Parallax report: \(figures.rows.count) trials \(world); \(Wording.list(figures.transports.map(Wording.transport))) in "
            + "\(figures.modes.count) \(figures.modes.count == 1 ? "mode" : "modes") on \(figures.profiles.count) "
            + "\(figures.profiles.count == 1 ? "network" : "networks"), \(figures.clips.count) "
            + "\(figures.clips.count == 1 ? "recording" : "recordings") of speech."
    }

    private var contents: HTML {
        let links = figures.profiles.map { "<a href=\"#\(PageLink.anchor($0))\">\($0)</a> " as HTML }
        return "<nav aria-label=\"Networks\">\(links)<a href=\"#figures\">all figures</a> <a href=\"#repeat\">to repeat it</a></nav>\n"
    }

    private var tables: HTML {
        let all = figures.profiles.map { CellTable.table(figures, profile: $0).html }
        return """
            <section id="figures" class="figures">
            <h2>All cells in figures</h2>
            <p>Over all clips; medians over trials unless a column says otherwise, with 95\u{A0}% intervals in brackets. \
            They are the rows of summary.csv whose clip is *.</p>
            <details><summary>Show the tables</summary>
            \(all)</details>
            </section>

            """
    }

    /// The head refuses every request: the page holds all that it needs, and a name that slipped through could fetch nothing.
    private func page(_ body: HTML, charts: ChartSheet, library: ChartLibrary) -> HTML {
        let policy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
        let licence: HTML = library.licence.isEmpty ? "" : "<pre>\(library.licence)</pre>\n"
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="\(policy)">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>Parallax: what transports and modes do to a spoken prompt</title>
            <style>
            \(PageStyle.css)</style>
            </head>
            <body>
            \(body)<section id="licence">
            <details><summary>Charts are drawn by \(library.version), whose licence is this</summary>
            \(licence)</details>
            </section>
            <script type="application/json" id="data">\(HTML(trusted: charts.json.scriptText))</script>
            <script>
            \(HTML(trusted: library.script))
            </script>
            <script>
            \(PageScript.javaScript)</script>
            </body>
            </html>

            """
    }
}
