internal import Endpoint
internal import Glibc
package import NIOCore
internal import NIOPosix
internal import NIOSSL
package import QUIC
package import Wire

/// A running stream driver: one client endpoint behind TCP and TLS to a server, on one event loop. The value may be used from
/// any thread; the endpoint lives on the loop and never leaves it.
package struct StreamDriver<Endpoint: StreamEndpoint>: Sendable {
    private let channel: any Channel
    private let port: NIOLoopBound<StreamPort<Endpoint>>

    /// Connects, and starts to drive the endpoint that `makeEndpoint` makes once TCP stands: it may write from the first, and TLS
    /// keeps that until its handshake is over.
    ///
    /// - Parameters:
    ///   - remote: the target's address, resolved.
    ///   - local: the address to connect from; the kernel chooses where it is `nil`.
    ///   - silence: after so long without a sign of the peer's, or after as many round trips as a `ReconnectPolicy` grants where these
    ///     are long, the stream counts as broken; the kernel's own patience is a quarter of an hour.
    ///   - afterTurn: called on the loop after every turn, to collect the endpoint's notices.
    package static func start(
        _ target: TalkTarget, at remote: PeerAddress, from local: PeerAddress? = nil, trust: ClientTrust, within time: Duration,
        silence: Duration? = nil, on eventLoop: any EventLoop,
        makeEndpoint: @escaping @Sendable (_ path: NetworkPath, _ now: Instant) throws -> Endpoint,
        afterTurn: @escaping @Sendable (Endpoint, Instant) -> Void = { _, _ in }
    ) throws -> EventLoopFuture<StreamDriver> {
        let context = try NIOSSLContext(configuration: TLSClient.configuration(trust))
        guard let address = SocketAddress(remote, isIPv6: remote.ipv4 == nil) else { throw DriverError.hostUnknown(host: target.host) }
        var bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(time))
            // No message waits for the one before (RFC 9293 section 3.7.4).
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(TLSClient.handler(context, host: target.host, trust: trust))
                }
            }
        if let silence { bootstrap = bootstrap.givingUp(after: silence) }
        if let local = local.flatMap({ SocketAddress($0, isIPv6: $0.ipv4 == nil) }) { bootstrap = bootstrap.bind(to: local) }
        let began = SystemClock.now()
        return bootstrap.connect(to: address).flatMapThrowing { channel in
            let patience = (SystemClock.now() - began) * ReconnectPolicy.silentRoundTrips
            if let silence, patience > silence {
                try channel.syncOptions?.setOption(.tcpOption(.userTimeout), value: Int(patience.milliseconds))
            }
            let own = channel.localAddress.flatMap(PeerAddress.init) ?? remote
            let endpoint: Endpoint
            do {
                endpoint = try makeEndpoint(NetworkPath(local: own, remote: remote), SystemClock.now())
            } catch {
                channel.close(promise: nil)
                throw error
            }
            let port = StreamPort(endpoint: endpoint, afterTurn: afterTurn)
            try channel.pipeline.syncOperations.addHandler(port)
            return StreamDriver(channel: channel, port: NIOLoopBound(port, eventLoop: channel.eventLoop))
        }
    }

    /// Gives the endpoint a command on its loop, and carries out what follows from it.
    package func command<Result: Sendable>(
        _ body: @escaping @Sendable (Endpoint, Instant) -> Result
    ) -> EventLoopFuture<Result> {
        channel.eventLoop.submit { port.value.command(body) }
    }

    /// Gives the endpoint a turn now: another socket has changed it. On the loop only.
    func poke() { port.value.command { _, _ in } }

    var closeFuture: EventLoopFuture<Void> { channel.closeFuture }

    /// Closes the socket. What the endpoint still had to say must have been sent before.
    package func close() -> EventLoopFuture<Void> { channel.close() }
}

extension ClientBootstrap {
    /// Data that nobody acknowledges for so long ends the connection (RFC 5482), and where there is none to send, probes are.
    fileprivate func givingUp(after silence: Duration) -> ClientBootstrap {
        let milliseconds = Int(silence.milliseconds)
        // One probe a second, the first after as long as leaves the time for two.
        let idle = max(1, milliseconds / 1_000 - 2)
        return channelOption(.socketOption(.so_keepalive), value: 1)
            .channelOption(.tcpOption(.keepAliveIdle), value: idle)
            .channelOption(.tcpOption(.keepAliveInterval), value: 1)
            .channelOption(.tcpOption(.userTimeout), value: milliseconds)
    }
}

extension NIOBSDSocket.Option {
    // Linux's numbers (tcp(7)), for which NIO has no names.
    fileprivate static let keepAliveIdle = NIOBSDSocket.Option(rawValue: TCP_KEEPIDLE)
    fileprivate static let keepAliveInterval = NIOBSDSocket.Option(rawValue: TCP_KEEPINTVL)
    fileprivate static let userTimeout = NIOBSDSocket.Option(rawValue: TCP_USER_TIMEOUT)
}
