internal import NIOCore
internal import WebSocket
internal import Wire

/// One socket of a session's client.
final class SessionLine<Conversation: SessionConversation>: DatagramEndpoint, StreamEndpoint {
    let lines: SessionLines<Conversation>
    /// What the client knows the connection by, whatever address its socket has in the end, and where the socket's peer is.
    let path: NetworkPath
    /// How long its call may take.
    let callTime: Duration
    /// Its call is placed, or was.
    var hasCalled = false
    /// Another line's turn may have given this one something to send.
    var isStale = false

    init(_ lines: SessionLines<Conversation>, path: NetworkPath, callTime: Duration) {
        self.lines = lines
        self.path = path
        self.callTime = callTime
    }

    private var conversation: Conversation { lines.conversation }

    func receive(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, ecn: ECN, now: Instant) {
        conversation.receive(datagram, path: NetworkPath(local: self.path.local, remote: path.remote), ecn: ecn, now: now)
        lines.stirred(by: self)
    }

    func receive(stream bytes: [UInt8], now: Instant) {
        conversation.receive(stream: bytes, at: path.local, now: now)
        lines.stirred(by: self)
    }

    func streamEnded(now: Instant) {
        conversation.streamEnded(at: path.local, now: now)
        lines.stirred(by: self)
    }

    func peerRefused(now: Instant) {
        conversation.peerRefused(now: now)
        lines.stirred(by: self)
    }

    func handleTimeout(now: Instant) {
        conversation.handleTimeout(now: now)
        lines.stirred(by: self)
    }

    var deadline: Instant? { conversation.deadline }

    func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit? {
        conversation.pollTransmit(into: buffer, from: path.local, now: now)
    }

    func pollWrite(_ byteCount: Int, now: Instant) -> StreamWrite? { conversation.pollWrite(byteCount, from: path.local, now: now) }
}

/// What drives one of them.
enum SessionDriver<Conversation: SessionConversation>: Sendable {
    case datagrams(DatagramDriver<SessionLine<Conversation>>)
    case stream(StreamDriver<SessionLine<Conversation>>)

    /// Has the line do something, in a turn of its own.
    func command(_ body: @escaping @Sendable (SessionLine<Conversation>) -> Void) {
        switch self {
        case .datagrams(let driver): _ = driver.command { line, _ in body(line) }
        case .stream(let driver): _ = driver.command { line, _ in body(line) }
        }
    }

    /// Gives the line a turn now: another has changed what it has to send.
    func poke() {
        switch self {
        case .datagrams(let driver): driver.poke()
        case .stream(let driver): driver.poke()
        }
    }

    var closeFuture: EventLoopFuture<Void> {
        switch self {
        case .datagrams(let driver): driver.closeFuture
        case .stream(let driver): driver.closeFuture
        }
    }

    @discardableResult
    func close() -> EventLoopFuture<Void> {
        switch self {
        case .datagrams(let driver): driver.close()
        case .stream(let driver): driver.close()
        }
    }
}
