internal import Dispatch
internal import Endpoint
internal import NIOCore
internal import NIOPosix
internal import Session
internal import WebRTC
internal import Wire

/// The sockets of one conversation: one for each connection that its session has or had. Lives on one event loop.
///
/// What comes by one socket may have to be answered by another: after each turn the others get theirs.
final class TalkLines {
    let conversation: TalkConversation
    private let ways: TalkWays?
    private let secret: String?
    private let ended: EventLoopPromise<TalkReport>
    private var lines: [(line: TalkLine, driver: DatagramDriver<TalkLine>)] = []
    private var isPoking = false
    private var hasTold = false

    init(conversation: TalkConversation, ways: TalkWays?, secret: String?, ended: EventLoopPromise<TalkReport>) {
        self.conversation = conversation
        self.ways = ways
        self.secret = secret
        self.ended = ended
    }

    /// - Parameter local: what the endpoint calls this end of the connection.
    func makeLine(local: PeerAddress) -> TalkLine { TalkLine(self, local: local) }

    func add(_ line: TalkLine, _ driver: DatagramDriver<TalkLine>) {
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
        guard conversation.isFinished, !hasTold else { return }
        hasTold = true
        ended.succeed(conversation.report)
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

    /// Drives a socket from now on.
    static func start(
        _ socket: UDPSocket, local: PeerAddress, remote: PeerAddress, for lines: NIOLoopBound<TalkLines>, on loop: any EventLoop
    ) throws {
        let line = try loop.submit { NIOLoopBound(lines.value.makeLine(local: local), eventLoop: loop) }.wait()
        let driver = try DatagramDriver<TalkLine>.start(
            connected: socket, to: remote, on: loop, makeEndpoint: { _, _ in line.value },
            afterTurn: { line, _ in line.endTurn() })
        try loop.submit { lines.value.add(line.value, driver) }.wait()
    }
}

/// One socket of a conversation.
final class TalkLine: DatagramEndpoint {
    private let lines: TalkLines
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

    func peerRefused(now: Instant) {
        conversation.peerRefused(now: now)
        lines.stirred(by: self)
    }

    func endTurn() { lines.turned() }
}
