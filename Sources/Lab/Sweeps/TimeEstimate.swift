/// How long a sweep will take, judged by some of its trials.
package struct TimeEstimate: Hashable, Sendable {
    /// How many trials it was judged by.
    package var measured: Int
    package var seconds: Double

    /// - Parameters:
    ///   - measured: what trials from all over the sweep took, each in seconds.
    ///   - count: how many trials are to be run.
    ///   - jobs: how many at once.
    package init?(measured: [Double], count: Int, jobs: Int) {
        guard !measured.isEmpty else { return nil }
        self.measured = measured.count
        seconds = measured.reduce(0, +) / Double(measured.count) * Double(count) / Double(max(1, jobs))
    }

    /// Trials for measuring: spread over a share evenly, but in no step that profiles or clips could follow.
    package static func sample(of share: Share, count: Int) -> Share? {
        let own = share.indices(count: count).underestimatedCount
        guard own >= sampleCount * 2 else { return nil }
        let step = own / sampleCount | 1
        return Share(first: share.first + step / 2 * share.stride, stride: step * share.stride)
    }

    private static let sampleCount = 24

    package var description: String { "about \(Self.text(seconds))" }

    /// A time as people say it: two units at most.
    package static func text(_ seconds: Double) -> String {
        guard let whole = Int(exactly: seconds.rounded()), whole >= 1 else { return "1 s" }
        switch whole {
        case ..<60: return "\(whole) s"
        case ..<3600: return "\(whole / 60) min \(whole % 60) s"
        default: return "\(whole / 3600) h \(whole % 3600 / 60) min"
        }
    }
}

extension Sequence<TrialRow> {
    /// The rows in the order of the plan that they come from: shards that were put together anyhow read as one run.
    package func inPlanOrder() -> [TrialRow] {
        enumerated().sorted { ($0.element.planIndex, $0.offset) < ($1.element.planIndex, $1.offset) }.map(\.element)
    }
}
