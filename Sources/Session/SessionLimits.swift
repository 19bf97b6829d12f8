/// Every limit of a session, in one place. What goes over one gets an `error` event, and the session goes on
/// unless the limit's comment says that it ends.
package struct SessionLimits: Hashable, Sendable {
    /// How long a session lasts from its first attachment; then `session_expired` and close.
    package var sessionDuration: Duration = .seconds(3600)
    /// How long before its end a session is told (`session.expiring`).
    package var expiryNotice: Duration = .seconds(60)
    /// How long a session without a connection is kept before it closes.
    package var detachedDuration: Duration = .seconds(30)
    /// How many events are kept for a client that comes back on another connection, and their bytes in all; the oldest
    /// is forgotten first. Who lacks one that is forgotten gets the error `resume_gap`.
    package var loggedEvents = 512
    package var loggedEventBytes = 512 << 10
    /// How many frames of answers are kept for it in reliable modes: 30 seconds of 20 ms.
    package var loggedAnswerFrames = 1_500
    /// How many attachments a session remembers; the oldest is forgotten first.
    package var attachmentHistory = 64
    /// How many ranges of frames `session.resumed` names; what it does not name comes twice.
    package var heldRanges = 256
    /// How many frames and events a client keeps for the server to have again: 5 minutes of 20 ms.
    package var loggedClientItems = 16_000

    /// The greatest event.
    package var eventBytes = 65_536
    /// How deeply an event's objects and arrays may nest.
    package var eventDepth = 32
    /// How many events a second a client may send for long.
    package var eventsPerSecond = 100
    /// How many events it may send at once.
    package var eventBurst = 200
    /// How many events over the rate are dropped before the session is closed.
    package var eventsDropped = 1_000

    /// The longest prompt, and how many uncommitted frames are remembered: 5 minutes of 20 ms.
    package var promptFrames = 15_000
    /// The bytes of one prompt's payloads.
    package var promptBytes = 4 << 20
    /// How many frames a loopback session remembers: arrivals only, no payloads.
    package var loopbackFrames = 256
    /// The greatest Opus packet taken.
    package var frameBytes = 8_192
    /// How many committed prompts may wait for their frames at once.
    package var pendingPrompts = 4
    /// How many frames behind the last that came a transport may announce.
    package var announcedFrames = 1_000
    /// How long a commit without a manifest waits in mode `repair` for the closing marker that names its last frame.
    package var tailWait: Duration = .milliseconds(500)
    /// The longest `wait_ms` that a client may ask for.
    package var wait: Duration = .seconds(120)

    /// How many conversation items are remembered; the oldest is forgotten first, without an error.
    package var conversationItems = 256
    /// How many answer frames may wait for their play-out time; a responder's frames beyond it are dropped and counted.
    package var playoutFrames = 15_000
    /// How much a client keeps of what is said while its connection opens: 30 s of 20 ms, and the events between.
    package var earlyOutputs = 1_536
    /// How many outputs may wait to be polled. A caller that drains as the contract says never meets it.
    package var queuedOutputs = 32_768

    package init() {}
}

/// How a server sets up its sessions: what the session cannot know by itself.
package struct SessionConfiguration: Hashable, Sendable {
    /// The word for the model in `session.created`.
    package var model = "parallax"
    /// The instructions a session begins with.
    package var instructions = ""
    /// The mode a session begins in; where the transport lacks it, the first that it can.
    package var mode: ReliabilityMode = .datagram
    /// Whether frames go straight back as they arrive, for measuring. Such a session keeps no payloads, so its
    /// receipts count frames but cannot prove them.
    package var returnsFrames = false
    /// Whether `lastDecidedPrompt` is kept, with one instant a frame; for the lab.
    package var keepsAccounts = false
    /// When the session will end, for `session.expires_at`; the core has no wall clock.
    package var expiresAtUnixSeconds: Int?

    package init() {}
}
