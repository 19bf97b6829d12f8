internal import ArgumentParser
internal import Foundation
internal import Lab
internal import Opus
internal import RealLab

// `parallax compare --real`: the sweep once more, in real time.
extension CompareCommand {
    func makeRealSweep(_ plan: Plan, selection: ProfileSelection, share: Share, paths: [URL]) throws -> RealSweep {
        if let name = plan.profiles.first(where: { selection.catalogue.profile(named: $0)?.seenBefore == true }) {
            throw CommandFailure(
                code: "not_real", description: "--real gives its clients no session tickets, so it cannot run \(name); leave it out")
        }
        let settings = Plan.clipSettings(modes: mode)
        let clips = try ClipFiles.load(paths, settings: settings)
        return RealSweep(
            plan: plan, share: share, clips: clips, commit: Version.commit, limits: RealLimits(trialsAtOnce: atOnce),
            profiles: selection.catalogue,
            arguments: ["real-network", "--profile", profile ?? plan.profiles.joined(separator: ",")]
                + (profiles.map { ["--profiles", $0] } ?? []) + paths.flatMap { ["--clip", $0.path] }
                + (settings.makesProtectedFrames ? ["--protected"] : []))
    }

    /// How long it will take, for people.
    static func announcement(of sweep: RealSweep) -> String {
        let seconds = Int((sweep.estimate / .seconds(1)).rounded(.up))
        let time = seconds < 120 ? "\(seconds) s" : "\((seconds + 59) / 60) min"
        return "\(sweep.trialCount) trials in real time, about \(time) where the machine keeps up"
    }

    /// Runs the trials over the real kernel, and writes each row when it is there.
    func runReal(_ sweep: RealSweep, output: CompareOutput) throws -> [TrialRow] {
        FileHandle.standardError.write(Data("real: \(Self.announcement(of: sweep))\n".utf8))
        var progress = ProgressLine(total: sweep.trialCount)
        var rows: [TrialRow] = []
        let end = try sweep.run { row in
            rows.append(row)
            output.write(row)
            progress.advance(row.cell)
        }
        progress.clear()
        if end == .interrupted { throw interrupted(after: rows.count, of: sweep.trialCount, output) }
        return rows.inPlanOrder()
    }
}
