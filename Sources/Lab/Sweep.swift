package import Opus
package import QUIC
import Session
import Wire

/// A plan with its clips at hand: whoever has it can run any of its trials, alone and in any order.
package struct Sweep: Sendable {
    package let plan: Plan
    /// What rows name as the version that made them.
    package let commit: String
    private let clips: [String: Clip]
    private let credentials: ServerCredentials

    /// - Precondition: `clips` holds every clip of the plan.
    package init(plan: Plan, clips: [Clip], commit: String) throws(CredentialsError) {
        self.plan = plan
        self.commit = commit
        self.clips = Dictionary(clips.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        // Signatures of one length, so that sizes repeat from run to run. The client does not check the date.
        credentials = try .selfSigned(.ed25519, unixSeconds: 1_767_225_600)
    }

    /// Runs trial `index` of the plan; all of its row but `wallSeconds`, for which a clock would be needed.
    package func row(at index: Int) throws(PlanError) -> TrialRow {
        let plan = plan[index]
        return TrialRow(try record(at: index), of: plan, clip: try clip(named: plan.cell.clip), commit: commit)
    }

    /// Runs trial `index` and answers what it saw, frame by frame.
    func record(at index: Int) throws(PlanError) -> TrialRecord {
        let plan = plan[index]
        guard let profile = NetworkProfile.named(plan.cell.profile) else {
            throw .unknown(kind: "profile", name: plan.cell.profile, expected: NetworkProfile.all.map(\.name))
        }
        guard let mode = ReliabilityMode(rawValue: plan.cell.mode) else {
            throw .unknown(kind: "mode", name: plan.cell.mode, expected: Plan.modes)
        }
        var trial = Trial(
            plan, profile: profile, mode: mode, clip: try clip(named: plan.cell.clip), credentials: credentials)
        do throws(Stalled) {
            return try trial.run()
        } catch {
            return trial.abandoned("stalled at \(error.at.nanoseconds) ns")
        }
    }

    private func clip(named name: String) throws(PlanError) -> Clip {
        guard let clip = clips[name] else { throw .unknown(kind: "clip", name: name, expected: clips.keys.sorted()) }
        return clip
    }
}
