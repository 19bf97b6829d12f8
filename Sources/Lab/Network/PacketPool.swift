package import Wire

/// Memory for datagrams on their way, in slots that are used again: a trial allocates no memory a packet.
struct PacketPool: ~Copyable {
    private var chunks: [UnsafeMutableRawBufferPointer] = []
    private var free: [Int] = []

    static let slotByteCount = Link.maximumByteCount
    private static let slotsPerChunk = 64

    init() {}

    deinit { for chunk in chunks { chunk.deallocate() } }

    /// Copies a datagram of at most `slotByteCount` bytes into a free slot.
    mutating func store(_ datagram: UnsafeRawBufferPointer) -> Int {
        if free.isEmpty {
            let first = chunks.count * Self.slotsPerChunk
            chunks.append(.allocate(byteCount: Self.slotsPerChunk * Self.slotByteCount, alignment: 16))
            free.append(contentsOf: (first..<first + Self.slotsPerChunk).reversed())
        }
        let slot = free.removeLast()
        memory(of: slot, byteCount: datagram.count).copyMemory(from: datagram)
        return slot
    }

    /// The bytes of a slot; valid until it is released.
    func datagram(in slot: Int, byteCount: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(memory(of: slot, byteCount: byteCount))
    }

    mutating func release(_ slot: Int) { free.append(slot) }

    private func memory(of slot: Int, byteCount: Int) -> UnsafeMutableRawBufferPointer {
        let start = slot % Self.slotsPerChunk * Self.slotByteCount
        return UnsafeMutableRawBufferPointer(rebasing: chunks[slot / Self.slotsPerChunk][start..<start + byteCount])
    }
}

/// What waits for its time of arrival.
package protocol InFlight: Sendable {
    var arrival: Instant { get }
    /// Counts what was sent: equal arrivals keep the order of sending.
    var serial: Int { get }
}

/// A datagram on its way.
struct PacketInFlight: InFlight {
    var arrival: Instant
    var serial: Int
    var slot: Int
    var byteCount: Int
    /// As who receives it sees it.
    var path: NetworkPath
    var ecn: ECN
    /// How many packets led to this one, each sent after the one before had come: a round trip is two.
    var depth: Int
}

/// Packets on their way by arrival: a binary heap. Links that keep order add at the end and never sift.
package struct ArrivalQueue<Packet: InFlight>: Sendable {
    private var heap: [Packet] = []

    package init() {}

    package var first: Packet? { heap.first }

    package mutating func insert(_ packet: Packet) {
        heap.append(packet)
        var child = heap.count - 1
        while child > 0, Self.precedes(heap[child], heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// Removes the first packet, if it has arrived by `now`.
    package mutating func popFirst(by now: Instant) -> Packet? {
        guard let first = heap.first, first.arrival <= now else { return nil }
        let last = heap.removeLast()
        guard !heap.isEmpty else { return first }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in (2 * parent + 1)..<(2 * parent + 3) where child < heap.count {
                if Self.precedes(heap[child], heap[least]) { least = child }
            }
            guard least != parent else { return first }
            heap.swapAt(parent, least)
            parent = least
        }
    }

    private static func precedes(_ left: Packet, _ right: Packet) -> Bool {
        (left.arrival, left.serial) < (right.arrival, right.serial)
    }
}
