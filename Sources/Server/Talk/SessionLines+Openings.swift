internal import Dispatch
internal import Endpoint
internal import NIOCore
internal import Session
internal import WebRTC
internal import Wire

// How a session's client comes by its connections: by a socket, and over WebRTC by a call besides.

extension SessionLines {
    private typealias Line = SessionLine<Conversation>
    private typealias Driver = SessionDriver<Conversation>
    /// Makes the line of a socket, on the loop.
    private typealias MakeLine = @Sendable (_ path: NetworkPath, _ now: Instant) throws -> Line

    /// The conversation needs no other connection any more.
    private struct Unwanted: Error {}

    /// Opens a connection. The name is resolved and the socket opened on a thread that may wait.
    func open(_ transport: TalkTransport) {
        let time = conversation.client?.streamAttemptTime ?? ways.firstTime
        let callTime = conversation.client == nil ? ways.firstTime : ways.callTime
        let lines = NIOLoopBound(self, eventLoop: loop)
        let makeLine: MakeLine = { path, now in
            let lines = lines.value
            let wire = try lines.ways.makeTransport(transport, path.local)
            guard !lines.isClosed, lines.conversation.attach(over: wire, path: path, now: now) else { throw Unwanted() }
            return Line(lines, path: path, callTime: callTime)
        }
        DispatchQueue.global().asyncWithFuture(eventLoop: loop) { [ways, loop] in
            let remote = try UDPSocket.resolve(host: ways.target.host, port: ways.target.port)
            guard transport == .websocket else {
                return loop.makeSucceededFuture(try Self.openSocket(to: remote, ways, on: loop, makeLine))
            }
            return try Self.openStream(to: remote, ways, within: time, on: loop, makeLine)
        }
        .flatMap { $0 }
        .whenComplete { lines.value.opened($0) }
    }

    private func opened(_ result: Result<Driver, any Error>) {
        switch result {
        case .success(let driver): driver.command { line in line.lines.add(line, driver) }
        case .failure(is Unwanted): break
        case .failure(let error): command { conversation, now in conversation.failed(at: nil, error, now: now) }
        }
    }

    /// Blocks until the loop drives the socket.
    private static func openSocket(
        to remote: PeerAddress, _ ways: SessionWays, on loop: any EventLoop, _ makeLine: @escaping MakeLine
    ) throws -> Driver {
        .datagrams(
            try DatagramDriver<Line>.start(
                connectedTo: remote, from: ways.local, on: loop, limits: ways.limits, makeEndpoint: makeLine,
                afterTurn: { line, _ in line.lines.turned() }))
    }

    /// Over TCP. The local address, by which the client knows the connection, is there when TCP stands.
    private static func openStream(
        to remote: PeerAddress, _ ways: SessionWays, within time: Duration, on loop: any EventLoop, _ makeLine: @escaping MakeLine
    ) throws -> EventLoopFuture<Driver> {
        try StreamDriver<Line>.start(
            ways.target, at: remote, from: ways.local, trust: ways.trust, within: time, silence: ways.silence, on: loop,
            makeEndpoint: makeLine, afterTurn: { line, _ in line.lines.turned() }
        )
        .map { .stream($0) }
        .flatMapErrorThrowing { error in
            if error is Unwanted { throw error }
            throw SignallingFailure(error, url: "https://\(ways.target.authority)\(ways.target.path)", limit: time)
        }
    }

    // MARK: Calls

    /// Places the call that the newest connection needs.
    func callWhereWanted() {
        guard let client = conversation.client,
            let (line, driver) = lines.last(where: { conversation.isNewest($0.line.path.local) }), !line.hasCalled,
            let offer = client.offer
        else { return }
        line.hasCalled = true
        ways.call(offer, resume: client.resumeRequest, within: line.callTime, on: loop)
            .assumeIsolated()
            .flatMap { answer in self.route(line, driver, byAnswer: answer).map { (answer, $0) } }
            .whenComplete { result in
                self.command { conversation, now in
                    do {
                        let (answer, path) = try result.get()
                        try conversation.accept(answer: answer, path: path, now: now)
                    } catch {
                        conversation.failed(at: line.path.local, error, now: now)
                    }
                }
            }
    }

    /// The peer is where its answer says, which most often is where the call was asked for.
    private func route(_ line: Line, _ driver: Driver, byAnswer answer: String) -> EventLoopFuture<NetworkPath> {
        do {
            let path = NetworkPath(local: line.path.local, remote: try WebRTCPeer.firstCandidate(ofAnswer: answer))
            if path.remote.host == line.path.remote.host {
                if path.remote != line.path.remote, case .datagrams(let driver) = driver { try driver.connect(to: path.remote) }
                return loop.makeSucceededFuture(path)
            }
            return replace(line, driver, at: path).map { path }
        } catch {
            return loop.makeFailedFuture(error)
        }
    }

    /// Another host may need another address of ours: another socket takes over, under the same name.
    private func replace(_ line: Line, _ driver: Driver, at path: NetworkPath) -> EventLoopFuture<Void> {
        let other = Line(self, path: path, callTime: line.callTime)
        other.hasCalled = true
        driver.close()
        let (lines, bound) = (NIOLoopBound(self, eventLoop: loop), NIOLoopBound(other, eventLoop: loop))
        return DispatchQueue.global().asyncWithFuture(eventLoop: loop) { [ways, loop] in
            try Self.openSocket(to: path.remote, ways, on: loop) { _, _ in bound.value }
        }
        .map { lines.value.add(bound.value, $0) }
    }
}
