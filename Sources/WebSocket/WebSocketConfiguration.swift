package import Session

/// What the messages of a connection hold; the client's offer of sub-protocols decides.
package enum WebSocketForm: String, CaseIterable, Hashable, Sendable {
    /// As OpenAI's clients speak: JSON events as text, audio in base64 within them.
    case openAI = "openai"
    /// Ours, `parallax.rtp`: JSON events as text, and frames as binary messages of one RTP packet each.
    case rtp

    /// The name in `Sec-WebSocket-Protocol`.
    package var subprotocol: String {
        switch self {
        case .openAI: "realtime"
        case .rtp: "parallax.rtp"
        }
    }
}

/// What one connection may hold, and for how long.
package struct WebSocketLimits: Hashable, Sendable {
    /// The longest message. An append of OpenAI's may have 15 MiB; this holds a minute of 24 kHz PCM in base64.
    package var messageByteCount = 4 << 20
    /// What may have come and wait to be read, while a long append is encoded a part at a time.
    package var unreadByteCount = 16 << 20
    /// How many appended frames are encoded before others have their turn: some 10 ms of work.
    package var framesPerTurn = 50
    /// Events that wait for the socket, and their bytes.
    package var queuedEvents = 1024
    package var queuedEventByteCount = 1 << 20
    /// Answer frames that wait for the socket, still as Opus: five minutes of 20 ms, the longest answer.
    package var queuedFrames = 15_000
    /// How many frames one event of PCM carries at most.
    package var framesPerDelta = 10
    /// How long a peer may leave unread what waits for it.
    package var stallTime = Duration.seconds(30)
    /// A connection that was silent for so long is asked for a sign of life.
    package var pingInterval = Duration.seconds(20)
    /// One that was silent for so long is given up.
    package var silenceTime = Duration.seconds(60)
    /// How long a closed connection waits for the peer's half of the close.
    package var closeTime = Duration.seconds(2)
    /// The header of the answer to a client's request.
    package var headByteCount = 16 << 10
    /// Responses whose items are remembered, for the events that carry their audio.
    package var responses = 8
    /// What the core takes of an event.
    package var session = SessionLimits()

    package init() {}
}

/// How a server speaks WebSocket.
package struct WebSocketServerConfiguration: Hashable, Sendable {
    package var limits = WebSocketLimits()

    package init() {}
}

/// How a client speaks WebSocket.
package struct WebSocketClientConfiguration: Hashable, Sendable {
    package var authority: String
    package var path = "/v1/realtime"
    package var form = WebSocketForm.rtp
    /// Sent as `Authorization: Bearer`.
    package var secret: String?
    /// The session that is to go on here; said in the query. Only as RTP, whose frames bring numbers of their own, can a prompt
    /// go on in its middle.
    package var resume: ResumeRequest?
    package var limits = WebSocketLimits()

    package init(authority: String) { self.authority = authority }
}
