package import QUIC
package import Wire

/// A client and a server connection joined by a link in virtual time, for the tests of what stands on QUIC.
///
/// Events go to the handlers, or into the lists where there is none.
package final class ConnectionPair {
    private struct Flight {
        let arrival: Instant
        let bytes: [UInt8]
    }

    private static let clientAddress = PeerAddress(ipv4: 10, 0, 0, 1, port: 5000)
    private static let serverAddress = PeerAddress(ipv4: 10, 0, 0, 2, port: 4433)

    package let client: QUICConnection
    package private(set) var server: QUICConnection?
    package private(set) var now = Instant(nanoseconds: 1_000_000_000)
    package var clientHandler: ((QUICEvent, Instant) -> Void)?
    package var serverHandler: ((QUICEvent, Instant) -> Void)?
    package var clientEvents: [QUICEvent] = []
    package var serverEvents: [QUICEvent] = []
    /// Called once, when the server's connection has been made and no event of it has been handed over.
    package var onServerMade: ((QUICConnection) -> Void)?
    /// The deadlines of what stands on the connections, and what to do then.
    package var timers: (deadline: () -> Instant?, handle: (Instant) -> Void) = ({ nil }, { _ in })
    /// Answers whether the n-th datagram (from 0) of the client or the server is lost.
    package var isLost: (_ isFromClient: Bool, _ number: Int) -> Bool = { _, _ in false }
    /// How many datagrams each side has sent.
    package private(set) var sentCount = (client: 0, server: 0)

    private let delay: Duration
    private let alpn: String
    private let credentials: ServerCredentials
    private let serverConfiguration: QUICConfiguration
    private var up: [Flight] = []
    private var down: [Flight] = []
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 16)

    package init(
        alpn: String, delay: Duration = .milliseconds(25), clientConfiguration: QUICConfiguration = QUICConfiguration(),
        serverConfiguration: QUICConfiguration = QUICConfiguration(), seed: UInt64 = 1
    ) throws {
        self.alpn = alpn
        self.delay = delay
        self.serverConfiguration = serverConfiguration
        credentials = try .selfSigned(.ed25519, unixSeconds: 1_790_000_000)
        client = QUICConnection.client(
            serverName: "localhost", alpn: [alpn], credentials: ClientCredentials(.insecure), configuration: clientConfiguration,
            path: NetworkPath(local: Self.clientAddress, remote: Self.serverAddress), entropy: Entropy(seed: seed), now: now)
    }

    deinit { buffer.deallocate() }

    /// Runs until `condition` holds or `duration` has passed; answers whether the condition holds.
    @discardableResult
    package func run(for duration: Duration = .seconds(2), until condition: () -> Bool = { false }) -> Bool {
        let end = now + duration
        while true {
            pump()
            if condition() { return true }
            guard let next = earliest(earliest(client.deadline, server?.deadline, up.first?.arrival, down.first?.arrival), timers.deadline()), next <= end else {
                now = end
                return condition()
            }
            now = max(now, next)
            deliver()
            if let deadline = client.deadline, deadline <= now { client.handleTimeout(now: now) }
            if let server, let deadline = server.deadline, deadline <= now { server.handleTimeout(now: now) }
            if let deadline = timers.deadline(), deadline <= now { timers.handle(now) }
        }
    }

    /// Hands events over and puts packets on the link until there is nothing more to do now.
    package func pump() {
        var isIdle = false
        while !isIdle {
            isIdle = true
            while let event = client.pollEvent() {
                isIdle = false
                if let clientHandler { clientHandler(event, now) } else { clientEvents.append(event) }
            }
            while let event = server?.pollEvent() {
                isIdle = false
                if let serverHandler { serverHandler(event, now) } else { serverEvents.append(event) }
            }
            transmit(from: client, isFromClient: true)
            if let server { transmit(from: server, isFromClient: false) }
        }
    }

    private func transmit(from connection: QUICConnection, isFromClient: Bool) {
        while let transmit = connection.pollTransmit(into: buffer, now: now) {
            var offset = 0
            while offset < transmit.byteCount {
                let size = min(transmit.segmentByteCount ?? transmit.byteCount, transmit.byteCount - offset)
                let flight = Flight(arrival: now + delay, bytes: Array(buffer[offset..<(offset + size)]))
                offset += size
                let number = isFromClient ? sentCount.client : sentCount.server
                if isFromClient { sentCount.client += 1 } else { sentCount.server += 1 }
                if isLost(isFromClient, number) { continue }
                if isFromClient { up.append(flight) } else { down.append(flight) }
            }
        }
    }

    private func deliver() {
        while let flight = up.first, flight.arrival <= now {
            up.removeFirst()
            let path = NetworkPath(local: Self.serverAddress, remote: Self.clientAddress)
            flight.bytes.withUnsafeBytes { bytes in
                if server == nil { accept(bytes, path) }
                _ = server?.receive(bytes, path: path, ecn: .notCapable, now: now)
            }
        }
        while let flight = down.first, flight.arrival <= now {
            down.removeFirst()
            let path = NetworkPath(local: Self.clientAddress, remote: Self.serverAddress)
            flight.bytes.withUnsafeBytes { _ = client.receive($0, path: path, ecn: .notCapable, now: now) }
        }
    }

    private func accept(_ bytes: UnsafeRawBufferPointer, _ path: NetworkPath) {
        let secret = [UInt8](repeating: 7, count: 32)
        let replies = StatelessReplies(resetSecret: secret, tokenSecret: secret)
        guard let header = replies.acceptableInitial(bytes) else { return }
        let issuer = ConnectionIDIssuer(
            layout: ConnectionIDLayout(), place: ServerPlace(server: 3, shard: 1), resetSecret: secret, entropy: Entropy(seed: 2))
        let made = QUICConnection.server(
            header: header, originalDestination: header.destination, isAfterRetry: false, alpn: [alpn], credentials: credentials,
            configuration: serverConfiguration, issuer: issuer, path: path, now: now)
        server = made
        onServerMade?(made)
    }
}
