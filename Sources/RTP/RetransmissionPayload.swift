package import Wire

/// A packet sent again as RFC 4588 has it: under a payload type and an SSRC of its own, with a number of its own; the
/// number of the original stands before its payload. So a receiver can tell what was sent again from what came late.
package struct RetransmissionPayload: Hashable, Sendable {
    /// The number under which the packet was sent first.
    package var originalSequence: UInt16
    /// What stands before the original's payload.
    package static let headByteCount = 2
    /// Where the original's payload lies in the bytes that were parsed.
    package var range: Range<Int>

    /// - Throws: `.truncated` where even the number is missing.
    package init(parsing payload: Span<UInt8>) throws(ParseError) {
        var reader = ByteReader(payload)
        originalSequence = try reader.readUInt16()
        range = reader.offset..<payload.count
    }

    /// Appends the payload of a resend (RFC 4588 section 4).
    package static func write(originalSequence: UInt16, payload: Span<UInt8>, into output: inout [UInt8]) {
        output.append(bigEndian: originalSequence)
        output.append(payload)
    }
}
