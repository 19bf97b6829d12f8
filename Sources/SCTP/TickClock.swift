internal import Wire

/// Turns instants into usrsctp's ticks. A tick is called a millisecond by usrsctp and lasts 1.02 ms.
///
/// The 2 % are there for one reason. When usrsctp's T3 fires, it resends only what was sent longer ago than the smoothed
/// round trip time plus four deviations, by `gettimeofday`; if nothing is old enough it resends nothing and doubles the RTO.
/// The timer itself counts ticks, and both of its ends are rounded down to one. With ticks of a true millisecond it would
/// fire up to a millisecond early and miss. A timer of n ticks lasts more than (n − 1) × 1.02 ms, which is more than n ms
/// from 52 on; so it holds for every RTO of 60 ms or more, and for a real clock as for a virtual one.
struct TickClock {
    static let nanosecondsPerTick: UInt64 = 1_020_000

    private var origin: Instant?
    private var latest = Instant.zero
    private var issued: UInt64 = 0

    /// Loops of one process read the same clock, but do not get here in the order in which they read it. What lies further
    /// back than this is no such disagreement: it is another world's time, and a new beginning.
    static let disagreement: Duration = .seconds(1)

    /// Time begins anew at the next instant: no timer runs that could tell.
    mutating func reset() { origin = nil }

    /// The ticks that have passed at `now` and were not answered before; none for an instant before the latest one.
    mutating func elapsedTicks(at now: Instant) -> UInt32 {
        guard let origin, latest - now <= Self.disagreement else {
            origin = now
            latest = now
            issued = 0
            return 0
        }
        guard now > latest else { return 0 }
        latest = now
        let due = (now.nanoseconds - origin.nanoseconds) / Self.nanosecondsPerTick
        guard due > issued else { return 0 }
        let elapsed = due - issued
        issued = due
        return UInt32(clamping: elapsed)
    }
}
