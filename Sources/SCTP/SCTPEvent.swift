/// How hard an association tries to deliver a message (RFC 3758, RFC 7496; RFC 8831 section 6.4).
package enum SCTPReliability: Hashable, Sendable {
    case reliable
    /// Given up after it was sent this many times more than once.
    case maxRetransmits(UInt16)
    /// Neither sent nor sent again once this time has passed since `send`.
    case maxLifetime(Duration)
}

/// What an association tells its owner.
package enum SCTPEvent: Hashable, Sendable {
    /// Both ends know of the association.
    case connected
    /// A whole message. An empty one does not exist in SCTP: RFC 8831 section 6.6 sends a byte under a PPID of its own.
    case message(stream: UInt16, protocolID: UInt32, bytes: [UInt8])
    /// The peer has reset its outgoing stream (RFC 6525): nothing more comes on it until it is used anew. The owner answers
    /// with `resetStream`, unless it asked first (RFC 8831 section 6.7).
    case streamReset(UInt16)
    /// After `send` refused with `queueFull`: half of the queue is empty.
    case writable
    /// The last event.
    case closed(SCTPClose)
}

/// Why an association is over.
package enum SCTPClose: Hashable, Sendable {
    /// `close` was called.
    case local
    /// The peer shut down, and everything was delivered.
    case peerShutdown
    /// The peer sent an ABORT.
    case peerAborted
    /// The peer answered no retransmission, or no INIT.
    case timedOut
    /// The peer began the association anew, which only a new DTLS connection may do.
    case restarted
    /// A message was longer than the limit.
    case messageTooLarge
    /// The owner did not poll.
    case eventOverflow
    /// usrsctp had no memory for it.
    case noResources
}

/// Why a message was not taken.
package enum SCTPRefusal: Error, Hashable, Sendable {
    /// Too many messages or bytes wait already; `SCTPEvent.writable` follows.
    case queueFull
    /// Empty, longer than what can be sent, or on a stream that the association does not have.
    case invalidMessage
    case tooLarge
    /// Not started, or over.
    case notConnected
}
