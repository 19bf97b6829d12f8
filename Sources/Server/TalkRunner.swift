package import Endpoint
internal import NIOCore
internal import NIOPosix
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
                TalkConversation(client: try makeClient(path, now), script: script, now: now)
            },
            afterTurn: { conversation, _ in
                guard conversation.isFinished, !ending.value else { return }
                ending.value = true
                done.succeed(conversation.report)
            })
        report = done.futureResult
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
