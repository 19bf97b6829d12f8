package import Wire

/// When closing markers follow a talk: the first at once, then one every 20 ms until the peer could have answered, and one every
/// 10 ms from then on.
///
/// Nobody can tell what the peer lacks before a round trip has passed, and mostly it lacks nothing. An answer that is overdue tells
/// that something was lost, most likely in a burst that goes on: then the next marker decides how soon after its end the peer has all.
package struct ClosingSchedule: Sendable {
    /// When the next marker is due; `nil` when none is needed.
    package private(set) var next: Instant?
    private var began = Instant.zero
    /// Markers that this talk may still have.
    private var left = 0

    package static let interval = Duration.milliseconds(20)
    package static let overdueInterval = Duration.milliseconds(10)
    /// Markers behind one talk: for about a second.
    package static let markers = 100

    package init() {}

    /// A talk has ended.
    package mutating func begin(now: Instant) {
        (next, began, left) = (now, now, Self.markers)
    }

    /// Whether the answer to the first marker should be there.
    package func isOverdue(roundTrip: Duration, now: Instant) -> Bool { now - began >= roundTrip + Self.interval }

    /// Takes the turn that is due.
    /// - Returns: whether there is a marker left.
    package mutating func take(roundTrip: Duration, now: Instant) -> Bool {
        guard left > 0 else {
            end()
            return false
        }
        left -= 1
        next = now + (isOverdue(roundTrip: roundTrip, now: now) ? Self.overdueInterval : Self.interval)
        return true
    }

    /// The peer has everything.
    package mutating func end() { next = nil }
}
