import Session
import Wire

/// What had become of a frame when its prompt was decided: a letter of the column `frame_fates`.
package enum FrameFate: Character, CaseIterable, Hashable, Sendable {
    /// It came by itself, live.
    case live = "L"
    /// It came by itself, too late to be live.
    case late = "t"
    /// A copy of it came, live: by redundancy or sent again.
    case recovered = "R"
    /// A copy of it came, too late to be live.
    case recoveredLate = "r"
    /// It did not come, but the frame after it holds a coarse copy (Opus in-band FEC).
    case covered = "f"
    case missing = "-"

    /// - Parameter delay: from the frame's capture to its arrival.
    init(arrivedAfter delay: Duration, isRecovered: Bool) {
        let isLive = delay <= TrialSettings.liveDeadline
        self = isRecovered ? (isLive ? .recovered : .recoveredLate) : (isLive ? .live : .late)
    }

    /// The fates of the frames captured at these instants. Frames beyond the prompt that was decided are missing in it.
    static func fates(of captures: [Instant], in account: PromptAccount) -> [FrameFate] {
        captures.enumerated().map { index, captured in
            guard index < account.frames.count else { return .missing }
            return switch account.frames[index] {
            case .arrived(let arrival, let recovery): FrameFate(arrivedAfter: arrival - captured, isRecovered: recovery != nil)
            case .covered: .covered
            case .missing: .missing
            }
        }
    }
}
