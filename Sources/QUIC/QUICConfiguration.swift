internal import Wire

/// How a connection behaves; the same on both sides.
package struct QUICConfiguration: Sendable {
    package var congestionControl = CongestionControl.cubic
    package var limits = QUICLimits()
    /// The connection ends when nothing was heard for this long.
    package var idleTimeout = Duration.seconds(30)
    /// The connection attempt ends when keys are not proved within this time.
    package var handshakeTimeout = Duration.seconds(10)
    /// A PING goes out after this much silence; `nil` for none.
    package var keepAlive: Duration?
    /// How many ack-eliciting packets are received before an acknowledgement goes out at once. Between them it waits
    /// for `maximumAcknowledgementDelay`, or for a packet that goes anyway: an acknowledgement that travels alone
    /// costs the peer and us a datagram each.
    package var acknowledgementThreshold = 10
    package var maximumAcknowledgementDelay = Duration.milliseconds(25)
    /// The round-trip time assumed before the first measurement (RFC 9002 section 6.2.2 has 333 ms).
    package var initialRTT = Duration.milliseconds(333)
    /// Whether to search for a path MTU above 1,200 bytes. Voice frames never need it.
    package var discoversPathMTU = false
    /// Called with each piece of the connection's qlog (JSON-SEQ, draft-ietf-quic-qlog-main-schema).
    package var qlog: (@Sendable (_ group: ConnectionID, _ bytes: [UInt8]) -> Void)?
    /// Called with each line in the format of `SSLKEYLOGFILE`, without a line end.
    package var keyLog: (@Sendable (String) -> Void)?

    package init() {}
}

package enum CongestionControl: String, CaseIterable, Hashable, Sendable {
    case cubic
    case bbr
    case reno
}

/// Every bound on what a connection stores for its peer or its application.
package struct QUICLimits: Sendable {
    /// Streams of each kind that the peer may have open at once.
    package var peerUnidirectionalStreams: UInt64 = 256
    package var peerBidirectionalStreams: UInt64 = 32
    /// Streams that the peer may open in the connection's whole life: an hour of one stream a frame, and some more.
    /// ngtcp2 0.12.1 keeps some hundreds of bytes for each until the end (see `receivingEnded`).
    package var peerStreamsInAll = 200_000
    /// Bytes that the peer may send on one stream ahead of what the application consumed.
    package var streamReceiveWindow: UInt64 = 256 * 1024
    /// The same for all streams together.
    package var connectionReceiveWindow: UInt64 = 1024 * 1024
    /// Bytes accepted from the application and not acknowledged yet, on one stream.
    package var streamSendBuffer = 256 * 1024
    /// The same for all streams together.
    package var connectionSendBuffer = 1024 * 1024
    /// Datagrams accepted from the application and not sent yet.
    package var datagramSendQueue = 256
    /// Bytes of packets that overtook the client's last handshake packet, and are kept until they can be read.
    package var earlyPacketBytes = 32 * 1024
    /// The greatest DATAGRAM frame that the peer may send (RFC 9221 section 3).
    package var maximumDatagramFrame: UInt64 = 65535
    /// Connection IDs of the peer's that are kept.
    package var activeConnectionIDs: UInt64 = 4

    package init() {}

    /// The transport parameters that a client remembers beside a ticket (RFC 9000 section 7.4.1), in one string of bytes.
    package var rememberedByClients: [UInt8] {
        var bytes: [UInt8] = []
        let values = [
            peerUnidirectionalStreams, peerBidirectionalStreams, streamReceiveWindow, connectionReceiveWindow, maximumDatagramFrame,
            activeConnectionIDs,
        ]
        for value in values { bytes.append(bigEndian: value) }
        return bytes
    }
}
