package import Wire

/// What was sent lately, by sequence number, for a peer that asks for it again. Bounded by count and by age.
package struct SentPackets: Sendable {
    package struct Limits: Hashable, Sendable {
        /// How many packets are kept; at most 32,768, so that numbers are not mistaken for each other.
        package var packets = 2_048
        /// Asked for the same packet within this time, it is not sent again: the answer is under way.
        package var repetition: Duration = .milliseconds(5)
        /// Asked for this long after it was sent, a packet has little time to come.
        package var repairAge: Duration = .milliseconds(500)

        package init() {}
    }

    private struct Packet {
        var sequence: UInt16
        var bytes: [UInt8]
        var sent: Instant
        var resent: Instant?
        var askedCount = 0
        /// Handed to a reliable channel.
        var isRepaired = false
    }

    /// How long a packet is worth sending again.
    package var age: Duration
    private let limits: Limits
    /// By their numbers, which is the order of sending but for a few; `head` is the lowest that is kept.
    private var packets: [Packet] = []
    private var head = 0

    package init(age: Duration, limits: Limits = Limits()) {
        self.age = age
        self.limits = limits
    }

    /// How many packets are kept.
    package var count: Int { packets.count - head }

    /// Keeps a packet that is sent now. Numbers rise from one to the next, but for those of frames that went another way before
    /// and are sent once more: a session that moved sends them behind newer ones.
    package mutating func insert(_ bytes: [UInt8], sequence: UInt16, now: Instant) {
        dropOld(now: now)
        if let last = packets.last, sequence == last.sequence || last.sequence &- sequence < 0x8000 && Int(last.sequence &- sequence) >= limits.packets {
            // Numbers began anew: what was kept cannot be told apart any more.
            packets.removeAll(keepingCapacity: true)
            head = 0
        }
        if count >= limits.packets { dropFirst() }
        var place = packets.count
        while place > head, Int16(bitPattern: sequence &- packets[place - 1].sequence) < 0 { place -= 1 }
        packets.insert(Packet(sequence: sequence, bytes: bytes, sent: now), at: place)
    }

    /// The packet to send again; `nil` where it is unknown or too old, or was sent again just now.
    package mutating func resend(_ sequence: UInt16, now: Instant) -> [UInt8]? {
        dropOld(now: now)
        guard let index = index(of: sequence) else { return nil }
        if let resent = packets[index].resent, now.since(resent) < limits.repetition { return nil }
        packets[index].resent = now
        packets[index].askedCount += 1
        return packets[index].bytes
    }

    /// The packet to send on a reliable channel, too: one that was asked for again, or long after it was sent. Once each.
    package mutating func repair(_ sequence: UInt16, now: Instant) -> [UInt8]? {
        guard let index = index(of: sequence), !packets[index].isRepaired,
            packets[index].askedCount > 1 || now.since(packets[index].sent) > limits.repairAge
        else { return nil }
        packets[index].isRepaired = true
        return packets[index].bytes
    }

    /// The packet that was sent so many packets before the last one; `nil` where that one is not kept.
    package func packet(beforeLast distance: Int) -> [UInt8]? {
        distance >= 0 && distance < count ? packets[packets.count - 1 - distance].bytes : nil
    }

    /// A search by halves: the numbers rise.
    private func index(of sequence: UInt16) -> Int? {
        guard head < packets.count else { return nil }
        let first = packets[head].sequence
        let wanted = sequence &- first
        var low = head
        var high = packets.count
        while low < high {
            let middle = low + (high - low) / 2
            if packets[middle].sequence &- first < wanted { low = middle + 1 } else { high = middle }
        }
        return low < packets.count && packets[low].sequence == sequence ? low : nil
    }

    private mutating func dropOld(now: Instant) {
        while head < packets.count, packets[head].sent + age < now { dropFirst() }
    }

    private mutating func dropFirst() {
        packets[head].bytes = []
        head += 1
        if head == packets.count {
            packets.removeAll(keepingCapacity: true)
            head = 0
        } else if head >= 32, head * 2 >= packets.count {
            packets.removeFirst(head)
            head = 0
        }
    }
}
