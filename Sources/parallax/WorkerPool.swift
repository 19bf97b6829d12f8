internal import Foundation
internal import Lab
internal import Server

/// Runs a sweep's share in processes of their own and hands out their rows in the plan's order.
struct WorkerPool {
    let plan: Plan
    let paths: [URL]
    /// As the user gave them: workers read the same files.
    let profileList: String?
    let profileFile: String?
    var share: Share
    let commit: String

    enum End: Equatable {
        case finished
        /// SIGINT or SIGTERM; the workers are gone.
        case interrupted
        case failed(String)
    }

    private struct Worker {
        let process: Process
        let output: FileHandle
        var partial: [UInt8] = []
        var isOpen = true
    }

    /// How long the share will take, judged by some of its trials; `nil` where there are too few to be worth it.
    func estimate(jobs: Int) throws -> TimeEstimate? {
        guard let sample = TimeEstimate.sample(of: share, count: plan.trialCount) else { return nil }
        var pool = self
        pool.share = sample
        var seconds: [Double] = []
        guard try pool.run(jobs: jobs, receive: { seconds.append($0.wallSeconds) }) == .finished else { return nil }
        return TimeEstimate(
            measured: seconds, count: share.indices(count: plan.trialCount).underestimatedCount, jobs: jobs)
    }

    /// Starts `jobs` workers and calls `receive` with each row; returns when all have ended.
    func run(jobs: Int, receive: (TrialRow) -> Void) throws(CommandFailure) -> End {
        var workers: [Worker] = []
        defer { Self.stop(workers) }
        for index in 0..<jobs { workers.append(try start(share.share(index, of: jobs))) }
        // From here on signals are ours; the workers were started before and still die of theirs.
        let stop = Pipe()
        let signals = StopSignals { stop.fileHandleForWriting.write(Data([0])) }
        defer { withExtendedLifetime(signals) {} }

        var merge = ShareMerge<TrialRow>(workers: jobs)
        while workers.contains(where: \.isOpen) {
            var descriptors = [pollfd(fd: stop.fileHandleForReading.fileDescriptor, events: Int16(POLLIN), revents: 0)]
            for worker in workers {
                let descriptor = worker.isOpen ? worker.output.fileDescriptor : -1
                descriptors.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
            }
            guard poll(&descriptors, nfds_t(descriptors.count), -1) >= 0 || errno == EINTR else {
                return .failed("cannot wait for the workers")
            }
            if descriptors[0].revents != 0 { return .interrupted }
            for index in workers.indices where descriptors[index + 1].revents != 0 {
                do {
                    for row in try Self.readRows(of: &workers[index]) { merge.append(row, from: index) }
                } catch {
                    return .failed("a worker's row cannot be read: \(error)")
                }
                while let row = merge.popFirst() { receive(row) }
            }
        }
        return Self.end(of: workers)
    }

    private func start(_ share: Share) throws(CommandFailure) -> Worker {
        let process = Process()
        process.executableURL = try Self.executable()
        process.arguments = arguments(for: share)
        let output = Pipe()
        process.standardOutput = output
        process.standardInput = FileHandle.nullDevice
        do {
            try process.run()
        } catch {
            throw CommandFailure(code: "no_worker", description: "cannot start parallax-lab: \(error)")
        }
        return Worker(process: process, output: output.fileHandleForReading)
    }

    private func arguments(for share: Share) -> [String] {
        var arguments = ["--transport", plan.transports.joined(separator: ","), "--mode", plan.modes.joined(separator: ",")]
        arguments += ["--profile", profileList ?? plan.profiles.joined(separator: ",")]
        if let profileFile { arguments += ["--profiles", profileFile] }
        arguments += ["--trials", String(plan.trialsPerCell), "--seed", String(plan.seed), "--commit", commit]
        arguments += ["--first", String(share.first), "--stride", String(share.stride)]
        for path in paths { arguments += ["--clip", path.path] }
        return arguments
    }

    /// The worker's program stands beside this one.
    private static func executable() throws(CommandFailure) -> URL {
        let own = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        let worker = own.deletingLastPathComponent().appending(path: "parallax-lab")
        guard FileManager.default.isExecutableFile(atPath: worker.path) else {
            throw CommandFailure(
                code: "no_worker",
                description: "parallax-lab is not beside this program; build both: swift build -c release")
        }
        return worker
    }

    /// The whole lines that have come, as rows.
    private static func readRows(of worker: inout Worker) throws(RowError) -> [TrialRow] {
        let data = worker.output.availableData
        worker.isOpen = !data.isEmpty
        worker.partial += data
        var rows: [TrialRow] = []
        var start = 0
        while let end = worker.partial[start...].firstIndex(of: UInt8(ascii: "\n")) {
            let line = Array(worker.partial[start..<end])
            rows.append(try TrialRow(json: line.span))
            start = end + 1
        }
        worker.partial.removeFirst(start)
        return rows
    }

    private static func end(of workers: [Worker]) -> End {
        for worker in workers {
            worker.process.waitUntilExit()
            let status = worker.process.terminationStatus
            if worker.process.terminationReason == .uncaughtSignal {
                return .failed("a worker was ended by signal \(status); run it again with --jobs 1 to see where")
            }
            if status != 0 { return .failed("a worker ended with status \(status); its message stands above") }
        }
        return .finished
    }

    private static func stop(_ workers: [Worker]) {
        for worker in workers where worker.process.isRunning { worker.process.terminate() }
        for worker in workers { worker.process.waitUntilExit() }
    }
}

/// Which version of Parallax this is.
enum Version {
    /// The commit that rows name: that of the repository in which the program stands, with `+` when files differ from it;
    /// `PARALLAX_COMMIT` where there is no repository.
    static var commit: String {
        if let named = Environment.variables["PARALLAX_COMMIT"], !named.isEmpty { return named }
        let directory = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().path
        guard let head = git(["-C", directory, "rev-parse", "--short=12", "HEAD"]), !head.isEmpty else { return "unknown" }
        let changes = git(["-C", directory, "status", "--porcelain", "--untracked-files=no"]) ?? ""
        return changes.isEmpty ? head : head + "+"
    }

    private static func git(_ arguments: [String]) -> String? {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["git"] + arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { return nil }
        return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
