import QUIC
import Wire

/// A client and a server connection joined by a link in virtual time. Nothing here runs by itself: tests step it.
final class QUICPair {
    struct Flight {
        let arrival: Instant
        let bytes: [UInt8]
        let path: NetworkPath
        let ecn: ECN
    }

    enum Direction { case up, down }

    static let clientAddress = PeerAddress(ipv4: 10, 0, 0, 1, port: 5000)
    static let serverAddress = PeerAddress(ipv4: 10, 0, 0, 2, port: 4433)

    let client: QUICConnection
    var server: QUICConnection?
    var now: Instant
    let delay: Duration
    /// Answers whether to drop the n-th datagram (from 0) of a direction.
    var drops: (Direction, Int, [UInt8]) -> Bool = { _, _, _ in false }
    /// The address that the server sees; a test changes it to rebind the client's NAT.
    var visibleClient = QUICPair.clientAddress
    var log: [String] = []
    private(set) var sentCount: [Direction: Int] = [.up: 0, .down: 0]
    private var flights: [Direction: [Flight]] = [.up: [], .down: []]
    private let serverConfiguration: QUICConfiguration
    private let credentials: ServerCredentials
    private let alpn: [String]
    let replies = StatelessReplies(resetSecret: [UInt8](repeating: 7, count: 32), tokenSecret: [UInt8](repeating: 9, count: 32))
    let layout = ConnectionIDLayout()
    var requiresRetry = false
    /// The server's tickets; `nil` for none.
    let desk: TicketDesk?
    /// Every datagram that left the client, for a test that repeats them.
    private(set) var sentByClient: [[UInt8]] = []
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 16)
    var clientEvents: [QUICEvent] = []
    var serverEvents: [QUICEvent] = []
    /// Whether stream bytes are credited as soon as they are seen.
    var consumes = true

    static let start = Instant(nanoseconds: 1_000_000_000)

    init(
        at start: Instant = QUICPair.start, delay: Duration = .milliseconds(25), clientConfiguration: QUICConfiguration = QUICConfiguration(),
        serverConfiguration: QUICConfiguration = QUICConfiguration(), clientALPN: [String] = ["roq-14"],
        serverALPN: [String] = ["roq-14"], trust: ClientTrust = .insecure, credentials: ServerCredentials? = nil, desk: TicketDesk? = nil,
        ticket: SessionTicket? = nil, seed: UInt64 = 1
    ) throws {
        now = start
        self.desk = desk
        self.delay = delay
        self.serverConfiguration = serverConfiguration
        self.credentials = try credentials ?? .selfSigned(.ed25519, unixSeconds: 1_790_000_000)
        alpn = serverALPN
        client = QUICConnection.client(
            serverName: "localhost", alpn: clientALPN, credentials: ClientCredentials(trust), configuration: clientConfiguration,
            ticket: ticket, takesTickets: desk != nil,
            path: NetworkPath(local: Self.clientAddress, remote: Self.serverAddress), entropy: Entropy(seed: seed), now: now)
    }

    deinit { buffer.deallocate() }

    /// Runs until `condition` holds or virtual time is up.
    @discardableResult
    func run(for duration: Duration = .seconds(10), until condition: (QUICPair) -> Bool = { _ in false }) -> Bool {
        let end = now + duration
        while true {
            pump()
            if condition(self) { return true }
            guard let next = earliest(client.deadline, server?.deadline, arrival(.up), arrival(.down)), next <= end else {
                now = end
                return condition(self)
            }
            now = max(now, next)
            deliver(.up)
            deliver(.down)
            if let deadline = client.deadline, deadline <= now { client.handleTimeout(now: now) }
            if let server, let deadline = server.deadline, deadline <= now { server.handleTimeout(now: now) }
        }
    }

    /// Puts a datagram of the test's own making on the wire to the client or the server.
    func inject(_ bytes: [UInt8], _ direction: Direction) {
        let path = direction == .up
            ? NetworkPath(local: Self.serverAddress, remote: visibleClient)
            : NetworkPath(local: Self.clientAddress, remote: Self.serverAddress)
        flights[direction]?.append(Flight(arrival: now + delay, bytes: bytes, path: path, ecn: .notCapable))
    }

    private func arrival(_ direction: Direction) -> Instant? { flights[direction]?.first?.arrival }

    private func pump() {
        transmit(from: client, .up)
        if let server { transmit(from: server, .down) }
        while let event = client.pollEvent() { take(event, from: client, into: &clientEvents) }
        if let server { while let event = server.pollEvent() { take(event, from: server, into: &serverEvents) } }
        transmit(from: client, .up)
        if let server { transmit(from: server, .down) }
    }

    private func take(_ event: QUICEvent, from connection: QUICConnection, into events: inout [QUICEvent]) {
        events.append(event)
        if consumes, case .streamData(let stream, let bytes, _) = event { connection.consumed(bytes.count, on: stream) }
    }

    private func transmit(from connection: QUICConnection, _ direction: Direction) {
        while let transmit = connection.pollTransmit(into: buffer, now: now) {
            var offset = 0
            while offset < transmit.byteCount {
                let size = min(transmit.segmentByteCount ?? transmit.byteCount, transmit.byteCount - offset)
                let bytes = Array(buffer[offset..<(offset + size)])
                offset += size
                let number = sentCount[direction, default: 0]
                sentCount[direction] = number + 1
                if direction == .up { sentByClient.append(bytes) }
                log.append("\(now.nanoseconds) \(direction) \(size)")
                if drops(direction, number, bytes) { continue }
                let path = direction == .up
                    ? NetworkPath(local: Self.serverAddress, remote: visibleClient)
                    : NetworkPath(local: Self.clientAddress, remote: Self.serverAddress)
                flights[direction]?.append(Flight(arrival: now + delay, bytes: bytes, path: path, ecn: transmit.ecn))
            }
        }
    }

    private func deliver(_ direction: Direction) {
        while let flight = flights[direction]?.first, flight.arrival <= now {
            flights[direction]?.removeFirst()
            flight.bytes.withUnsafeBytes { bytes in
                switch direction {
                case .up:
                    if server == nil { accept(bytes, flight) }
                    server?.receive(bytes, path: flight.path, ecn: flight.ecn, now: now)
                case .down: client.receive(bytes, path: flight.path, ecn: flight.ecn, now: now)
                }
            }
        }
    }

    private func accept(_ bytes: UnsafeRawBufferPointer, _ flight: Flight) {
        guard let header = replies.acceptableInitial(bytes) else { return }
        var original = header.destination
        var isAfterRetry = false
        let issuer = ConnectionIDIssuer(
            layout: layout, place: ServerPlace(server: 3, shard: 1), resetSecret: [UInt8](repeating: 7, count: 32), entropy: Entropy(seed: 2))
        if let validated = replies.validate(header, client: flight.path.remote, now: now) {
            original = validated
            isAfterRetry = true
        } else if requiresRetry {
            inject(replies.retry(header, retrySource: issuer.make(byteCount: ConnectionIDLayout.byteCount), client: flight.path.remote, now: now), .down)
            return
        }
        server = QUICConnection.server(
            header: header, originalDestination: original, isAfterRetry: isAfterRetry, alpn: alpn, credentials: credentials,
            tickets: desk, configuration: serverConfiguration, issuer: issuer, path: flight.path, now: now)
    }
}

extension QUICPair {
    var isEstablished: Bool { client.isEstablished && server?.isEstablished == true }

    func establish() -> Bool { run { $0.isEstablished } }

    func received(on stream: StreamID, by events: [QUICEvent]) -> (bytes: [UInt8], isFinal: Bool) {
        var bytes: [UInt8] = []
        var isFinal = false
        for case .streamData(stream, let piece, let final) in events {
            bytes += piece
            isFinal = isFinal || final
        }
        return (bytes, isFinal)
    }
}
