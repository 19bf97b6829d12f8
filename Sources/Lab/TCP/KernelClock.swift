import Wire

/// When Linux's timers fire. They count ticks, and the further away they are the coarser: a timer wheel (kernel/time/timer.c).
///
/// A timer never fires early. Less than 63 ticks away it fires with the tick behind the one that was asked for; less than 504 away
/// with the next multiple of 8 ticks, less than 4,032 away of 64, and so on. So with 250 ticks a second a timeout of 300 ms takes
/// 300 to 336 ms.
package struct KernelClock: Hashable, Sendable {
    /// Ticks a second, as Debian's kernels have it (`CONFIG_HZ`); others have 1,000 or 100.
    static let frequency: Int64 = 250
    static let tick = Duration.nanoseconds(1_000_000_000 / frequency)
    /// The phases of a clock repeat after this, for every timer of less than 16 seconds.
    static let period = tick * 64
    private static let nanosecondsPerTick = UInt64(tick.nanoseconds)
    /// How many timers' places a level has, less one, and by how many bits levels differ.
    private static let places: UInt64 = 63, levelBits: UInt64 = 3

    /// How long before time zero the ticks were a multiple of 64: machines are not started when trials begin.
    var phase = Duration.zero

    package init() {}

    /// The clock of a trial: some phase, the same for all its cells.
    init(seed: UInt64) {
        var source = Xoshiro256(seed: seed ^ 0x7469_636B)
        phase = .nanoseconds(Int64(source.nextUnit() * Double(Self.period.nanoseconds)))
    }

    /// When a timer fires that is set at `now` and shall wait for `duration`.
    func expiry(after duration: Duration, now: Instant) -> Instant {
        let offset = UInt64(max(0, phase.nanoseconds))
        let current = (now.nanoseconds &+ offset) / Self.nanosecondsPerTick
        let ticks = max(1, Self.ticks(duration))
        var unitBits: UInt64 = 0
        var reach = Self.places
        while ticks >= reach, reach < 1 << 40 {
            unitBits += Self.levelBits
            reach <<= Self.levelBits
        }
        let expiry = (((current + ticks) >> unitBits) + 1) << unitBits
        return Instant(nanoseconds: expiry * Self.nanosecondsPerTick - offset)
    }

    /// Whole ticks, rounded up.
    private static func ticks(_ duration: Duration) -> UInt64 {
        (UInt64(max(0, duration.nanoseconds)) + nanosecondsPerTick - 1) / nanosecondsPerTick
    }

    /// A time as it is kept in ticks, rounded up.
    static func rounded(_ duration: Duration) -> Duration { tick * Int(ticks(duration)) }
}
