/// Splits a stream, whose bytes come in pieces of any size, into lines: one JSON event each.
package struct LineReader: Sendable {
    /// A line went over the limit; the stream cannot be read further.
    package struct LineTooLong: Error, Hashable, Sendable {}

    private var pending = PendingBytes()
    /// How many of the unread bytes are known to hold no line feed, so that no byte is looked at twice.
    private var searchedByteCount = 0
    /// The longest line, without its end.
    package let maximumByteCount: Int

    package init(maximumByteCount: Int) { self.maximumByteCount = maximumByteCount }

    package mutating func append(_ piece: [UInt8]) { pending.append(piece) }

    /// The next line without its line feed (and without a carriage return before it), or `nil` when more bytes are needed.
    /// Empty lines are skipped.
    package mutating func next() throws(LineTooLong) -> [UInt8]? {
        while let end = endOfLine() {
            searchedByteCount = 0
            guard end <= maximumByteCount else { throw LineTooLong() }
            var line = pending.take(end + 1)
            line.removeLast()
            if line.last == 0x0D { line.removeLast() }
            if !line.isEmpty { return line }
        }
        guard pending.count <= maximumByteCount else { throw LineTooLong() }
        return nil
    }

    /// What came after the last line feed, when the stream has ended: a last line whose end was left out.
    package mutating func finish() -> [UInt8]? {
        searchedByteCount = 0
        let rest = pending.takeAll()
        return rest.isEmpty ? nil : rest
    }

    private mutating func endOfLine() -> Int? {
        let end = pending.firstIndex(of: 0x0A, from: searchedByteCount)
        if end == nil { searchedByteCount = pending.count }
        return end
    }
}
