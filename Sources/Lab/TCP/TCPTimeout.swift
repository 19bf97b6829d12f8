import Wire

/// How long to wait for an acknowledgement (RFC 6298), as Linux does it (`tcp_rtt_estimator`, `tcp_set_rto`).
struct TCPTimeout: Hashable {
    /// Before there is a sample (RFC 6298 section 2.1): so a lost SYN costs a second.
    static let initial = Duration.seconds(1)
    /// How many SYNs Linux repeats after a second each before the time doubles (`tcp_syn_linear_timeouts`, since 6.5).
    static let linearSYNCount = 4
    /// Linux keeps the variation's part of the timeout, not the whole, at or over this (`TCP_RTO_MIN`).
    static let variationFloor = Duration.milliseconds(200)
    /// RFC 6298 section 2.5, as Linux has it (`TCP_RTO_MAX`).
    static let maximum = Duration.seconds(120)

    /// How long to wait now, in whole ticks.
    private(set) var current = Self.initial
    private(set) var smoothed: Duration?
    /// The smallest of the samples.
    private(set) var smallest: Duration?
    /// In microseconds: the mean deviation, its greatest value within this round trip, and what the timeout takes of it.
    private var deviation: Int64 = 0, greatestDeviation: Int64 = 0, variation: Int64 = 0
    /// In eighths of microseconds.
    private var smoothedEighths: Int64 = 0
    /// Where in the stream a new round trip begins.
    private var roundEnd = 0

    /// - Parameters:
    ///   - acknowledged: everything below has arrived.
    ///   - next: what will be sent next.
    mutating func sample(_ roundTrip: Duration, acknowledged: Int, next: Int) {
        smallest = min(smallest ?? roundTrip, roundTrip)
        let floor = Self.variationFloor.nanoseconds / 1000
        var error = max(1, roundTrip.nanoseconds / 1000)
        if smoothedEighths == 0 {
            smoothedEighths = error << 3
            deviation = error << 1
            variation = max(deviation, floor)
            greatestDeviation = variation
            roundEnd = next
        } else {
            error -= smoothedEighths >> 3
            smoothedEighths = max(1, smoothedEighths + error)
            if error < 0 {
                // A round trip that shrinks is believed slowly.
                error = -error - (deviation >> 2)
                if error > 0 { error >>= 3 }
            } else {
                error -= deviation >> 2
            }
            deviation += error
            if deviation > greatestDeviation {
                greatestDeviation = deviation
                variation = max(variation, greatestDeviation)
            }
            if acknowledged > roundEnd {
                if greatestDeviation < variation { variation -= (variation - greatestDeviation) >> 2 }
                roundEnd = next
                greatestDeviation = floor
            }
        }
        smoothed = .nanoseconds((smoothedEighths >> 3) * 1000)
        current = min(Self.maximum, KernelClock.rounded(.nanoseconds(((smoothedEighths >> 3) + variation) * 1000)))
    }

    /// RFC 6298 section 5.5.
    mutating func backOff() { current = min(Self.maximum, current * 2) }
}
