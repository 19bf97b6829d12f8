import Wire

/// A Gilbert-Elliott chain that steps once a slot of time, whether packets come or not.
///
/// Packets of one slot meet one state. A chain without memory is none for packets to share: there the first packet of a slot has the
/// slot's state, and each behind it one of its own. Otherwise what answers a packet would share the fate of the next frame,
/// wherever a round trip is a multiple of the 20 ms between frames.
struct LossChain: Sendable {
    private let intoBad: Double
    private let outOfBad: Double
    private let lossInBad: Double
    private let lossInGood: Double
    private var transitions: Xoshiro256
    private let lossSeed: UInt64
    private var slot: UInt64 = 0
    private var isBad: Bool
    /// The share of time that a chain without memory is in the bad state; `nil` where there is memory.
    private let badShare: Double?
    /// How many packets of this slot there were before.
    private var rank: UInt64 = 0
    private var lastSlot: UInt64?

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
        badShare = perStep >= 1 ? model.intoBad / perStep : nil
    }

    /// Whether a packet whose transmission begins at `instant` is lost. Instants may not go back by a slot or more.
    mutating func losesPacket(at instant: Instant) -> Bool {
        let target = instant.nanoseconds / Link.slotNanoseconds
        while slot < target {
            isBad = isBad ? transitions.nextUnit() >= outOfBad : transitions.nextUnit() < intoBad
            slot += 1
        }
        rank = lastSlot == slot ? rank + 1 : 0
        lastSlot = slot
        var source = SplitMix64(state: lossSeed &+ slot &* 0xD1B5_4A32_D192_ED03 &+ rank &* 0xAEF1_7502_108E_F2D9)
        let share = isBad(&source) ? lossInBad : lossInGood
        if share >= 1 { return true }
        if share <= 0 { return false }
        return Self.unit(&source) < share
    }

    private static func unit(_ source: inout SplitMix64) -> Double { Double(source.next() >> 11) * 0x1p-53 }

    private func isBad(_ source: inout SplitMix64) -> Bool {
        guard let badShare, rank > 0 else { return isBad }
        return Self.unit(&source) < badShare
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
