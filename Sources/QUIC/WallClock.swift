package import Wire

/// What the wall clock shows at one instant, by which tickets keep their age from one process to the next.
package struct WallClock: Hashable, Sendable {
    /// Since 1970.
    package let unixSeconds: UInt64
    package let now: Instant

    package init(unixSeconds: Int64, now: Instant) {
        self.unixSeconds = UInt64(clamping: unixSeconds)
        self.now = now
    }

    /// The second in which `instant` lies.
    func unixSeconds(at instant: Instant) -> UInt64 {
        let offset = (instant - now).nanoseconds
        // Down, and not towards zero: nothing is good for longer than it was given for.
        let seconds = offset >= 0 ? offset / 1_000_000_000 : -((-offset + 999_999_999) / 1_000_000_000)
        return UInt64(clamping: Int64(clamping: unixSeconds).addingReportingOverflow(seconds).partialValue)
    }

    /// When that second begins; the origin of the clock for all that lies before it.
    func instant(unixSeconds seconds: UInt64) -> Instant {
        seconds >= unixSeconds
            ? now + .seconds(Int64(clamping: seconds - unixSeconds)) : now + .seconds(-Int64(clamping: unixSeconds - seconds))
    }
}
