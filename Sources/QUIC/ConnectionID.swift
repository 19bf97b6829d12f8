/// A QUIC connection ID of 0 to 20 bytes (RFC 9000 section 5.1), kept inline.
package struct ConnectionID: Hashable, Sendable, CustomStringConvertible {
    /// The greatest length that QUIC version 1 allows.
    package static let maximumByteCount = 20

    // Twenty bytes in three words, so that hashing and comparing need no loop.
    private var first: UInt64 = 0
    private var second: UInt64 = 0
    private var third: UInt32 = 0
    package private(set) var count: UInt8 = 0

    /// The connection ID made of `bytes`; `nil` when they are more than 20.
    package init?(_ bytes: Span<UInt8>) {
        guard bytes.count <= Self.maximumByteCount else { return nil }
        for index in bytes.indices { append(bytes[index]) }
    }

    /// The connection ID made of `bytes`; `nil` when they are more than 20.
    package init?(_ bytes: [UInt8]) { self.init(bytes.span) }

    package var bytes: [UInt8] { (0..<Int(count)).map { self[$0] } }

    package subscript(index: Int) -> UInt8 {
        precondition(index >= 0 && index < Int(count), "the index is inside the connection ID")
        return switch index {
        case 0..<8: UInt8(truncatingIfNeeded: first >> UInt64(index * 8))
        case 8..<16: UInt8(truncatingIfNeeded: second >> UInt64((index - 8) * 8))
        default: UInt8(truncatingIfNeeded: third >> UInt32((index - 16) * 8))
        }
    }

    package var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private mutating func append(_ byte: UInt8) {
        let index = Int(count)
        switch index {
        case 0..<8: first |= UInt64(byte) << UInt64(index * 8)
        case 8..<16: second |= UInt64(byte) << UInt64((index - 8) * 8)
        default: third |= UInt32(byte) << UInt32((index - 16) * 8)
        }
        count += 1
    }
}
