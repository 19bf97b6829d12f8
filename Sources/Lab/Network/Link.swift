package import Wire

/// One direction of a network in virtual time.
///
/// Give it the size and the instant of each packet, in order of time; it answers with the packet's fate.
/// Loss, jitter, outages and other people's traffic are functions of time and seed: whatever a transport sends,
/// two packets that enter an idle link at the same instant of two trials with the same seed share their fate.
/// Only rate and queue act on the bytes that are really sent.
///
/// A packet waits in the drop-tail queue, is sent at the link's rate, meets the loss process at the instant when
/// its transmission begins, and arrives `delay` and jitter after its transmission ends.
package struct Link: Sendable {
    package let profile: LinkProfile
    /// How many packets were lost for each reason.
    package private(set) var drops = DropCounts()

    private var queue: LinkQueue
    private var loss: LossChain?
    private let outage: Range<Instant>?
    private var variation: DelayVariation?
    private var openingLoss: LossChain?
    private let failures: Recurrence?
    private let routeFlaps: Recurrence?

    /// How time is divided for loss: packets whose transmission begins within one slot share their fate. A packet of
    /// full size takes longer than a slot at 10 Mbit/s, so the packets of a flight meet fates of their own.
    package static let slot = Duration.microseconds(500)
    static let slotNanoseconds = UInt64(slot.nanoseconds)
    /// What IPv4 and UDP add to each datagram on the wire.
    package static let headerByteCount = 28
    /// The largest datagram that passes, without headers: an Ethernet path of 1 500 bytes.
    package static let maximumByteCount = 1500 - headerByteCount

    package init(_ profile: LinkProfile, seed: UInt64) {
        self.profile = profile
        var seeds = SplitMix64(state: seed)
        queue = LinkQueue(profile, seed: seeds.next())
        let lossSeed = seeds.next()
        loss = profile.loss.map { LossChain($0, seed: lossSeed) }
        let variationSeed = seeds.next()
        variation = profile.jitter.map { DelayVariation($0, seed: variationSeed) }
        var outageSource = Xoshiro256(seed: seeds.next())
        outage = profile.outage.map { outage in
            let spread = Double((outage.latestStart - outage.earliestStart).nanoseconds)
            let offset = Duration.nanoseconds(Int64(spread * outageSource.nextUnit()))
            let start = Instant.zero + (outage.earliestStart + offset)
            return start..<(start + outage.length)
        }
        let openingSeed = seeds.next()
        openingLoss = profile.openingLoss.map { LossChain($0.loss, seed: openingSeed) }
        let (failureSeed, flapSeed) = (seeds.next(), seeds.next())
        failures = profile.failures.map { Recurrence(interval: $0.interval, seed: failureSeed) }
        routeFlaps = profile.routeFlaps.map { Recurrence(interval: $0.interval, seed: flapSeed) }
    }

    /// The fate of a datagram of `byteCount` bytes that enters the link at `now`.
    /// - Parameter now: not earlier than at the call before.
    package mutating func send(byteCount: Int, now: Instant) -> Fate {
        guard byteCount <= Self.maximumByteCount else { return drop(.tooLarge) }
        guard let sending = queue.enqueue(byteCount: byteCount + Self.headerByteCount, now: now) else {
            return drop(.queueFull)
        }
        guard isUp(at: sending.begin) else { return drop(.outage) }
        guard !loses(at: sending.begin) else { return drop(.loss) }
        let variation = variation?.offset(at: sending.end) ?? .zero
        return .delivered(at: sending.end + max(.zero, profile.delay + variation) + detour(at: sending.end))
    }

    private func isUp(at instant: Instant) -> Bool {
        if let outage, outage.contains(instant) { return false }
        guard let failures, let length = profile.failures?.length else { return true }
        return failures.sinceLast(at: instant) >= length
    }

    private mutating func loses(at instant: Instant) -> Bool {
        if loss?.losesPacket(at: instant) == true { return true }
        guard let length = profile.openingLoss?.length, instant - .zero < length else { return false }
        return openingLoss?.losesPacket(at: instant) ?? false
    }

    private func detour(at instant: Instant) -> Duration {
        guard let routeFlaps, let detour = profile.routeFlaps?.detour else { return .zero }
        return routeFlaps.count(by: instant).isMultiple(of: 2) ? .zero : detour
    }

    private mutating func drop(_ reason: DropReason) -> Fate {
        drops[reason] += 1
        return .dropped(reason)
    }
}

/// Something that happens at equal distances of time, and has done so for ever; the seed decides when.
private struct Recurrence: Sendable {
    private let interval: UInt64
    /// How long before time zero it happened last.
    private let phase: UInt64

    init(interval: Duration, seed: UInt64) {
        self.interval = UInt64(max(1, interval.nanoseconds))
        var source = Xoshiro256(seed: seed)
        phase = UInt64(source.nextUnit() * Double(self.interval))
    }

    func sinceLast(at instant: Instant) -> Duration {
        .nanoseconds(Int64(clamping: (instant.nanoseconds &+ phase) % interval))
    }

    /// How often it happened since the last time before zero.
    func count(by instant: Instant) -> UInt64 { (instant.nanoseconds &+ phase) / interval }
}

/// What becomes of a packet.
package enum Fate: Hashable, Sendable {
    case delivered(at: Instant)
    case dropped(DropReason)
}

package enum DropReason: String, CaseIterable, Hashable, Sendable {
    case loss
    case outage
    case queueFull = "queue_full"
    case tooLarge = "too_large"
}

/// How many packets were lost for each reason.
package struct DropCounts: Hashable, Sendable {
    private var loss = 0, outage = 0, queueFull = 0, tooLarge = 0

    package subscript(reason: DropReason) -> Int {
        get {
            switch reason {
            case .loss: loss
            case .outage: outage
            case .queueFull: queueFull
            case .tooLarge: tooLarge
            }
        }
        set {
            switch reason {
            case .loss: loss = newValue
            case .outage: outage = newValue
            case .queueFull: queueFull = newValue
            case .tooLarge: tooLarge = newValue
            }
        }
    }

    package var total: Int { loss + outage + queueFull + tooLarge }
}
