package import RTP

/// Which end of the handshake we are (RFC 5763 section 5): `a=setup:active` is the client, `passive` the server.
package enum DTLSRole: Hashable, Sendable {
    case client
    case server
}

/// How a DTLS session behaves; the same on both sides.
package struct DTLSConfiguration: Sendable {
    /// What a client offers, best first; of what both have, a server takes the first of its own.
    package var srtpProfiles: [SRTPProfile] = [.aeadAES128GCM, .aeadAES256GCM, .aes128CMSHA1_80]
    /// The greatest UDP payload we send. Not searched for: DTLS carries a few kilobytes of handshake and small messages.
    package var maximumDatagramByteCount = 1200
    package var retransmission = RetransmissionSchedule()
    /// The session closes when the handshake is not done within this time of `start`.
    package var handshakeTimeout = Duration.seconds(15)
    package var limits = DTLSLimits()

    package init() {}
}

/// When a flight that nobody answered is sent again (RFC 6347 section 4.2.4.1).
///
/// The RFC's one second is a long silence in front of a conversation, and a lost flight of the server is repaired by this
/// timer alone: OpenSSL does not answer a repeated ClientHello. The figures are from 200 seeded handshakes a point in virtual
/// time. With a tenth of all datagrams lost, media can flow both ways after (95th percentile, round trip of 50 ms) 0.26 s with
/// a first wait of 60 ms, 0.38 s with 100, 0.68 s with 200, 3.1 s with 1,000. What a short wait costs is copies where the
/// round trip is longer: about 1.2 KB for each doubling, 2.4 KB on a satellite's 600 ms; they delay and break nothing. OpenSSL
/// takes a timer for expired 15 ms early, so 120 ms send no copy on a round trip of 100 ms.
package struct RetransmissionSchedule: Hashable, Sendable {
    /// A client that knows the round trip from ICE may set twice that.
    package var initial = Duration.milliseconds(120)
    /// The wait grows by a half each time up to this, where the RFC would double it: speech waits for keys meanwhile.
    /// OpenSSL gives up after 12 copies of one flight: here, after 8 s.
    package var maximum = Duration.seconds(1)

    package init() {}
}

/// Every bound on what a DTLS session stores for its peer or its application.
package struct DTLSLimits: Sendable {
    /// Datagrams that wait for `pollTransmit`. What goes over is refused to the application, or lost as on the network.
    package var outboundDatagrams = 256
    /// Events that wait for `pollEvent`; data that goes over is dropped, as if the network had lost it.
    package var events = 256
    /// Handshake and alert records that overtook the message before them: OpenSSL keeps each in a buffer of 17 KB.
    package var earlyRecords = 32
    /// The peer's certificate chain, in bytes.
    package var certificateChainByteCount = 16 * 1024

    package init() {}
}
