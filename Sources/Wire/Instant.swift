/// A point on the monotonic clock, in nanoseconds since an origin that the driver chose.
///
/// Below the drivers nobody reads a clock: every call that needs the time is handed an `Instant`.
/// Media time (the RTP clock) and the wall clock have types of their own, so the three cannot be mixed.
public struct Instant: Hashable, Comparable, Sendable {
    public var nanoseconds: UInt64

    public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// The origin of the clock.
    public static let zero = Instant(nanoseconds: 0)
    /// Later than every deadline; an endpoint that waits for nothing answers `nil`, not this.
    public static let distantFuture = Instant(nanoseconds: .max)

    public static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }

    /// Saturates at both ends of the clock instead of trapping.
    public func advanced(by duration: Duration) -> Instant {
        let step = duration.nanoseconds
        if step >= 0 {
            let (sum, overflow) = nanoseconds.addingReportingOverflow(UInt64(step))
            return overflow ? .distantFuture : Instant(nanoseconds: sum)
        }
        let (difference, overflow) = nanoseconds.subtractingReportingOverflow(step.magnitude)
        return overflow ? .zero : Instant(nanoseconds: difference)
    }

    /// The time from `earlier` to this instant; negative when `earlier` is later.
    public func since(_ earlier: Instant) -> Duration {
        .nanoseconds(Int64(truncatingIfNeeded: nanoseconds &- earlier.nanoseconds))
    }

    public static func + (instant: Instant, duration: Duration) -> Instant { instant.advanced(by: duration) }
    public static func - (later: Instant, earlier: Instant) -> Duration { later.since(earlier) }
}

extension Duration {
    /// The duration in whole nanoseconds, saturating at ±292 years.
    public var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds < 0 ? .min : .max }
        let (sum, carry) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
        if carry { return seconds < 0 ? .min : .max }
        return sum
    }

    /// The duration in milliseconds, with its fraction; for reports.
    public var milliseconds: Double { Double(nanoseconds) / 1_000_000 }
}

/// The earlier of two optional deadlines; `nil` when there is none.
public func earliest(_ first: Instant?, _ second: Instant?) -> Instant? {
    guard let first else { return second }
    guard let second else { return first }
    return min(first, second)
}

/// The earliest of three optional deadlines. Not variadic: that would allocate an array for every datagram.
public func earliest(_ first: Instant?, _ second: Instant?, _ third: Instant?) -> Instant? {
    earliest(earliest(first, second), third)
}

/// The earliest of four optional deadlines.
public func earliest(_ first: Instant?, _ second: Instant?, _ third: Instant?, _ fourth: Instant?) -> Instant? {
    earliest(earliest(first, second), earliest(third, fourth))
}
