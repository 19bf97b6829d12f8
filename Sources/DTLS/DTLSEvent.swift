package import RTP

/// What a DTLS session tells, in order.
package enum DTLSEvent: Hashable, Sendable {
    /// SRTP can begin. Once, before or together with `established`; see `DTLSSession` for how early.
    case keysAvailable(SRTPKeys)
    /// The handshake is done on this side: application data may be sent.
    case established
    /// The application data of one record: one SCTP packet.
    case data([UInt8])
    /// Nothing follows, and nothing more is sent but what `pollTransmit` still has. Not told after our own `close`.
    case closed(DTLSClose)
}

/// Why a session ended.
package enum DTLSClose: Hashable, Sendable, CustomStringConvertible {
    /// The peer sent close_notify.
    case peerClosed
    /// The peer sent a fatal alert, by its number (RFC 5246 section 7.2).
    case peerAlert(Int)
    /// The peer's certificate has none of the signalled fingerprints.
    case fingerprintMismatch
    /// The peer took part in no common SRTP protection profile.
    case noCommonProfile
    /// The handshake took longer than the configuration allows, or OpenSSL gave up resending.
    case handshakeTimeout
    /// The handshake or a record broke the protocol; OpenSSL's words.
    case protocolError(String)

    package var description: String {
        switch self {
        case .peerClosed: "the peer closed the DTLS session"
        case .peerAlert(let number): "the peer ended the DTLS session with alert \(number)"
        case .fingerprintMismatch: "the peer's certificate does not have the signalled fingerprint"
        case .noCommonProfile: "no common SRTP protection profile"
        case .handshakeTimeout: "the DTLS handshake took too long"
        case .protocolError(let words): "DTLS failed: \(words)"
        }
    }
}

/// Why a call was refused.
package enum DTLSFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The signalling named no fingerprint by SHA-256, SHA-384 or SHA-512.
    case noUsableFingerprint
    case noProfile
    /// Application data before the handshake was done, or after the end.
    case notEstablished
    /// One message must fit into one record of one datagram.
    case messageTooLarge(limit: Int)
    case queueFull
    /// OpenSSL refused, which with valid arguments it does only when memory is short.
    case library(String)

    package var description: String {
        switch self {
        case .noUsableFingerprint: "no certificate fingerprint by sha-256, sha-384 or sha-512"
        case .noProfile: "no SRTP protection profile to offer"
        case .notEstablished: "the DTLS session is not established"
        case .messageTooLarge(let limit): "the message does not fit into a DTLS record of \(limit) bytes"
        case .queueFull: "too many DTLS datagrams wait to be sent"
        case .library(let words): "OpenSSL: \(words)"
        }
    }
}
