import Wire

/// How much longer or shorter than its delay a link takes, as a function of time and seed alone.
///
/// Keeping order by holding back whoever would overtake would make a packet's fate depend on the one before it.
/// Instead the arrival time itself is drawn as a curve: a Gaussian at every 20 ms, never falling, and straight lines
/// between. Two packets then cannot overtake, and neither feels the other.
struct DelayVariation: Sendable {
    private let standardDeviation: Int64
    private let reorders: Bool
    private let seed: UInt64
    /// The knots around the last instant asked for: at `knot`, and one further.
    private var knot: UInt64 = 0
    private var arrivals: (Int64, Int64)

    private static let knotNanoseconds = UInt64(GilbertElliott.step.nanoseconds)

    init(_ jitter: Jitter, seed: UInt64) {
        standardDeviation = jitter.standardDeviation.nanoseconds
        reorders = jitter.reorders
        self.seed = seed
        arrivals = (0, 0)
        let first = Self.gaussian(0, seed: seed, standardDeviation: standardDeviation)
        arrivals = (first, max(first, drawn(1)))
    }

    /// What to add to the delay of a packet that has left at `instant`. Instants may not go back.
    mutating func offset(at instant: Instant) -> Duration {
        guard !reorders else {
            let slot = instant.nanoseconds / Link.slotNanoseconds
            return .nanoseconds(Self.gaussian(slot, seed: seed, standardDeviation: standardDeviation))
        }
        let target = instant.nanoseconds / Self.knotNanoseconds
        while knot < target {
            knot += 1
            arrivals = (arrivals.1, max(arrivals.1, drawn(knot + 1)))
        }
        let sinceKnot = Int64(instant.nanoseconds % Self.knotNanoseconds)
        let arrival = arrivals.0 + (arrivals.1 - arrivals.0) * sinceKnot / Int64(Self.knotNanoseconds)
        return .nanoseconds(arrival - Int64(instant.nanoseconds))
    }

    private func drawn(_ knot: UInt64) -> Int64 {
        Int64(knot * Self.knotNanoseconds) + Self.gaussian(knot, seed: seed, standardDeviation: standardDeviation)
    }

    /// The sum of twelve uniform numbers is near enough to a Gaussian, and the same on every machine.
    private static func gaussian(_ index: UInt64, seed: UInt64, standardDeviation: Int64) -> Int64 {
        var source = SplitMix64(state: seed &+ index &* 0xD1B5_4A32_D192_ED03)
        var sum: Int64 = -6 * 0x1_0000
        for _ in 0..<3 {
            let word = source.next()
            for shift in stride(from: UInt64(0), to: 64, by: 16) { sum += Int64(word >> shift & 0xFFFF) }
        }
        return standardDeviation * min(max(sum, -3 * 0x1_0000), 3 * 0x1_0000) / 0x1_0000
    }
}
