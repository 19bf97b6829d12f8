import RTP
import Testing
import Wire

/// When closing markers follow a talk.
@Suite struct ClosingScheduleTests {
    /// The times of all markers since the end of the talk, in ms.
    private func times(roundTrip: Duration, until end: Duration = .seconds(10)) -> [Int64] {
        let began = Instant.zero + .seconds(5)
        var schedule = ClosingSchedule()
        schedule.begin(roundTrip: roundTrip, now: began)
        var times: [Int64] = []
        while let due = schedule.next, due - began <= end {
            if schedule.take(roundTrip: roundTrip, now: due) { times.append((due - began).nanoseconds / 1_000_000) }
        }
        return times
    }

    @Test func `before a talk has ended there is none`() { #expect(ClosingSchedule().next == nil) }

    @Test func `the first comes after 5 ms, the next every 20 ms, and twice as often when the answer is overdue`() {
        #expect(times(roundTrip: .milliseconds(100), until: .milliseconds(160)) == [5, 25, 45, 65, 85, 105, 125, 135, 145, 155])
    }

    @Test func `on a long path there are five in a round trip, and then ten`() {
        #expect(times(roundTrip: .milliseconds(600), until: .milliseconds(900)) == [30, 150, 270, 390, 510, 630, 750, 810, 870])
    }

    @Test func `before a round trip is known the answer is overdue after 20 ms`() {
        #expect(times(roundTrip: .zero, until: .milliseconds(50)) == [5, 25, 35, 45])
    }

    @Test(arguments: [0, 100, 2_000] as [Int64])
    func `they end, whatever the round trip`(milliseconds: Int64) {
        #expect(times(roundTrip: .milliseconds(milliseconds), until: .seconds(100)).count == ClosingSchedule.markers)
    }

    @Test func `none follows when the peer has everything, until the next talk ends`() {
        var schedule = ClosingSchedule()
        schedule.begin(roundTrip: .zero, now: .zero)
        schedule.end()
        #expect(schedule.next == nil)
        schedule.begin(roundTrip: .zero, now: .zero + .seconds(1))
        #expect(schedule.next == .zero + .seconds(1) + .milliseconds(5))
    }
}
