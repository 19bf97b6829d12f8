internal import CVirtualClock
internal import Lab
internal import Wire

extension LabClock {
    /// The functions that stand in this program in the place of the C library's.
    static let virtual = LabClock(
        begin: { seed in
            parallax_virtual_clock_set(0)
            parallax_virtual_clock_seed(seed)
        },
        set: { now in parallax_virtual_clock_set(Int64(truncatingIfNeeded: now.nanoseconds)) },
        end: { parallax_virtual_clock_clear() })
}
