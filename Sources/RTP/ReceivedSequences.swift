package import Wire

/// The numbers that came lately: tells whether a frame that came in a later packet is one that came by itself before.
///
/// A window behind the highest number, one bit a number, and the times of the last few. Everything before it counts as seen.
package struct ReceivedSequences: Sendable {
    /// How many numbers the window spans: 20 s of 20 ms, more than any resend is worth.
    package static let span = 1024
    /// How many times are remembered: as far back as a redundant payload may reach.
    private static let timesKept = 32

    private var highest: UInt16?
    private var seen = [UInt64](repeating: 0, count: span / 64)
    private var times = [MediaTime?](repeating: nil, count: timesKept)
    /// The number after a packet that came from far outside; if it comes next, the sender began anew.
    private var restart: UInt16?

    package init() {}

    /// The highest number that came; `nil` before the first.
    package var highestSequence: UInt16? { highest }

    /// Whether this number has come, or is so old that nobody can tell.
    package func contains(_ sequence: UInt16) -> Bool {
        guard let highest else { return false }
        let behind = highest &- sequence
        if behind >= 1 << 15 { return false }
        return behind >= Self.span || bit(sequence)
    }

    /// Whether a frame with this number and time agrees with its neighbours: each number has its own time, and both
    /// rise together. A frame that does not is another one than it seems.
    package func agrees(_ sequence: UInt16, _ timestamp: MediaTime) -> Bool {
        if let before = time(of: sequence &- 1), Int32(bitPattern: timestamp.ticks &- before.ticks) <= 0 { return false }
        if let after = time(of: sequence &+ 1), Int32(bitPattern: after.ticks &- timestamp.ticks) <= 0 { return false }
        return true
    }

    /// Counts an arrival.
    /// - Returns: whether the number had not come before.
    @discardableResult
    package mutating func insert(_ sequence: UInt16, _ timestamp: MediaTime) -> Bool {
        guard let highest else {
            begin(sequence, timestamp)
            return true
        }
        let ahead = Int(Int16(bitPattern: sequence &- highest))
        guard ahead > -Self.span, ahead < Self.span else {
            // Far from all the others: the second in a row is believed.
            if sequence == restart { begin(sequence, timestamp) } else { restart = sequence &+ 1 }
            return true
        }
        restart = nil
        if ahead > 0 {
            for step in 1...UInt16(truncatingIfNeeded: ahead) { clear(highest &+ step) }
            self.highest = sequence
        } else if bit(sequence) {
            return false
        }
        mark(sequence, timestamp)
        return true
    }

    private mutating func begin(_ sequence: UInt16, _ timestamp: MediaTime) {
        self = ReceivedSequences()
        highest = sequence
        mark(sequence, timestamp)
    }

    private func bit(_ sequence: UInt16) -> Bool {
        seen[Int(sequence) % Self.span / 64] >> UInt64(sequence % 64) & 1 != 0
    }

    private func time(of sequence: UInt16) -> MediaTime? {
        guard let highest, highest &- sequence < Self.timesKept, bit(sequence) else { return nil }
        return times[Int(sequence) % Self.timesKept]
    }

    private mutating func mark(_ sequence: UInt16, _ timestamp: MediaTime) {
        seen[Int(sequence) % Self.span / 64] |= 1 << UInt64(sequence % 64)
        if let highest, highest &- sequence < Self.timesKept { times[Int(sequence) % Self.timesKept] = timestamp }
    }

    private mutating func clear(_ sequence: UInt16) {
        seen[Int(sequence) % Self.span / 64] &= ~(1 << UInt64(sequence % 64))
        times[Int(sequence) % Self.timesKept] = nil
    }
}
