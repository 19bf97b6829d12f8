package import Wire

/// One direction of a network, as numbers. Nothing in it depends on what is sent.
package struct LinkProfile: Hashable, Sendable {
    /// The time that every packet takes besides waiting and transmission.
    package var delay: Duration
    package var jitter: Jitter?
    /// How fast the narrowest hop sends.
    package var bitsPerSecond: Int
    /// How much waiting the drop-tail queue before that hop holds, in time at its rate.
    package var queueLimit: Duration
    package var loss: GilbertElliott?
    package var outage: Outage?
    package var crossTraffic: CrossTraffic?
    /// A second loss process, at the beginning only.
    package var openingLoss: OpeningLoss?
    /// Outages that come again and again.
    package var failures: LinkFailures?
    /// Changes between two routes of different length.
    package var routeFlaps: RouteFlaps?
    /// When the link delivers, in the place of `bitsPerSecond`, `queueLimit` and `crossTraffic`.
    package var trace: DeliveryTrace?

    package init(
        delay: Duration, jitter: Jitter? = nil, bitsPerSecond: Int, queueLimit: Duration,
        loss: GilbertElliott? = nil, outage: Outage? = nil, crossTraffic: CrossTraffic? = nil
    ) {
        self.delay = delay
        self.jitter = jitter
        self.bitsPerSecond = bitsPerSecond
        self.queueLimit = queueLimit
        self.loss = loss
        self.outage = outage
        self.crossTraffic = crossTraffic
    }
}

/// Delay variation: a Gaussian, cut off at three standard deviations on both sides (RFC 8868 section 4.5.5).
package struct Jitter: Hashable, Sendable {
    package var standardDeviation: Duration
    /// Whether a packet may overtake one that was sent before it.
    package var reorders: Bool

    package init(standardDeviation: Duration, reorders: Bool = false) {
        self.standardDeviation = standardDeviation
        self.reorders = reorders
    }
}

/// Loss by a chain of two states, given as a flow of one packet every 20 ms sees it.
///
/// The link runs the chain on its own grid of time, so that a packet meets the same state whatever else was
/// sent; the chain's numbers are converted so that a 20 ms flow sees exactly these.
package struct GilbertElliott: Hashable, Sendable {
    /// The probability of going from the good state to the bad one, per 20 ms.
    package var intoBad: Double
    /// The probability of going from the bad state to the good one, per 20 ms.
    package var outOfBad: Double
    /// The share of packets lost in the bad state.
    package var lossInBad: Double
    /// The share of packets lost in the good state.
    package var lossInGood: Double

    package init(intoBad: Double, outOfBad: Double, lossInBad: Double = 1, lossInGood: Double = 0) {
        self.intoBad = intoBad
        self.outOfBad = outOfBad
        self.lossInBad = lossInBad
        self.lossInGood = lossInGood
    }

    /// The simple Gilbert chain that loses `loss` of all packets in runs of `burst` packets on average.
    package static func bursts(loss: Double, meanLength burst: Double) -> GilbertElliott {
        GilbertElliott(intoBad: loss / ((1 - loss) * burst), outOfBad: 1 / burst)
    }

    /// Independent (Bernoulli) loss: each packet's fate says nothing about the next one's.
    package static func independent(loss: Double) -> GilbertElliott {
        GilbertElliott(intoBad: loss, outOfBad: 1 - loss)
    }

    /// The share of packets that a steady flow loses.
    package var meanLoss: Double {
        (intoBad * lossInBad + outOfBad * lossInGood) / (intoBad + outOfBad)
    }

    /// How many packets of a 20 ms flow the mean run in the bad state covers.
    package var meanBadRun: Double { 1 / outOfBad }

    /// The interval at which the probabilities are given: one frame.
    package static let step = Duration.milliseconds(20)
}

/// One stretch of time in which nothing gets through; when it begins, the seed decides.
package struct Outage: Hashable, Sendable {
    package var earliestStart: Duration
    package var latestStart: Duration
    package var length: Duration

    package init(earliestStart: Duration, latestStart: Duration, length: Duration) {
        self.earliestStart = earliestStart
        self.latestStart = latestStart
        self.length = length
    }
}

/// The moment at which the client's NAT forgets it, and takes what it sends next for somebody else's: the server sees
/// another address, and what it sends to the old one is lost. When that is, the seed decides.
package struct Rebinding: Hashable, Sendable {
    package var earliest: Duration
    package var latest: Duration

    package init(earliest: Duration, latest: Duration) {
        self.earliest = earliest
        self.latest = latest
    }

    /// When it happens in a trial.
    package func instant(seed: UInt64) -> Instant {
        var source = Xoshiro256(seed: seed ^ 0x4E41_5400)
        return Instant.zero + (earliest + .nanoseconds(Int64(Double((latest - earliest).nanoseconds) * source.nextUnit())))
    }
}

/// Loss that ends: what befalls the set-up of a connection and the beginning of speech.
package struct OpeningLoss: Hashable, Sendable {
    package var loss: GilbertElliott
    /// Until when, from the first packet.
    package var length: Duration

    package init(loss: GilbertElliott, length: Duration) {
        self.loss = loss
        self.length = length
    }
}

/// Stretches of time in which nothing gets through, at equal distances; when the first begins, the seed decides.
package struct LinkFailures: Hashable, Sendable {
    /// From the beginning of one to the beginning of the next.
    package var interval: Duration
    package var length: Duration

    package init(interval: Duration, length: Duration) {
        self.interval = interval
        self.length = length
    }
}

/// A path that changes at equal distances between two routes, one of them longer; the seed decides when. At a change to the
/// shorter one packets overtake others.
package struct RouteFlaps: Hashable, Sendable {
    /// From one change to the next.
    package var interval: Duration
    /// How much longer the second route takes.
    package var detour: Duration

    package init(interval: Duration, detour: Duration) {
        self.interval = interval
        self.detour = detour
    }
}

/// Somebody else's packets of 1 500 bytes in the same queue, coming in turns of much and little.
package struct CrossTraffic: Hashable, Sendable {
    /// The load while busy, as a share of the link's rate: over 1 the queue grows.
    package var busyLoad: Double
    package var quietLoad: Double
    package var meanBusy: Duration
    package var meanQuiet: Duration

    package init(busyLoad: Double, quietLoad: Double, meanBusy: Duration, meanQuiet: Duration) {
        self.busyLoad = busyLoad
        self.quietLoad = quietLoad
        self.meanBusy = meanBusy
        self.meanQuiet = meanQuiet
    }

    /// The size of one of these packets, with its headers.
    package static let packetByteCount = 1500
}
