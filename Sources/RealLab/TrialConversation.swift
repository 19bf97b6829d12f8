internal import Endpoint
internal import Lab
internal import Opus
internal import Server
internal import Session
internal import WebSocket
internal import Wire

/// The client of one trial on real sockets: connects at its origin, does what the talker of a trial does (`TrialTalk`), and closes when
/// it is told to. Its connections are sockets of their own (`TrialLines`), named by their local addresses.
///
/// ```
///  waiting --origin--> connecting --its socket stands--> talking --over--> over --told--> closing --> ended
/// ```
final class TrialConversation {
    private enum State {
        /// Nothing is sent before the origin, when the links' time begins.
        case waiting
        /// There is no client yet: over a stream it comes when TCP stands.
        case connecting
        case talking
        /// The account is being taken; the connection stands.
        case over
        case closing(until: Instant)
        case ended
    }

    private let origin: Instant
    private(set) var talk: TrialTalk
    private(set) var client: ClientEndpoint?
    private var state = State.waiting

    /// How long the connection's end may take.
    private static let closeTime = Duration.seconds(1)

    init(clip: Clip, course: TrialCourse, origin: Instant, speaksWhileOpening: Bool) {
        self.origin = origin
        talk = TrialTalk(clip: clip, course: course, origin: origin, speaksWhileOpening: speaksWhileOpening)
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

    /// Whether the first connection is to be made now; says so once.
    func takeBeginning(now: Instant) -> Bool {
        guard case .waiting = state, now >= origin else { return false }
        state = .connecting
        return true
    }

    /// The first connection's socket stands.
    func begin(_ client: ClientEndpoint, now: Instant) {
        guard case .connecting = state else { return client.close(now: now) }
        self.client = client
        state = .talking
        turned(now: now)
    }

    /// The transport of another connection that the session wants.
    func takeConnection() -> TrialTransport? { talk.takeConnection() }

    /// - Returns: `false` where no session is there to be moved.
    func attach(over transport: ClientTransport, path: NetworkPath, now: Instant) -> Bool {
        defer { turned(now: now) }
        return client?.attach(over: transport, path: path, entropy: .system, now: now) ?? false
    }

    /// The server has answered the offer of the connection at `path`.
    func accept(answer: String, path: NetworkPath, now: Instant) {
        guard let client, isNewest(path.local) else { return }
        do {
            try client.accept(answer: answer, path: path, now: now)
        } catch {
            failed(at: path.local, TransportClose(code: 0, reason: "the answer is no use: \(error)", origin: .peer), now: now)
        }
        turned(now: now)
    }

    /// No connection came of this attempt, or of the first.
    /// - Parameter local: `nil` where there was no socket.
    func failed(at local: PeerAddress?, _ close: TransportClose, now: Instant) {
        guard local.map(isNewest) ?? true else { return }
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

    /// An attempt that was given up meanwhile wants nothing any more.
    private func isNewest(_ local: PeerAddress) -> Bool { local == (client?.nextLocal ?? client?.local) }

    // MARK: What comes and goes

    func receive(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, ecn: ECN, now: Instant) {
        client?.receive(datagram, path: path, ecn: ecn, now: now)
        turned(now: now)
    }

    func receive(stream bytes: [UInt8], at local: PeerAddress, now: Instant) {
        client?.receive(stream: bytes, at: local, now: now)
        turned(now: now)
    }

    func streamEnded(at local: PeerAddress, now: Instant) {
        client?.streamEnded(at: local, now: now)
        turned(now: now)
    }

    func handleTimeout(now: Instant) {
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

    func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, from local: PeerAddress, now: Instant) -> Transmit? {
        if let transmit = client?.pollTransmit(into: buffer, from: local, now: now) { return transmit }
        endWhenDrained()
        return nil
    }

    func pollWrite(_ byteCount: Int, from local: PeerAddress, now: Instant) -> StreamWrite? {
        if let write = client?.pollWrite(byteCount, from: local, now: now) { return write }
        endWhenDrained()
        return nil
    }

    private func endWhenDrained() {
        if case .closing = state, client?.isClosing ?? true { state = .ended }
    }

    /// The account is taken.
    func close(now: Instant) {
        guard case .over = state else { return }
        state = .closing(until: now + Self.closeTime)
        client?.close(now: now)
    }

    /// Hears what the client has noticed.
    private func turned(now: Instant) {
        guard case .talking = state else { return }
        if let client { talk.hear(client, now: now) }
        if talk.isOver { state = .over }
    }
}
