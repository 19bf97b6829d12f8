internal import ArgumentParser
internal import Foundation
internal import Lab
internal import Report
internal import RealLab
internal import Server

/// `parallax compare`: the same prompts over every transport and mode, through the same simulated networks.
struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Speaks clips through simulated networks and compares transports and modes.",
        discussion: """
            Every trial runs both real endpoints in virtual time. Trials of the same number meet the same network, \
            whatever the transport and mode, so a difference in the result is theirs. The same seed gives the same \
            rows, on every run and machine.

            All there is, on recorded speech, with the rows kept:

              parallax compare --out out

            Two modes over bad networks, many times:

              parallax compare --mode datagram,stream --profile burst-10 --trials 200

            Your own recordings, and figures for a program:

              parallax compare prompt.wav other.opus --json

            A sweep in two parts, perhaps on two machines, and both together:

              parallax compare --trials 1000 --shard 1/2 --out a
              parallax compare --trials 1000 --shard 2/2 --out b
              parallax compare --rows a/trials.jsonl --rows b/trials.jsonl --out all

            Sessions that move in mid-prompt, beside those that stay, where connections die:

              parallax compare --switch-to websocket --mode stream --profile clean,blackout,nat-rebinding

            The same cells over sockets and the kernel's own UDP and TCP, between two network namespaces, in real time, \
            and where both worlds agree (docs/real.md):

              parallax compare --real --profile clean,burst-10 --mode datagram,nack
            """)

    @Argument(help: "WAV or Ogg Opus files to speak. Without any, recorded speech that a package ships.")
    var clip: [String] = []

    @Option(help: ArgumentHelp("Speak every clip of a directory.", valueName: "dir"))
    var clips: String?

    @Option(help: ArgumentHelp("Transports, with commas between: \(Plan.transports.joined(separator: ", ")).", valueName: "list"))
    var transport: String?

    @Option(help: ArgumentHelp(
        "Besides, move each session in mid-prompt to this transport, after half the clip or so many seconds: webrtc, webrtc@1.5; "
            + "with commas between, or 'all'. The rows call it roq>webrtc.", valueName: "transport[@seconds]"))
    var switchTo: String?

    @Option(help: ArgumentHelp("Modes, with commas between: \(Plan.modes.joined(separator: ", ")).", valueName: "list"))
    var mode: String?

    @Option(help: ArgumentHelp(
        "Networks, with commas between, or 'all'; see 'parallax profiles'. burst-10@25ms has 25 ms each way; "
            + "setup+seen is setup with a client that was here before; mahimahi:UP,DOWN plays two trace files.", valueName: "list"))
    var profile: String?

    @Option(help: ArgumentHelp(
        "Networks of your own, by name beside the others: a JSON file (docs/networks.md).", valueName: "file"))
    var profiles: String?

    @Option(help: "Trials of each cell: transport, mode, profile and clip; 20 if not said, and 4 with --real.")
    var trials: Int?

    @Option(help: "Which networks the trials meet.")
    var seed: UInt64 = 1

    @Option(help: "How many processes run trials at once; as many as there are cores if not said.")
    var jobs: Int?

    @Option(help: ArgumentHelp("Run one of n equal parts of the sweep.", valueName: "i/n"))
    var shard: String?

    @Option(help: ArgumentHelp("Write trials.jsonl, summary.csv and report.html there.", valueName: "dir"))
    var out: String?

    @Option(help: ArgumentHelp("The plotly.min.js that report.html draws with; the one that 'make charts' installs if not said.",
        valueName: "file"))
    var charts: String?

    @Flag(help: "Print the summary as JSON instead of a table.")
    var json = false

    @Option(help: ArgumentHelp("What differences are taken from, as in roq/stream; the first cell if not said.",
        valueName: "transport/mode"))
    var baseline: String?

    @Option(help: ArgumentHelp("Summarise rows that exist instead of running trials; once for each file.",
        valueName: "trials.jsonl"))
    var rows: [String] = []

    @Flag(help: "Run the same cells over the real kernel too, and say where virtual and real agree.")
    var real = false

    @Option(help: "With --real: the most trials at once; fewer run where the machine would be late.")
    var atOnce = RealLimits.usualTrialsAtOnce

    @Option(help: ArgumentHelp(
        "Have a speech recogniser write down what arrived: a shell command that reads and writes lines of JSON "
            + "(docs/words.md), as in interop/asr.", valueName: "command"))
    var asr: String?

    @Option(help: ArgumentHelp("The most distinct prompts for --asr.", valueName: "prompts"))
    var asrLimit = 2000

    @Option(help: ArgumentHelp("How long the recogniser may be silent.", valueName: "seconds"))
    var asrTimeout = 120.0

    @Flag(help: "Say what would be run, and end.")
    var dryRun = false

    func validate() throws {
        guard trials.map({ $0 >= 1 }) ?? true else { throw ValidationError("--trials is 1 or more") }
        guard jobs.map({ $0 >= 1 }) ?? true else { throw ValidationError("--jobs is 1 or more") }
        guard (1...1_000).contains(atOnce) else { throw ValidationError("--at-once takes a number from 1 to 1000") }
        guard asrLimit >= 1, asrTimeout > 0, asrTimeout <= 86_400 else {
            throw ValidationError("--asr-limit is 1 or more, --asr-timeout is over 0 and at most a day")
        }
        guard clip.isEmpty || clips == nil else { throw ValidationError("name clips or --clips, not both") }
    }

    func run() throws {
        do {
            try rows.isEmpty ? runTrials() : mergeRows()
        } catch let error as PlanError {
            throw CommandFailure(code: "unknown_name", description: error.description)
        } catch let error as ClipFileError {
            throw CommandFailure(code: "no_clip", description: error.description)
        } catch let error as RowFileError {
            throw CommandFailure(code: "no_rows", description: error.description)
        } catch let error as ProfileFileError {
            throw CommandFailure(code: "bad_profile", description: error.description)
        } catch let error as RealFailure {
            throw CommandFailure(code: error.code, description: error.description)
        }
    }

    private func mergeRows() throws {
        let baseline = try baseline.map { text throws(PlanError) in try Baseline(text) }
        // Read before anything is written: a file may be named on both sides.
        let rows = try RowFiles.read(rows)
        let output = try CompareOutput(directory: out)
        rows.forEach(output.write)
        let networks = try ProfileSelection(list: profile, file: profiles).catalogue
        let report = ReportFile(charts: charts, seed: nil, networks: networks)
        output.summarise(rows, baseline: baseline, asJSON: json, report: report)
        try recognise(rows, output: output) { output.extendReport(report, of: rows, baseline: baseline, sections: $0) }
        try output.finish()
    }

    private func runTrials() throws {
        let paths = try clipPaths()
        let selection = try ProfileSelection(list: profile, file: profiles)
        let plan = try Plan(
            seed: seed, transports: transport, moves: switchTo, modes: mode, profiles: selection.list, clips: ClipFiles.load(paths),
            trialsPerCell: trials ?? (real ? 4 : 20), catalogue: selection.catalogue)
        let share = try shard.map { text throws(PlanError) in try Share(shard: text) } ?? .whole
        let baseline = try baseline.map { text throws(PlanError) in try Baseline(text) }
            ?? Baseline(transport: plan.ways[0].transport, mode: plan.ways[0].mode)
        let count = share.indices(count: plan.trialCount).underestimatedCount
        let sweep = try real ? makeRealSweep(plan, selection: selection, share: share, paths: paths) : nil
        let jobs = min(jobs ?? ProcessInfo.processInfo.activeProcessorCount, max(1, count))
        let workers = WorkerPool(
            plan: plan, paths: paths, profileList: profile, profileFile: profiles, share: share, commit: Version.commit)
        guard !dryRun else { return try describe(plan, trials: count, estimate: workers.estimate(jobs: jobs), jobs: jobs, real: sweep) }

        let output = try CompareOutput(directory: out)
        let report = ReportFile(charts: charts, seed: seed, networks: selection.catalogue)
        if count >= Self.longSweep, let estimate = try workers.estimate(jobs: jobs) {
            FileHandle.standardError.write(Data("\(count) trials, \(estimate.description) with \(jobs) processes\n".utf8))
        }
        var progress = ProgressLine(total: count)
        var rows: [TrialRow] = []
        rows.reserveCapacity(count)
        let end = try workers.run(jobs: jobs) { row in
            rows.append(row)
            output.write(row)
            progress.advance(row.cell)
        }
        progress.clear()
        try finish(end, ran: rows.count, of: count, output: output)
        if let sweep { rows += try runReal(sweep, output: output) }
        output.summarise(rows, baseline: baseline, asJSON: json, report: report)
        try recognise(rows, output: output) { output.extendReport(report, of: rows, baseline: baseline, sections: $0) }
        try output.finish()
    }

    /// Has what arrived written down, where that is wanted. Table and rows are safe by then.
    /// - Parameter extend: takes what the report is to say of it.
    private func recognise(_ rows: [TrialRow], output: CompareOutput, extend: ([ReportSection]) -> Void) throws {
        guard let asr else { return }
        try RecognitionRun(command: asr, limit: asrLimit, timeoutSeconds: asrTimeout, printsTable: !json)
            .run(rows, clips: RecognisedClip.load(clipPaths()), output: output, extend: extend)
    }

    /// Sweeps of so many trials say beforehand how long they will take.
    private static let longSweep = 1000

    /// Ends the command when the workers did not come to their end.
    private func finish(_ end: WorkerPool.End, ran: Int, of count: Int, output: CompareOutput) throws {
        switch end {
        case .finished: return
        case .interrupted: throw interrupted(after: ran, of: count, output)
        case .failed(let reason):
            throw CommandFailure(code: "worker_failed", description: reason)
        }
    }

    /// Says how far it came; what ends the command.
    func interrupted(after ran: Int, of count: Int, _ output: CompareOutput) -> ExitCode {
        let kept = output.rowsPath.map { "; their rows are in \($0)" } ?? ""
        FileHandle.standardError.write(Data("stopped after \(ran) of \(count) trials\(kept)\n".utf8))
        return ExitCode(130)
    }

    private func clipPaths() throws(ClipFileError) -> [URL] {
        if let clips { return try ClipFiles.paths(in: URL(filePath: clips)) }
        return clip.isEmpty ? try ClipFiles.defaultPaths() : clip.map { URL(filePath: $0) }
    }

    private func describe(_ plan: Plan, trials count: Int, estimate: TimeEstimate?, jobs: Int, real: RealSweep?) {
        print("transports  \(plan.transports.joined(separator: ", "))")
        print("modes       \(plan.modes.joined(separator: ", "))")
        print("profiles    \(plan.profiles.joined(separator: ", "))")
        print("clips       \(plan.clips.joined(separator: ", "))")
        print("seed        \(plan.seed)")
        print("trials      \(count) of \(plan.trialCount): \(plan.cellCount) cells of \(plan.trialsPerCell)")
        if let estimate {
            print("time        \(estimate.description) with \(jobs) processes, judged by \(estimate.measured) of the trials")
        }
        if let real { print("real        \(Self.announcement(of: real))") }
    }
}
