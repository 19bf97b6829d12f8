internal import ArgumentParser
internal import Foundation
internal import Lab
internal import Opus
internal import RealLab

// The processes of `parallax compare --real`, which are this program again: each must be alone in its process, because
// its namespace, its thread or the one owner of usrsctp is.

/// What all of them are started with.
struct RealOptions: ParsableArguments {
    @Option(help: "A clip to speak; once for each.")
    var clip: [String] = []

    @Flag(help: "Encode clips a second time, for mode fec.")
    var protected = false

    var arguments: [String] { clip.flatMap { ["--clip", $0] } + (protected ? ["--protected"] : []) }

    func load() throws -> [Clip] {
        var settings = ClipSettings()
        settings.makesProtectedFrames = protected
        return try ClipFiles.load(clip.map { URL(filePath: $0) }, settings: settings)
    }
}

struct RealNetworkCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "real-network", abstract: "Makes the namespaces of 'compare --real' and relays between them.",
        shouldDisplay: false)

    @Option(help: "Profiles, with commas between.")
    var profile: String

    @Option(help: "A file of profiles besides those built in.")
    var profiles: String?

    @OptionGroup var options: RealOptions

    func run() throws {
        do {
            try RealNetwork.run(
                profiles: try ProfileSelection(list: profile, file: profiles).catalogue,
                clientArguments: ["real-clients"] + options.arguments, serverArguments: ["real-server"] + options.arguments)
        } catch {
            // Whoever started this has read it, and says it.
            throw ExitCode(2)
        }
    }
}

struct RealClientsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "real-clients", abstract: "The clients of 'compare --real'.", shouldDisplay: false)

    @OptionGroup var options: RealOptions

    func run() throws { try RealClients.run(clips: options.load()) }
}

struct RealServerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "real-server", abstract: "The server of 'compare --real'.", shouldDisplay: false)

    @OptionGroup var options: RealOptions

    func run() throws { try RealServer.run(clips: options.load()) }
}
