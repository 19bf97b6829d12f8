package import DTLS
package import ICE
package import RTP
package import SCTP
package import Wire

/// What both ends of a WebRTC connection have to decide.
package struct WebRTCConfiguration: Sendable {
    /// The key and certificate that every connection shows.
    package var identity: DTLSIdentity
    package var dtls = DTLSConfiguration()
    package var sctp = SCTPConfiguration()
    /// Set SCTP up by offer and answer where the peer can (`a=sctp-init`), which saves its two round trips.
    package var negotiatesSCTP = true
    package var ice = ICELimits()
    package var limits = WebRTCLimits()
    /// How long lost packets are found out of order before they are asked for.
    package var reorderAllowance = Duration.zero

    package init(identity: DTLSIdentity) { self.identity = identity }
}

/// Every bound on what one connection keeps.
package struct WebRTCLimits: Hashable, Sendable {
    /// SRTP packets that came before the keys: as many seconds of speech as a handshake on a bad path may take.
    package var earlyPackets = 256
    /// Datagrams that wait to be sent.
    package var queuedDatagrams = 1_024
    /// Events that wait for their channel, or for its credit.
    package var queuedEvents = 1_024
    package var queuedEventByteCount = 4 * 1_024 * 1_024
    /// Frames that wait for their channel.
    package var queuedFrames = 1_024
    /// Data channels at once, whoever opened them.
    package var channels = 16
    /// How long a closing connection waits until the peer has what was sent before.
    package var closeTime = Duration.seconds(5)
    /// Packets that are kept for a peer that asks for them again.
    package var sentPackets = SentPackets.Limits()
    package var missing = MissingSequences.Limits()

    package init() {}
}

/// How a server answers offers.
package struct WebRTCServerConfiguration: Sendable {
    package var connection: WebRTCConfiguration
    /// Our host candidates. Where there are none, the address by which the HTTP request came is one.
    package var candidates: [PeerAddress] = []
    /// The UDP port of this endpoint, for candidates that HTTP found.
    package var port: UInt16 = 0

    package init(identity: DTLSIdentity) { connection = WebRTCConfiguration(identity: identity) }
}

/// What an answer asks the offerer for, beside plain Opus.
package struct MediaWishes: Hashable, Sendable {
    /// Earlier frames in each packet (RFC 2198).
    package var red = false
    /// Negative acknowledgements (RFC 4585).
    package var nack = false
    /// A low-rate copy of the frame before in each Opus packet (RFC 6716 section 2.1.7).
    package var inbandFEC = false

    package init() {}
}

/// How a client offers.
package struct WebRTCClientConfiguration: Sendable {
    package var connection: WebRTCConfiguration
    /// Our host candidates. A lite server needs none and learns the address from our checks; some full agents give up on an
    /// offer that has none.
    package var candidates: [PeerAddress] = []

    package init(identity: DTLSIdentity) { connection = WebRTCConfiguration(identity: identity) }
}

/// Why an offer or an answer is no use.
package struct WebRTCRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// Stable, for programs.
    package var code: String
    package var description: String

    package init(code: String, description: String) {
        self.code = code
        self.description = description
    }
}
