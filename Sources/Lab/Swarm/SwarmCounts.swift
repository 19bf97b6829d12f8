/// What happened in a swarm, in numbers.
package struct SwarmCounts: Hashable, Sendable {
    package var clients = 0
    /// Sessions that came to their end in good order.
    package var sessions = 0
    /// Captured.
    package var frames = 0
    package var framesDecided = 0
    package var framesMissing = 0
    package var framesCleared = 0
    /// That never came to the server while they could still be counted as the frames of a prompt.
    package var framesLost = 0
    package var framesAfterDecision = 0
    package var framesDuplicate = 0
    package var framesOutside = 0
    package var answerFrames = 0
    package var prompts = 0
    package var intact = 0
    package var notices = 0
    package var modeChanges = 0
    package var networkChanges = 0
    /// Connections that ended without a word.
    package var resets = 0
    package var rebindings = 0
    /// Moves to another connection on purpose.
    package var switches = 0
    /// How often a session went on over another connection, for whatever reason.
    package var resumes = 0
    package var packets = 0
    package var packetsDropped = 0
    package var packetsDoubled = 0
    package var packetsCorrupted = 0
    /// Sent to an address, or from one, that leads nowhere any more.
    package var packetsStray = 0

    package init() {}

    package static func += (left: inout SwarmCounts, right: SwarmCounts) {
        for path in paths { left[keyPath: path] += right[keyPath: path] }
    }

    private static var paths: [WritableKeyPath<SwarmCounts, Int>] {
        [
            \.clients, \.sessions, \.frames, \.framesDecided, \.framesMissing, \.framesCleared, \.framesLost, \.framesAfterDecision,
            \.framesDuplicate, \.framesOutside, \.answerFrames, \.prompts, \.intact, \.notices, \.modeChanges, \.networkChanges, \.resets,
            \.rebindings, \.switches, \.resumes, \.packets, \.packetsDropped, \.packetsDoubled, \.packetsCorrupted,
            \.packetsStray,
        ]
    }
}
