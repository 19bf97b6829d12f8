package import Wire

/// The first bytes of a WebTransport stream: a type, then the session's identifier
/// (draft-ietf-webtrans-http3-16 sections 4.2 and 4.3).
package enum WebTransportStreamHeader {
    /// The type of a unidirectional stream; `40 54` on the wire.
    package static let unidirectionalType: UInt64 = 0x54
    /// The signal at the start of a bidirectional stream; `40 41` on the wire.
    package static let bidirectionalSignal: UInt64 = 0x41

    /// The header of a stream that we open in `session`, the identifier of its CONNECT stream.
    package static func bytes(type: UInt64, session: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(varInt: type)
        bytes.append(varInt: session)
        return bytes
    }

    /// Whether `session` can be a session's identifier: a client-initiated bidirectional stream, or else H3_ID_ERROR.
    package static func isSessionID(_ session: UInt64) -> Bool { session % 4 == 0 }
}

/// The first bytes of an HTTP datagram: the quarter stream id (RFC 9297 section 2.1).
package enum HTTPDatagramHeader {
    /// Reads the stream that the datagram belongs to; the rest of `reader` is the payload.
    /// - Throws: H3_DATAGRAM_ERROR when there is no whole integer or it names no stream.
    package static func readStream(_ reader: inout ByteReader) throws(HTTP3Error) -> UInt64 {
        guard let quarter = try? reader.readVarInt(), quarter <= VarInt.max / 4 else {
            throw HTTP3Error(.datagramError, "a datagram without a stream")
        }
        return quarter * 4
    }

    /// The header of datagrams of `stream`.
    package static func bytes(stream: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(varInt: stream / 4)
        return bytes
    }
}
