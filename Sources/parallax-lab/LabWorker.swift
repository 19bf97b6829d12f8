internal import ArgumentParser
internal import Foundation
internal import Lab

/// Runs a share of a sweep and prints its rows, one line of JSON each. `parallax compare` starts as many of these as
/// it has jobs. They are processes because a C library's clock can be replaced for one process only.
struct LabWorker: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rows",
        abstract: "Runs a share of a sweep in virtual time; `parallax compare` starts it.")

    @Option(help: "A clip to speak; once for each.")
    var clip: [String] = []

    @Option(help: "Transports, with commas between.")
    var transport: String

    @Option(help: "Modes, with commas between.")
    var mode: String

    @Option(help: "Profiles, with commas between.")
    var profile: String

    @Option(help: "A file of profiles besides those built in.")
    var profiles: String?

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

    @Option(help: ArgumentHelp(
        "Speak the usual clips one after the other for so many seconds, as one clip.", valueName: "seconds"))
    var speech: Int?

    @Option(help: ArgumentHelp(
        "Run the share this often, and print what each turn took instead of rows.", valueName: "turns"))
    var time: Int?

    func validate() throws {
        guard trials >= 1, first >= 0, stride >= 1 else {
            throw ValidationError("--trials and --stride are 1 or more, --first is 0 or more")
        }
        guard speech.map({ $0 >= 1 }) ?? true, time.map({ $0 >= 1 }) ?? true else {
            throw ValidationError("--speech and --time are 1 or more")
        }
    }

    func run() throws {
        do {
            let sweep = try sweep()
            if let time { return try takeTime(of: sweep, turns: time) }
            let clock = ContinuousClock()
            for index in indices(of: sweep) {
                let start = clock.now
                var row = try sweep.row(at: index)
                row.wallSeconds = (clock.now - start) / .seconds(1)
                Self.write(row.json)
            }
        } catch {
            FileHandle.standardError.write(Data("parallax-lab: \(error)\n".utf8))
            throw ExitCode(2)
        }
    }

    private func indices(of sweep: Sweep) -> StrideTo<Int> {
        Share(first: first, stride: stride).indices(count: sweep.plan.trialCount)
    }

    private func takeTime(of sweep: Sweep, turns: Int) throws {
        for _ in 0..<turns {
            let (start, cpu) = (ContinuousClock.now, Self.processorSeconds)
            let rows = try indices(of: sweep).map { try sweep.row(at: $0) }
            let (cpuSeconds, wallSeconds) = (Self.processorSeconds - cpu, (ContinuousClock.now - start) / .seconds(1))
            let completed = rows.count { $0.end == TrialRow.completedEnd }
            Self.write(
                #"{"trials":\#(rows.count),"completed":\#(completed),"cpu_s":\#(cpuSeconds),"wall_s":\#(wallSeconds)}"#)
        }
    }

    /// What all threads of this process have used.
    private static var processorSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static func write(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

    private func sweep() throws -> Sweep {
        let settings = Plan.clipSettings(modes: mode)
        var clips = try ClipFiles.load(clip.map { URL(filePath: $0) }, settings: settings)
        if let speech { clips.append(try ClipFiles.speech(.seconds(speech), settings: settings)) }
        let selection = try ProfileSelection(list: profile, file: profiles)
        let plan = try Plan(
            seed: seed, transports: transport, modes: mode, profiles: selection.list, clips: clips, trialsPerCell: trials,
            catalogue: selection.catalogue)
        return try Sweep(plan: plan, clips: clips, commit: commit, profiles: selection.catalogue, clock: .virtual)
    }
}
