internal import DTLS
internal import Dispatch
internal import Endpoint
internal import Lab
internal import NIOCore
internal import QUIC
internal import RoQ
internal import Server
internal import Session
internal import WebRTC
internal import WebSocket
internal import WebTransport
internal import Wire

/// What a trial's client needs to know of the way to its server.
struct TrialWay: Sendable {
    let mode: ReliabilityMode
    let identity: DTLSIdentity
    let target: TalkTarget
    let remote: PeerAddress
    /// The trial's own address; each connection has a port of its own.
    let local: PeerAddress
    let policy = ReconnectPolicy()

    func wire(_ transport: TrialTransport, _ path: NetworkPath) -> ClientTransport {
        switch transport {
        case .webTransport: return .webTransport(WebTransportClientConfiguration(authority: "\(remote)"))
        case .roq: return .roq(RoQConfiguration())
        case .webRTC:
            var configuration = WebRTCClientConfiguration(identity: identity)
            configuration.candidates = [path.local]
            return .webRTC(configuration)
        case .webSocket: return .webSocket(WebSocketClientConfiguration(authority: "\(remote)"))
        }
    }

    /// The client of a trial, which begins to connect.
    func client(_ transport: TrialTransport, _ path: NetworkPath, now: Instant) -> ClientEndpoint {
        var talker = ClientConfiguration()
        talker.mode = mode
        return ClientEndpoint(
            transport: wire(transport, path), serverName: "localhost", credentials: ClientCredentials(.insecure), quic: QUICConfiguration(),
            client: talker, reconnect: policy, path: path, entropy: .system, now: now)
    }
}

/// The sockets of one trial's client: one for each connection that its session has or had. Lives on the clients' event loop.
///
/// What comes by one socket may have to be answered by another: after each turn the others get theirs.
final class TrialLines {
    let conversation: TrialConversation
    private let way: TrialWay
    private let first: TrialTransport
    private let loop: any EventLoop
    /// Sockets are opened here: who opens one waits for the loop.
    private let openings: DispatchQueue
    private let look: (TrialConversation) -> Void
    private var lines: [(line: TrialLine, driver: TrialDriver)] = []
    private var watch: RepeatedTask?
    private var isStirred = false
    private var isClosed = false

    /// - Parameter look: called after every turn.
    init(
        _ conversation: TrialConversation, first: TrialTransport, way: TrialWay, on loop: any EventLoop, openings: DispatchQueue,
        look: @escaping (TrialConversation) -> Void
    ) {
        self.conversation = conversation
        self.first = first
        self.way = way
        self.loop = loop
        self.openings = openings
        self.look = look
    }

    // MARK: Turns

    func stir() { isStirred = true }

    func turned(by origin: TrialLine?, now: Instant) {
        if let transport = conversation.takeConnection() { open(transport) }
        look(conversation)
        guard isStirred else { return }
        isStirred = false
        for (line, driver) in lines where line !== origin { driver.poke() }
    }

    func closeConnection() {
        conversation.close(now: SystemClock.now())
        isStirred = true
        turned(by: nil, now: SystemClock.now())
    }

    /// Closes every socket.
    func closeSockets() {
        isClosed = true
        watch?.cancel()
        for (_, driver) in lines { driver.close() }
        lines.removeAll()
    }

    // MARK: The first connection

    /// Opens the socket ahead of the origin where one can: its first packet then leaves in time.
    func prepare(at origin: Instant) {
        let lines = NIOLoopBound(self, eventLoop: loop)
        if first == .webSocket {
            loop.scheduleTask(deadline: .uptimeNanoseconds(origin.nanoseconds)) { lines.value.beginWhereDue(nil, now: SystemClock.now()) }
        } else {
            openSocket(isFirst: true) { _, _, _ in true }
        }
        watch = loop.scheduleRepeatedTask(initialDelay: TimeAmount(Self.watchInterval), delay: TimeAmount(Self.watchInterval)) { _ in
            lines.value.minded(now: SystemClock.now())
        }
    }

    /// Sockets keep the conversation's time; while there is none, somebody must.
    private func minded(now: Instant) {
        guard let deadline = conversation.deadline, deadline.advanced(by: Self.watchInterval) <= now else { return }
        conversation.handleTimeout(now: now)
        isStirred = true
        turned(by: nil, now: now)
    }

    private static let watchInterval = Duration.milliseconds(20)

    /// - Parameter line: whose turn it is; what comes of it leaves in the same turn.
    func beginWhereDue(_ line: TrialLine?, now: Instant) {
        guard conversation.takeBeginning(now: now) else { return }
        if first == .webSocket {
            openStream(within: TrialSettings.setupPatience) { lines, path, now in
                lines.conversation.begin(lines.way.client(.webSocket, path, now: now), now: now)
                return true
            }
        } else if let line {
            let client = way.client(first, line.path, now: now)
            conversation.begin(client, now: now)
            isStirred = true
            if let offer = client.offer { call(offer, resume: nil, path: line.path, within: TrialSettings.setupPatience) }
        }
    }

    // MARK: Other connections

    private func open(_ transport: TrialTransport) {
        let attach: Attach = { lines, path, now in
            lines.conversation.attach(over: lines.way.wire(transport, path), path: path, now: now)
        }
        if transport == .webSocket {
            openStream(within: way.policy.attempt, attach)
        } else {
            openSocket(isFirst: false, attach)
        }
    }

    /// Tells the endpoint of a socket, and answers whether it wants it.
    private typealias Attach = @Sendable (_ lines: TrialLines, _ path: NetworkPath, _ now: Instant) -> Bool

