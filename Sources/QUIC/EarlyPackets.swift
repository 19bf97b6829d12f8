internal import Wire

/// Packets with data that reached a server before the client's last handshake packet, which was lost or overtaken.
///
/// They cannot be read before the handshake is complete (RFC 9001 section 5.7), and ngtcp2 keeps only a few. But a
/// client speaks from its first round trip on, and a datagram that is thrown away is the beginning of a prompt.
struct EarlyPackets {
    struct Packet {
        let bytes: [UInt8]
        let path: NetworkPath
        let ecn: ECN
    }

    private var packets: [Packet] = []
    private var byteCount = 0

    /// Keeps a copy, or drops the packet where it would go over the limit, as the network might have.
    mutating func keep(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, ecn: ECN, limit: Int) {
        guard byteCount + datagram.count <= limit else { return }
        byteCount += datagram.count
        packets.append(Packet(bytes: Array(datagram), path: path, ecn: ecn))
    }

    /// All that was kept, in the order in which it came.
    mutating func take() -> [Packet] {
        guard !packets.isEmpty else { return [] }
        defer {
            packets = []
            byteCount = 0
        }
        return packets
    }
}
