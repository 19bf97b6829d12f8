import Wire

/// The seeds of a trial.
///
/// They come from the sweep's seed, the profile, the clip and the trial's number, and not from transport or mode: so
/// every cell's trial of the same number meets the same network (common random numbers). A profile and its variant of
/// another delay, `burst-10` and `burst-10@25ms`, lose the same packets of a steady flow.
package struct TrialSeed: Hashable, Sendable {
    /// The seed that a row names.
    package let value: UInt64
    package let upLink: UInt64
    package let downLink: UInt64
    package let client: UInt64
    package let server: UInt64

    package init(sweep: UInt64, profile: String, clip: String, trial: Int) {
        var state = sweep
        for part in [Self.hash(of: profile), Self.hash(of: clip), UInt64(bitPattern: Int64(trial))] {
            var mixer = SplitMix64(state: state ^ part)
            state = mixer.next()
        }
        // Rows are read by JSON parsers that hold numbers as doubles: 53 bits survive.
        value = state >> 11
        var seeds = SplitMix64(state: value)
        (upLink, downLink) = (seeds.next(), seeds.next())
        (client, server) = (seeds.next(), seeds.next())
    }

    /// FNV-1a, 64 bits: the same on every run, which `Hasher` is not.
    private static func hash(of text: String) -> UInt64 {
        var hash = StableHash()
        for byte in text.utf8 { hash.combine(byte) }
        return hash.value
    }
}

/// FNV-1a with 64 bits.
package struct StableHash: Hashable, Sendable {
    package private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    package init() {}

    package mutating func combine(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }

    /// Combines all eight bytes of `word`, the lowest first.
    package mutating func combine(_ word: UInt64) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) { combine(UInt8(truncatingIfNeeded: word >> shift)) }
    }
}
