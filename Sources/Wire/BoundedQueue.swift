/// A first-in first-out queue that refuses what goes over its limit.
///
/// Inlinable throughout: where it is not specialised, every call looks up the element's metadata.
public struct BoundedQueue<Element> {
    @usableFromInline var storage: [Element?] = []
    @usableFromInline var head = 0
    /// The most elements it holds.
    public let limit: Int
    /// How many elements were refused since the queue was made.
    @inlinable public var refusedCount: Int { refusals }
    @usableFromInline var refusals = 0

    @inlinable public init(limit: Int) { self.limit = limit }

    @inlinable public var count: Int { storage.count - head }
    @inlinable public var isEmpty: Bool { head == storage.count }
    @inlinable public var first: Element? { head < storage.count ? storage[head] : nil }

    /// Adds `element` at the end, or counts it as refused and answers `false`.
    @discardableResult
    @inlinable public mutating func append(_ element: Element) -> Bool {
        guard count < limit else {
            refusals += 1
            return false
        }
        storage.append(element)
        return true
    }

    @inlinable public mutating func popFirst() -> Element? {
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

    @inlinable public mutating func removeAll() {
        storage.removeAll()
        head = 0
    }
}

extension BoundedQueue: Sendable where Element: Sendable {}
