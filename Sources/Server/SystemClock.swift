internal import Glibc
package import Wire

/// The system's clocks. The drivers read time here and nowhere else; everything below is handed an `Instant`.
package enum SystemClock {
    /// The monotonic clock (`CLOCK_MONOTONIC`, the one by which SwiftNIO's timers run).
    package static func now() -> Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec))
    }

    /// Blocks this thread for about `duration`.
    static func sleep(_ duration: Duration) {
        usleep(UInt32(clamping: duration.nanoseconds / 1_000))
    }

    /// The wall clock, in whole seconds since 1970; for certificates and logs only.
    package static func wallClockSeconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec)
    }
}
