/// What a transport can do, as data: the core never asks which transport it is.
package struct Capabilities: Hashable, Sendable {
    /// The word for it in receipts and rows: `webtransport`, `roq`.
    package var transport: String
    /// The modes it can carry in both directions, in the order in which an error names them.
    package var modes: [ReliabilityMode]
    /// Whether audio travels in events, as with OpenAI's WebSocket clients. Answers are then handed over as they are made and not when
    /// they are to be heard: the peer plays them in its own time.
    package var audioInEvents: Bool

    package init(transport: String, modes: [ReliabilityMode], audioInEvents: Bool = false) {
        self.transport = transport
        self.modes = modes
        self.audioInEvents = audioInEvents
    }
}

/// Who asks for a session, and for which: what the transport learnt before the first event.
package struct AttachRequest: Hashable, Sendable {
    /// The client's secret, from `Authorization: Bearer …` or the transport's own place for it.
    package var secret: String?
    /// The `model` of the request's query, where one was given.
    package var model: String?
    /// The session that is to go on here, instead of a new one.
    package var resume: ResumeRequest?

    package init(secret: String? = nil, model: String? = nil, resume: ResumeRequest? = nil) {
        self.secret = secret
        self.model = model
        self.resume = resume
    }
}

/// What a transport hands up to the core. Both ends of every transport speak these words.
package enum TransportEvent: Hashable, Sendable {
    /// Server: a peer asks for a session and waits for `accept` or `refuse`.
    case requested(AttachRequest)
    /// Events and frames may be sent. On the client this may come before the server has answered.
    case opened
    /// One JSON event, whole.
    case event([UInt8])
    /// One frame, by whatever primitive it came.
    case frame(MediaFrame)
    /// Server: an event that the transport should have understood itself, and could not; the session answers with the error.
    case refused(EventError, eventID: String?)
    /// The peer acknowledged the datagram that carried the frame with this number (the 16-bit RTP sequence).
    case frameAcknowledged(sequence: UInt16)
    /// The datagram that carried this frame is declared lost.
    case frameLost(sequence: UInt16)
    /// The peer says that it has sent frames up to this one, whether they came or not.
    case framesAnnounced(through: UInt16)
    /// The peer will close soon and asks for no new work (WebTransport drain, HTTP/3 GOAWAY).
    case draining
    /// The attachment is over; nothing follows.
    case closed(TransportClose)
}

/// Why an attachment ended.
package struct TransportClose: Hashable, Sendable {
    /// The application's code: WebTransport's 32-bit code, RoQ's error code, or 0.
    package var code: UInt64
    package var reason: String
    /// Who ended it.
    package var origin: Origin

    package enum Origin: String, Hashable, Sendable {
        case local, peer, timeout, transportError
    }

    package init(code: UInt64, reason: String, origin: Origin) {
        self.code = code
        self.reason = reason
        self.origin = origin
    }
}

/// Why a transport did not take what it was given. Nothing was sent.
package enum SendRefusal: Error, Hashable, Sendable {
    /// The frame does not fit into one datagram of this path; `maximum` is the greatest RTP packet that does.
    case tooLarge(maximum: Int)
    /// The queue to the peer has reached its limit.
    case queueFull
    /// Not open yet, or closed.
    case notOpen
}
