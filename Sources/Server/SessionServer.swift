package import Endpoint
internal import NIOCore
internal import NIOPosix
package import Wire

extension ServerEndpoint: DatagramEndpoint {}

/// The server on a socket: one shard, one event loop, one UDP port for every transport.
package final class SessionServer: Sendable {
    /// The address it listens on, with the port that the kernel chose where 0 was asked for.
    package var local: PeerAddress { driver.local }
    private let driver: DatagramDriver<ServerEndpoint>

    /// Binds the port and starts to serve.
    /// - Parameter onNotice: called on the event loop for what is worth a line in a log.
    /// - Throws: `DriverError`.
    package init(
        host: String, port: Int, configuration: ServerConfiguration,
        onNotice: @escaping @Sendable (ServerNotice) -> Void
    ) throws {
        driver = try DatagramDriver.start(
            host: host, port: port, on: MultiThreadedEventLoopGroup.singleton.next(),
            makeEndpoint: { _, now in ServerEndpoint(configuration: configuration, entropy: .system, now: now) },
            afterTurn: { endpoint, _ in
                while let notice = endpoint.pollNotice() { onNotice(notice) }
            })
    }

    /// Refuses new sessions, tells the peers of the others, and closes what is still there after `grace`.
    /// Returns when the socket is closed; not for an event loop's thread.
    package func stop(grace: Duration) throws {
        try driver.command { endpoint, now in endpoint.drain(now: now) }.wait()
        let deadline = SystemClock.now() + grace
        while SystemClock.now() < deadline {
            if try driver.command({ endpoint, _ in endpoint.isIdle }).wait() { break }
            SystemClock.sleep(.milliseconds(20))
        }
        try driver.command { endpoint, now in endpoint.close(now: now) }.wait()
        try driver.close().wait()
    }

    /// Returns when the socket is closed, by `stop` or by an error.
    package func wait() throws { try driver.closeFuture.wait() }

    package func counters() throws -> DriverCounters { try driver.counters().wait() }
}
