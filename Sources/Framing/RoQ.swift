package import Wire

/// An RTP over QUIC error code as it travels (draft-ietf-avtcore-rtp-over-quic-14 section 10).
package struct RoQErrorCode: RawRepresentable, Hashable, Sendable {
    package var rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }

    package static let noError = Self(rawValue: 0x00)
    package static let generalError = Self(rawValue: 0x01)
    package static let internalError = Self(rawValue: 0x02)
    /// A payload cannot be parsed.
    package static let packetError = Self(rawValue: 0x03)
    /// A stream of the wrong kind.
    package static let streamCreationError = Self(rawValue: 0x04)
    /// The frames on a stream have expired, or nobody wants them any more.
    package static let frameCancelled = Self(rawValue: 0x05)
    package static let unknownFlowID = Self(rawValue: 0x06)
    /// What signalling promised is not there, such as datagrams.
    package static let expectationUnmet = Self(rawValue: 0x07)
}

/// What a peer did wrong in RTP over QUIC, and the code that says so on the wire.
package struct RoQError: Error, Hashable, Sendable {
    package var code: RoQErrorCode
    package var reason: StaticReason

    package init(_ code: RoQErrorCode, _ reason: StaticReason) {
        self.code = code
        self.reason = reason
    }
}

/// A datagram of RTP over QUIC: a flow identifier, then one RTP or RTCP packet (section 5.3 of the draft).
package enum RoQDatagram {
    /// Reads the flow; the rest of `reader` is the packet.
    package static func readFlow(_ reader: inout ByteReader) throws(RoQError) -> UInt64 {
        guard let flow = try? reader.readVarInt() else { throw RoQError(.packetError, "a datagram without a flow identifier") }
        return flow
    }
}

/// Reads a stream of RTP over QUIC, whose bytes come in pieces of any size: a flow identifier once, then pairs of a length
/// and a packet (section 5.2 of the draft). It keeps at most one packet that is not whole.
package struct RoQStreamReader: Sendable {
    /// The flow of the stream, once its bytes have come.
    package private(set) var flow: UInt64?
    private var pending = PendingBytes()

    package init() {}

    package mutating func append(_ piece: [UInt8]) {
        pending.append(piece)
        if flow == nil, let flow = pending.varInt() {
            pending.drop(flow.byteCount)
            self.flow = flow.value
        }
    }

    /// Lends the next whole packet to `body` and gives its answer, or `nil` when more bytes are needed.
    /// - Throws: ROQ_PACKET_ERROR when a length is over `maximumByteCount`, as soon as the length is read.
    package mutating func next<Value>(
        maximumByteCount: Int, _ body: (Span<UInt8>) -> Value
    ) throws(RoQError) -> Value? {
        guard flow != nil, let length = pending.varInt() else { return nil }
        guard let byteCount = Int(exactly: length.value), byteCount <= maximumByteCount else {
            throw RoQError(.packetError, "a packet is longer than its limit")
        }
        guard pending.count - length.byteCount >= byteCount else { return nil }
        let value = body(pending.span.extracting(length.byteCount..<(length.byteCount + byteCount)))
        pending.drop(length.byteCount + byteCount)
        return value
    }

    /// Checks that the stream may end here.
    /// - Throws: ROQ_PACKET_ERROR inside a packet, and on a stream that ends before its flow identifier.
    package func finish() throws(RoQError) {
        guard flow != nil, pending.isEmpty else { throw RoQError(.packetError, "the stream ends inside a packet") }
    }
}
