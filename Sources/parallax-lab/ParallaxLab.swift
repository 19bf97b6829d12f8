internal import ArgumentParser

/// What runs in virtual time with C libraries whose clock is replaced, and therefore in a program of its own.
@main
struct ParallaxLab: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parallax-lab", abstract: "Runs trials and swarms in virtual time.",
        subcommands: [LabWorker.self, SwarmCommand.self], defaultSubcommand: LabWorker.self)
}
