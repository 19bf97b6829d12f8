package import RTP
package import Session
internal import Wire

/// How frames and events look as RTP packets, on every transport over QUIC.
package struct MediaFormat: Hashable, Sendable {
    /// The payload type of frames that we send.
    package var payloadType = RTP.opusPayloadType
    /// The only payload type that is taken as a frame, beside redundant ones and those sent again; `nil` takes every RTP
    /// packet as a frame, whatever its type (a stranger's media tool).
    package var acceptedPayloadType: UInt8? = RTP.opusPayloadType
    /// One sender a direction and connection, so the number need not be random (RFC 3550 section 8 guards against
    /// collisions between several). What is sent again has the next one (RFC 4588 section 5.3).
    package var ssrc: UInt32 = 0x7061_7261

    package init() {}
}

/// What one packet of a flow turned out to be.
package enum ReceivedPacket: Hashable, Sendable {
    case frame(MediaFrame)
    /// The frames of a redundant packet that were wanted, the oldest first; the packet's own is the last.
    case redundant([MediaFrame])
    case closing(ClosingMarker)
    /// RTCP, RTP of another payload type, or a payload that cannot be read: allowed, and of no use here.
    case ignored
    case malformed
}

extension MediaFormat {
    /// Appends one frame as an RTP packet.
    package func write(_ frame: MediaFrame, into bytes: inout [UInt8]) {
        RTPPacket.write(header(of: frame, payloadType), payload: frame.payload.span, into: &bytes)
    }

    /// Appends a frame and up to `depth` frames before it as one RTP packet (RFC 2198).
    /// - Parameter maximumByteCount: of the packet; only the frames before are left out for it.
    package func writeRedundant(
        _ frame: MediaFrame, depth: Int, history: inout RedundancyHistory, maximumByteCount: Int, into bytes: inout [UInt8]
    ) {
        let none: [UInt8] = []
        RTPPacket.write(header(of: frame, RTP.redundantPayloadType), payload: none.span, into: &bytes)
        history.write(
            frame.payload, sequence: frame.sequence, timestamp: frame.timestamp, payloadType: payloadType, depth: depth,
            maximumByteCount: maximumByteCount - RTP.headerByteCount, into: &bytes)
    }

    /// Appends a frame that is sent again, the `count`th of those (RFC 4588 section 4).
    package func writeRetransmission(_ frame: MediaFrame, count: UInt16, into bytes: inout [UInt8]) {
        var header = header(of: frame, RTP.retransmissionPayloadType)
        header.sequence = count
        header.ssrc = ssrc &+ 1
        var payload: [UInt8] = []
        RetransmissionPayload.write(originalSequence: frame.sequence, payload: frame.payload.span, into: &payload)
        RTPPacket.write(header, payload: payload.span, into: &bytes)
    }

    /// Appends a closing marker as an RTP packet, the `count`th of those.
    package func writeClosing(_ marker: ClosingMarker, count: UInt16, into bytes: inout [UInt8]) {
        let header = RTPHeader(
            payloadType: RTP.closingPayloadType, sequence: count, timestamp: MediaTime(ticks: 0), marker: false, ssrc: ssrc &+ 2)
        var payload: [UInt8] = []
        marker.write(into: &payload)
        RTPPacket.write(header, payload: payload.span, into: &bytes)
    }

    private func header(of frame: MediaFrame, _ payloadType: UInt8) -> RTPHeader {
        RTPHeader(
            payloadType: payloadType, sequence: frame.sequence, timestamp: frame.timestamp, marker: frame.marker, ssrc: ssrc)
    }

    /// How many bytes `frame` takes as an RTP packet.
    package func byteCount(of frame: MediaFrame) -> Int { RTP.headerByteCount + frame.payload.count }

    /// Reads one packet; the payloads of the frames are the only arrays that are made.
    /// - Parameter seen: what has come; copies of it in redundant packets are left out.
    package func read(_ packet: Span<UInt8>, seen: ReceivedSequences = ReceivedSequences()) -> ReceivedPacket {
        if RTCPCompound.isRTCP(packet) { return .ignored }
        guard let rtp = try? RTPPacket(parsing: packet) else { return .malformed }
        let payload = rtp.payload(in: packet)
        guard let acceptedPayloadType else { return .frame(MediaFrame(rtp.header, payload)) }
        switch rtp.header.payloadType {
        case acceptedPayloadType: return .frame(MediaFrame(rtp.header, payload))
        case RTP.redundantPayloadType: return readRedundant(payload, rtp.header, seen, acceptedPayloadType)
        case RTP.retransmissionPayloadType:
            guard let resend = try? RetransmissionPayload(parsing: payload) else { return .ignored }
            var frame = MediaFrame(rtp.header, payload.extracting(resend.range))
            frame.sequence = resend.originalSequence
            frame.recovery = .nack
            return .frame(frame)
        case RTP.closingPayloadType:
            guard let marker = try? ClosingMarker(parsing: payload) else { return .ignored }
            return .closing(marker)
        default: return .ignored
        }
    }

    private func readRedundant(
        _ payload: Span<UInt8>, _ header: RTPHeader, _ seen: ReceivedSequences, _ payloadType: UInt8
    ) -> ReceivedPacket {
        guard let blocks = try? RedundantPayload.parse(payload, header: header) else { return .ignored }
        var frames: [MediaFrame] = []
        for block in blocks where block.payloadType == payloadType {
            let isOwn = block.sequence == header.sequence
            // A block without bytes says that its frame was not sent. One whose time is that of a neighbour which came is
            // that neighbour: its sender leaves places out, so places say nothing here.
            guard isOwn || !block.range.isEmpty && !seen.contains(block.sequence) && seen.agrees(block.sequence, block.timestamp)
            else { continue }
            frames.append(MediaFrame(
                sequence: block.sequence, timestamp: block.timestamp, marker: isOwn && header.marker,
                payload: [UInt8](payload.extracting(block.range)), recovery: isOwn ? nil : .red))
        }
        return frames.isEmpty ? .ignored : .redundant(frames)
    }
}

extension MediaFrame {
    fileprivate init(_ header: RTPHeader, _ payload: Span<UInt8>) {
        self.init(
            sequence: header.sequence, timestamp: header.timestamp, marker: header.marker, payload: [UInt8](payload))
    }
}
