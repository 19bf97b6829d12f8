import Session
import Wire

/// The way of a trial's session: one transport, or in mid-prompt from one to another. Plans and rows name it `roq`, `roq>webrtc`, or
/// `roq>webrtc@1.5s`.
package struct TrialCourse: Hashable, Sendable {
    package struct Move: Hashable, Sendable {
        package var to: TrialTransport
        /// How much of the clip is spoken by then; `nil` stands for half of it.
        package var after: Duration?
    }

    package var first: TrialTransport
    package var move: Move?

    package init(first: TrialTransport, move: Move? = nil) {
        self.first = first
        self.move = move
    }

    /// The course that a plan names; `nil` for a name that means nothing.
    package init?(_ name: String) {
        let parts = name.split(separator: ">", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = TrialTransport(rawValue: String(parts[0])) else { return nil }
        self.first = first
        guard parts.count == 2 else { return }
        guard let move = Move(String(parts[1])) else { return nil }
        self.move = move
    }

    package var name: String { first.rawValue + (move.map { ">\($0.name)" } ?? "") }

    private var transports: [TrialTransport] { [first] + (move.map { [$0.to] } ?? []) }

    /// The modes that can be kept all the way.
    var modes: [ReliabilityMode] { ReliabilityMode.allCases.filter { mode in transports.allSatisfy { $0.modes.contains(mode) } } }

    /// Whether it can be gone in this mode; a plan leaves out the others.
    func canDo(_ mode: String) -> Bool { ReliabilityMode(rawValue: mode).map(modes.contains) ?? true }

    /// Whether a C library in it asks the operating system what time it is.
    var needsClock: Bool { transports.contains(where: \.needsClock) }

    /// Before which frame of a clip the move begins.
    func moveFrame(count: Int, frameDuration: Duration) -> Int? {
        move.map { move in
            guard let after = move.after else { return count / 2 }
            return min(count, Int((after.nanoseconds + frameDuration.nanoseconds - 1) / max(1, frameDuration.nanoseconds)))
        }
    }
}

extension TrialCourse.Move {
    /// Reads `webrtc`, `webrtc@1.5` or `webrtc@1.5s`: seconds of speech, at most an hour.
    package init?(_ text: String) {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        guard let to = TrialTransport(rawValue: String(parts[0])) else { return nil }
        self.to = to
        guard parts.count == 2 else { return }
        let number = parts[1].hasSuffix("s") ? parts[1].dropLast() : parts[1]
        guard number.allSatisfy({ $0.isASCII && $0.isNumber || $0 == "." }), let seconds = Double(number), (0...3600).contains(seconds)
        else { return nil }
        after = .milliseconds(Int((seconds * 1000).rounded()))
    }

    var name: String {
        guard let after else { return to.rawValue }
        let milliseconds = Int(after.milliseconds.rounded())
        var seconds = decimal(Double(milliseconds) / 1000, places: 3) ?? "0"
        while seconds.hasSuffix("0") { seconds.removeLast() }
        if seconds.hasSuffix(".") { seconds.removeLast() }
        return "\(to.rawValue)@\(seconds)s"
    }
}
