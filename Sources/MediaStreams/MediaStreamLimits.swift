/// What the streams of one attachment may hold.
package struct MediaStreamLimits: Hashable, Sendable {
    /// The longest RTP packet of a frame; an Opus packet of 20 ms has at most 1275 bytes (RFC 6716 section 3.4).
    package var packetByteCount = 2048
    /// The longest event, as JSON text.
    package var eventByteCount = 256 * 1024
    /// Streams of the peer's that are open at once and whose packets are not whole.
    package var incompleteStreams = 256
    /// Frames that wait for stream credit or buffer space: 20 s of 20 ms.
    package var queuedFrames = 1024
    /// Frames that are kept to be sent again: 10 s of 20 ms, the longest deadline.
    package var unacknowledgedFrames = 512
    /// Frames of mode `repair` that are kept until the peer has them; beyond it they are put on streams.
    package var repairedFrames = 512
    /// The longest closing marker, as an RTP packet.
    package var closingByteCount = 1_100
    /// Events that a closing marker may carry copies of.
    package var recentEvents = 16
    /// Events that wait, and their bytes.
    package var queuedEvents = 1024
    package var queuedEventByteCount = 1024 * 1024

    package init() {}
}
