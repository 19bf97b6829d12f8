/// What one association is opened with. Both ends of a data channel's association may differ in all of it but the port.
package struct SCTPConfiguration: Hashable, Sendable {
    /// The SCTP port of both ends (RFC 8841 section 5: `a=sctp-port`). It tells nothing: one DTLS connection carries one
    /// association.
    package var port: UInt16 = 5_000
    /// The most bytes of an SCTP packet: what is left of 1,200 for one DTLS record.
    package var packetByteCount = 1_150
    /// The streams asked for each way; the peer may grant fewer. RFC 8831 section 6.2 would have 65,535, but usrsctp sets
    /// memory aside for each: an association takes 11 KB with 64, 25 KB with 256, 100 KB with 1,024. A session has two channels.
    package var streamCount: UInt16 = 64
    package var timing = SCTPTiming()
    package var limits = SCTPLimits()

    package init() {}
}

/// Retransmission for conversation instead of bulk. RFC 9260 section 16 advises an RTO of 1 s at first, 1 s at least and 60 s
/// at most: with those a lost last message of a burst is a second late.
package struct SCTPTiming: Hashable, Sendable {
    /// Before a round trip was measured, at least: where one is known beforehand, two of them (`SCTPAssociation.expect`).
    package var initialRTO: Duration = .milliseconds(400)
    /// Ten times the delay of our own acknowledgements, and far above what ticks are rounded by: the engine needs 60 ms.
    package var minimumRTO: Duration = .milliseconds(200)
    /// The RTO never doubles beyond this, however long the round trip; see `minimumBackoff`.
    package var maximumRTO: Duration = .seconds(4)
    /// The most time between two INITs.
    package var maximumInitiationRTO: Duration = .seconds(1)
    /// How long the handshake may take before the association counts as failed.
    package var handshakeTimeout: Duration = .seconds(10)
    /// How long an acknowledgement may wait for a second packet or for data of our own.
    package var acknowledgementDelay: Duration = .milliseconds(20)

    /// The RTO doubles for each timeout in vain, up to twice the round trip and at least up to this: so far it is never shorter
    /// than the round trip and the 200 ms for which browsers hold acknowledgements back. RFC 9260 section 6.3.3 doubles up to a
    /// minute and begins with one packet again. A conversation goes on beside it anyway, and bursts are over before that: of 100
    /// prompts in mode `deadline` on `burst-10` 83 come whole instead of 71, and after 2 s of outage mode `stream` has
    /// caught up 1.8 s after the commit instead of 4.5 s (docs/measures.md).
    package static let minimumBackoff: Duration = .milliseconds(400)
    /// Timeouts in a row after which the association ends. usrsctp counts each of them twice: after 12 s at 400 ms.
    package static let timeoutsInVain: UInt16 = 64

    package init() {}
}

/// What one association may hold.
package struct SCTPLimits: Hashable, Sendable {
    /// The longest message in bytes that is received; a longer one closes the association (`a=max-message-size`).
    package var messageByteCount = 65_536
    /// usrsctp's buffers. What waits for its turn on the wire waits in the queue below, not there.
    package var sendBufferByteCount = 131_072
    package var receiveBufferByteCount = 131_072
    /// Messages that wait until the congestion and receive windows let them go.
    package var queuedMessageCount = 1_024
    package var queuedByteCount = 262_144
    /// Packets that wait to be polled; more are lost, as a network would lose them.
    package var outgoingPacketCount = 1_024
    /// Events that wait to be polled; more close the association.
    package var eventCount = 4_096
    /// Streams whose reset waits for its turn.
    package var pendingResetCount = 1_024

    package init() {}
}
