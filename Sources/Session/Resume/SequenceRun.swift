internal import Wire

/// Which frames of a peer's have come: tells a second copy from a first, and where the first gap lies.
struct SequenceRun: Sendable {
    private var extender = SequenceExtender()
    /// Everything below has come, or is given up.
    private var next: UInt64?
    private var ahead: Set<UInt64> = []
    /// How many frames beyond a gap are remembered before it is given up.
    private static let aheadLimit = 512
    /// How far below the first frame seen others may still come.
    private static let lead: UInt64 = 64

    /// The number of the first frame that lacks; 0 before any has come.
    var firstMissing: UInt16 { UInt16(truncatingIfNeeded: next ?? 0) }

    /// - Returns: whether this frame had not come before.
    mutating func insert(_ sequence: UInt16) -> Bool {
        let extended = extender.extend(sequence)
        // Our servers begin at 0; of others nobody knows.
        var next = next ?? (UInt64(sequence) <= Self.lead ? extended - UInt64(sequence) : extended - Self.lead)
        defer { self.next = next }
        guard extended >= next, !ahead.contains(extended) else { return false }
        ahead.insert(extended)
        if ahead.count > Self.aheadLimit, let lowest = ahead.min() { next = lowest }
        while ahead.remove(next) != nil { next += 1 }
        return true
    }
}
