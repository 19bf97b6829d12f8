/// A first-in first-out queue that refuses what goes over its limit.
public struct BoundedQueue<Element> {
    private var storage: [Element?] = []
    private var head = 0
    /// The most elements it holds.
    public let limit: Int
    /// How many elements were refused since the queue was made.
    public private(set) var refusedCount = 0

    public init(limit: Int) { self.limit = limit }

    public var count: Int { storage.count - head }
    public var isEmpty: Bool { head == storage.count }
    public var first: Element? { head < storage.count ? storage[head] : nil }

    /// Adds `element` at the end, or counts it as refused and answers `false`.
    @discardableResult
    public mutating func append(_ element: Element) -> Bool {
        guard count < limit else {
            refusedCount += 1
            return false
        }
        storage.append(element)
        return true
    }

    public mutating func popFirst() -> Element? {
        guard head < storage.count else { return nil }
        let element = storage[head]
        storage[head] = nil
        head += 1
        if head == storage.count {
            storage.removeAll(keepingCapacity: true)
            head = 0
        } else if head >= 64 && head * 2 >= storage.count {
            storage.removeFirst(head)
            head = 0
        }
        return element
    }

    public mutating func removeAll() {
        storage.removeAll()
        head = 0
    }
}

extension BoundedQueue: Sendable where Element: Sendable {}
