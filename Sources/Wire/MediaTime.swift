/// Media time of Opus over RTP: ticks of the 48 kHz clock, modulo 2^32 (RFC 7587 section 4.1).
public struct MediaTime: Hashable, Sendable {
    public var ticks: UInt32

    public init(ticks: UInt32) { self.ticks = ticks }

    /// Ticks in a second.
    public static let rate: UInt32 = 48_000

    /// This time and `duration` more, wrapping as the RTP clock does.
    public func advanced(by duration: Duration) -> MediaTime {
        let ticks = duration.nanoseconds / 1_000 * Int64(Self.rate) / 1_000_000
        return MediaTime(ticks: self.ticks &+ UInt32(truncatingIfNeeded: ticks))
    }

    /// The signed distance from `earlier`, taken the shorter way around the clock.
    public func since(_ earlier: MediaTime) -> Duration {
        let difference = Int32(bitPattern: ticks &- earlier.ticks)
        return .nanoseconds(Int64(difference) * 1_000_000_000 / Int64(Self.rate))
    }
}
