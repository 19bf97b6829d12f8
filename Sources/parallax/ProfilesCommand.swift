internal import ArgumentParser
internal import Glibc
internal import Lab
internal import Server

/// `parallax profiles`: the named networks, and where their numbers come from.
struct ProfilesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profiles", abstract: "Lists the networks that `parallax compare` knows.",
        discussion: """
            The profiles with a star are those that `parallax compare` runs when none is named. Any of them can have \
            another delay: burst-10@25ms is burst-10 with 25 ms each way.
            """)

    @Option(help: ArgumentHelp("Networks of your own too: a JSON file (docs/measures.md).", valueName: "file"))
    var profiles: String?

    func run() throws {
        do throws(ProfileFileError) {
            list(try ProfileSelection(list: nil, file: profiles).catalogue)
        } catch {
            throw CommandFailure(code: "bad_profile", description: error.description)
        }
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
}
