internal import ArgumentParser
internal import Foundation
internal import Lab

/// Runs a share of a sweep and prints its rows, one line of JSON each. `parallax compare` starts as many of these as
/// it has jobs. They are processes because a C library's clock can be replaced for one process only.
@main
struct LabWorker: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parallax-lab",
        abstract: "Runs a share of a sweep in virtual time; `parallax compare` starts it.")

    @Option(help: "A clip to speak; once for each.")
    var clip: [String] = []

    @Option(help: "Transports, with commas between.")
    var transport: String

    @Option(help: "Modes, with commas between.")
    var mode: String

    @Option(help: "Profiles, with commas between.")
    var profile: String

    @Option(help: "Trials of each cell.")
    var trials = 1

    @Option(help: "The sweep's seed.")
    var seed: UInt64 = 1

    @Option(help: "What rows name as the version that made them.")
    var commit = "unknown"

    @Option(help: "The first trial of this share.")
    var first = 0

    @Option(help: "The distance from one trial of this share to the next.")
    var stride = 1

    func validate() throws {
        guard trials >= 1, first >= 0, stride >= 1 else {
            throw ValidationError("--trials and --stride are 1 or more, --first is 0 or more")
        }
    }

    func run() throws {
        do {
            let sweep = try sweep()
            let clock = ContinuousClock()
            for index in Share(first: first, stride: stride).indices(count: sweep.plan.trialCount) {
                let start = clock.now
                var row = try sweep.row(at: index)
                row.wallSeconds = (clock.now - start) / .seconds(1)
                FileHandle.standardOutput.write(Data((row.json + "\n").utf8))
            }
        } catch {
            FileHandle.standardError.write(Data("parallax-lab: \(error)\n".utf8))
            throw ExitCode(2)
        }
    }

    private func sweep() throws -> Sweep {
        let clips = try ClipFiles.load(clip.map { URL(filePath: $0) }, settings: Plan.clipSettings(modes: mode))
        let plan = try Plan(
            seed: seed, transports: transport, modes: mode, profiles: profile, clips: clips, trialsPerCell: trials)
        return try Sweep(plan: plan, clips: clips, commit: commit, clock: .virtual)
    }
}
