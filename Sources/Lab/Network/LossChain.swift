import Wire

/// A Gilbert-Elliott chain that steps once a slot of time, whether packets come or not.
struct LossChain: Sendable {
    private let intoBad: Double
    private let outOfBad: Double
    private let lossInBad: Double
    private let lossInGood: Double
    private var transitions: Xoshiro256
    private let lossSeed: UInt64
    private var slot: UInt64 = 0
    private var isBad: Bool

    init(_ model: GilbertElliott, seed: UInt64) {
        // After n slots the chain has forgotten its state but for (1 - p - r)^n; n slots make one step of the model.
        let slotsPerStep = Int(GilbertElliott.step.nanoseconds / Link.slot.nanoseconds)
        let perStep = model.intoBad + model.outOfBad
        let perSlot = 1 - root(max(0, 1 - perStep), degree: slotsPerStep)
        intoBad = perSlot * model.intoBad / perStep
        outOfBad = perSlot * model.outOfBad / perStep
        lossInBad = model.lossInBad
        lossInGood = model.lossInGood
        transitions = Xoshiro256(seed: seed)
        lossSeed = seed ^ 0xA076_1D64_78BD_642F
        // The chain has run for ever: it starts in the bad state as often as it is found there.
        isBad = transitions.nextUnit() < model.intoBad / perStep
    }

    /// Whether a packet whose transmission begins at `instant` is lost. Instants may not go back by a slot or more.
    mutating func losesPacket(at instant: Instant) -> Bool {
        let target = instant.nanoseconds / Link.slotNanoseconds
        while slot < target {
            isBad = isBad ? transitions.nextUnit() >= outOfBad : transitions.nextUnit() < intoBad
            slot += 1
        }
        let share = isBad ? lossInBad : lossInGood
        if share >= 1 { return true }
        if share <= 0 { return false }
        var source = SplitMix64(state: lossSeed &+ slot &* 0xD1B5_4A32_D192_ED03)
        return Double(source.next() >> 11) * 0x1p-53 < share
    }
}

/// The root of a number in 0 ... 1, by bisection: the mathematics library may differ between machines, multiplication
/// does not.
func root(_ value: Double, degree: Int) -> Double {
    var low = 0.0, high = 1.0
    for _ in 0..<60 {
        let middle = (low + high) / 2
        var power = 1.0
        for _ in 0..<degree { power *= middle }
        if power <= value { low = middle } else { high = middle }
    }
    return value >= 1 ? 1 : low
}
