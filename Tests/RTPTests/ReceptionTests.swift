import RTP
import Testing
import Wire

private func time(_ milliseconds: UInt64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

@Suite struct ReceptionStatisticsTests {
    @Test func `a tenth lost is 25 of 256, and the next interval counts anew`() {
        var statistics = ReceptionStatistics(ssrc: 9)
        for number in UInt16(0)..<100 where number % 10 != 5 {
            statistics.received(sequence: number, timestamp: MediaTime(ticks: UInt32(number) * 960), arrival: time(UInt64(number) * 20))
        }
        let first = statistics.report(now: time(2_000))
        #expect(first?.fractionLost == 25)
        #expect(first?.cumulativeLost == 10)
        #expect(first?.highestSequence == 99)
        #expect(first?.jitter == 0)
        let second = statistics.report(now: time(2_000))
        #expect(second?.fractionLost == 0)
        #expect(second?.cumulativeLost == 10)
    }

    @Test func `cycles are counted, late packets fill their places, duplicates make the loss negative`() {
        var statistics = ReceptionStatistics(ssrc: 9)
        for number in [65_534, 65_535, 1, 0, 2, 2] as [UInt16] {
            statistics.received(sequence: number, timestamp: MediaTime(ticks: 0), arrival: .zero)
        }
        let report = statistics.report(now: .zero)
        #expect(report?.highestSequence == 0x1_0002)
        #expect(report?.cumulativeLost == -1)
        #expect(report?.fractionLost == 0)
    }

    @Test func `jitter follows appendix A8`() {
        var statistics = ReceptionStatistics(ssrc: 9)
        // Transit steps by 480 ticks (10 ms) with the second packet and back with the third.
        statistics.received(sequence: 0, timestamp: MediaTime(ticks: 0), arrival: time(0))
        statistics.received(sequence: 1, timestamp: MediaTime(ticks: 960), arrival: time(30))
        #expect(statistics.jitter == 30)
        statistics.received(sequence: 2, timestamp: MediaTime(ticks: 1_920), arrival: time(40))
        // 30 + (480 - 30) / 16, rounded.
        #expect(statistics.jitter == 58)
    }

    @Test func `a report names the last sender report and the time since`() {
        var statistics = ReceptionStatistics(ssrc: 9)
        #expect(statistics.report(now: .zero) == nil)
        statistics.received(sequence: 0, timestamp: MediaTime(ticks: 0), arrival: time(0))
        let report = RTCPPacket.SenderReport(
            ssrc: 9, ntpTime: NTPTime(bits: 0x1_0002_8000_0000), timestamp: MediaTime(ticks: 0), packetCount: 1, octetCount: 1)
        statistics.received(report, arrival: time(100))
        let block = statistics.report(now: time(600))
        #expect(block?.lastSenderReport == 0x2_8000)
        #expect(block?.delaySinceLastSenderReport == 0x8000)
    }

    @Test func `one stray number counts for nothing, two in a row begin anew`() {
        var statistics = ReceptionStatistics(ssrc: 9)
        for number in [1, 2, 30_000, 3] as [UInt16] {
            statistics.received(sequence: number, timestamp: MediaTime(ticks: 0), arrival: .zero)
        }
        let before = statistics.report(now: .zero)
        #expect(before?.highestSequence == 3)
        #expect(before?.cumulativeLost == 0)
        for number in [30_000, 30_001] as [UInt16] {
            statistics.received(sequence: number, timestamp: MediaTime(ticks: 0), arrival: .zero)
        }
        let after = statistics.report(now: .zero)
        #expect(after?.highestSequence == 30_001)
        #expect(after?.cumulativeLost == 0)
    }
}

@Suite struct MissingSequencesTests {
    private static func after(_ arrivals: [UInt16], patience: Duration = .milliseconds(500)) -> MissingSequences {
        var missing = MissingSequences(patience: patience)
        for number in arrivals { missing.received(number, now: time(0)) }
        return missing
    }

    @Test func `a gap is asked for at once, again after a round trip and a quarter, and given up when it is too old`() {
        var missing = Self.after([1, 2, 5])
        missing.roundTrip = .milliseconds(80)
        #expect(missing.deadline == time(0))
        let first = missing.requests(now: time(0))
        #expect(first == [3, 4])
        #expect(missing.deadline == time(100))
        let tooEarly = missing.requests(now: time(99))
        #expect(tooEarly.isEmpty)
        let filled = missing.received(3, now: time(90))
        #expect(filled?.askedCount == 1)
        let second = missing.requests(now: time(100))
        #expect(second == [4])
        #expect(missing.missing.map(\.askedCount) == [2])
        let last = missing.requests(now: time(500))
        #expect(last.isEmpty)
        #expect(missing.missing.isEmpty)
        #expect(missing.givenUpCount == 1)
        #expect(missing.deadline == nil)
    }

    @Test func `on a short path it asks every 20 ms`() {
        var missing = Self.after([1, 3])
        missing.roundTrip = .milliseconds(1)
        _ = missing.requests(now: time(0))
        #expect(missing.deadline == time(20))
    }

    @Test func `packets that overtake each other cause no question within the allowance`() {
        var missing = MissingSequences(patience: .seconds(1), reorderAllowance: .milliseconds(5))
        for number in [1, 3] as [UInt16] { missing.received(number, now: time(0)) }
        let early = missing.requests(now: time(4))
        #expect(early.isEmpty)
        #expect(missing.deadline == time(5))
        missing.received(2, now: time(4))
        #expect(missing.deadline == nil)
    }

    @Test func `a commit tells of the tail, around the end of the numbers`() {
        var missing = Self.after([65_534])
        missing.expect(through: 1, now: time(10))
        let asked = missing.requests(now: time(10))
        #expect(asked == [65_535, 0, 1])
        missing.received(0, now: time(20))
        missing.received(2, now: time(20))
        #expect(missing.missing.map(\.sequence) == [65_535, 1])
        missing.expect(through: 1, now: time(30))
        #expect(missing.missing.count == 2)
    }

    @Test func `packets of before that are sent once more are missed where one of them does not come`() {
        var missing = MissingSequences(patience: .seconds(1))
        missing.received(100, now: time(0))
        for sequence in [90, 91, 93, 94] as [UInt16] { missing.received(sequence, now: time(1)) }
        missing.expect(from: 90, through: 100, now: time(2))
        #expect(missing.requests(now: time(30)) == [92, 95, 96, 97, 98, 99])
        #expect(!missing.hasAll(through: 100))
    }

    @Test func `before the first arrival nothing is missing`() {
        var missing = MissingSequences(patience: .seconds(1))
        missing.expect(through: 100, now: time(0))
        #expect(missing.deadline == nil)
        missing.received(50, now: time(0))
        #expect(missing.missing.isEmpty)
    }

    @Test func `jumps and floods stay within the limit`() {
        var limits = MissingSequences.Limits()
        limits.missing = 10
        var missing = MissingSequences(patience: .seconds(1), limits: limits)
        missing.received(0, now: time(0))
        missing.received(100, now: time(0))
        #expect(missing.missing.map(\.sequence) == Array(90...99))
        #expect(missing.givenUpCount == 89)
        missing.received(105, now: time(0))
        #expect(missing.missing.map(\.sequence) == Array(94...99) + Array(101...104))
        // Further than any loss: the sender began anew.
        missing.received(20_000, now: time(0))
        #expect(missing.missing.isEmpty)
        for step in UInt16(0)..<2_000 { missing.received(20_000 &+ step &* 2_999, now: time(0)) }
        #expect(missing.missing.count <= 10)
    }
}

@Suite struct SentPacketsTests {
    @Test func `a packet is sent again, but not twice within a moment, and not when it is too old`() {
        var sent = SentPackets(age: .milliseconds(500))
        for number in UInt16(0)..<50 { sent.insert([UInt8(number)], sequence: 65_520 &+ number, now: time(UInt64(number) * 20)) }
        let now: UInt64 = 980
        let first = sent.resend(10, now: time(now))
        #expect(first == [26])
        let again = sent.resend(10, now: time(now + 4))
        #expect(again == nil)
        let later = sent.resend(10, now: time(now + 5))
        #expect(later == [26])
        let old = sent.resend(65_521, now: time(now))
        #expect(old == nil)
        let unknown = sent.resend(40_000, now: time(now))
        #expect(unknown == nil)
        #expect(sent.count <= 26)
    }

    @Test func `a flood keeps no more than the limit`() {
        var sent = SentPackets(age: .seconds(60))
        for number in 0..<100_000 { sent.insert([1], sequence: UInt16(truncatingIfNeeded: number), now: time(0)) }
        #expect(sent.count == 2_048)
    }

    @Test func `numbers that begin anew forget what was before`() {
        var sent = SentPackets(age: .seconds(1))
        for number in [5_000, 5_001, 3] as [UInt16] { sent.insert([UInt8(truncatingIfNeeded: number)], sequence: number, now: time(0)) }
        let old = sent.resend(5_001, now: time(0))
        #expect(old == nil)
        let new = sent.resend(3, now: time(0))
        #expect(new == [3])
    }

    /// A session that came from another transport sends again what was lost there.
    @Test(arguments: [UInt16(100), 2, 65_535]) func `numbers that come behind higher ones are found like these`(base: UInt16) {
        var sent = SentPackets(age: .seconds(1))
        let order: [UInt16] = [10, 11, 12, 3, 5, 4, 13, 9, 14]
        for number in order { sent.insert([UInt8(number)], sequence: base &+ number, now: time(0)) }
        #expect(sent.count == order.count)
        for number in order {
            let again = sent.resend(base &+ number, now: time(1))
            #expect(again == [UInt8(number)], "\(number)")
        }
        for number in [6, 8, 15] as [UInt16] {
            let none = sent.resend(base &+ number, now: time(1))
            #expect(none == nil)
        }
    }

    @Test func `gaps in the numbers are no packets`() {
        var sent = SentPackets(age: .seconds(1))
        for number in [10, 12, 20] as [UInt16] { sent.insert([UInt8(number)], sequence: number, now: time(0)) }
        let found = (UInt16(8)...22).map { sent.resend($0, now: time(0))?.first }
        #expect(found.compactMap(\.self) == [10, 12, 20])
    }
}

@Suite struct ReceivedSequencesTests {
    @Test func `what has come is seen, what has not is not, what is too old counts as seen`() {
        var window = ReceivedSequences()
        #expect(!window.contains(5))
        for number in [65_534, 65_535, 2] as [UInt16] { window.insert(number, MediaTime(ticks: 0)) }
        #expect([65_534, 65_535, 0, 1, 2, 3].map { window.contains($0) } == [true, true, false, false, true, false])
        #expect(window.contains(2 &- UInt16(ReceivedSequences.span)))
        #expect(!window.contains(3 &- UInt16(ReceivedSequences.span)))
        let again = window.insert(2, MediaTime(ticks: 0))
        #expect(!again)
        let late = window.insert(0, MediaTime(ticks: 0))
        #expect(late && window.contains(0))
    }

    @Test func `a number around the window finds no mark of the one a window before`() {
        var window = ReceivedSequences()
        for number in UInt16(0)..<5_000 where number % 2 == 0 {
            #expect(!window.contains(number))
            window.insert(number, MediaTime(ticks: 0))
            #expect(number == 0 || !window.contains(number - 1))
        }
    }

    @Test func `a time between those of the neighbours agrees, any other does not`() {
        var window = ReceivedSequences()
        window.insert(10, MediaTime(ticks: 9_600))
        window.insert(12, MediaTime(ticks: 11_520))
        #expect(window.agrees(11, MediaTime(ticks: 10_560)))
        #expect(!window.agrees(11, MediaTime(ticks: 9_600)))
        #expect(!window.agrees(11, MediaTime(ticks: 11_520)))
        #expect(window.agrees(5, MediaTime(ticks: 0)))
    }

    @Test func `one stray number moves nothing, two in a row begin anew`() {
        var window = ReceivedSequences()
        for number in [1, 30_000, 2] as [UInt16] { window.insert(number, MediaTime(ticks: 0)) }
        #expect(window.contains(1) && !window.contains(3))
        for number in [30_000, 30_001] as [UInt16] { window.insert(number, MediaTime(ticks: 0)) }
        #expect(window.contains(30_001) && !window.contains(30_002))
    }
}
