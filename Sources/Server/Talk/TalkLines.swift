internal import Dispatch
internal import Endpoint
internal import NIOCore
internal import NIOPosix
internal import Session
internal import WebRTC
internal import WebSocket
internal import Wire

/// The sockets of one conversation: one for each connection that its session has or had. Lives on one event loop.
///
/// What comes by one socket may have to be answered by another: after each turn the others get theirs.
final class TalkLines {
    let conversation: TalkConversation
    private let ways: TalkWays?
    private let secret: String?
    private let ended: EventLoopPromise<TalkReport>
    private var lines: [(line: TalkLine, driver: TalkDriver)] = []
    private var isPoking = false
    private var hasTold = false
    /// Wakes the conversation while no line lives to do it: between a stream that broke and the next attempt.
    private var alarm: (task: Scheduled<Void>, time: Instant)?

    init(conversation: TalkConversation, ways: TalkWays?, secret: String?, ended: EventLoopPromise<TalkReport>) {
        self.conversation = conversation
        self.ways = ways
        self.secret = secret
        self.ended = ended
    }

    /// - Parameter local: what the endpoint calls this end of the connection.
    func makeLine(local: PeerAddress) -> TalkLine { TalkLine(self, local: local) }

    func add(_ line: TalkLine, _ driver: TalkDriver) {
        lines.append((line, driver))
        line.isStale = true
        turned()
    }

    /// Something has changed what the others have to send.
    func stirred(by origin: TalkLine?) {
        for (line, _) in lines where line !== origin { line.isStale = true }
    }

    func turned() {
        guard !isPoking else { return }
        isPoking = true
        while let (line, driver) = lines.first(where: \.line.isStale) {
            line.isStale = false
            driver.poke()
        }
        isPoking = false
        if let transport = conversation.takeOpening() { open(transport) }
        guard conversation.isFinished else { return setAlarm() }
        guard !hasTold else { return }
        hasTold = true
        alarm?.task.cancel()
        ended.succeed(conversation.report)
    }

    private func setAlarm() {
        guard let deadline = conversation.deadline, alarm?.time != deadline else { return }
        alarm?.task.cancel()
        let loop = ended.futureResult.eventLoop
        let lines = NIOLoopBound(self, eventLoop: loop)
        let task = loop.scheduleTask(deadline: .uptimeNanoseconds(deadline.nanoseconds)) { lines.value.ring() }
        alarm = (task, deadline)
    }

    private func ring() {
        alarm = nil
        let now = SystemClock.now()
        if let deadline = conversation.deadline, deadline <= now {
            conversation.handleTimeout(now: now)
            stirred(by: nil)
        }
        turned()
    }

    /// Ends the conversation at once.
    func interrupt() {
        conversation.interrupt(now: SystemClock.now())
        stirred(by: nil)
        turned()
    }

    /// Closes every socket.
    func close(on loop: any EventLoop) -> EventLoopFuture<Void> {
        defer { lines.removeAll() }
        return .andAllComplete(lines.map { $0.driver.close() }, on: loop)
    }

    // MARK: Another connection

    /// Names are resolved and calls are placed on a thread that may wait.
    private func open(_ transport: TalkTransport) {
        let loop = ended.futureResult.eventLoop
        let lines = NIOLoopBound(self, eventLoop: loop)
        guard let ways else { return failed("this talker has one way to the server") }
        let secret = secret
        DispatchQueue.global().async {
            do {
                try Self.open(transport, ways: ways, secret: secret, for: lines, on: loop)
            } catch {
                loop.execute { lines.value.failed("\(error)") }
            }
        }
    }

    private func failed(_ reason: String) {
        conversation.attachmentFailed(reason, now: SystemClock.now())
        stirred(by: nil)
        turned()
    }

    private static func open(
        _ transport: TalkTransport, ways: TalkWays, secret: String?, for lines: NIOLoopBound<TalkLines>, on loop: any EventLoop
    ) throws {
        let host = try UDPSocket.resolve(host: ways.target.host, port: ways.target.port)
        if transport == .websocket { return try openStream(to: host, ways: ways, for: lines, on: loop) }
        var remote = host
        var socket = try UDPSocket(connectedTo: host)
        // What the endpoint knows the connection by, whatever address the socket has in the end.
        let local = socket.local
        do {
            let wire = try ways.makeTransport(transport, local)
            let call = try loop.submit { () -> (offer: String, resume: ResumeRequest?)?? in
                let conversation = lines.value.conversation
                let path = NetworkPath(local: local, remote: host)
                guard conversation.attach(over: wire, path: path, entropy: .system, now: SystemClock.now()) else { return nil }
                return .some(conversation.call)
            }
            .wait()
            guard let call else { return socket.discard() }
            if let call {
                let path = ways.target.callPath
                let answer = try ways.signalling.answer(to: call.offer, path: path, bearer: secret, resume: call.resume, on: loop)
                remote = try WebRTCPeer.firstCandidate(ofAnswer: answer)
                socket = try socket.connected(to: remote, insteadOf: host)
                let way = NetworkPath(local: local, remote: remote)
                try loop.submit { try lines.value.conversation.accept(answer: answer, path: way, now: SystemClock.now()) }.wait()
            }
        } catch {
            socket.discard()
            throw error
        }
        try start(socket, local: local, remote: remote, for: lines, on: loop)
    }

