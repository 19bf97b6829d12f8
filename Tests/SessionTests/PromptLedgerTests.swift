import Session
import Testing
import Wire

@Suite struct PromptLedgerTests {
    private func ledger(frames: Int = 1000, bytes: Int = 1 << 20) -> PromptLedger {
        PromptLedger(frameLimit: frames, byteLimit: bytes, keepsPayloads: true)
    }

    private func instant(_ milliseconds: Int) -> Instant { Instant(nanoseconds: UInt64(milliseconds) * 1_000_000) }

    @Test func `order of arrival does not matter, across the wrap of sequence numbers`() {
        let order = [65_530, 65_535, 65_537, 65_531, 65_536, 65_534, 65_532, 65_529, 65_533, 65_528]
        var ledger = ledger()
        for (index, sequence) in order.enumerated() {
            let outcome = ledger.record(SessionDriver.frame(sequence), arrival: instant(index))
            guard case .fresh = outcome else {
                Issue.record("\(sequence) was \(outcome)")
                continue
            }
        }
        let window = ledger.window
        #expect(window.count == 10)
        #expect(UInt16(truncatingIfNeeded: window.lowerBound) == 65_528)
        let held = window.map { ledger[$0]?.payload }
        #expect(held == (65_528..<65_538).map { SessionDriver.payload($0) })
        #expect(ledger.heldBytes == 40)
    }

    @Test func `every permutation of a few frames gives the same book`() {
        var permutations: [[Int]] = [[]]
        for value in 0..<6 {
            permutations = permutations.flatMap { prefix in
                (0...prefix.count).map { index in Array(prefix[..<index]) + [value] + Array(prefix[index...]) }
            }
        }
        #expect(permutations.count == 720)
        for order in permutations {
            var ledger = ledger(frames: 8)
            for sequence in order { _ = ledger.record(SessionDriver.frame(65_533 + sequence), arrival: .zero) }
            let count = ledger.heldCount(in: ledger.window)
            #expect(count == 6 && ledger.window.count == 6)
        }
    }

    @Test func `a frame that comes again is a duplicate, and the first one stays`() {
        var ledger = ledger()
        _ = ledger.record(SessionDriver.frame(7), arrival: instant(1))
        var again = SessionDriver.frame(7)
        again.payload = [9]
        let outcome = ledger.record(again, arrival: instant(2))
        #expect(outcome == .duplicate)
        let record = ledger[ledger.window.lowerBound]
        #expect(record?.payload == SessionDriver.payload(7))
        #expect(record?.arrival == instant(1))
        #expect(record?.duplicates == 1)
    }

    @Test func `after a decision a missing frame is late, a known one a duplicate, and none is kept`() {
        var ledger = ledger()
        for sequence in [100, 101, 103] { _ = ledger.record(SessionDriver.frame(sequence), arrival: .zero) }
        let window = ledger.window
        ledger.close(window, missing: [window.lowerBound + 2])
        let outcomes = [102, 102, 101].map { ledger.record(SessionDriver.frame($0), arrival: .zero) }
        #expect(outcomes[0] == .afterDecision)
        // Said once; it is not missing any more.
        #expect(outcomes[1] != .afterDecision)
        #expect(ledger.heldBytes == 0)
        let next = ledger.record(SessionDriver.frame(104), arrival: .zero)
        #expect(next == .fresh(window.upperBound))
    }

    @Test func `the window slides at its limit, and what falls out is counted`() {
        var ledger = ledger(frames: 100)
        for sequence in 0..<250 { _ = ledger.record(SessionDriver.frame(sequence), arrival: .zero) }
        #expect(ledger.window.count == 100)
        #expect(ledger.heldBytes == 400)
        #expect(ledger.overflowedFrames == 150)
        let outcome = ledger.record(SessionDriver.frame(149), arrival: .zero)
        #expect(outcome == .outside)
    }

    @Test func `a jump of any size neither traps nor holds more than the limit`() {
        for jump in stride(from: -40_000, through: 40_000, by: 37) {
            var ledger = ledger(frames: 100)
            _ = ledger.record(SessionDriver.frame(70_000), arrival: .zero)
            _ = ledger.record(SessionDriver.frame(70_000 + jump), arrival: .zero)
            _ = ledger.record(SessionDriver.frame(70_001), arrival: .zero)
            #expect(ledger.window.count <= 100)
            let count = ledger.heldCount(in: ledger.window)
            #expect(ledger.heldBytes == count * 4)
        }
    }

    @Test func `payloads over the byte limit are not kept`() {
        var ledger = ledger(bytes: 10)
        let outcomes = (0..<4).map { ledger.record(SessionDriver.frame($0), arrival: .zero) }
        #expect(outcomes[2] == .outside && outcomes[3] == .outside)
        #expect(ledger.heldBytes == 8)
        #expect(ledger.overflowedFrames == 2)
    }

    @Test func `without payloads a ledger of hours stays small and knows arrivals`() {
        var ledger = PromptLedger(frameLimit: 256, byteLimit: 0, keepsPayloads: false)
        for sequence in 0..<200_000 { _ = ledger.record(SessionDriver.frame(sequence), arrival: instant(sequence)) }
        #expect(ledger.window.count == 256)
        #expect(ledger.heldBytes == 0)
        #expect(ledger[ledger.window.upperBound - 1]?.arrival == instant(199_999))
    }

    @Test func `what was cleared behind a waiting prompt is of no prompt when it comes again`() {
        var ledger = ledger()
        for sequence in 100..<110 { _ = ledger.record(SessionDriver.frame(sequence), arrival: .zero) }
        let first = ledger.window.lowerBound
        // 100 to 104 wait; the rest is cleared, in two steps.
        ledger.forget(from: first + 5, to: first + 8)
        ledger.forget(from: first + 5, to: first + 10)
        let again = [103, 105, 109, 110].map { ledger.record(SessionDriver.frame($0), arrival: .zero) }
        #expect(again == [.duplicate, .outside, .outside, .fresh(first + 10)])
        ledger.close(first..<(first + 5), missing: [])
        let tally = ledger.tally
        #expect(tally.fresh == 11 && tally.decided == 5 && tally.cleared == 5 && tally.overflowed == 0)
        #expect(ledger.heldFrames == 1)
    }
}
