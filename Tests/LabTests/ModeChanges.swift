@testable import Lab
import Session
import Testing
import Wire

/// All changes from one mode to another in mid-prompt, and what must hold of each.
enum ModeChanges {
    static let pairs: [(ReliabilityMode, ReliabilityMode)] = ReliabilityMode.allCases.flatMap { first in
        ReliabilityMode.allCases.filter { $0 != first }.map { (first, $0) }
    }

    static func talker(_ mode: ReliabilityMode) -> ClientConfiguration {
        var talker = ClientConfiguration()
        talker.mode = mode
        talker.deadline = .seconds(5)
        return talker
    }

    /// Modes that bring every frame; with a deadline of five seconds, far longer than any loss lasts here, also those two.
    private static let whole: Set<ReliabilityMode> = [.stream, .streamPerFrame, .repair, .nack, .deadline]

    static func check(_ record: TrialRecord, from first: ReliabilityMode, to second: ReliabilityMode) {
        #expect(record.end == TrialRow.completedEnd, "\(first) to \(second)")
        guard let receipt = record.account?.receipt else {
            Issue.record("no receipt, \(first) to \(second)")
            return
        }
        // Each frame once, and none of another talk.
        #expect(receipt.expectedFrames == record.captures.count && receipt.duplicateFrames == 0, "\(first) to \(second): \(receipt.duplicateFrames) twice")
        if whole.isSuperset(of: [first, second]) {
            #expect(receipt.verdict == .intact, "\(first) to \(second): missing \(receipt.missing)")
        } else {
            // Frames are lost where nobody promised them, and nothing else is.
            #expect(receipt.receivedFrames > record.captures.count * 3 / 4, "\(first) to \(second)")
        }
    }
}
