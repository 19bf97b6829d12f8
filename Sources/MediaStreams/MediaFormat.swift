internal import RTP
package import Session
internal import Wire

/// How frames and events look as RTP packets, on every transport over QUIC.
package struct MediaFormat: Hashable, Sendable {
    /// The payload type of frames that we send.
    package var payloadType = RTP.opusPayloadType
    /// The only payload type that is taken as a frame; `nil` takes every RTP packet (a stranger's media tool).
    package var acceptedPayloadType: UInt8? = RTP.opusPayloadType
    /// One sender a direction and connection, so the number need not be random (RFC 3550 section 8 guards against
    /// collisions between several).
    package var ssrc: UInt32 = 0x7061_7261

    package init() {}
}

/// What one packet of a flow turned out to be.
package enum ReceivedPacket: Hashable, Sendable {
    case frame(MediaFrame)
    /// RTCP, or RTP of another payload type: allowed, and of no use here.
    case ignored
    case malformed
}

extension MediaFormat {
    /// Appends one frame as an RTP packet.
    package func write(_ frame: MediaFrame, into bytes: inout [UInt8]) {
        let header = RTPHeader(
            payloadType: payloadType, sequence: frame.sequence, timestamp: frame.timestamp, marker: frame.marker, ssrc: ssrc)
        RTPPacket.write(header, payload: frame.payload.span, into: &bytes)
    }

    /// How many bytes `frame` takes as an RTP packet.
    package func byteCount(of frame: MediaFrame) -> Int { RTP.headerByteCount + frame.payload.count }

    /// Reads one packet; the payload is the only array that is made.
    package func read(_ packet: Span<UInt8>) -> ReceivedPacket {
        // RFC 5761 section 4: second bytes of 192 to 223 are RTCP's.
        if packet.count >= 4, packet[0] >> 6 == 2, (192...223).contains(packet[1]) { return .ignored }
        guard let rtp = try? RTPPacket(parsing: packet) else { return .malformed }
        if let acceptedPayloadType, rtp.header.payloadType != acceptedPayloadType { return .ignored }
        return .frame(
            MediaFrame(
                sequence: rtp.header.sequence, timestamp: rtp.header.timestamp, marker: rtp.header.marker,
                payload: [UInt8](rtp.payload(in: packet))))
    }
}