    /// Over TCP. The local address, by which the endpoint knows the connection, is there when TCP stands.
    private static func openStream(
        to remote: PeerAddress, ways: TalkWays, for lines: NIOLoopBound<TalkLines>, on loop: any EventLoop
    ) throws {
        do {
            _ = try startStream(to: remote, ways: ways, within: TalkLimits().connect, on: loop) { path, now in
                let wire = try ways.makeTransport(.websocket, path.local)
                guard lines.value.conversation.attach(over: wire, path: path, entropy: .system, now: now) else { throw Unwanted() }
                return lines.value
            }
        } catch is Unwanted {
            return
        }
    }

    /// The conversation needs no other connection any more.
    private struct Unwanted: Error {}

    /// Connects a stream and drives it from now on.
    /// - Parameter ready: on the loop, once TCP stands: makes the conversation, or tells it of the stream.
    static func startStream(
        to remote: PeerAddress, ways: TalkWays, within limit: Duration, on loop: any EventLoop,
        ready: @escaping @Sendable (_ path: NetworkPath, _ now: Instant) throws -> TalkLines
    ) throws -> NIOLoopBound<TalkLines> {
        let made = NIOLoopBoundBox<TalkLine?>.makeEmptyBox(valueType: TalkLine.self, eventLoop: loop)
        let driver: StreamDriver<TalkLine>
        do {
            driver = try StreamDriver<TalkLine>.start(
                ways.target, at: remote, trust: ways.trust, within: limit, silence: ways.silence, on: loop,
                makeEndpoint: { path, now in
                    let line = try ready(path, now).makeLine(local: path.local)
                    made.value = line
                    return line
                },
                afterTurn: { line, _ in line.endTurn() }
            ).wait()
        } catch let error where error is DriverError || error is Unwanted {
            throw error
        } catch {
            throw SignallingFailure(error, url: "https://\(ways.target.authority)\(ways.target.path)", limit: limit)
        }
        return try loop.submit {
            guard let line = made.value else { throw Unwanted() }
            line.lines.add(line, .stream(driver))
            return NIOLoopBound(line.lines, eventLoop: loop)
        }
        .wait()
    }

    /// Drives a socket from now on.
    static func start(
        _ socket: UDPSocket, local: PeerAddress, remote: PeerAddress, for lines: NIOLoopBound<TalkLines>, on loop: any EventLoop
    ) throws {
        let line = try loop.submit { NIOLoopBound(lines.value.makeLine(local: local), eventLoop: loop) }.wait()
        let driver = try DatagramDriver<TalkLine>.start(
            connected: socket, to: remote, on: loop, makeEndpoint: { _, _ in line.value },
            afterTurn: { line, _ in line.endTurn() })
        try loop.submit { lines.value.add(line.value, .datagrams(driver)) }.wait()
    }
}

/// What drives one socket of a conversation.
enum TalkDriver {
    case datagrams(DatagramDriver<TalkLine>)
    case stream(StreamDriver<TalkLine>)

    func poke() {
        switch self {
        case .datagrams(let driver): driver.poke()
        case .stream(let driver): driver.poke()
        }
    }

    func close() -> EventLoopFuture<Void> {
        switch self {
        case .datagrams(let driver): driver.close()
        case .stream(let driver): driver.close()
        }
    }
}

/// One socket of a conversation.
final class TalkLine: DatagramEndpoint, StreamEndpoint {
    fileprivate let lines: TalkLines
    private let local: PeerAddress
    /// Another line's turn may have given this one something to send.
    var isStale = false

    fileprivate init(_ lines: TalkLines, local: PeerAddress) {
        self.lines = lines
        self.local = local
    }

    private var conversation: TalkConversation { lines.conversation }

    func receive(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, ecn: ECN, now: Instant) {
        conversation.receive(datagram, path: NetworkPath(local: local, remote: path.remote), ecn: ecn, now: now)
        lines.stirred(by: self)
    }

    func handleTimeout(now: Instant) {
        conversation.handleTimeout(now: now)
        lines.stirred(by: self)
    }

    var deadline: Instant? { conversation.deadline }

    func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit? {
        conversation.pollTransmit(into: buffer, from: local, now: now)
    }

    func receive(stream bytes: [UInt8], now: Instant) {
        conversation.receive(stream: bytes, at: local, now: now)
        lines.stirred(by: self)
    }

    func streamEnded(now: Instant) {
        conversation.streamEnded(at: local, now: now)
        lines.stirred(by: self)
    }

    func pollWrite(_ byteCount: Int, now: Instant) -> StreamWrite? { conversation.pollWrite(byteCount, from: local, now: now) }

    func peerRefused(now: Instant) {
        conversation.peerRefused(now: now)
        lines.stirred(by: self)
    }

    func endTurn() { lines.turned() }
}