    private func openSocket(isFirst: Bool, _ attach: @escaping Attach) {
        let lines = NIOLoopBound(self, eventLoop: loop)
        openings.async { [loop, way] in
            do {
                let driver = try DatagramDriver<TrialLine>.start(
                    connectedTo: way.remote, from: way.local, on: loop, limits: Self.limits,
                    makeEndpoint: { path, now in
                        guard attach(lines.value, path, now) else { throw ChannelError.ioOnClosedChannel }
                        return TrialLine(lines.value, path)
                    },
                    afterTurn: { line, now in line.endTurn(now: now) })
                _ = driver.command { line, now in
                    lines.value.add(line, .datagrams(driver))
                    if !isFirst { lines.value.callWhereWanted(line.path, now: now) }
                }
            } catch {
                loop.execute { lines.value.failed("no socket: \(error)") }
            }
        }
    }

    private func openStream(within time: Duration, _ attach: @escaping Attach) {
        let lines = NIOLoopBound(self, eventLoop: loop)
        do {
            try StreamDriver<TrialLine>.start(
                way.target, at: way.remote, from: way.local, trust: .insecure, within: time, silence: way.policy.silence, on: loop,
                makeEndpoint: { path, now in
                    guard attach(lines.value, path, now) else { throw ChannelError.ioOnClosedChannel }
                    return TrialLine(lines.value, path)
                },
                afterTurn: { line, now in line.endTurn(now: now) }
            ).whenComplete { result in
                switch result {
                case .success(let driver): _ = driver.command { line, _ in lines.value.add(line, .stream(driver)) }
                case .failure(let error): lines.value.failed("no connection: \(error)")
                }
            }
        } catch {
            failed("no connection: \(error)")
        }
    }

    private func add(_ line: TrialLine, _ driver: TrialDriver) {
        guard !isClosed else { return driver.close() }
        lines.append((line, driver))
        isStirred = true
    }

    private func failed(_ reason: String) {
        let now = SystemClock.now()
        conversation.failed(at: nil, TransportClose(code: 0, reason: reason, origin: .timeout), now: now)
        isStirred = true
        turned(by: nil, now: now)
    }

    /// Frames are captured at their ticks, and not a millisecond later.
    private static var limits: DriverLimits {
        var limits = DriverLimits()
        limits.timerStep = .microseconds(50)
        return limits
    }

    // MARK: Calls

    private func callWhereWanted(_ path: NetworkPath, now: Instant) {
        guard let client = conversation.client, client.nextLocal == path.local, let offer = client.offer else { return }
        call(offer, resume: client.resumeRequest, path: path, within: way.policy.attempt)
    }

    /// Places a call by HTTPS, off the event loop, and brings the answer to its connection.
    private func call(_ offer: String, resume: ResumeRequest?, path: NetworkPath, within time: Duration) {
        var limits = Server.SignallingClient.Limits()
        limits.time = time
        let signalling = Server.SignallingClient(target: way.target, trust: .insecure, limits: limits, local: way.local)
        let session = CallSession(mode: way.mode).json(resume: resume)
        let lines = NIOLoopBound(self, eventLoop: loop)
        Task { [loop] in
            do throws(SignallingFailure) {
                let answer = try await signalling.call(offer: offer, session: session).sdp
                loop.execute { lines.value.answered { $0.accept(answer: answer, path: path, now: $1) } }
            } catch {
                let status = if case .refused(let status, _) = error { status } else { 0 }
                let close = TransportClose(code: UInt64(max(0, status)), reason: "the call was refused: \(error)", origin: .peer)
                loop.execute { lines.value.answered { $0.failed(at: path.local, close, now: $1) } }
            }
        }
    }

    private func answered(_ body: (TrialConversation, Instant) -> Void) {
        let now = SystemClock.now()
        body(conversation, now)
        isStirred = true
        turned(by: nil, now: now)
    }
}

/// One socket of a trial's client.
final class TrialLine: DatagramEndpoint, StreamEndpoint {
    private let lines: TrialLines
    let path: NetworkPath

    init(_ lines: TrialLines, _ path: NetworkPath) {
        self.lines = lines
        self.path = path
    }

    private var conversation: TrialConversation { lines.conversation }

    func receive(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, ecn: ECN, now: Instant) {
        conversation.receive(datagram, path: path, ecn: ecn, now: now)
        lines.stir()
    }

    func receive(stream bytes: [UInt8], now: Instant) {
        conversation.receive(stream: bytes, at: path.local, now: now)
        lines.stir()
    }

    func streamEnded(now: Instant) {
        conversation.streamEnded(at: path.local, now: now)
        lines.stir()
    }

    func handleTimeout(now: Instant) {
        lines.beginWhereDue(self, now: now)
        conversation.handleTimeout(now: now)
        lines.stir()
    }

    var deadline: Instant? { conversation.deadline }

    func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit? {
        conversation.pollTransmit(into: buffer, from: path.local, now: now)
    }

    func pollWrite(_ byteCount: Int, now: Instant) -> StreamWrite? { conversation.pollWrite(byteCount, from: path.local, now: now) }

    func endTurn(now: Instant) { lines.turned(by: self, now: now) }
}

/// What drives one of them.
private enum TrialDriver {
    case datagrams(DatagramDriver<TrialLine>)
    case stream(StreamDriver<TrialLine>)

    /// Gives its endpoint a turn: another socket has changed it.
    func poke() {
        switch self {
        case .datagrams(let driver): _ = driver.command { _, _ in }
        case .stream(let driver): _ = driver.command { _, _ in }
        }
    }

    func close() {
        switch self {
        case .datagrams(let driver): _ = driver.close()
        case .stream(let driver): _ = driver.close()
        }
    }
}
