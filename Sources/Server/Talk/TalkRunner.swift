package import Endpoint
internal import NIOCore
internal import NIOPosix
package import Wire

/// Runs one conversation on sockets of its own, from any thread but an event loop's.
package final class TalkRunner: Sendable {
    private let lines: EventLoopFuture<NIOLoopBound<SessionLines<TalkConversation>>>
    private let report: EventLoopFuture<TalkReport>

    /// Begins to connect.
    /// - Parameters:
    ///   - first: the first connection's transport. It may take as long as the script says.
    ///   - ways: how the session comes by this and each later connection.
    ///   - makeClient: makes the client's end, on the event loop.
    package init(
        over first: TalkTransport, ways: SessionWays, script: TalkScript,
        makeClient: @escaping @Sendable (_ transport: ClientTransport, _ path: NetworkPath, _ now: Instant) -> ClientEndpoint
    ) {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let ended = loop.makePromise(of: TalkReport.self)
        var ways = ways
        ways.firstTime = script.limits.connect
        report = ended.futureResult
        lines = loop.submit { [ways] in
            let conversation = TalkConversation(over: first, script: script, began: SystemClock.now(), makeClient: makeClient)
            let lines = SessionLines(conversation, ways: ways, on: loop) { conversation in
                guard conversation.isFinished else { return }
                if let error = conversation.openingFailure { ended.fail(error) } else { ended.succeed(conversation.report) }
            }
            lines.begin()
            return NIOLoopBound(lines, eventLoop: loop)
        }
    }

    /// Waits until the conversation is over, and closes the sockets.
    /// - Throws: where there was never a connection: `DriverError`, `SignallingFailure`, `WebRTCRefusal`, or what `ways` threw.
    package func wait() throws -> TalkReport {
        // A stream that its end has closed already says so.
        defer { try? lines.flatMap { $0.value.close() }.wait() }
        return try report.wait()
    }

    /// Hangs up. `wait` then returns what there is.
    package func interrupt() { lines.whenSuccess { lines in lines.value.command { $0.interrupt(now: $1) } } }
}
