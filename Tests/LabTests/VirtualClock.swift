import CVirtualClock
import Lab
import Wire

extension LabClock {
    /// As parallax-lab has it. It belongs to a thread, so trials that use it run without a break.
    static let virtual = LabClock(
        begin: { seed in
            parallax_virtual_clock_set(0)
            parallax_virtual_clock_seed(seed)
        },
        set: { now in parallax_virtual_clock_set(Int64(truncatingIfNeeded: now.nanoseconds)) },
        end: { parallax_virtual_clock_clear() })
}
