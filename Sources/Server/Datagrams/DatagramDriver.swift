package import NIOCore
internal import NIOPosix
package import Wire

/// A running socket driver: one endpoint behind one UDP socket on one event loop. The value may be used from any
/// thread; the endpoint lives on the loop and never leaves it.
package struct DatagramDriver<Endpoint: DatagramEndpoint>: Sendable {
    private let socket: UDPSocket
    private let channel: any Channel
    private let port: NIOLoopBound<UDPPort<Endpoint>>

    /// Binds a socket and starts to drive the endpoint that `makeEndpoint` makes on the event loop.
    ///
    /// - Parameters:
    ///   - afterTurn: called on the loop after every turn, to collect the endpoint's notices.
    /// - Throws: `DriverError` when there is no such socket. Blocks while the name is resolved.
    package static func start(
        host: String, port: Int, on eventLoop: any EventLoop, limits: DriverLimits = DriverLimits(),
        makeEndpoint: @escaping @Sendable (_ local: PeerAddress, _ now: Instant) throws -> Endpoint,
        afterTurn: @escaping @Sendable (Endpoint, Instant) -> Void = { _, _ in }
    ) throws -> DatagramDriver {
        let socket = try UDPSocket(host: host, port: port)
        return try start(socket, on: eventLoop, limits: limits, makeEndpoint: makeEndpoint, afterTurn: afterTurn)
    }

    /// The same with a socket that talks to one peer, for clients. `makeEndpoint` is handed both ends of the path.
    package static func start(
        connectedToHost host: String, port: Int, on eventLoop: any EventLoop, limits: DriverLimits = DriverLimits(),
        makeEndpoint: @escaping @Sendable (_ path: NetworkPath, _ now: Instant) throws -> Endpoint,
        afterTurn: @escaping @Sendable (Endpoint, Instant) -> Void = { _, _ in }
    ) throws -> DatagramDriver {
        let remote = try UDPSocket.resolve(host: host, port: port)
        return try start(connectedTo: remote, on: eventLoop, limits: limits, makeEndpoint: makeEndpoint, afterTurn: afterTurn)
    }

    /// The same with addresses at hand.
    /// - Parameter local: the address to talk from, with port 0 for any; the kernel chooses where it is `nil`.
    package static func start(
        connectedTo remote: PeerAddress, from local: PeerAddress? = nil, on eventLoop: any EventLoop,
        limits: DriverLimits = DriverLimits(),
        makeEndpoint: @escaping @Sendable (_ path: NetworkPath, _ now: Instant) throws -> Endpoint,
        afterTurn: @escaping @Sendable (Endpoint, Instant) -> Void = { _, _ in }
    ) throws -> DatagramDriver {
        try start(
            try UDPSocket(connectedTo: remote, from: local), on: eventLoop, limits: limits,
            makeEndpoint: { try makeEndpoint(NetworkPath(local: $0, remote: remote), $1) }, afterTurn: afterTurn)
    }

    private static func start(
        _ socket: UDPSocket, on eventLoop: any EventLoop, limits: DriverLimits,
        makeEndpoint: @escaping @Sendable (_ local: PeerAddress, _ now: Instant) throws -> Endpoint,
        afterTurn: @escaping @Sendable (Endpoint, Instant) -> Void
    ) throws -> DatagramDriver {
        let made = eventLoop.makePromise(of: NIOLoopBound<UDPPort<Endpoint>>.self)
        let readByteCount = limits.datagramsPerRead * Self.slotByteCount
        let opened = DatagramBootstrap(group: eventLoop)
            .channelOption(.datagramVectorReadMessageCount, value: limits.datagramsPerRead)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: readByteCount))
            .channelOption(.maxMessagesPerRead, value: limits.readsPerTurn)
            .channelOption(.explicitCongestionNotification, value: true)
            .channelOption(.receivePacketInfo, value: socket.local.isWildcard)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let endpoint: Endpoint
                    do {
                        endpoint = try makeEndpoint(socket.local, SystemClock.now())
                    } catch {
                        channel.close(promise: nil)
                        throw error
                    }
                    let handler = UDPPort(endpoint: endpoint, socket: socket, limits: limits, afterTurn: afterTurn)
                    try channel.pipeline.syncOperations.addHandler(handler)
                    made.succeed(NIOLoopBound(handler, eventLoop: channel.eventLoop))
                }
            }
            .withBoundSocket(socket.descriptor)
        opened.cascadeFailure(to: made)
        return DatagramDriver(socket: socket, channel: try opened.wait(), port: try made.futureResult.wait())
    }

    /// Room for one datagram of a vector read: an Ethernet frame and to spare. What is longer is cut, and QUIC
    /// rejects it by its authentication.
    private static var slotByteCount: Int { 2_048 }

    /// The address that the socket is bound to, with the port that the kernel chose where 0 was asked for.
    package var local: PeerAddress { socket.local }

    /// Talks to another port of its peer's machine from now on.
    func connect(to remote: PeerAddress) throws(DriverError) { try socket.connect(to: remote) }

    /// Gives the endpoint a command on its loop, and carries out what follows from it.
    package func command<Result: Sendable>(
        _ body: @escaping @Sendable (Endpoint, Instant) -> Result
    ) -> EventLoopFuture<Result> {
        channel.eventLoop.submit { port.value.command(body) }
    }

    /// The same for an asynchronous caller; `nil` when the loop is gone.
    func reply<Result: Sendable>(_ body: @escaping @Sendable (Endpoint, Instant) -> Result) async -> Result? {
        try? await command(body).get()
    }

    /// Gives the endpoint a turn now: another socket has changed it. On the loop only.
    func poke() { port.value.command { _, _ in } }

    /// What went through so far.
    package func counters() -> EventLoopFuture<DriverCounters> {
        channel.eventLoop.submit { port.value.counters }
    }

    package var closeFuture: EventLoopFuture<Void> { channel.closeFuture }

    /// Closes the socket. What the endpoint still had to say must have been sent before.
    package func close() -> EventLoopFuture<Void> { channel.close() }
}
