import CVirtualClock
import Foundation
import SCTPLease
import Testing

@Suite struct VirtualClockTests {
    private func microseconds() -> Int64 {
        var time = timeval()
        gettimeofday(&time, nil)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_usec)
    }

    @Test func `a set clock stands still until it is set again`() {
        defer { parallax_virtual_clock_clear() }
        parallax_virtual_clock_set(1_500_000_999)
        #expect(microseconds() == 1_700_000_001_500_000)
        #expect(microseconds() == 1_700_000_001_500_000)
        parallax_virtual_clock_set(0)
        #expect(microseconds() == 1_700_000_000_000_000)
    }

    @Test func `a clock that is not set is the real one`() {
        parallax_virtual_clock_set(0)
        parallax_virtual_clock_clear()
        let real = Int64(Date().timeIntervalSince1970 * 1_000_000)
        #expect(abs(microseconds() - real) < 10_000_000)
    }

    @Test func `another thread sees the real clock`() {
        defer { parallax_virtual_clock_clear() }
        parallax_virtual_clock_set(0)
        nonisolated(unsafe) var seen: Int64 = 0
        let done = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            var time = timeval()
            gettimeofday(&time, nil)
            seen = Int64(time.tv_sec)
            done.signal()
        }
        done.wait()
        #expect(seen > 1_750_000_000)
    }
}
