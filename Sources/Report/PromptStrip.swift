package import Lab

/// One prompt's frames under every mode: the same clip and the same seed, so that all of them met the same network.
package struct PromptStrip: Sendable {
    package let clip: String
    package let trial: Int
    package let seed: Int
    /// What the choice was made by, for whoever reads the report.
    package let rule: String
    package let rows: [(combination: Combination, fates: String)]
    package let frameMilliseconds: Double
    /// How many frames each strip shows, and how many the prompt has.
    package let shownFrames: Int
    package let frames: Int

    /// More than this many frames are cut off: half a minute at 20 ms.
    static let frameLimit = 1500

    /// The prompt of a profile to be shown: of those that every combination spoke, the one that lost the median number of
    /// frames in the reference mode over the first transport, neither the luckiest nor the worst.
    /// - Returns: `nil` where no row tells the fates of its frames.
    package init?(_ figures: Figures, profile: String) {
        let cells = figures.cells(of: profile)
        guard let judge = cells.first(where: { $0.combination.mode == figures.referenceMode }) ?? cells.first else { return nil }
        let bySeed = cells.map { cell in
            Dictionary(cell.rows.filter { !$0.frameFates.isEmpty }.map { ($0.seed, $0) }, uniquingKeysWith: { first, _ in first })
        }
        let candidates = judge.rows.enumerated().filter { _, row in bySeed.allSatisfy { $0[row.seed] != nil } }
            .sorted { ($0.element.framesMissing, $0.offset) < ($1.element.framesMissing, $1.offset) }
        guard !candidates.isEmpty else { return nil }
        let chosen = candidates[(candidates.count - 1) / 2].element
        let shown = min(chosen.framesSent, Self.frameLimit)
        (clip, trial, seed, frames, shownFrames) = (chosen.clip, chosen.trial, chosen.seed, chosen.framesSent, shown)
        frameMilliseconds = chosen.framesSent == 0 ? 20 : (Double(chosen.clipMilliseconds) / Double(chosen.framesSent)).rounded()
        rule = "the prompt that lost the median number of frames (\(chosen.framesMissing)) with \(judge.combination.mode) over "
            + Wording.transport(judge.combination.transport)
        rows = zip(cells, bySeed).map { cell, rows in
            (cell.combination, String((rows[chosen.seed]?.frameFates ?? "").prefix(shown)))
        }
    }

    /// Frames in a row with one fate.
    package struct Run: Hashable, Sendable {
        package var fate: FrameFate
        package var frames: Range<Int>
    }

    /// The runs of a strip; letters that mean nothing count as missing.
    package static func runs(_ fates: String) -> [Run] {
        var runs: [Run] = []
        for (index, letter) in fates.enumerated() {
            let fate = FrameFate(rawValue: letter) ?? .missing
            if let last = runs.last, last.fate == fate {
                runs[runs.count - 1].frames = last.frames.lowerBound..<index + 1
            } else {
                runs.append(Run(fate: fate, frames: index..<index + 1))
            }
        }
        return runs
    }
}
