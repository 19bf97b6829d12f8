/// Keeps the events of a peer in order and single where copies of them may overtake the originals.
///
/// Originals come in order, each once. A copy is taken only where it is the very next event; its original is then dropped.
package struct EventOrder: Hashable, Sendable {
    /// How many originals have come, and how many events were handed up.
    private var originals: UInt64 = 0
    private var handedUp: UInt64 = 0

    package init() {}

    /// How many events are there, as a closing marker counts them.
    package var count: UInt16 { UInt16(truncatingIfNeeded: handedUp) }

    /// Counts an original.
    /// - Returns: whether it is to be handed up; `false` where its copy was.
    package mutating func takeOriginal() -> Bool {
        originals += 1
        guard originals > handedUp else { return false }
        handedUp = originals
        return true
    }

    /// - Returns: whether this copy is the next event, and is to be handed up.
    package mutating func takeCopy(index: UInt16) -> Bool {
        guard index == count else { return false }
        handedUp += 1
        return true
    }
}
