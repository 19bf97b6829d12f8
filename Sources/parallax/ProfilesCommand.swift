internal import ArgumentParser
internal import Glibc
internal import Lab
internal import Server

/// `parallax profiles`: the named networks, and where their numbers come from.
struct ProfilesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profiles", abstract: "Lists the networks that `parallax compare` knows.",
        discussion: "The profiles with a star are those that `parallax compare` runs when none is named.")

    func run() {
        let style = TerminalStyle(descriptor: STDOUT_FILENO, environment: Environment.variables)
        let width = NetworkProfile.all.map(\.name.count).max() ?? 0
        let standard = NetworkProfile.standard.map(\.name)
        for profile in NetworkProfile.all {
            let padding = String(repeating: " ", count: width - profile.name.count)
            let star = standard.contains(profile.name) ? "*" : " "
            print("\(star) \(style.paint(profile.name, .bold))\(padding)  \(profile.summary)")
            print("  \(String(repeating: " ", count: width))  \(style.paint("from: \(profile.source)", .faint))")
        }
    }
}
