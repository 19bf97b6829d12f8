internal import Endpoint
internal import Lab
internal import Opus
internal import Server
internal import Session
internal import WebRTC
internal import Wire

/// The client of one trial on real sockets (`SessionLines`): connects at its origin, does what the talker of a trial does (`TrialTalk`),
/// and closes when it is told to.
///
/// ```
///  waiting --origin--> connecting --its socket stands--> talking --over--> over --told--> closing --> ended
///     |                                                     ^
///     +---origin, with a socket that was opened ahead of it-+
/// ```
final class TrialConversation: SessionConversation {
    typealias MakeClient = (_ transport: ClientTransport, _ path: NetworkPath, _ now: Instant) -> ClientEndpoint

    private enum State {
        /// Nothing is sent before the origin, when the links' time begins. A socket for datagrams is opened ahead of it, so that the first
        /// leaves in time.
        case waiting(ahead: (transport: ClientTransport, path: NetworkPath)?)
        /// There is no client yet: over a stream it comes when TCP stands.
        case connecting
        case talking
        /// The account is being taken; the connection stands.
        case over
        case closing(until: Instant)
        case ended
    }

    private let first: TalkTransport
    private let origin: Instant
    private let makeClient: MakeClient
    private(set) var talk: TrialTalk
    /// The first connection, where it is to be opened now.
    private var opening: TalkTransport?
    private(set) var client: ClientEndpoint?
    private var state = State.waiting(ahead: nil)

    /// How long the connection's end may take.
    private static let closeTime = Duration.seconds(1)

    init(clip: Clip, course: TrialCourse, origin: Instant, speaksWhileOpening: Bool, makeClient: @escaping MakeClient) {
        first = TalkTransport(course.first)
        self.origin = origin
        self.makeClient = makeClient
        talk = TrialTalk(clip: clip, course: course, origin: origin, speaksWhileOpening: speaksWhileOpening)
        if first != .websocket { opening = first }
    }

    /// What there was to see has been seen.
    var isOver: Bool {
        switch state {
        case .waiting, .connecting, .talking: false
        case .over, .closing, .ended: true
        }
    }

    var isEnded: Bool { if case .ended = state { true } else { false } }

    var deadline: Instant? {
        switch state {
        case .waiting: origin
        case .connecting: origin + TrialSettings.setupPatience
        case .talking: earliest(talk.deadline, client?.deadline)
        case .over: client?.deadline
        case .closing(let until): earliest(until, client?.deadline)
        case .ended: nil
        }
    }

    // MARK: Connections

    func takeOpening() -> TalkTransport? {
        defer { opening = nil }
        return opening ?? talk.takeConnection().map(TalkTransport.init)
    }

    func attach(over transport: ClientTransport, path: NetworkPath, now: Instant) -> Bool {
        switch state {
        case .waiting: state = .waiting(ahead: (transport, path))
        case .connecting: begin(transport, path, now: now)
        case .talking, .over, .closing, .ended:
            defer { turned(now: now) }
            return client?.attach(over: transport, path: path, entropy: .system, now: now) ?? false
        }
        return true
    }

    private func begin(_ transport: ClientTransport, _ path: NetworkPath, now: Instant) {
        client = makeClient(transport, path, now)
        state = .talking
        turned(now: now)
    }

    /// The origin has come.
    private func begin(ahead: (transport: ClientTransport, path: NetworkPath)?, now: Instant) {
        if let (transport, path) = ahead { return begin(transport, path, now: now) }
        state = .connecting
        if first == .websocket { opening = first }
    }

    func accept(answer: String, path: NetworkPath, now: Instant) throws(WebRTCRefusal) {
        guard isNewest(path.local) else { return }
        try client?.accept(answer: answer, path: path, now: now)
        turned(now: now)
    }

    func failed(at local: PeerAddress?, _ error: any Error, now: Instant) {
        // An attempt that was given up meanwhile wants nothing any more.
        guard local.map(isNewest) ?? true else { return }
        let close = TransportClose(opening: error)
        if let client, client.token != nil {
            client.attachmentFailed(close, now: now)
        } else {
            end(close.reason, now: now)
        }
        turned(now: now)
    }

    private func end(_ reason: String, now: Instant) {
        talk.end(reason, now: now)
        if !isOver { state = .over }
    }

    // MARK: Turns

    func handleTimeout(now: Instant) {
        if case .waiting(let ahead) = state, origin <= now { begin(ahead: ahead, now: now) }
        if let client, let deadline = client.deadline, deadline <= now { client.handleTimeout(now: now) }
        turned(now: now)
        switch state {
        case .connecting: if origin + TrialSettings.setupPatience <= now { end("not open in time", now: now) }
        case .talking:
            if let client { talk.step(client, now: now) }
            turned(now: now)
        case .closing(let until): if until <= now { state = .ended }
        case .waiting, .over, .ended: break
        }
    }

    func drained() {
        if case .closing = state, client?.isClosing ?? true { state = .ended }
    }

    /// The account is taken.
    func close(now: Instant) {
        guard case .over = state else { return }
        state = .closing(until: now + Self.closeTime)
        client?.close(now: now)
    }

    /// Hears what the client has noticed.
    func turned(now: Instant) {
        guard case .talking = state else { return }
        if let client { talk.hear(client, now: now) }
        if talk.isOver { state = .over }
    }
}
