/// How a client talks.
package struct ClientConfiguration: Hashable, Sendable {
    /// The mode asked for, and used for this client's own frames from the first on.
    package var mode: ReliabilityMode = .datagram
    /// `nil` leaves the server's default.
    package var onGap: GapPolicy?
    /// `nil` leaves the server's default for the mode.
    package var wait: Duration?
    /// `nil` leaves the server's default: how long a frame is worth sending again, or keeping on its stream.
    package var deadline: Duration?
    /// `nil` leaves the server's default: how many earlier frames a datagram carries in mode `red`.
    package var redundancyDepth: Int?
    /// `nil` leaves the server's default.
    package var liveDeadline: Duration?
    /// Whether commits carry the count and hash of their frames.
    package var sendsManifest = true
    /// Whether the answers' frames are kept until they are accounted for.
    package var keepsAnswerReceipts = true
    package var instructions: String?
    /// Sent in the first event, where the transport has no header for it.
    package var secret: String?
    /// The RTP sequence number of the first frame.
    package var firstSequence: UInt16 = 0
    /// Whether what was sent is kept until the server is known to have it: without it a lost connection loses more than time.
    package var keepsSent = true
    package var limits = SessionLimits()

    package init() {}
}

/// What a client hands out for its transport, drained by `RealtimeClient.pollOutput`.
package enum ClientOutput: Hashable, Sendable {
    case event([UInt8])
    case frame(MediaFrame, Delivery)
    /// The prompt is committed: behind its frames nothing follows that would show their loss.
    case talkEnded
    /// These frames of an answer were sent, the last included, and some have not come.
    case expect(first: UInt16, last: UInt16)
}

/// What a client learns, drained by `RealtimeClient.pollNotice`.
package enum ClientNotice: Hashable, Sendable {
    case sessionCreated(id: String)
    /// The mode in force from now on, for both directions.
    case sessionUpdated(mode: ReliabilityMode)
    /// Another connection carries the session; the last of these transports is its.
    case sessionResumed(transports: [String])
    case sessionExpiring(remaining: Duration)
    case committed(itemID: String)
    case cleared
    case truncated(itemID: String)
    case receipt(Receipt)
    case responseCreated(id: String)
    case responseDone(id: String, status: ResponseObject.Status)
    case answerFrame(MediaFrame)
    case outputStarted
    case outputStopped
    /// The account of an answer's audio, as this client received it; its `itemID` is the response's.
    case answerReceipt(Receipt)
    case outputCleared
    case error(EventError)
}
