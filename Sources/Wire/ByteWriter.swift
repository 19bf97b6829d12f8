extension [UInt8] {
    /// A copy of borrowed bytes.
    public init(_ span: Span<UInt8>) {
        self.init(capacity: span.count) { output in
            for index in span.indices { output.append(span[index]) }
        }
    }

    public mutating func append(_ span: Span<UInt8>) {
        reserveCapacity(count + span.count)
        for index in span.indices { append(span[index]) }
    }

    public mutating func append(bigEndian value: UInt16) {
        append(UInt8(truncatingIfNeeded: value >> 8))
        append(UInt8(truncatingIfNeeded: value))
    }

    public mutating func append(bigEndian value: UInt32) {
        append(bigEndian: UInt16(truncatingIfNeeded: value >> 16))
        append(bigEndian: UInt16(truncatingIfNeeded: value))
    }

    public mutating func append(bigEndian value: UInt64) {
        append(bigEndian: UInt32(truncatingIfNeeded: value >> 32))
        append(bigEndian: UInt32(truncatingIfNeeded: value))
    }

    /// Appends `value` in the fewest bytes (RFC 9000 section 16).
    /// - Precondition: `value` is at most `VarInt.max`.
    public mutating func append(varInt value: UInt64) {
        precondition(value <= VarInt.max, "a QUIC variable-length integer has 62 bits")
        let length = VarInt.length(of: value)
        let tagged = value | UInt64(length.trailingZeroBitCount) << (UInt64(length) * 8 - 2)
        for shift in stride(from: (length - 1) * 8, through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: tagged >> UInt64(shift)))
        }
    }
}

/// QUIC variable-length integers (RFC 9000 section 16).
public enum VarInt {
    /// The greatest value: 2^62 − 1.
    public static let max: UInt64 = 1 << 62 - 1

    /// How many bytes the shortest form of `value` takes: 1, 2, 4 or 8.
    public static func length(of value: UInt64) -> Int {
        switch value {
        case 0..<(1 << 6): 1
        case (1 << 6)..<(1 << 14): 2
        case (1 << 14)..<(1 << 30): 4
        default: 8
        }
    }
}
