internal import Wire

/// When a client gives a connection up and asks for another, and how long it goes on trying.
package struct ReconnectPolicy: Hashable, Sendable {
    /// How long nothing may be heard after something was sent, on a path of short round trips. Longer than the outages that a
    /// connection recovers from by itself without making anybody wait.
    package var silence = Duration.seconds(4)
    /// On a path of long round trips silence is so many of them: a loss, or two, and the answer to what was sent again.
    package static let silentRoundTrips = 5
    /// How long the first attempt may take, and each further one twice as long as the one before. A fresh one begins with fresh
    /// timers, so after a long outage it is through sooner; a slow network wants all its round trips all the same.
    package var attempt = Duration.seconds(4)
    /// How long a first call or stream may take at least: they begin with TCP, whose round trips a slow network may want in full.
    package var firstCall = Duration.seconds(20)
    /// How long the first connection may take, attempts and all.
    package var opening = Duration.seconds(60)
    /// Between an attempt that failed and the next.
    package var pause = Duration.milliseconds(200)
    /// From the loss to the last attempt.
    package var patience = Duration.seconds(60)

    package init() {}

    /// How long nothing may be heard on a path with such round trips.
    package func silence(roundTrip: Duration) -> Duration { max(silence, roundTrip * Self.silentRoundTrips) }

    /// How long an attempt may take after so many that came to nothing.
    func attemptTime(after failures: Int) -> Duration { min(attempt * (1 << min(failures, 16)), patience) }
}
