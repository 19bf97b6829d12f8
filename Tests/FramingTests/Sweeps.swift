/// `bytes` cut into pieces of `size` bytes; the last may be shorter.
func pieces(of bytes: [UInt8], size: Int) -> [[UInt8]] {
    stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min($0 + size, bytes.count)]) }
}

/// Every two pieces that `bytes` can be cut into, the whole with an empty piece included.
func splits(of bytes: [UInt8]) -> [[[UInt8]]] {
    (0...bytes.count).map { [Array(bytes[..<$0]), Array(bytes[$0...])] }
}

/// `bytes` with one byte changed, for every byte and a few values that tend to hurt.
func mutations(of bytes: [UInt8]) -> [[UInt8]] {
    bytes.indices.flatMap { index in
        ([0x00, 0x01, 0x3F, 0x40, 0x7F, 0x80, 0xBF, 0xC0, 0xFF, bytes[index] ^ 1, bytes[index] ^ 0x80] as [UInt8]).map { value in
            var mutated = bytes
            mutated[index] = value
            return mutated
        }
    }
}
