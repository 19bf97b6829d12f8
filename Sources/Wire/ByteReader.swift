/// Why bytes could not be read as the form that was expected.
public enum ParseError: Error, Hashable, Sendable {
    /// The bytes end before the form does; with more bytes the same call may succeed.
    case truncated
    /// The bytes cannot be this form, whatever follows.
    case malformed(_ what: StaticReason)
    /// A count or a length goes over the limit named.
    case overLimit(_ what: StaticReason)
}

/// A fixed text that says what was wrong; made of literals only, so it costs nothing and carries no input.
public struct StaticReason: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    public let description: String
    public init(stringLiteral value: String) { description = value }
}

/// Reads big-endian fields from borrowed bytes. Every method is total: it returns a value or throws.
public struct ByteReader: ~Escapable {
    private let bytes: Span<UInt8>
    /// How many bytes have been read.
    public private(set) var offset = 0

    @_lifetime(copy bytes)
    public init(_ bytes: Span<UInt8>) { self.bytes = bytes }

    /// How many bytes are left.
    public var remaining: Int { bytes.count - offset }
    public var isAtEnd: Bool { remaining == 0 }

    /// The next byte, not consumed; `nil` at the end.
    public var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    @_lifetime(self: copy self)
    public mutating func readUInt8() throws(ParseError) -> UInt8 {
        guard remaining >= 1 else { throw .truncated }
        defer { offset += 1 }
        return bytes[offset]
    }

    @_lifetime(self: copy self)
    public mutating func readUInt16() throws(ParseError) -> UInt16 {
        UInt16(truncatingIfNeeded: try readInteger(byteCount: 2))
    }

    @_lifetime(self: copy self)
    public mutating func readUInt32() throws(ParseError) -> UInt32 {
        UInt32(truncatingIfNeeded: try readInteger(byteCount: 4))
    }

    @_lifetime(self: copy self)
    public mutating func readUInt64() throws(ParseError) -> UInt64 { try readInteger(byteCount: 8) }

    /// A big-endian integer of 1 to 8 bytes.
    @_lifetime(self: copy self)
    public mutating func readInteger(byteCount: Int) throws(ParseError) -> UInt64 {
        guard remaining >= byteCount else { throw .truncated }
        var value: UInt64 = 0
        for index in offset..<(offset + byteCount) { value = value << 8 | UInt64(bytes[index]) }
        offset += byteCount
        return value
    }

    /// A QUIC variable-length integer (RFC 9000 section 16).
    @_lifetime(self: copy self)
    public mutating func readVarInt() throws(ParseError) -> UInt64 {
        guard let first = peek else { throw .truncated }
        let length = 1 << Int(first >> 6)
        let value = try readInteger(byteCount: length)
        return value & (UInt64.max >> (64 - UInt64(length) * 8 + 2))
    }

    /// The next `count` bytes, borrowed.
    @_lifetime(copy self)
    public mutating func readSpan(_ count: Int) throws(ParseError) -> Span<UInt8> {
        guard count >= 0, remaining >= count else { throw .truncated }
        let start = offset
        offset += count
        return bytes.extracting(start..<(start + count))
    }

    /// The next `count` bytes, copied.
    @_lifetime(self: copy self)
    public mutating func readBytes(_ count: Int) throws(ParseError) -> [UInt8] {
        guard count >= 0, remaining >= count else { throw .truncated }
        defer { offset += count }
        return [UInt8](bytes.extracting(offset..<(offset + count)))
    }

    /// All that is left, borrowed.
    @_lifetime(copy self)
    public mutating func readRest() -> Span<UInt8> {
        let start = offset
        offset = bytes.count
        return bytes.extracting(start..<bytes.count)
    }

    @_lifetime(self: copy self)
    public mutating func skip(_ count: Int) throws(ParseError) {
        guard count >= 0, remaining >= count else { throw .truncated }
        offset += count
    }
}
