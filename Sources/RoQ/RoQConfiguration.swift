package import MediaStreams
package import Session

/// How RTP over QUIC is spoken (draft-ietf-avtcore-rtp-over-quic-14).
package struct RoQConfiguration: Sendable {
    /// The protocols offered or accepted, best first: the draft's number is part of the name until there is an RFC.
    package static let defaultALPN = ["roq-14", "roq-13", "roq-12", "roq-11", "roq-10", "roq-09", "roq"]

    /// The flow of frames, both ways.
    package var mediaFlow: UInt64 = 0
    /// The flow of events, both ways: RTP packets of payload type 112 with one JSON event each.
    package var eventFlow: UInt64 = 1
    /// Server: whether a peer that sends media and no event asks for a session by its first frame.
    package var allowsMediaOnlyPeers = false
    package var format = MediaFormat()
    package var limits = RoQLimits()

    package init() {}
}

/// What the peer of one connection may make us hold.
package struct RoQLimits: Hashable, Sendable {
    package var streams = MediaStreamLimits()
    /// Server: frames and events that wait for `accept`. A frame over the limit is dropped when it came as a datagram;
    /// on a stream, where every frame was promised, it costs the connection.
    package var earlyFrames = 1024
    package var earlyByteCount = 256 * 1024
    /// Streams and datagrams of flows that nobody reads, before the connection is closed with ROQ_UNKNOWN_FLOW_ID.
    package var unknownFlowArrivals = 1024
    /// What the session core reads of the first event.
    package var session = SessionLimits()

    package init() {}
}
