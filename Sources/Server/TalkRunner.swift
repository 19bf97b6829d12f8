package import Endpoint
internal import NIOCore
internal import NIOPosix
internal import WebRTC
package import Wire

/// Runs one conversation on a socket of its own, from any thread but an event loop's.
package final class TalkRunner: Sendable {
    private let driver: DatagramDriver<TalkConversation>
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
        driver = try DatagramDriver.start(
            connectedToHost: host, port: port, on: loop,
            makeEndpoint: { path, now in
                TalkConversation(client: try makeClient(path, now), script: script, began: now)
            },
            afterTurn: Self.tellEnd(done, ending))
        report = done.futureResult
    }

    /// The same over WebRTC: asks for the call by HTTP, and then talks to the candidate that the answer names first.
    /// - Parameter makeClient: makes the client's end, on the event loop; it has an offer.
    /// - Throws: `SignallingFailure`, `DriverError`, `WebRTCRefusal`.
    package init(
        calling signalling: SignallingClient, path: String, bearer: String?, script: TalkScript,
        makeClient: @escaping @Sendable (_ now: Instant) throws -> ClientEndpoint
    ) throws {
        let began = SystemClock.now()
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let done = loop.makePromise(of: TalkReport.self)
        let ending = NIOLoopBoundBox.makeBoxSendingValue(false, eventLoop: loop)
        let client = try loop.submit { NIOLoopBound(try makeClient(began), eventLoop: loop) }.wait()
        let answered = loop.makePromise(of: SignallingClient.Call.self)
        let offer = try loop.submit { client.value.offer ?? "" }.wait()
        answered.completeWithTask { try await signalling.call(offer: offer, path: path, bearer: bearer) }
        let answer = try answered.futureResult.wait().sdp
        let remote = try WebRTCPeer.firstCandidate(ofAnswer: answer)
        driver = try DatagramDriver.start(
            connectedTo: remote, on: loop,
            makeEndpoint: { path, now in
                try client.value.accept(answer: answer, path: path, now: now)
                return TalkConversation(client: client.value, script: script, began: began)
            },
            afterTurn: Self.tellEnd(done, ending))
        report = done.futureResult
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
        try driver.close().wait()
        return report
    }

    /// Hangs up. `wait` then returns what there is.
    package func interrupt() {
        _ = driver.command { conversation, now in conversation.interrupt(now: now) }
    }
}
