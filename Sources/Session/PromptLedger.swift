package import Wire

/// Which frames came, and when: the server's book of the frames that no prompt has decided yet.
///
/// Frames lie in a ring indexed by their extended sequence number, so order of arrival does not matter.
/// Below `floor` everything is decided or cleared: what comes there is counted and never kept.
package struct PromptLedger: Sendable {
    package struct Record: Hashable, Sendable {
        package var arrival: Instant
        package var timestamp: MediaTime
        package var duplicates: UInt8
        /// How the copy came that arrived first; `nil` where the frame came by itself.
        package var recovery: MediaFrame.Recovery?
        package var payload: [UInt8]
    }

    package enum Outcome: Hashable, Sendable {
        case fresh(UInt64)
        case duplicate
        /// The frame of a prompt that has been decided without it.
        case afterDecision
        /// Of no prompt that can still come: cleared, or too far behind.
        case outside
    }

    /// The most sequence numbers that the window spans; beyond it the oldest frames fall out.
    package let frameLimit: Int
    package let byteLimit: Int
    package let keepsPayloads: Bool
    /// How frames entered and left, since the beginning.
    package struct Tally: Hashable, Sendable {
        package var fresh = 0
        package var decided = 0
        package var cleared = 0
        package var overflowed = 0
    }

    package private(set) var tally = Tally()
    package private(set) var heldFrames = 0
    /// The bytes of the payloads held.
    package private(set) var heldBytes = 0
    /// Frames that fell out of the window, or did not fit into `byteLimit`, since the last decision or clear.
    package private(set) var overflowedFrames = 0

    private var extender = SequenceExtender()
    private var ring: [Record?] = []
    /// The window: what lies outside of it is `nil` in the ring.
    private var start: UInt64 = 0
    private var end: UInt64 = 0
    private var floor: UInt64 = 0
    /// What was cleared behind prompts that still wait, in order: what comes there again is of no prompt.
    private var forgotten: [Range<UInt64>] = []
    /// The frames that the last decided prompts lacked, while they may still come.
    private var missingAtDecision: Set<UInt64> = []

    package init(frameLimit: Int, byteLimit: Int, keepsPayloads: Bool) {
        self.frameLimit = max(1, frameLimit)
        self.byteLimit = byteLimit
        self.keepsPayloads = keepsPayloads
    }

    /// From the lowest sequence number held to one past the highest.
    package var window: Range<UInt64> { start..<end }

    /// Everything below is decided or dropped.
    package var decidedFloor: UInt64 { floor }

    /// The number that follows the highest one held or decided, as it travels.
    package var nextSequence: UInt16 { UInt16(truncatingIfNeeded: max(end, floor)) }

    package subscript(sequence: UInt64) -> Record? {
        guard sequence >= start, sequence < end else { return nil }
        return ring[slot(sequence)]
    }

    /// The extended number of a sequence number that a manifest names. Changes nothing: manifests may lie.
    package func extended(_ sequence: UInt16) -> UInt64 {
        var extender = extender
        return extender.extend(sequence)
    }

    package mutating func record(_ frame: MediaFrame, arrival: Instant) -> Outcome {
        let sequence = extender.extend(frame.sequence)
        if sequence < floor {
            guard !missingAtDecision.isEmpty else { return .outside }
            return missingAtDecision.remove(sequence) != nil ? .afterDecision : .duplicate
        }
        guard !forgotten.contains(where: { $0.contains(sequence) }), makeRoom(for: sequence) else { return .outside }
        let index = slot(sequence)
        if let held = ring[index] {
            ring[index]?.duplicates = held.duplicates == .max ? .max : held.duplicates + 1
            return .duplicate
        }
        if keepsPayloads {
            guard heldBytes + frame.payload.count <= byteLimit else {
                overflowedFrames += 1
                return .outside
            }
            heldBytes += frame.payload.count
        }
        ring[index] = Record(
            arrival: arrival, timestamp: frame.timestamp, duplicates: 0, recovery: frame.recovery,
            payload: keepsPayloads ? frame.payload : [])
        tally.fresh += 1
        heldFrames += 1
        return .fresh(sequence)
    }

    /// How many of these frames are held.
    package func heldCount(in range: Range<UInt64>) -> Int {
        range.clamped(to: window).reduce(0) { count, sequence in ring[slot(sequence)] == nil ? count : count + 1 }
    }

    /// A manifest has named a prompt that may lie ahead of every frame seen: numbers are extended from there on.
    package mutating func expect(_ sequence: UInt16) { _ = extender.extend(sequence) }

    /// The frames of `range` are decided, and those below it will be in no prompt; those of `missing` are awaited only to be counted.
    package mutating func close(_ range: Range<UInt64>, missing: [UInt64]) {
        drop(below: range.lowerBound)
        tally.decided += remove(below: range.upperBound)
        missingAtDecision = Set(missing)
    }

    /// Everything below `upperBound` is forgotten: it will be in no prompt.
    package mutating func drop(below upperBound: UInt64) { tally.cleared += remove(below: upperBound) }

    /// - Returns: how many frames were held there.
    private mutating func remove(below upperBound: UInt64) -> Int {
        guard upperBound > floor else { return 0 }
        floor = upperBound
        forgotten.removeAll { $0.upperBound <= upperBound }
        let count = evict(below: upperBound)
        overflowedFrames = 0
        // Nothing is held: a long prompt's ring is not kept for the silence after it.
        if start >= end, ring.count > Self.firstCapacity { ring = [] }
        return count
    }

    /// The frames from `lowerBound` up to `upperBound` are forgotten; what lies below still waits for its decision.
    package mutating func forget(from lowerBound: UInt64, to upperBound: UInt64) {
        var sequence = max(lowerBound, start)
        while sequence < min(end, upperBound) {
            if let record = ring[slot(sequence)] {
                heldBytes -= record.payload.count
                heldFrames -= 1
                tally.cleared += 1
                ring[slot(sequence)] = nil
            }
            sequence += 1
        }
        guard upperBound > lowerBound else { return }
        // One clear after another reaches further from the same prompt's end.
        if let last = forgotten.last, last.upperBound >= lowerBound {
            forgotten[forgotten.count - 1] = min(last.lowerBound, lowerBound)..<max(last.upperBound, upperBound)
        } else {
            forgotten.append(lowerBound..<upperBound)
        }
    }

    private static let firstCapacity = 64

    private func slot(_ sequence: UInt64) -> Int { Int(truncatingIfNeeded: sequence) & (ring.count &- 1) }

    /// Widens the window to hold `sequence`, at the cost of the oldest frames where the limit asks for it.
    private mutating func makeRoom(for sequence: UInt64) -> Bool {
        if start >= end {
            if ring.isEmpty { ring = Array(repeating: nil, count: min(Self.firstCapacity, capacity(for: frameLimit))) }
            (start, end) = (sequence, sequence + 1)
        } else if sequence >= end {
            let span = sequence - start + 1
            if span > UInt64(frameLimit) {
                let count = evict(below: sequence + 1 - UInt64(frameLimit))
                overflowedFrames += count
                tally.overflowed += count
            }
            if start >= end { start = sequence }
            grow(toSpan: Int(sequence - start) + 1)
            end = sequence + 1
        } else if sequence < start {
            guard end - sequence <= UInt64(frameLimit) else { return false }
            grow(toSpan: Int(end - sequence))
            start = sequence
        }
        return true
    }

    private mutating func evict(below upperBound: UInt64) -> Int {
        let heldBefore = heldFrames
        var sequence = start
        while sequence < min(upperBound, end) {
            let index = slot(sequence)
            if let record = ring[index] {
                heldBytes -= record.payload.count
                heldFrames -= 1
                ring[index] = nil
            }
            sequence += 1
        }
        start = max(start, upperBound)
        if start >= end { end = start }
        return heldBefore - heldFrames
    }

    private func capacity(for span: Int) -> Int {
        var capacity = 1
        while capacity < span { capacity *= 2 }
        return capacity
    }

    private mutating func grow(toSpan span: Int) {
        guard span > ring.count else { return }
        var larger: [Record?] = Array(repeating: nil, count: capacity(for: span))
        var sequence = start
        while sequence < end {
            larger[Int(truncatingIfNeeded: sequence) & (larger.count - 1)] = ring[slot(sequence)]
            sequence += 1
        }
        ring = larger
    }
}
