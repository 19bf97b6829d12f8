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
    }

    /// The fate of a datagram of `byteCount` bytes that enters the link at `now`.
    /// - Parameter now: not earlier than at the call before.
    package mutating func send(byteCount: Int, now: Instant) -> Fate {
        guard byteCount <= Self.maximumByteCount else { return drop(.tooLarge) }
        guard let sending = queue.enqueue(byteCount: byteCount + Self.headerByteCount, now: now) else {
            return drop(.queueFull)
        }
        if let outage, outage.contains(sending.begin) { return drop(.outage) }
        if loss?.losesPacket(at: sending.begin) == true { return drop(.loss) }
        let variation = variation?.offset(at: sending.end) ?? .zero
        return .delivered(at: sending.end + max(.zero, profile.delay + variation))
    }

    private mutating func drop(_ reason: DropReason) -> Fate {
        drops[reason] += 1
        return .dropped(reason)
    }
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
