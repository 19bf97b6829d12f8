internal import Wire

/// The forms of RFC 9260 that stand between the wire and usrsctp.
package enum SCTPPacket {
    /// Source port, destination port, verification tag, checksum.
    static let headerByteCount = 12
    static let chunkHeaderByteCount = 4

    enum ChunkType {
        static let data: UInt8 = 0
        static let initiation: UInt8 = 1
        static let initiationAcknowledgement: UInt8 = 2
        static let selectiveAcknowledgement: UInt8 = 3
        static let cookieEcho: UInt8 = 10
        static let authentication: UInt8 = 0x0F
        static let addressChangeAcknowledgement: UInt8 = 0x80
        static let packetDrop: UInt8 = 0x81
        static let addressChange: UInt8 = 0xC1
    }

    enum ParameterType {
        static let ipv4Address: UInt16 = 5
        static let ipv6Address: UInt16 = 6
        static let stateCookie: UInt16 = 7
        static let hostName: UInt16 = 11
    }

    /// What is known of a packet that usrsctp may see.
    package struct Summary: Hashable, Sendable {
        /// It holds data, which is to be acknowledged.
        package var hasData = false
    }

    /// `nil` for a packet that usrsctp must not see. The sender is the authenticated peer, but that may be anybody's program.
    ///
    /// Refused are packets whose chunks do not fill them, and what a data channel never has: an INIT or INIT ACK that names
    /// addresses (the code that reads those has read past their end before, CVE-2019-20503), and chunks of the extensions
    /// for addresses, authentication and dropped packets.
    package static func inspect(_ packet: Span<UInt8>) -> Summary? {
        guard packet.count >= headerByteCount + chunkHeaderByteCount, packet.count <= 65_535 else { return nil }
        var summary = Summary()
        var offset = headerByteCount
        while offset < packet.count {
            guard let chunk = Chunk(packet, at: offset) else { return nil }
            switch chunk.type {
            case ChunkType.data: summary.hasData = true
            case ChunkType.initiation, ChunkType.initiationAcknowledgement:
                guard namesNoAddress(packet.extracting(offset..<(offset + chunk.byteCount))) else { return nil }
            case ChunkType.authentication, ChunkType.addressChangeAcknowledgement, ChunkType.packetDrop,
                ChunkType.addressChange:
                return nil
            default: break
            }
            offset += chunk.paddedByteCount
        }
        return summary
    }

    /// Chunks and parameters begin at multiples of four bytes.
    static func padded(_ byteCount: Int) -> Int { (byteCount + 3) & ~3 }

    /// The type of a packet's first chunk: control chunks stand before data (RFC 9260 section 6.10).
    static func firstChunkType(_ packet: [UInt8]) -> UInt8? {
        packet.count > headerByteCount ? packet[headerByteCount] : nil
    }

    struct Chunk {
        var type: UInt8
        /// With its header, without padding.
        var byteCount: Int
        var paddedByteCount: Int { padded(byteCount) }

        /// The chunk at `offset`, if it is whole. Padding may be missing from the last one.
        init?(_ packet: Span<UInt8>, at offset: Int) {
            guard packet.count - offset >= chunkHeaderByteCount else { return nil }
            type = packet[offset]
            byteCount = Int(packet[offset + 2]) << 8 | Int(packet[offset + 3])
            guard byteCount >= chunkHeaderByteCount, byteCount <= packet.count - offset else { return nil }
        }
    }

    /// - Parameter chunk: an INIT or INIT ACK, whole.
    static func namesNoAddress(_ chunk: Span<UInt8>) -> Bool {
        guard chunk.count >= 20 else { return false }
        var offset = 20
        while chunk.count - offset >= 4 {
            let type = UInt16(chunk[offset]) << 8 | UInt16(chunk[offset + 1])
            let byteCount = Int(chunk[offset + 2]) << 8 | Int(chunk[offset + 3])
            guard byteCount >= 4, byteCount <= chunk.count - offset else { return false }
            switch type {
            case ParameterType.ipv4Address, ParameterType.ipv6Address, ParameterType.hostName: return false
            default: offset += padded(byteCount)
            }
        }
        return true
    }
}
