package import Endpoint
internal import NIOCore
internal import NIOPosix
internal import Session
internal import WebRTC
package import Wire

/// Runs one conversation on sockets of its own, from any thread but an event loop's.
package final class TalkRunner: Sendable {
    private let lines: NIOLoopBound<TalkLines>
    private let loop: any EventLoop
    private let report: EventLoopFuture<TalkReport>

    /// Resolves the host, opens a socket and starts to connect.
    /// - Parameters:
    ///   - ways: how the session comes by another connection, for a script that moves it and for a client that reconnects.
    ///   - makeClient: makes the client's end for a path, on the event loop.
    /// - Throws: `DriverError`.
    package convenience init(
        host: String, port: Int, script: TalkScript, ways: TalkWays? = nil, bearer: String? = nil,
        makeClient: @escaping @Sendable (_ path: NetworkPath, _ now: Instant) throws -> ClientEndpoint
    ) throws {
        let remote = try UDPSocket.resolve(host: host, port: port)
        let socket = try UDPSocket(connectedTo: remote)
        let path = NetworkPath(local: socket.local, remote: remote)
        try self.init(
            socket, path: path, ways: ways, bearer: bearer, on: MultiThreadedEventLoopGroup.singleton.next(),
            makeConversation: { now in TalkConversation(client: try makeClient(path, now), script: script, began: now) })
    }

    /// The same over WebRTC: asks for the call by HTTP, and then talks to the candidate that the answer names first.
    /// - Parameter makeClient: makes the client's end, on the event loop; it has an offer, with `local` as its candidate.
    /// - Throws: `SignallingFailure`, `DriverError`, `WebRTCRefusal`.
    package convenience init(
        calling signalling: SignallingClient, path: String, bearer: String?, script: TalkScript, ways: TalkWays? = nil,
        makeClient: @escaping @Sendable (_ local: PeerAddress, _ now: Instant) throws -> ClientEndpoint
    ) throws {
        let began = SystemClock.now()
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        // The socket comes first: the offer names its address.
        let host = try signalling.resolve()
        let early = try UDPSocket(connectedTo: host)
        let client: NIOLoopBound<ClientEndpoint>
        let answer: String
        let remote: PeerAddress
        let socket: UDPSocket
        do {
            client = try loop.submit { NIOLoopBound(try makeClient(early.local, began), eventLoop: loop) }.wait()
            let offer = try loop.submit { client.value.offer ?? "" }.wait()
            answer = try signalling.answer(to: offer, path: path, bearer: bearer, resume: nil, on: loop)
            remote = try WebRTCPeer.firstCandidate(ofAnswer: answer)
            socket = try early.connected(to: remote, insteadOf: host)
        } catch {
            early.discard()
            throw error
        }
        let way = NetworkPath(local: early.local, remote: remote)
        try self.init(
            socket, path: way, ways: ways, bearer: bearer, on: loop,
            makeConversation: { now in
                try client.value.accept(answer: answer, path: way, now: now)
                return TalkConversation(client: client.value, script: script, began: began)
            })
    }

    /// The same over a stream of bytes: TCP, TLS, and WebSocket on it.
    /// - Parameters:
    ///   - ways: where to, and how the session comes by another connection.
    ///   - makeClient: makes the client's end, on the event loop, once TCP stands.
    /// - Throws: `SignallingFailure`, `DriverError`.
    package init(
        connectingBy ways: TalkWays, bearer: String? = nil, script: TalkScript,
        makeClient: @escaping @Sendable (_ path: NetworkPath, _ now: Instant) throws -> ClientEndpoint
    ) throws {
        let began = SystemClock.now()
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let done = loop.makePromise(of: TalkReport.self)
        self.loop = loop
        report = done.futureResult
        do {
            let remote = try UDPSocket.resolve(host: ways.target.host, port: ways.target.port)
            lines = try TalkLines.startStream(to: remote, ways: ways, within: script.limits.connect, on: loop) { path, _ in
                let conversation = TalkConversation(client: try makeClient(path, began), script: script, began: began)
                return TalkLines(conversation: conversation, ways: ways, secret: bearer, ended: done)
            }
        } catch {
            // NIO traps on a promise that nobody keeps.
            done.fail(error)
            throw error
        }
    }

    /// - Parameter path: by what the endpoint knows its first connection; the socket is at its local end.
    private init(
        _ socket: UDPSocket, path: NetworkPath, ways: TalkWays?, bearer: String?, on loop: any EventLoop,
        makeConversation: @escaping @Sendable (_ now: Instant) throws -> TalkConversation
    ) throws {
        let done = loop.makePromise(of: TalkReport.self)
        self.loop = loop
        report = done.futureResult
        let lines: NIOLoopBound<TalkLines>
        do {
            lines = try loop.submit {
                let conversation = try makeConversation(SystemClock.now())
                return NIOLoopBound(
                    TalkLines(conversation: conversation, ways: ways, secret: bearer, ended: done), eventLoop: loop)
            }
            .wait()
        } catch {
            // NIO traps on a promise that nobody keeps.
            done.fail(error)
            socket.discard()
            throw error
        }
        do {
            try TalkLines.start(socket, local: path.local, remote: path.remote, for: lines, on: loop)
            self.lines = lines
        } catch {
            done.fail(error)
            throw error
        }
    }

    /// Waits until the conversation is over, and closes the sockets.
    package func wait() throws -> TalkReport {
        let report = try report.wait()
        // A stream that its end has closed already says so.
        try? loop.flatSubmit { [loop, lines] in lines.value.close(on: loop) }.wait()
        return report
    }

    /// Hangs up. `wait` then returns what there is.
    package func interrupt() { loop.execute { [lines] in lines.value.interrupt() } }
}

extension SignallingClient {
    /// Places a call and waits for its answer, on a thread that may wait.
    /// - Parameter resume: goes on with a session.
    func answer(
        to offer: String, path: String, bearer: String?, resume: ResumeRequest?, on loop: any EventLoop
    ) throws -> String {
        let answered = loop.makePromise(of: Call.self)
        let path = resume.map { path + (path.contains("?") ? "&" : "?") + $0.query } ?? path
        answered.completeWithTask { try await call(offer: offer, path: path, bearer: bearer) }
        return try answered.futureResult.wait().sdp
    }
}
