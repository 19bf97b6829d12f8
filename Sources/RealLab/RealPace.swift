internal import Lab
internal import Wire

/// How many trials run at once: as many as the machine carries without being late. Pure: it is told what became of each
/// trial, and says what to do.
///
/// Real time cannot wait. When a machine has too much to do, packets leave late and frames are captured late, and a row
/// would measure the machine. So a late trial is run again, and the next ones are fewer.
struct RealPace: Hashable, Sendable {
    /// How many may run now.
    private(set) var limit: Int
    private let limits: RealLimits
    /// When `limit` was last lowered: trials that had begun before say nothing about the new one.
    private var lowered = Instant.zero

    enum Verdict: Hashable, Sendable {
        case accepted
        case again
    }

    init(_ limits: RealLimits) {
        self.limits = limits
        limit = min(limits.trialsAtOnce, limits.trialsAtFirst)
    }

    /// A trial has ended.
    /// - Parameters:
    ///   - attempt: which this was, from 1.
    ///   - began: when it did.
    mutating func finished(_ lateness: Lateness, attempt: Int, began: Instant, now: Instant) -> Verdict {
        guard max(lateness.link, lateness.capture) > limits.lateness else {
            limit = min(limits.trialsAtOnce, limit + 1)
            return .accepted
        }
        if began >= lowered {
            limit = max(min(limits.trialsAtLeast, limits.trialsAtOnce), limit * 3 / 4)
            lowered = now
        }
        return attempt < limits.attempts ? .again : .accepted
    }
}

/// What a run over the real kernel may take.
package struct RealLimits: Hashable, Sendable {
    /// The most trials at once.
    package var trialsAtOnce: Int
    var trialsAtFirst = 16
    /// A machine that is late even with so few is as slow as it is: what it measures says how late it was.
    var trialsAtLeast = 4
    /// How late, at the 99th percentile, packets and frames may be in a trial.
    package var lateness = Duration.milliseconds(3)
    /// How often a trial is run until its row is taken as it is.
    var attempts = 3
    /// From one trial's beginning to the next one's: handshakes are the most that an endpoint has to compute.
    var stagger = Duration.milliseconds(15)
    /// From the word that a trial shall begin to its beginning: everybody has read it by then.
    var notice = Duration.milliseconds(50)
    /// How long the processes may take until they are ready: they read and encode the clips.
    var startTime = Duration.seconds(120)

    package init(trialsAtOnce: Int = Self.usualTrialsAtOnce) { self.trialsAtOnce = trialsAtOnce }

    package static let usualTrialsAtOnce = 60
}
