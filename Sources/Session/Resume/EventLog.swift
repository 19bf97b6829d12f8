/// The newest events that were sent, for a client that lost its connection: it names the last one it has, and gets what
/// follows. What is acknowledged is forgotten; what goes over the limits is, too, the oldest first.
struct EventLog: Sendable {
    private struct Entry: Sendable {
        let id: String
        let bytes: [UInt8]
        /// Whether it comes again by another connection.
        let isRepeated: Bool
    }

    private let countLimit: Int
    private let byteLimit: Int
    private var entries: [Entry?] = []
    private var head = 0
    private var byteCount = 0
    /// The event before the first that is kept; `nil` before any was forgotten.
    private var forgotten: String?
    /// Whether an event that nobody acknowledged was forgotten.
    private(set) var hasOverflowed = false

    init(countLimit: Int, byteLimit: Int) {
        self.countLimit = countLimit
        self.byteLimit = byteLimit
    }

    var count: Int { entries.count - head }

    /// - Parameter isRepeated: `false` for what concerns one connection: it can be named, and does not come again.
    mutating func append(id: String, _ bytes: [UInt8], isRepeated: Bool = true) {
        entries.append(Entry(id: id, bytes: bytes, isRepeated: isRepeated))
        byteCount += bytes.count
        while count > countLimit || byteCount > byteLimit, count > 0 {
            removeFirst()
            hasOverflowed = true
        }
    }

    /// The client has this event and all before it. One that is not kept says nothing.
    mutating func acknowledge(_ id: String) {
        guard let index = index(of: id) else { return }
        for _ in head...index { removeFirst() }
        hasOverflowed = false
    }

    /// What follows `id`, or all that is not acknowledged.
    /// - Returns: the events, and whether there were others before them that are forgotten.
    func events(after id: String?) -> (events: [[UInt8]], hasGap: Bool) {
        guard let id else { return (events(from: head), hasOverflowed) }
        if let index = index(of: id) { return (events(from: index + 1), false) }
        return (events(from: head), id != forgotten)
    }

    private func events(from index: Int) -> [[UInt8]] {
        entries[index...].compactMap { entry in
            entry.flatMap { $0.isRepeated ? $0.bytes : nil }
        }
    }

    /// From the end: what a client names is most often recent.
    private func index(of id: String) -> Int? { entries[head...].lastIndex { $0?.id == id } }

    private mutating func removeFirst() {
        guard head < entries.count, let first = entries[head] else { return }
        forgotten = first.id
        byteCount -= first.bytes.count
        entries[head] = nil
        head += 1
        if head >= 64, head * 2 >= entries.count {
            entries.removeFirst(head)
            head = 0
        }
    }
}
