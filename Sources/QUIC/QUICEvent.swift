package import Wire

/// A QUIC stream's identifier. Its two low bits say who opened it and which way it goes (RFC 9000 section 2.1).
package struct StreamID: Hashable, Sendable {
    package var rawValue: Int64

    package init(_ rawValue: Int64) { self.rawValue = rawValue }

    package var isUnidirectional: Bool { rawValue & 2 != 0 }
    package var isServerInitiated: Bool { rawValue & 1 != 0 }
}

/// What happened on a connection, in order; drained by `QUICConnection.pollEvent`.
package enum QUICEvent: Hashable, Sendable {
    /// Keys for application data exist and the peer's are proved; `alpn` is the protocol agreed on.
    case established(alpn: String)
    /// Data may travel before the handshake is complete (0-RTT), `established` follows. A client may send: what it sends is kept and,
    /// should the server refuse it, sent again by the connection itself. A server receives it, and somebody may have recorded
    /// and repeated it.
    case earlyData(alpn: String)
    /// Client: the server gave a ticket for the next connection.
    case ticket(SessionTicket)
    /// Bytes of a stream, in order. The first event of a stream that the peer opened also announces it.
    /// Flow-control credit returns to the peer only by `QUICConnection.consumed(_:on:)`.
    case streamData(StreamID, [UInt8], isFinal: Bool)
    /// The peer abandoned sending on the stream (RESET_STREAM).
    case streamReset(StreamID, code: UInt64)
    /// The peer does not want the rest of what we send (STOP_SENDING); ngtcp2 has answered with a reset. It comes
    /// when we next write to the stream, or when the stream is over, and only then with the peer's code.
    case stopSending(StreamID, code: UInt64?)
    /// Both directions of the stream are over; its identifier will not come again.
    case streamClosed(StreamID)
    /// The peer allows more streams of this kind.
    case streamsAvailable(StreamKind)
    /// The stream's send buffer has fallen below its low mark after a refusal: write again.
    case writable(StreamID)
    /// One datagram from the peer (RFC 9221).
    case datagram([UInt8])
    /// The peer acknowledged the datagram that was sent under `id`.
    case datagramAcknowledged(id: UInt64)
    /// The datagram sent under `id` is declared lost; a late acknowledgement may still follow.
    case datagramLost(id: UInt64)
    /// The peer is reached over another path from now on (migration, NAT rebinding).
    case pathChanged(NetworkPath)
    /// The connection is over; nothing follows.
    case closed(QUICClose)
}

package enum StreamKind: Hashable, Sendable {
    case bidirectional
    case unidirectional
}

/// What became of a connection's early data.
package enum EarlyDataOutcome: String, Hashable, Sendable {
    /// There was none.
    case none
    /// Sent, and the server has not said whether it took it; at a server: taken, and the handshake is not complete.
    case pending
    case accepted
    /// Refused, and sent again once the handshake was complete.
    case rejected
}

/// Why a connection ended.
package enum QUICClose: Hashable, Sendable {
    /// The application here closed it.
    case local(code: UInt64)
    /// The peer's application closed it (CONNECTION_CLOSE of type 0x1d).
    case application(code: UInt64, reason: String)
    /// The peer's QUIC layer closed it (type 0x1c), or ours did because of what the peer sent.
    case transport(code: UInt64, reason: String)
    /// Nothing was heard for the idle timeout.
    case idleTimeout
    /// The handshake did not finish in time.
    case handshakeTimeout
    /// The peer has lost the connection's state (RFC 9000 section 10.3).
    case statelessReset
    /// The peer offers no version that we speak.
    case versionNegotiation(offered: [UInt32])
    /// A server dropped the attempt without a word (RFC 9000 section 10.2 permits it before keys are proved).
    case dropped
}

/// Why a command on a connection was refused. Nothing was changed.
package enum QUICRefusal: Error, Hashable, Sendable {
    /// The peer's limit on streams is reached; `streamsAvailable` says when to try again.
    case noStreamCredit
    /// The stream's or the connection's send buffer is at its limit; `writable` says when to try again.
    case bufferFull
    /// The datagram is over what the path and the peer take; `maximum` is the greatest payload that fits now.
    case datagramTooLarge(maximum: Int)
    /// The datagram queue is at its limit.
    case datagramQueueFull
    /// The peer takes no datagrams (no `max_datagram_frame_size`).
    case datagramsUnsupported
    /// No such stream, or its sending side is over.
    case noSuchStream
    /// The connection is not established yet, or is closing.
    case notEstablished
}
