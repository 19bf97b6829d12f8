package import Opus
import Session
import Wire

/// A plan with its clips at hand: whoever has it can run any of its trials, alone and in any order.
package struct Sweep: Sendable {
    package let plan: Plan
    /// What rows name as the version that made them.
    package let commit: String
    private let clips: [String: Clip]
    private let profiles: ProfileCatalogue
    private let credentials: TrialCredentials
    private let clock: LabClock?

    /// - Parameter profiles: what the plan's names of profiles mean.
    /// - Parameter clock: what virtual time means to C libraries; transports that need none do without.
    /// - Precondition: `clips` holds every clip of the plan, with protected frames where the plan has mode `fec`.
    /// - Throws: `needsClock` where a transport of the plan would measure the machine's own time.
    package init(plan: Plan, clips: [Clip], commit: String, profiles: ProfileCatalogue = .builtIn, clock: LabClock? = nil) throws(SweepError) {
        if clock == nil, let name = plan.transports.first(where: { TrialCourse($0)?.needsClock ?? false }) {
            throw .needsClock(transport: name)
        }
        self.clock = clock
        self.profiles = profiles
        self.plan = plan
        self.commit = commit
        self.clips = Dictionary(clips.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        credentials = try TrialCredentials()
    }

    /// Runs trial `index` of the plan; all of its row but `wallSeconds`, for which a clock would be needed.
    package func row(at index: Int) throws(PlanError) -> TrialRow {
        let plan = plan[index]
        var row = TrialRow(try record(at: index), of: plan, clip: try clip(of: plan.cell), commit: commit)
        row.planIndex = index
        return row
    }

    /// Runs trial `index` and answers what it saw, frame by frame.
    func record(at index: Int) throws(PlanError) -> TrialRecord {
        let plan = plan[index]
        guard let profile = profiles.profile(named: plan.cell.profile) else {
            throw .unknown(kind: "profile", name: plan.cell.profile, expected: profiles.names)
        }
        guard let mode = ReliabilityMode(rawValue: plan.cell.mode) else {
            throw .unknown(kind: "mode", name: plan.cell.mode, expected: Plan.modes)
        }
        guard let course = TrialCourse(plan.cell.transport) else {
            throw .unknown(kind: "transport", name: plan.cell.transport, expected: Plan.transports)
        }
        let clip = try clip(of: plan.cell)
        var talker = ClientConfiguration()
        talker.mode = mode
        clock?.begin(plan.seed.value)
        // The trial is gone before the clock is: what C libraries do at the end of a connection, they do in its time.
        defer { clock?.end() }
        return record(of: Trial(
            plan, course: course, profile: profile, talker: talker, clip: clip, credentials: credentials, clock: clock))
    }

    private func record(of trial: consuming Trial) -> TrialRecord {
        do throws(Stalled) {
            return try trial.run()
        } catch {
            return trial.abandoned("stalled at \(error.at.nanoseconds) ns")
        }
    }

    /// The cell's clip; in mode `fec` as its encoder makes it there.
    private func clip(of cell: Cell) throws(PlanError) -> Clip {
        guard let clip = clips[cell.clip] else { throw .unknown(kind: "clip", name: cell.clip, expected: clips.keys.sorted()) }
        return cell.mode == ReliabilityMode.fec.rawValue ? clip.protected : clip
    }
}

/// Why a sweep cannot begin.
package enum SweepError: Error, Hashable, Sendable, CustomStringConvertible {
    case credentials(String)
    case needsClock(transport: String)

    package var description: String {
        switch self {
        case .credentials(let reason): "cannot make a certificate: \(reason)"
        case .needsClock(let transport):
            "\(transport) needs a program in which OpenSSL and usrsctp see virtual time: run it by parallax-lab"
        }
    }
}
