package import Wire

/// Estimates when a frame was captured from what one end alone can see.
///
/// The sender's clock is unknown, but the frame that came through fastest took about the path's smallest delay.
/// So a frame's delay is its transit (arrival less media time), less the smallest transit, plus that path delay.
/// The minimum is taken over the current and the previous period only, so that drifting clocks stay harmless.
package struct CaptureClock: Sendable {
    /// The smallest one-way delay of the path, told by the transport (half of its smallest round trip).
    package var pathDelay: Duration = .zero
    private var reference: MediaTime?
    private var periodStart: Instant = .zero
    private var smallest: Int64 = .max
    private var previousSmallest: Int64 = .max
    private static let period: Duration = .seconds(300)

    package init() {}

    package mutating func observe(_ timestamp: MediaTime, arrival: Instant) {
        if reference == nil {
            reference = timestamp
            periodStart = arrival
        }
        if arrival.since(periodStart) > Self.period {
            previousSmallest = smallest
            smallest = .max
            periodStart = arrival
        }
        smallest = min(smallest, transit(timestamp, arrival))
    }

    /// How long after its capture a frame arrived.
    package func delay(_ timestamp: MediaTime, arrival: Instant) -> Duration {
        let base = min(smallest, previousSmallest)
        guard base != .max else { return pathDelay }
        return .nanoseconds(transit(timestamp, arrival) &- base) + pathDelay
    }

    private func transit(_ timestamp: MediaTime, _ arrival: Instant) -> Int64 {
        let media = timestamp.since(reference ?? timestamp).nanoseconds
        return Int64(truncatingIfNeeded: arrival.nanoseconds) &- media
    }
}
