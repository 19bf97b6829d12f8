package import Wire

/// One Opus packet with its place in the talk: the unit that every transport carries, as one RTP packet.
package struct MediaFrame: Hashable, Sendable {
    /// The RTP sequence number as it travels; the session extends it to 64 bits.
    package var sequence: UInt16
    /// The RTP timestamp: the media time at which the frame begins.
    package var timestamp: MediaTime
    /// Set on the first frame of a talk spurt (RFC 3551 section 4.1).
    package var marker: Bool
    /// One Opus packet.
    package var payload: [UInt8]
    /// How a received frame came when it did not come by itself; `nil` on frames to be sent.
    package var recovery: Recovery?

    /// The means that brought a frame whose own packet was lost, or late.
    package enum Recovery: Hashable, Sendable {
        /// In the packet of a later frame (RFC 2198).
        case red
        /// Sent again in another datagram.
        case nack
        /// Sent again on a stream.
        case repair
    }

    package init(sequence: UInt16, timestamp: MediaTime, marker: Bool, payload: [UInt8], recovery: Recovery? = nil) {
        self.sequence = sequence
        self.timestamp = timestamp
        self.marker = marker
        self.payload = payload
        self.recovery = recovery
    }
}
