/// Bytes of a stream that came in pieces and wait to be read. Where one piece ended and the next began means nothing.
package struct PendingBytes: Sendable {
    private var storage: [UInt8] = []
    private var head = 0

    package init() {}

    package var count: Int { storage.count - head }
    package var isEmpty: Bool { head == storage.count }

    /// The byte at `offset` from the first unread one.
    /// - Precondition: `offset` is below `count`.
    package subscript(offset: Int) -> UInt8 { storage[head + offset] }

    /// What is unread, borrowed.
    package var span: Span<UInt8> {
        @_lifetime(borrow self) get { storage.span.extracting(droppingFirst: head) }
    }

    package mutating func append(_ piece: [UInt8]) {
        if isEmpty {
            storage = piece
            head = 0
        } else {
            // Read bytes are thrown away before the array grows, so that memory follows what is unread.
            if head > 0 && head >= storage.count / 2 {
                storage.removeFirst(head)
                head = 0
            }
            storage.append(contentsOf: piece)
        }
    }

    /// The variable-length integer at `offset` and its length, or `nil` when it is not whole yet.
    package func varInt(at offset: Int = 0) -> (value: UInt64, byteCount: Int)? {
        guard offset < count else { return nil }
        let byteCount = 1 << Int(self[offset] >> 6)
        guard offset + byteCount <= count else { return nil }
        var value = UInt64(self[offset] & 0x3F)
        for index in 1..<byteCount { value = value << 8 | UInt64(self[offset + index]) }
        return (value, byteCount)
    }

    /// A type and a length, as frames and capsules begin (RFC 9114 section 7.1, RFC 9297 section 3.2), removed; `nil` while they
    /// are not whole.
    package mutating func takeTypeAndLength() -> (type: UInt64, length: UInt64)? {
        guard let type = varInt(), let length = varInt(at: type.byteCount) else { return nil }
        drop(type.byteCount + length.byteCount)
        return (type.value, length.value)
    }

    /// Where `byte` stands first, at or after `offset`.
    package func firstIndex(of byte: UInt8, from offset: Int) -> Int? {
        let unread = span
        for index in offset..<unread.count where unread[index] == byte { return index }
        return nil
    }

    /// Forgets the first `byteCount` unread bytes.
    /// - Precondition: `byteCount` is at most `count`.
    package mutating func drop(_ byteCount: Int) {
        head += byteCount
        if head == storage.count {
            storage = []
            head = 0
        }
    }

    /// Forgets as many of the next `byteCount` bytes as have come.
    /// - Returns: how many of them are still to come.
    package mutating func skip(_ byteCount: UInt64) -> UInt64 {
        let here = Int(min(UInt64(count), byteCount))
        drop(here)
        return byteCount - UInt64(here)
    }

    /// The first `byteCount` unread bytes, removed.
    /// - Precondition: `byteCount` is at most `count`.
    package mutating func take(_ byteCount: Int) -> [UInt8] {
        if head == 0 && byteCount == storage.count {
            defer { storage = [] }
            return storage
        }
        let taken = Array(storage[head..<(head + byteCount)])
        drop(byteCount)
        return taken
    }

    /// All that is unread, removed.
    package mutating func takeAll() -> [UInt8] { take(count) }
}
