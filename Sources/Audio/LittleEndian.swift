internal import Wire

// RIFF and Ogg store integers with the low byte first; the network's forms, and so `ByteReader`, do not.

extension ByteReader {
    @_lifetime(self: copy self)
    mutating func readLittleEndianUInt16() throws(ParseError) -> UInt16 { try readUInt16().byteSwapped }

    @_lifetime(self: copy self)
    mutating func readLittleEndianUInt32() throws(ParseError) -> UInt32 { try readUInt32().byteSwapped }

    @_lifetime(self: copy self)
    mutating func readLittleEndianUInt64() throws(ParseError) -> UInt64 { try readUInt64().byteSwapped }
}

extension [UInt8] {
    mutating func append(littleEndian value: UInt16) { append(bigEndian: value.byteSwapped) }
    mutating func append(littleEndian value: UInt32) { append(bigEndian: value.byteSwapped) }
    mutating func append(littleEndian value: UInt64) { append(bigEndian: value.byteSwapped) }

    /// The bytes of a text: a magic word, a chunk's name.
    mutating func append(text: StaticString) { append(contentsOf: text.description.utf8) }
}

/// A four-letter name as a 32-bit integer in the order of its bytes, so that it compares in one step.
struct FourCC: Hashable {
    let rawValue: UInt32
    init(rawValue: UInt32) { self.rawValue = rawValue }
    init(_ name: String) { rawValue = name.utf8.prefix(4).reduce(0) { $0 << 8 | UInt32($1) } }
}
