package import Endpoint
internal import NIOCore
internal import NIOPosix
package import QUIC
internal import WebRTC
package import Wire

/// Runs one conversation on a socket of its own, from any thread but an event loop's.
package final class TalkRunner: Sendable {
    private let socket: TalkSocket
    private let report: EventLoopFuture<TalkReport>

    /// Resolves the host, opens a socket and starts to connect.
    /// - Parameter makeClient: makes the client's end for a path, on the event loop.
    /// - Throws: `DriverError`.
    package init(
        host: String, port: Int, script: TalkScript,
        makeClient: @escaping @Sendable (_ path: NetworkPath, _ now: Instant) throws -> ClientEndpoint
    ) throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let done = loop.makePromise(of: TalkReport.self)
        let ending = NIOLoopBoundBox.makeBoxSendingValue(false, eventLoop: loop)
        let driver = try Self.open(done) {
            try DatagramDriver.start(
                connectedToHost: host, port: port, on: loop,
                makeEndpoint: { path, now in
                    TalkConversation(client: try makeClient(path, now), script: script, began: now)
                },
                afterTurn: Self.tellEnd(done, ending))
        }
        self.socket = .datagrams(driver)
        report = done.futureResult
    }

    /// The same over WebRTC: asks for the call by HTTP, and then talks to the candidate that the answer names first.
    /// - Parameter makeClient: makes the client's end, on the event loop; it has an offer, with `local` as its candidate.
    /// - Throws: `SignallingFailure`, `DriverError`, `WebRTCRefusal`.
    package init(
        calling signalling: SignallingClient, path: String, bearer: String?, script: TalkScript,
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
            let answered = loop.makePromise(of: SignallingClient.Call.self)
            let offer = try loop.submit { client.value.offer ?? "" }.wait()
            answered.completeWithTask { try await signalling.call(offer: offer, path: path, bearer: bearer) }
            answer = try answered.futureResult.wait().sdp
            remote = try WebRTCPeer.firstCandidate(ofAnswer: answer)
            socket = try early.connected(to: remote, insteadOf: host)
        } catch {
            early.discard()
            throw error
        }
        let done = loop.makePromise(of: TalkReport.self)
        let ending = NIOLoopBoundBox.makeBoxSendingValue(false, eventLoop: loop)
        let driver = try Self.open(done) {
            try DatagramDriver.start(
                connected: socket, to: remote, on: loop,
                makeEndpoint: { path, now in
                    try client.value.accept(answer: answer, path: path, now: now)
                    return TalkConversation(client: client.value, script: script, began: began)
                },
                afterTurn: Self.tellEnd(done, ending))
        }
        self.socket = .datagrams(driver)
        report = done.futureResult
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
        report = done.futureResult
    }

    /// NIO traps on a promise that nobody keeps: a driver that does not start breaks it.
    private static func open(
        _ done: EventLoopPromise<TalkReport>, _ start: () throws -> DatagramDriver<TalkConversation>
    ) throws -> DatagramDriver<TalkConversation> {
        do {
            return try start()
        } catch {
            done.fail(error)
            throw error
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

    /// Waits until the conversation is over, and closes the socket.
    package func wait() throws -> TalkReport {
        let report = try report.wait()
        switch socket {
        case .datagrams(let driver): try driver.close().wait()
        case .stream(let driver): try? driver.close().wait()
        }
        return report
    }

    /// Hangs up. `wait` then returns what there is.
    package func interrupt() {
        switch socket {
        case .datagrams(let driver): _ = driver.command { conversation, now in conversation.interrupt(now: now) }
        case .stream(let driver): _ = driver.command { conversation, now in conversation.interrupt(now: now) }
        }
    }
}

/// What a conversation runs on.
private enum TalkSocket {
    case datagrams(DatagramDriver<TalkConversation>)
    case stream(StreamDriver<TalkConversation>)
}
