package import Wire

/// The fixed fields of an RTP header that a frame needs (RFC 3550 section 5.1).
package struct RTPHeader: Hashable, Sendable {
    /// 0 to 127.
    package var payloadType: UInt8
    package var sequence: UInt16
    /// The media time at which the packet's first sample was taken.
    package var timestamp: MediaTime
    package var marker: Bool
    package var ssrc: UInt32

    package init(payloadType: UInt8 = RTP.opusPayloadType, sequence: UInt16, timestamp: MediaTime, marker: Bool, ssrc: UInt32) {
        self.payloadType = payloadType
        self.sequence = sequence
        self.timestamp = timestamp
        self.marker = marker
        self.ssrc = ssrc
    }
}

/// What Parallax puts into RTP: Opus by RFC 7587, always under one payload type.
package enum RTP {
    /// `opus/48000/2` under a dynamic payload type (RFC 3551 section 6).
    package static let opusPayloadType: UInt8 = 111
    /// One JSON event a packet, under a dynamic payload type of its own: how events travel on a RoQ flow.
    package static let eventPayloadType: UInt8 = 112
    /// `red/48000/2`: a frame and those before it (RFC 2198), under the number that libwebrtc gives it.
    package static let redundantPayloadType: UInt8 = 63
    /// `rtx/48000`: a frame that is sent again (RFC 4588).
    package static let retransmissionPayloadType: UInt8 = 97
    /// A closing marker (`ClosingMarker`), of Parallax's own.
    package static let closingPayloadType: UInt8 = 98
    /// The fixed header without CSRC list and extension.
    package static let headerByteCount = 12
}

/// An RTP packet that was read: its header, and where its payload lies in the bytes it was read from.
///
/// CSRC list and header extension are skipped and padding is cut off, each checked against the length.
package struct RTPPacket: Hashable, Sendable {
    package var header: RTPHeader
    /// Where the payload lies in the bytes that were parsed.
    package var payloadRange: Range<Int>

    /// Reads one whole packet (RFC 3550 section 5.1).
    /// - Throws: `.truncated` when the header does not fit, `.malformed` for another version or an impossible padding.
    package init(parsing bytes: Span<UInt8>) throws(ParseError) {
        var reader = ByteReader(bytes)
        let first = try reader.readUInt8()
        guard first >> 6 == 2 else { throw .malformed("the RTP version is not 2") }
        let second = try reader.readUInt8()
        let sequence = try reader.readUInt16()
        let timestamp = try reader.readUInt32()
        let ssrc = try reader.readUInt32()
        try reader.skip(Int(first & 0x0F) * 4)
        if first & 0x10 != 0 {
            // Header extension (RFC 3550 section 5.3.1): a profile's 16 bits, then the length in 32-bit words.
            try reader.skip(2)
            let wordCount = try reader.readUInt16()
            try reader.skip(Int(wordCount) * 4)
        }
        var end = bytes.count
        if first & 0x20 != 0 {
            // The last byte counts the padding, itself included, so it is never 0.
            guard reader.remaining >= 1 else { throw .malformed("RTP padding without a byte of it") }
            let padding = Int(bytes[end - 1])
            guard padding >= 1, padding <= reader.remaining else { throw .malformed("the RTP padding is longer than the packet") }
            end -= padding
        }
        header = RTPHeader(
            payloadType: second & 0x7F, sequence: sequence, timestamp: MediaTime(ticks: timestamp),
            marker: second & 0x80 != 0, ssrc: ssrc)
        payloadRange = reader.offset..<end
    }

    /// The payload, borrowed from the bytes that this packet was parsed from.
    /// - Returns: an empty span where `bytes` are too short to be those bytes.
    @_lifetime(copy bytes)
    package func payload(in bytes: Span<UInt8>) -> Span<UInt8> {
        guard payloadRange.upperBound <= bytes.count else { return bytes.extracting(first: 0) }
        return bytes.extracting(payloadRange)
    }

    /// Appends one packet without CSRC list, extension or padding.
    package static func write(_ header: RTPHeader, payload: Span<UInt8>, into output: inout [UInt8]) {
        output.reserveCapacity(output.count + RTP.headerByteCount + payload.count)
        output.append(0x80)
        output.append((header.marker ? 0x80 : 0) | header.payloadType & 0x7F)
        output.append(bigEndian: header.sequence)
        output.append(bigEndian: header.timestamp.ticks)
        output.append(bigEndian: header.ssrc)
        output.append(payload)
    }
}
