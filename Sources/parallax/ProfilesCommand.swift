internal import ArgumentParser
internal import Glibc
internal import Lab
internal import Server

/// `parallax profiles`: the named networks, where their numbers come from, and what they do to a steady flow.
struct ProfilesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profiles", abstract: "Lists and draws the networks that `parallax compare` knows.",
        discussion: """
            The profiles with a star are those that `parallax compare` runs when none is named. Any of them can have \
            another delay: burst-10@25ms is burst-10 with 25 ms each way.

            With names, draws what each network does to one packet every 20 ms: what is lost, and the delay of the rest.

              parallax profiles burst-10 bufferbloat
              parallax profiles wifi@25ms --seed 7 --seconds 30
              parallax profiles mahimahi:UP,DOWN
              parallax profiles my-cafe --profiles mine.json --json
            """)

    @Argument(help: "Networks to draw.")
    var name: [String] = []

    @Option(help: ArgumentHelp("Networks of your own too: a JSON file (docs/networks.md).", valueName: "file"))
    var profiles: String?

    @Option(help: "Which course of chance is drawn.")
    var seed: UInt64 = 1

    @Option(help: "How long the drawn flow lasts.")
    var seconds = 10

    @Flag(help: "Print numbers for a program.")
    var json = false

    func validate() throws {
        guard (1...3600).contains(seconds) else { throw ValidationError("--seconds is 1 to 3600") }
    }

    func run() throws {
        let list = name.isEmpty ? nil : name.joined(separator: ",")
        do {
            let selection = try ProfileSelection(list: list, file: profiles)
            let catalogue = selection.catalogue
            let names = try list == nil ? (json ? catalogue.names : []) : catalogue.names(in: selection.list)
            guard !names.isEmpty else { return self.list(catalogue) }
            draw(names.compactMap(catalogue.profile))
        } catch let error as ProfileFileError {
            throw CommandFailure(code: "bad_profile", description: error.description)
        } catch let error as PlanError {
            throw CommandFailure(code: "unknown_name", description: error.description)
        }
    }

    private func draw(_ profiles: [NetworkProfile]) {
        let sketches = profiles.map { ProfileSketch($0, seed: seed, seconds: seconds) }
        guard !json else { return print("[" + sketches.map(\.json).joined(separator: ",\n ") + "]") }
        let style = TerminalStyle(descriptor: STDOUT_FILENO, environment: Environment.variables)
        for sketch in sketches {
            print("\(style.paint(sketch.profile.name, .bold))  \(sketch.profile.summary)")
            for line in sketch.lines(width: Self.terminalWidth) {
                print(line.hasPrefix("  lost") ? style.paint(line, .red) : line)
            }
            print(style.paint("from: \(sketch.profile.source)", .faint))
            print("")
        }
        print(style.paint("\(seconds) s of seed \(seed), from left to right", .faint))
    }

    private func list(_ catalogue: ProfileCatalogue) {
        let style = TerminalStyle(descriptor: STDOUT_FILENO, environment: Environment.variables)
        let width = catalogue.names.map(\.count).max() ?? 0
        let standard = NetworkProfile.standard.map(\.name)
        let own = catalogue.own.isEmpty ? [] : [ProfileGroup(title: "Your own", profiles: catalogue.own)]
        for group in NetworkProfile.groups + own {
            print(group.title)
            for profile in group.profiles {
                let padding = String(repeating: " ", count: width - profile.name.count)
                let star = standard.contains(profile.name) ? "*" : " "
                print("\(star) \(style.paint(profile.name, .bold))\(padding)  \(profile.summary)")
                print("  \(String(repeating: " ", count: width))  \(style.paint("from: \(profile.source)", .faint))")
            }
        }
    }

    /// The terminal's, or 80 where there is none.
    private static var terminalWidth: Int {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col >= 20 else { return 80 }
        return min(Int(size.ws_col), 200)
    }
}
