import CVirtualClock
import DTLS
import RTP
import Wire

/// Both ends of a DTLS session joined by a link in virtual time.
///
/// The link is a function of the seed and of who sent which datagram. OpenSSL's clock is set to the pair's own before each
/// call, and given back at the end of each run: OpenSSL is never left on a virtual clock.
final class DTLSPair {
    /// One datagram as it was sent.
    struct Sent: Hashable {
        var at: Instant
        var isFromClient: Bool
        var byteCount: Int
    }

    private struct Flight {
        var arrival: Instant
        var isFromClient: Bool
        var bytes: [UInt8]
    }

    /// Made once: generating a key is not what these tests are about.
    static let clientIdentity = Result { try DTLSIdentity.selfSigned(.ed25519, unixSeconds: 1_790_000_000) }
    static let serverIdentity = Result { try DTLSIdentity.selfSigned(.ed25519, unixSeconds: 1_790_000_000) }

    let client: DTLSSession
    let server: DTLSSession
    private(set) var now = Instant(nanoseconds: 1_000_000_000)
    private(set) var clientEvents: [DTLSEvent] = []
    private(set) var serverEvents: [DTLSEvent] = []
    /// When a side told of its keys and of being established.
    private(set) var clientKeysAt: Instant?
    private(set) var clientEstablishedAt: Instant?
    private(set) var serverEstablishedAt: Instant?
    private(set) var log: [Sent] = []
    /// Answers how late the n-th datagram (from 0) of a side arrives, beyond the delay; `nil` for never.
    var fate: (_ isFromClient: Bool, _ number: Int) -> Duration? = { _, _ in .zero }
    /// Changes a datagram on its way.
    var tamper: (_ isFromClient: Bool, _ number: Int, _ bytes: inout [UInt8]) -> Void = { _, _, _ in }

    private let delay: Duration
    private var sentCount = (client: 0, server: 0)
    private var flights: [Flight] = []

    init(
        delay: Duration = .milliseconds(25), clientIdentity: DTLSIdentity? = nil, serverIdentity: DTLSIdentity? = nil,
        clientExpects: [CertificateFingerprint]? = nil, serverExpects: [CertificateFingerprint]? = nil,
        clientConfiguration: DTLSConfiguration = DTLSConfiguration(), serverConfiguration: DTLSConfiguration = DTLSConfiguration()
    ) throws {
        self.delay = delay
        let clientIdentity = try clientIdentity ?? Self.clientIdentity.get()
        let serverIdentity = try serverIdentity ?? Self.serverIdentity.get()
        client = try DTLSSession(
            role: .client, identity: clientIdentity, peerFingerprints: clientExpects ?? [serverIdentity.fingerprint],
            configuration: clientConfiguration)
        server = try DTLSSession(
            role: .server, identity: serverIdentity, peerFingerprints: serverExpects ?? [clientIdentity.fingerprint],
            configuration: serverConfiguration)
    }

    /// Starts both sides and runs until both have told what they came to, or `duration` has passed.
    func handshake(within duration: Duration = .seconds(20)) {
        perform {
            server.start(now: now)
            client.start(now: now)
        }
        run(for: duration) { (client.isEstablished || client.isClosed) && (server.isEstablished || server.isClosed) }
    }

    /// Runs until `condition` holds or `duration` has passed; answers whether the condition holds.
    @discardableResult
    func run(for duration: Duration = .seconds(2), until condition: () -> Bool = { false }) -> Bool {
        let end = now + duration
        drain()
        while !condition() {
            let arrival = flights.map(\.arrival).min()
            guard let next = earliest(client.deadline, server.deadline, arrival), next <= end else {
                now = end
                return condition()
            }
            now = max(now, next)
            step()
        }
        return true
    }

    /// Runs `body` with OpenSSL's clock at `now`, then hands on what came of it.
    @discardableResult
    func perform<Result>(_ body: () throws -> Result) rethrows -> Result {
        parallax_virtual_clock_set(Int64(now.nanoseconds))
        defer {
            parallax_virtual_clock_clear()
            drain()
        }
        return try body()
    }

    private func step() {
        perform {
            let due = flights.filter { $0.arrival <= now }
            flights.removeAll { $0.arrival <= now }
            for flight in due {
                flight.bytes.withUnsafeBytes { (flight.isFromClient ? server : client).receive($0, now: now) }
                drain()
            }
            for session in [client, server] where session.deadline.map({ $0 <= now }) == true {
                session.handleTimeout(now: now)
            }
        }
    }

    private func drain() {
        while let event = client.pollEvent() {
            if case .keysAvailable = event { clientKeysAt = now }
            if case .established = event { clientEstablishedAt = now }
            clientEvents.append(event)
        }
        while let event = server.pollEvent() {
            if case .established = event { serverEstablishedAt = now }
            serverEvents.append(event)
        }
        while let bytes = client.pollTransmit() {
            carry(bytes, isFromClient: true, number: sentCount.client)
            sentCount.client += 1
        }
        while let bytes = server.pollTransmit() {
            carry(bytes, isFromClient: false, number: sentCount.server)
            sentCount.server += 1
        }
    }

    private func carry(_ bytes: [UInt8], isFromClient: Bool, number: Int) {
        log.append(Sent(at: now, isFromClient: isFromClient, byteCount: bytes.count))
        guard let late = fate(isFromClient, number) else { return }
        var bytes = bytes
        tamper(isFromClient, number, &bytes)
        flights.append(Flight(arrival: now + delay + late, isFromClient: isFromClient, bytes: bytes))
        // Stable: what was sent first arrives first, unless it was delayed.
        flights.sort { $0.arrival < $1.arrival }
    }
}

extension [DTLSEvent] {
    var keys: [SRTPKeys] {
        compactMap { if case .keysAvailable(let keys) = $0 { keys } else { nil } }
    }

    var data: [[UInt8]] {
        compactMap { if case .data(let bytes) = $0 { bytes } else { nil } }
    }

    var close: DTLSClose? {
        for case .closed(let reason) in self { return reason }
        return nil
    }
}
