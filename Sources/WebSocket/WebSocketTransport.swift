internal import Framing
internal import RTP
package import Session
package import Wire

/// One attachment over WebSocket (RFC 6455), client or server, on a reliable stream of bytes that somebody else has opened.
///
/// Hand it the stream's bytes (`receive`) and its end (`streamEnded`), then drain `pollEvent`; take what it has to write by
/// `pollWrite` as far as the stream takes it, and come back at `deadline`. The client's first bytes are its request by HTTP; the
/// server's begin behind the answer to it, which whoever read the request has written (`WebSocketUpgrade`).
///
/// Everything travels in order and arrives while the connection lives, so the one mode is `stream`.
package final class WebSocketTransport {
    package enum Role: Hashable, Sendable { case client, server }

    /// Where the attachment stands.
    ///
    ///     client: upgrading ─101─▶ open ─close, or the peer's─▶ closing ─both closed, or too late─▶ ended
    ///     server: requested ─accept─▶ open …
    enum State {
        /// The request is out, or on its way.
        case upgrading(key: String, received: [UInt8])
        case requested
        case open
        /// A close frame is under way or sent. After `until` nobody waits for the peer's.
        case closing(until: Instant, peerHasClosed: Bool)
        /// The stream is over; with `isTold` whoever holds it knows.
        case ended(isTold: Bool)
    }

    package let role: Role
    package let form: WebSocketForm
    /// Where the peer is.
    package let remote: PeerAddress
    /// The smallest round trip that a ping took; zero before the first.
    package internal(set) var minimumRTT = Duration.zero

    let limits: WebSocketLimits
    var entropy: Entropy
    var state: State
    var reader: WebSocketReader
    var output = TransportEventQueue()
    var outbox: Outbox
    /// Bytes that go out before everything in `outbox`: the request, control frames.
    var urgent: [UInt8] = []
    var owedPong: [UInt8]?
    var owedClose: (code: UInt16, reason: String)?
    var streamHasEnded = false

    var appended = AppendedAudio()
    var inputFormat = AudioFormat().type
    var answer: AnswerAudio
    var heard = HeardAudio()

    /// The time of the last call.
    var now: Instant
    var framesThisTurn = 0
    var isBehind = false
    var lastReceived: Instant
    var nextPing: Instant
    /// Since when something waits that the stream does not take.
    var waitingSince: Instant?
    /// RTP packets that were allowed and of no use.
    package internal(set) var ignoredCount = 0

    /// The server's end: asks by its first event for the session that `request` wants.
    package convenience init(
        serving request: AttachRequest, form: WebSocketForm, remote: PeerAddress, configuration: WebSocketServerConfiguration, entropy: Entropy,
        now: Instant
    ) {
        self.init(
            role: .server, form: form, remote: remote, limits: configuration.limits, state: .requested, entropy: entropy, now: now)
        output.append(.requested(request))
    }

    /// The client's end, which begins with its request.
    package convenience init(
        connectingWith configuration: WebSocketClientConfiguration, remote: PeerAddress, entropy: Entropy, now: Instant
    ) {
        var entropy = entropy
        // Section 4.1: 16 random bytes, so that no cache between answers for the server.
        let key = JSON.encodeBase64(entropy.bytes(16))
        self.init(
            role: .client, form: configuration.form, remote: remote, limits: configuration.limits, state: .upgrading(key: key, received: []),
            entropy: entropy, now: now)
        urgent = WebSocketUpgrade.request(configuration, key: key)
    }

    private init(
        role: Role, form: WebSocketForm, remote: PeerAddress, limits: WebSocketLimits, state: State, entropy: Entropy, now: Instant
    ) {
        self.role = role
        self.form = form
        self.remote = remote
        self.limits = limits
        self.state = state
        self.entropy = entropy
        self.now = now
        reader = WebSocketReader(expectsMask: role == .server, maximumByteCount: limits.messageByteCount)
        outbox = Outbox(limits: limits, playsAhead: form == .openAI)
        answer = AnswerAudio(responseLimit: limits.responses)
        lastReceived = now
        nextPing = now
    }

    package var capabilities: Capabilities {
        Capabilities(transport: "websocket", modes: [.stream], audioInEvents: form == .openAI)
    }

    /// The connection is over, and whoever holds the stream knows.
    package var isClosed: Bool { if case .ended(isTold: true) = state { true } else { false } }

    /// The stream is of no more use, whether its holder knows or not.
    package var isOver: Bool { if case .ended = state { true } else { false } }

    /// The close has been handed to the stream.
    package var isClosing: Bool {
        switch state {
        case .closing: owedClose == nil && outbox.isEmpty
        case .ended: true
        case .upgrading, .requested, .open: false
        }
    }

    /// Samples of silence that filled a last frame.
    package var paddedSampleCount: Int { appended.paddedSampleCount }
}
