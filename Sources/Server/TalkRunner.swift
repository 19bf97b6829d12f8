package import Endpoint
internal import NIOCore
internal import NIOPosix
package import QUIC
internal import Session
internal import WebRTC
package import Wire

/// Runs one conversation on sockets of its own, from any thread but an event loop's.
package final class TalkRunner: Sendable {
    private let socket: TalkSocket
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
    /// - Parameter makeClient: makes the client's end, on the event loop, once TCP stands.
    /// - Throws: `SignallingFailure`.
    package init(
        connectingTo target: TalkTarget, trust: ClientTrust, script: TalkScript,
        makeClient: @escaping @Sendable (_ path: NetworkPath, _ now: Instant) throws -> ClientEndpoint
    ) throws {
        let began = SystemClock.now()
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let done = loop.makePromise(of: TalkReport.self)
        let ending = NIOLoopBoundBox.makeBoxSendingValue(false, eventLoop: loop)
        self.loop = loop
        report = done.futureResult
        do {
            let driver = try StreamDriver.start(
                target, at: try UDPSocket.resolve(host: target.host, port: target.port), trust: trust, within: script.limits.connect, on: loop,
                makeEndpoint: { path, _ in TalkConversation(client: try makeClient(path, began), script: script, began: began) },
                afterTurn: Self.tellEnd(done, ending)
            ).wait()
            socket = .stream(driver)
        } catch {
            let url = "https://\(target.authority)\(target.path)"
            let failure: any Error = error is DriverError ? error : SignallingFailure(error, url: url, limit: script.limits.connect)
            done.fail(failure)
            throw failure
        }
    }

    private static func tellEnd(
        _ done: EventLoopPromise<TalkReport>, _ ending: NIOLoopBoundBox<Bool>
    ) -> @Sendable (TalkConversation, Instant) -> Void {
        { conversation, _ in
            guard conversation.isFinished, !ending.value else { return }
            ending.value = true
            done.succeed(conversation.report)
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
            self.socket = .datagrams(lines)
        } catch {
            done.fail(error)
            throw error
        }
    }

    /// Waits until the conversation is over, and closes the sockets.
    package func wait() throws -> TalkReport {
        let report = try report.wait()
        switch socket {
        case .datagrams(let lines): try loop.flatSubmit { [loop] in lines.value.close(on: loop) }.wait()
        case .stream(let driver): try? driver.close().wait()
        }
        return report
    }

    /// Hangs up. `wait` then returns what there is.
    package func interrupt() {
        switch socket {
        case .datagrams(let lines): loop.execute { lines.value.interrupt() }
        case .stream(let driver): _ = driver.command { conversation, now in conversation.interrupt(now: now) }
        }
    }
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

/// What a conversation runs on.
private enum TalkSocket {
    case datagrams(NIOLoopBound<TalkLines>)
    case stream(StreamDriver<TalkConversation>)
}
