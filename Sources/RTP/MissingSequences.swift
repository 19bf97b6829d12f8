package import Wire

/// What a receiver that asks for resends keeps: the packets that have not come, and when to ask for each (again).
///
/// A gap is seen when a later packet arrives, or when `expect(through:)` tells of packets that nothing followed. Asked again
/// after a little more than a round trip; given up when the packet is older than it is wanted.
package struct MissingSequences: Sendable {
    package struct Limits: Hashable, Sendable {
        /// How many packets may be missing at once; beyond it the oldest are given up.
        package var missing = 512
        /// A jump of more numbers is a source that began anew, not a loss.
        package var jump: UInt16 = 3000
        /// Asked for the same packet no sooner than this. Senders ignore what comes within a few milliseconds.
        package var repetition: Duration = .milliseconds(20)
        /// After so many requests for one packet the next ones come slower, down to one in `slowRepetition`.
        package var quickRequests = 16
        package var slowRepetition: Duration = .seconds(1)
        /// How many packets are asked for at once before the first that came, where that does not begin a talk, and how many
        /// in all.
        package var guesses: UInt64 = 5
        package var guessesInAll: UInt64 = 50

        package init() {}
    }

    /// One packet that has not come.
    package struct Missing: Hashable, Sendable {
        package var sequence: UInt16
        package var missedSince: Instant
        package var lastAsked: Instant?
        package var askedCount = 0
        /// When it is given up.
        package var expiry: Instant
        fileprivate var number: UInt64
    }

    /// How long a packet is asked for, from the moment at which it was first missed; a change is for those missed later.
    package var patience: Duration
    /// From now on gaps are no losses to ask for: the sender's mode has changed. What `expect` names still is.
    package var ignoresGaps = false
    /// How long to wait before a gap is taken for a loss: a path may deliver out of order.
    package var reorderAllowance: Duration
    /// The path's round trip, as far as it is known.
    package var roundTrip: Duration = .zero
    private let limits: Limits
    private var extender = SequenceExtender()
    private var highest: UInt64?
    /// The first packet that came, while nobody knows whether others went before it.
    private var unprovenFirst: UInt64?
    /// Below this nothing has come, and nothing is asked for.
    private var lowest: UInt64?
    /// In the order of sending.
    package private(set) var missing: [Missing] = []
    /// Packets that were given up: too old, or too many.
    package private(set) var givenUpCount = 0

    package init(patience: Duration, reorderAllowance: Duration = .zero, limits: Limits = Limits()) {
        self.patience = patience
        self.reorderAllowance = reorderAllowance
        self.limits = limits
    }

    /// Counts an arrival, by whatever means it came.
    /// - Parameter isMarked: whether the packet says that a talk begins with it (RFC 3551 section 4.1). When the first that
    ///   comes does not, the beginning is taken for lost, and asked for.
    /// - Returns: what was known of the packet, where it was missing.
    @discardableResult
    package mutating func received(_ sequence: UInt16, isMarked: Bool = true, now: Instant) -> Missing? {
        if let highest {
            let jump = Int(Int16(bitPattern: sequence &- UInt16(truncatingIfNeeded: highest))).magnitude
            if jump > Int(limits.jump) { restart() }
        }
        let number = extender.extend(sequence)
        guard let highest else {
            self.highest = number
            lowest = number
            unprovenFirst = number
            seekBeginning(number, isMarked: isMarked, now: now)
            return nil
        }
        guard number <= highest else {
            if !ignoresGaps { miss(from: highest + 1, to: number, now: now) }
            self.highest = number
            return nil
        }
        if let first = lowest, number < first {
            // Packets of before, sent once more: what lies between was sent, too.
            if !ignoresGaps, number + 1 < first { insert((number + 1)..<first, now: now) }
            lowest = number
        }
        seekBeginning(number, isMarked: isMarked, now: now)
        guard let index = missing.firstIndex(where: { $0.number == number }) else { return nil }
        return missing.remove(at: index)
    }

    /// All packets from `first` to `last`, both included, were sent: a commit says so.
    package mutating func expect(from first: UInt16, through last: UInt16, now: Instant) {
        guard Int(last &- first) <= Int(limits.jump) else { return }
        if highest == nil {
            // Nothing has come of all that: the first is missing like the rest.
            let number = extender.extend(first)
            miss(from: number, to: number + 1, now: now)
            highest = number
            lowest = number
        }
        expect(through: last, now: now)
        guard let lowest else { return }
        let behind = Int16(bitPattern: UInt16(truncatingIfNeeded: lowest) &- first)
        guard behind > 0, Int(behind) <= Int(limits.jump), UInt64(behind) <= lowest else { return }
        let number = lowest - UInt64(behind)
        insert(number..<lowest, now: now)
        self.lowest = number
    }

    /// All packets up to `sequence`, itself included, were sent.
    package mutating func expect(through sequence: UInt16, now: Instant) {
        guard let highest else { return }
        let ahead = Int16(bitPattern: sequence &- UInt16(truncatingIfNeeded: highest))
        guard ahead > 0, Int(ahead) <= Int(limits.jump) else { return }
        let number = extender.extend(sequence)
        miss(from: highest + 1, to: number + 1, now: now)
        self.highest = number
    }

    /// The packets to ask for now, in the order of sending. Whoever calls asks for all of them.
    package mutating func requests(now: Instant) -> [UInt16] {
        giveUp(now: now)
        var due: [UInt16] = []
        for index in missing.indices where nextRequest(missing[index]) <= now {
            missing[index].lastAsked = now
            missing[index].askedCount += 1
            due.append(missing[index].sequence)
        }
        return due
    }

    /// When `requests` has something to do; `nil` where nothing is missing.
    package var deadline: Instant? {
        missing.lazy.map { min(nextRequest($0), $0.expiry) }.min()
    }

    private func nextRequest(_ packet: Missing) -> Instant {
        guard let lastAsked = packet.lastAsked else { return packet.missedSince + reorderAllowance }
        // A quarter more than a round trip: an answer that is under way shall not be asked for again.
        let interval = max(roundTrip + roundTrip / 4, limits.repetition)
        guard packet.askedCount > limits.quickRequests else { return lastAsked + interval }
        return lastAsked + max(interval, min(interval * (packet.askedCount - limits.quickRequests + 1), limits.slowRepetition))
    }

    /// Whether nothing is missing of what was sent up to `sequence`. What may never have been sent does not count.
    package func hasAll(through sequence: UInt16) -> Bool {
        guard let highest, Int16(bitPattern: sequence &- UInt16(truncatingIfNeeded: highest)) <= 0 else { return false }
        return missing.allSatisfy { $0.number < unprovenFirst ?? 0 || Int16(bitPattern: sequence &- $0.sequence) < 0 }
    }

    private mutating func miss(from first: UInt64, to end: UInt64, now: Instant) {
        guard first < end else { return }
        let kept = max(first, end - min(end, UInt64(limits.missing)))
        givenUpCount += Int(kept - first)
        for number in kept..<end {
            missing.append(makeMissing(number, now: now))
        }
        let excess = missing.count - limits.missing
        guard excess > 0 else { return }
        givenUpCount += excess
        missing.removeFirst(excess)
    }

    /// Asks for packets before the earliest that has come, until one says that it is the first.
    private mutating func seekBeginning(_ number: UInt64, isMarked: Bool, now: Instant) {
        guard let first = unprovenFirst, number <= first else { return }
        if isMarked {
            missing.removeAll { $0.number < number }
            unprovenFirst = nil
            return
        }
        let asked = missing.first.map { min($0.number, number) } ?? number
        let lowest = max(number - min(number, limits.guesses), first - min(first, limits.guessesInAll))
        guard lowest < asked else { return }
        insert(lowest..<asked, now: now)
        self.lowest = min(self.lowest ?? lowest, lowest)
    }

    /// Puts packets in front of all others that are missing.
    private mutating func insert(_ numbers: Range<UInt64>, now: Instant) {
        let kept = numbers.suffix(max(0, limits.missing - missing.count))
        givenUpCount += numbers.count - kept.count
        missing.insert(
            contentsOf: kept.map { makeMissing($0, now: now) }, at: 0)
    }

    private func makeMissing(_ number: UInt64, now: Instant) -> Missing {
        Missing(sequence: UInt16(truncatingIfNeeded: number), missedSince: now, expiry: now + patience, number: number)
    }

    private mutating func giveUp(now: Instant) {
        let count = missing.count
        missing.removeAll { $0.expiry <= now }
        givenUpCount += count - missing.count
    }

    private mutating func restart() {
        givenUpCount += missing.count
        missing = []
        extender = SequenceExtender()
        highest = nil
        lowest = nil
        unprovenFirst = nil
    }
}
