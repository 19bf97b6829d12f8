package import Endpoint
package import Logging
internal import NIOCore
internal import NIOPosix
internal import QUIC
package import Session
internal import WebRTC
package import Wire

extension ServerEndpoint: DatagramEndpoint {}

/// The HTTP side of a server: what `SessionServer` listens to beside UDP.
package struct HTTPConfiguration: Sendable {
    /// HTTPS on the TCP port with the UDP port's number, with the certificate of QUIC.
    package var servesTLS = true
    /// Plain HTTP on loopback alone, which browsers count as a secure context; 0 takes a free port, `nil` has none.
    package var plainPort: Int?
    package var limits = HTTPLimits()
    package var logger = Logger(label: "parallax.http")

    package init() {}
}

/// The server on sockets: one shard, one event loop, one UDP port for every transport, and HTTP beside it.
package final class SessionServer: Sendable {
    /// The address it listens on, with the port that the kernel chose where 0 was asked for. HTTPS has the same number.
    package var local: PeerAddress { driver.local }
    /// The port of plain HTTP on loopback, where it is served.
    package var plainHTTPPort: Int? { http?.plainPort }
    private let driver: DatagramDriver<ServerEndpoint>
    private let http: HTTPSide?
    private let streams: NIOLoopBoundBox<StreamTable?>

    /// Binds the ports and starts to serve.
    /// - Parameters:
    ///   - http: `nil` leaves the server without HTTP.
    ///   - onNotice: called on the event loop for what is worth a line in a log.
    /// - Throws: `DriverError`.
    package init(
        host: String, port: Int, configuration: ServerConfiguration, http: HTTPConfiguration? = nil,
        onNotice: @escaping @Sendable (ServerNotice) -> Void
    ) throws {
        var attempts = port == 0 ? (http?.limits.portAttempts ?? 1) : 1
        while true {
            let loop = MultiThreadedEventLoopGroup.singleton.next()
            let streams = NIOLoopBoundBox<StreamTable?>.makeEmptyBox(eventLoop: loop)
            let driver = try DatagramDriver.start(
                host: host, port: port, on: loop,
                makeEndpoint: { local, now in
                    ServerEndpoint(configuration: configuration.bound(to: local.port), entropy: .system, now: now)
                },
                afterTurn: { endpoint, now in
                    streams.value?.flush(endpoint, now: now)
                    while let notice = endpoint.pollNotice() { onNotice(notice) }
                })
            do {
                let desk = Self.openTable(streams, driver)
                self.http = try http.map { try HTTPSide(host: host, driver: driver, streams: desk, server: configuration, http: $0) }
                self.driver = driver
                self.streams = streams
                return
            } catch DriverError.portInUse(_, Int(driver.local.port)) where attempts > 1 {
                // The kernel chose a UDP port whose number another program has on TCP: another number may be free on both.
                attempts -= 1
                try driver.close().wait()
            } catch {
                try? driver.close().wait()
                throw error
            }
        }
    }

    /// The table of streams exists once there is a driver to ask for turns.
    private static func openTable(_ box: NIOLoopBoundBox<StreamTable?>, _ driver: DatagramDriver<ServerEndpoint>) -> StreamDesk {
        _ = driver.command { _, _ in
            box.value = StreamTable { handle, byteCount in
                _ = driver.command { endpoint, now in box.value?.wrote(byteCount, on: handle, endpoint, now: now) }
            }
        }
        return StreamDesk(driver, box)
    }

    /// Refuses new sessions, tells the peers of the others, and closes what is still there after `grace`.
    /// `/healthz` says so meanwhile. Returns when the sockets are closed; not for an event loop's thread.
    package func stop(grace: Duration) throws {
        try driver.command { endpoint, now in endpoint.drain(now: now) }.wait()
        let deadline = SystemClock.now() + grace
        while SystemClock.now() < deadline {
            if try driver.command({ endpoint, _ in endpoint.isIdle }).wait() { break }
            SystemClock.sleep(.milliseconds(20))
        }
        try driver.command { endpoint, now in endpoint.close(now: now) }.wait()
        http?.stop()
        // The table asks the driver for turns, which holds the table.
        try driver.command { [streams] _, _ in streams.value = nil }.wait()
        try driver.close().wait()
    }

    /// Returns when the socket is closed, by `stop` or by an error.
    package func wait() throws { try driver.closeFuture.wait() }

    /// The account of the prompt last decided in a session, where `SessionConfiguration.keepsAccounts` is set.
    package func lastDecidedPrompt(ofSession id: String) throws -> PromptAccount? {
        try driver.command { endpoint, _ in endpoint.lastDecidedPrompt(ofSession: id) }.wait()
    }

    package func counters() throws -> DriverCounters { try driver.counters().wait() }
}

extension ServerConfiguration {
    /// With the port that candidates name, which the kernel may have chosen.
    fileprivate func bound(to port: UInt16) -> ServerConfiguration {
        var configuration = self
        configuration.webRTC?.port = port
        configuration.webRTC?.candidates = (webRTC?.candidates ?? []).map { candidate in
            var candidate = candidate
            if candidate.port == 0 { candidate.port = port }
            return candidate
        }
        return configuration
    }
}

/// The listeners of one server, on a thread of their own: a TLS handshake takes no time from the datagrams' loop.
private final class HTTPSide: Sendable {
    let plainPort: Int?
    private let listeners: [HTTPListener]
    private let group: MultiThreadedEventLoopGroup
    private let stopTime: Duration

    init(
        host: String, driver: DatagramDriver<ServerEndpoint>, streams: StreamDesk, server: ServerConfiguration, http: HTTPConfiguration
    ) throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        self.group = group
        stopTime = http.limits.stopTime
        var offer = TransportOffer(
            address: driver.local, alpn: server.alpn, certificateSHA256: server.credentials.certificateSHA256)
        var listeners: [HTTPListener] = []
        func listen(_ host: String, _ port: Int, _ credentials: HTTPCredentials?) throws -> HTTPListener {
            let listener = try HTTPListener(
                host: host, port: port, 
                service: HTTPService(desk: CallDesk(driver), streams: streams, offer: offer, limits: http.limits),
                credentials: credentials, group: group, logger: http.logger)
            listeners.append(listener)
            return listener
        }
        do {
            var plainPort: Int?
            if let wanted = http.plainPort {
                plainPort = try listen("127.0.0.1", wanted, nil).port
                offer.httpPort = plainPort
            }
            if http.servesTLS {
                let credentials = HTTPCredentials(
                    certificatePEM: server.credentials.certificatePEM, privateKeyPEM: server.credentials.privateKeyPEM,
                    keyLog: server.quic.keyLog)
                _ = try listen(host, Int(driver.local.port), credentials)
            }
            self.plainPort = plainPort
            self.listeners = listeners
        } catch {
            Self.stop(listeners, group: group, grace: .zero)
            throw error
        }
    }

    func stop() { Self.stop(listeners, group: group, grace: stopTime) }

    private static func stop(_ listeners: [HTTPListener], group: MultiThreadedEventLoopGroup, grace: Duration) {
        let stopped = group.next().makePromise(of: Void.self)
        stopped.completeWithTask {
            for listener in listeners { await listener.stop(grace: grace) }
        }
        try? stopped.futureResult.wait()
        try? group.syncShutdownGracefully()
    }
}
