import Lab
import Testing
import Wire

@testable import RealLab

@Suite struct RealPaceTests {
    private let inTime = Lateness(link: .microseconds(200), capture: .milliseconds(1))
    private let late = Lateness(link: .milliseconds(10), capture: .zero)

    @Test func `grows by one with each trial in time, up to what is allowed`() {
        var pace = RealPace(RealLimits(trialsAtOnce: 20))
        #expect(pace.limit == 16)
        for _ in 0..<10 {
            do {
                let verdict = pace.finished(inTime, attempt: 1, began: .zero, now: .zero + .seconds(5))
                #expect(verdict == .accepted)
            }
        }
        #expect(pace.limit == 20)
    }

    @Test func `falls by a quarter for a late trial, once for all that were under way`() {
        var pace = RealPace(RealLimits(trialsAtOnce: 60))
        let now = Instant.zero + .seconds(10)
        do {
            let verdict = pace.finished(late, attempt: 1, began: now, now: now + .seconds(5))
            #expect(verdict == .again)
        }
        #expect(pace.limit == 12)
        do {
            let verdict = pace.finished(late, attempt: 1, began: now + .seconds(1), now: now + .seconds(6))
            #expect(verdict == .again)
        }
        #expect(pace.limit == 12)
        do {
            let verdict = pace.finished(late, attempt: 1, began: now + .seconds(6), now: now + .seconds(12))
            #expect(verdict == .again)
        }
        #expect(pace.limit == 9)
    }

    @Test func `never falls below its floor, and takes the last attempt as it is`() {
        var pace = RealPace(RealLimits(trialsAtOnce: 60))
        for second in 0..<40 {
            _ = pace.finished(late, attempt: 1, began: .zero + .seconds(second), now: .zero + .seconds(second))
        }
        #expect(pace.limit == 4)
        do {
            let verdict = pace.finished(late, attempt: 3, began: .zero, now: .zero)
            #expect(verdict == .accepted)
        }
    }

    @Test func `a run that is allowed fewer than the floor keeps to it`() {
        var pace = RealPace(RealLimits(trialsAtOnce: 1))
        _ = pace.finished(late, attempt: 1, began: .zero, now: .zero)
        #expect(pace.limit == 1)
    }
}
