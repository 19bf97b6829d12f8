package import Wire

/// When closing markers follow a talk: the first at once, nearly, then five in a round trip until the peer could have answered, and ten in a
/// round trip from then on; no more than one every 20 and every 10 ms.
///
/// Nobody can tell what the peer lacks before a round trip has passed, and mostly it lacks nothing. An answer that is overdue tells
/// that something was lost, most likely in a burst that goes on: then the next marker decides how soon after its end the peer has all.
/// On a long path that may be a little later, and a slow one is not filled with markers.
package struct ClosingSchedule: Sendable {
    /// When the next marker is due; `nil` when none is needed.
    package private(set) var next: Instant?
    private var began = Instant.zero
    /// Markers that this talk may still have.
    private var left = 0

    /// Between two markers at least, before the answer is overdue; half of it after that.
    package static let interval = Duration.milliseconds(20)
    /// Markers behind one talk, the last some ten round trips after its end.
    package static let markers = 100

    package init() {}

    /// A talk has ended.
    package mutating func begin(roundTrip: Duration, now: Instant) {
        // What ended the talk, a commit mostly, may wait for the pacer: it leaves before the marker, which is longer.
        (next, began, left) = (now + Self.interval(roundTrip) / 4, now, Self.markers)
    }

    /// Whether the answer to the first marker should be there.
    package func isOverdue(roundTrip: Duration, now: Instant) -> Bool { now - began >= roundTrip + Self.interval(roundTrip) }

    private static func interval(_ roundTrip: Duration) -> Duration { max(interval, roundTrip / 5) }

    /// Takes the turn that is due.
    /// - Returns: whether there is a marker left.
    package mutating func take(roundTrip: Duration, now: Instant) -> Bool {
        guard left > 0 else {
            end()
            return false
        }
        left -= 1
        let interval = Self.interval(roundTrip)
        next = now + (isOverdue(roundTrip: roundTrip, now: now) ? interval / 2 : interval)
        return true
    }

    /// The peer has everything.
    package mutating func end() { next = nil }
}
