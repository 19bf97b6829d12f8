/// The checksum of an SCTP packet (RFC 9260 appendix A): CRC32c, reflected, over the packet with a checksum of zero.
package enum CRC32C {
    /// The remainders of all bytes.
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { sum, _ in sum & 1 == 1 ? sum >> 1 ^ 0x82F6_3B78 : sum >> 1 }
    }

    static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var sum: UInt32 = .max
        for byte in bytes { sum = table[Int((sum ^ UInt32(byte)) & 0xFF)] ^ sum >> 8 }
        return ~sum
    }

    /// Writes the checksum into a packet's common header, in the order of bytes that the RFC has: the lowest first.
    /// - Precondition: the packet has a common header.
    package static func seal(_ packet: inout [UInt8]) {
        precondition(packet.count >= SCTPPacket.headerByteCount, "the checksum stands in the common header")
        for index in 8..<12 { packet[index] = 0 }
        let sum = checksum(packet)
        for index in 0..<4 { packet[8 + index] = UInt8(truncatingIfNeeded: sum >> UInt32(8 * index)) }
    }
}
