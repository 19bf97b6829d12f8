import Wire

/// What a sweep runs: every cell, and every trial of it, in one fixed order.
///
/// The order is profile, clip, transport, mode, trial. Trials of one cell stand together, so that shares of the plan
/// taken in turn hold an equal part of the slow cells.
package struct Plan: Hashable, Sendable {
    package var seed: UInt64
    /// Transports, and moves from one to another (`TrialCourse`).
    package var transports: [String]
    package var modes: [String]
    package var profiles: [String]
    package var clips: [String]
    package var trialsPerCell: Int

    package init(
        seed: UInt64, transports: [String], modes: [String], profiles: [String], clips: [String], trialsPerCell: Int
    ) {
        self.seed = seed
        self.transports = transports
        self.modes = modes
        self.profiles = profiles
        self.clips = clips
        self.trialsPerCell = trialsPerCell
    }

    /// The transports with each of the modes that they can do all the way; a pair that cannot be is no cell.
    package var ways: [(transport: String, mode: String)] {
        transports.flatMap { transport in
            modes.filter { TrialCourse(transport)?.canDo($0) ?? true }.map { (transport, $0) }
        }
    }

    package var cellCount: Int { profiles.count * clips.count * ways.count }
    package var trialCount: Int { cellCount * trialsPerCell }

    /// - Precondition: `index` is in 0 ..< `trialCount`.
    package subscript(index: Int) -> TrialPlan {
        var rest = index
        func next(_ count: Int) -> Int {
            defer { rest /= count }
            return rest % count
        }
        let trial = next(trialsPerCell)
        let ways = ways
        let (transport, mode) = ways[next(ways.count)]
        let clip = clips[next(clips.count)]
        let profile = profiles[next(profiles.count)]
        return TrialPlan(
            cell: Cell(transport: transport, mode: mode, profile: profile, clip: clip), trial: trial,
            seed: TrialSeed(sweep: seed, profile: ProfileName(profile)?.base ?? profile, clip: clip, trial: trial))
    }
}

/// One trial of a plan.
package struct TrialPlan: Hashable, Sendable {
    package var cell: Cell
    package var trial: Int
    package var seed: TrialSeed
}

/// Which trials of a plan somebody runs: every n-th one, so that shares are alike.
package struct Share: Hashable, Sendable {
    /// The index of the first trial.
    package var first: Int
    package var stride: Int

    package init(first: Int, stride: Int) {
        self.first = first
        self.stride = stride
    }

    package static let whole = Share(first: 0, stride: 1)

    /// The indices of its trials in a plan of `count`.
    package func indices(count: Int) -> StrideTo<Int> { Swift.stride(from: first, to: count, by: stride) }

    /// The share's own share `index` of `count`, both from 0.
    package func share(_ index: Int, of count: Int) -> Share {
        Share(first: first + index * stride, stride: stride * count)
    }
}
