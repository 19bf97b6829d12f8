internal import Wire

/// Deadlines of many slots, the earliest first; each slot has at most one.
///
/// A binary heap with the position of every slot, so that a deadline changes in O(log n).
struct DeadlineHeap {
    private struct Entry {
        var deadline: Instant
        var slot: Int
    }

    private var entries: [Entry] = []
    /// Where a slot stands in `entries`; −1 for nowhere.
    private var positions: [Int] = []

    var earliest: Instant? { entries.first?.deadline }

    /// The slot whose deadline has come, or `nil`. It stays until `set` changes it.
    func due(at now: Instant) -> Int? {
        guard let first = entries.first, first.deadline <= now else { return nil }
        return first.slot
    }

    mutating func set(_ deadline: Instant?, for slot: Int) {
        while positions.count <= slot { positions.append(-1) }
        let position = positions[slot]
        switch (deadline, position) {
        case (nil, -1): return
        case (nil, _): remove(at: position)
        case (let deadline?, -1):
            positions[slot] = entries.count
            entries.append(Entry(deadline: deadline, slot: slot))
            siftUp(entries.count - 1)
        case (let deadline?, _):
            let previous = entries[position].deadline
            guard previous != deadline else { return }
            entries[position].deadline = deadline
            if deadline < previous { siftUp(position) } else { siftDown(position) }
        }
    }

    private mutating func remove(at position: Int) {
        positions[entries[position].slot] = -1
        let last = entries.removeLast()
        guard position < entries.count else { return }
        entries[position] = last
        positions[last.slot] = position
        siftUp(position)
        siftDown(positions[last.slot])
    }

    private mutating func siftUp(_ start: Int) {
        var child = start
        while child > 0 {
            let parent = (child - 1) / 2
            guard entries[child].deadline < entries[parent].deadline else { return }
            exchange(child, parent)
            child = parent
        }
    }

    private mutating func siftDown(_ start: Int) {
        var parent = start
        while true {
            var smallest = parent
            let (left, right) = (2 * parent + 1, 2 * parent + 2)
            if left < entries.count, entries[left].deadline < entries[smallest].deadline { smallest = left }
            if right < entries.count, entries[right].deadline < entries[smallest].deadline { smallest = right }
            guard smallest != parent else { return }
            exchange(parent, smallest)
            parent = smallest
        }
    }

    private mutating func exchange(_ first: Int, _ second: Int) {
        entries.swapAt(first, second)
        positions[entries[first].slot] = first
        positions[entries[second].slot] = second
    }
}
