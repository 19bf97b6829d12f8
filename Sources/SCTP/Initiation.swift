internal import Wire

/// An INIT chunk (RFC 9260 section 3.3.2) that travels in SDP instead of a packet (draft-hancke-tsvwg-snap-00).
struct Initiation {
    /// The chunk without padding.
    let bytes: [UInt8]

    private static let fixedByteCount = 20
    /// The smallest receive window that RFC 9260 section 3.3.2 allows.
    private static let minimumWindow: UInt32 = 1_500
    private static let byteLimit = 1_024

    /// The INIT of a packet that usrsctp sent.
    init?(packet: [UInt8]) {
        guard packet.count >= SCTPPacket.headerByteCount else { return nil }
        self.init(chunk: Array(packet[SCTPPacket.headerByteCount...]))
    }

    /// A chunk as it came, with or without padding. `nil` for what is no INIT that an association could be made of.
    init?(chunk: [UInt8]) {
        guard chunk.count <= Self.byteLimit, let header = SCTPPacket.Chunk(chunk.span, at: 0),
            header.type == SCTPPacket.ChunkType.initiation, header.paddedByteCount >= chunk.count,
            header.byteCount >= Self.fixedByteCount
        else { return nil }
        bytes = Array(chunk.prefix(header.byteCount))
        let window = UInt32(bytes[8]) << 24 | UInt32(bytes[9]) << 16 | UInt32(bytes[10]) << 8 | UInt32(bytes[11])
        guard SCTPPacket.namesNoAddress(bytes.span), tag != [0, 0, 0, 0], window >= Self.minimumWindow,
            // Streams out and in.
            bytes[12] | bytes[13] != 0, bytes[14] | bytes[15] != 0
        else { return nil }
    }

    /// What packets to whoever sent the chunk carry as verification tag.
    var tag: [UInt8] { Array(bytes[4..<8]) }

    /// The COOKIE ECHO with which the other end would have answered an INIT ACK, had it seen one.
    /// - Parameter packet: the INIT ACK as usrsctp sent it.
    func cookieEcho(answering packet: [UInt8], port: UInt16) -> [UInt8]? {
        let start = SCTPPacket.headerByteCount
        guard let header = SCTPPacket.Chunk(packet.span, at: start),
            header.type == SCTPPacket.ChunkType.initiationAcknowledgement
        else { return nil }
        let end = start + header.byteCount
        var offset = start + Self.fixedByteCount
        while end - offset >= 4 {
            let type = UInt16(packet[offset]) << 8 | UInt16(packet[offset + 1])
            let byteCount = Int(packet[offset + 2]) << 8 | Int(packet[offset + 3])
            guard byteCount >= 4, byteCount <= end - offset else { return nil }
            if type == SCTPPacket.ParameterType.stateCookie {
                // The cookie's parameter and its chunk have headers of one form.
                var chunk = Array(packet[offset..<(offset + byteCount)])
                chunk[0] = SCTPPacket.ChunkType.cookieEcho
                chunk[1] = 0
                return Self.packet(chunk, tag: tag, port: port)
            }
            offset += SCTPPacket.padded(byteCount)
        }
        return nil
    }

    /// The INIT as a packet of its own: the only one whose verification tag is zero (RFC 9260 section 8.5.1).
    func packet(port: UInt16) -> [UInt8] {
        Self.packet(bytes, tag: [0, 0, 0, 0], port: port)
    }

    private static func packet(_ chunk: [UInt8], tag: [UInt8], port: UInt16) -> [UInt8] {
        var packet: [UInt8] = []
        packet.append(bigEndian: port)
        packet.append(bigEndian: port)
        packet += tag
        packet += [0, 0, 0, 0]
        packet += chunk
        packet += [UInt8](repeating: 0, count: SCTPPacket.padded(chunk.count) - chunk.count)
        CRC32C.seal(&packet)
        return packet
    }
}
