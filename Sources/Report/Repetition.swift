internal import Lab

/// What somebody needs to get the same rows again, as the program that ran knows it.
package struct Repetition: Hashable, Sendable {
    /// The command as it was given.
    package var command: String
    /// The sweep's seed; `nil` where rows came from files.
    package var seed: UInt64?
    /// When and for how long it ran, on what, and with which libraries: names and values.
    package var circumstances: [Circumstance]

    package struct Circumstance: Hashable, Sendable {
        package var name: String
        package var value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    package init(command: String, seed: UInt64?, circumstances: [Circumstance]) {
        self.command = command
        self.seed = seed
        self.circumstances = circumstances
    }

    func html(_ figures: Figures) -> HTML {
        let commits = Set(figures.rows.map(\.commit)).sorted().joined(separator: ", ")
        let cells = Set(figures.rows.map(\.cell)).count
        var facts: [(String, String)] = [
            ("command", command),
            ("seed", seed.map(String.init) ?? "see the column seed of trials.jsonl"),
            ("commit of Parallax", commits),
            ("trials", "\(figures.rows.count) in \(cells) cells of transport, mode, network and clip"),
            ("clips", figures.clips.joined(separator: ", ")),
        ]
        facts += circumstances.map { ($0.name, $0.value) }
        let rows = facts.map { name, value -> HTML in "<tr><th scope=\"row\">\(name)</th><td>\(value)</td></tr>\n" }
        return """
            <section id="repeat">
            <h2>To repeat it</h2>
            <p>The same commit, seed and clips give the same rows in the virtual world, byte for byte but for the time that they took, with any number of jobs and on any machine. \
            The rows are in trials.jsonl beside this file, and every figure of every cell with its interval in summary.csv.</p>
            <div class="scroll"><table class="facts"><tbody>
            \(rows)</tbody></table></div>
            </section>

            """
    }
}
