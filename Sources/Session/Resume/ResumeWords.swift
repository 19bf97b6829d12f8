internal import Wire

/// How a client goes on with its session on another connection: what it shows, and how far it had come.
package struct ResumeRequest: Hashable, Sendable {
    /// The newest token it was given.
    package var token: String
    /// The `event_id` of the last event of the server's that it has; `nil` stands for the last that it has acknowledged.
    package var lastEventID: String?
    /// The sequence number of the first frame of the server's that it lacks; `nil` asks for none again.
    package var answerSequence: UInt16?
    /// Of a token that was shown before: the server may have taken it, and its answer was lost.
    package var retry: ResumeRetry?

    package init(token: String, lastEventID: String? = nil, answerSequence: UInt16? = nil, retry: ResumeRetry? = nil) {
        self.token = token
        self.lastEventID = lastEventID
        self.answerSequence = answerSequence
        self.retry = retry
    }
}

extension ResumeRequest: Codable {
    private enum CodingKeys: String, CodingKey {
        case token, lastEventID = "last_event_id", answerSequence = "answer_sequence", retry
    }
}

/// `session.parallax.resume`: with what the session can be gone on with.
package struct ResumeOffer: Hashable, Sendable, Codable {
    /// Good once, while the session lives.
    package var token: String
    /// Proves who shows a token again. It is never sent back; `nil` where the server takes no token twice.
    package var key: String?
    /// How long the session is kept without a connection.
    package var detachedMilliseconds: Int

    package init(token: String, key: String? = nil, detachedMilliseconds: Int) {
        self.token = token
        self.key = key
        self.detachedMilliseconds = detachedMilliseconds
    }

    private enum CodingKeys: String, CodingKey {
        case token, key, detachedMilliseconds = "detached_ms"
    }
}

/// What `session.resumed` says beside the session: what the server has of the client, so that the client sends the rest.
package struct ResumeAccount: Hashable, Sendable {
    /// How many events of the client's the server has taken since the session began.
    package var clientEvents = 0
    /// The `event_id` of the last of them that had one.
    package var lastClientEventID: String?
    /// The frames of prompts that are not decided which are there.
    package var held: [FrameRange] = []
    /// The transports of all attachments so far, the present one last.
    package var transports: [String] = []

    package init() {}

    /// Frames whose sequence numbers follow one another.
    package struct FrameRange: Hashable, Sendable {
        package var firstSequence: UInt16
        package var frames: Int

        package init(firstSequence: UInt16, frames: Int) {
            self.firstSequence = firstSequence
            self.frames = frames
        }

        package func contains(_ sequence: UInt16) -> Bool { Int(sequence &- firstSequence) < frames }
    }
}

extension ResumeAccount: Codable {
    private enum CodingKeys: String, CodingKey {
        case clientEvents = "client_events", lastClientEventID = "last_client_event_id", held, transports
    }
}

extension ResumeAccount.FrameRange: Codable {
    private enum CodingKeys: String, CodingKey { case firstSequence = "first_sequence", frames }
}

/// Why a session cannot be resumed. What the token names, if it lives, goes on as it was.
package enum ResumeRefusal: Error, Hashable, Sendable, CaseIterable {
    /// No token of this server's.
    case foreign
    /// It has resumed its session before.
    case used
    /// Its session has ended.
    case expired

    package var code: EventError.Code {
        switch self {
        case .foreign: .resumeTokenInvalid
        case .used: .resumeTokenUsed
        case .expired: .resumeTokenExpired
        }
    }

    /// The status by which HTTP says so.
    package var status: Int {
        switch self {
        case .foreign: 404
        case .used: 409
        case .expired: 410
        }
    }

    package var message: String {
        switch self {
        case .foreign: "The resume token is none of this server's: begin a new session."
        case .used: "The resume token was used before: take the one of the newest session.created, session.updated or session.resumed."
        case .expired: "The session of this resume token has ended: begin a new one."
        }
    }

    /// The refusal that a status stands for.
    package init?(status: UInt64) {
        guard let refusal = Self.allCases.first(where: { UInt64($0.status) == status }) else { return nil }
        self = refusal
    }
}

/// One connection of a session, for its history.
struct Attachment: Hashable, Sendable {
    var transport: String
    var since: Instant
}
