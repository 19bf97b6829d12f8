import CVirtualClock
import DTLS
import ICE
import Session
import WebRTC
import Wire

/// A client and a server in virtual time, joined by a link with a fixed delay. The offer and the answer cost nothing here.
final class WebRTCPair {
    struct Flight {
        let arrival: Instant
        let bytes: [UInt8]
        let toServer: Bool
    }

    static let clientAddress = PeerAddress(ipv4: 192, 0, 2, 1, port: 50_000)
    static let serverAddress = PeerAddress(ipv4: 192, 0, 2, 2, port: 4433)

    let client: WebRTCPeer
    let server: WebRTCPeer
    private(set) var now: Instant
    var delay: Duration
    /// Whether to drop a datagram, by its direction and its number in it.
    var drops: (_ toServer: Bool, _ number: Int, _ bytes: [UInt8]) -> Bool = { _, _, _ in false }
    private(set) var clientEvents: [TransportEvent] = []
    private(set) var serverEvents: [TransportEvent] = []
    private(set) var routes: [WebRTCRouteChange] = []
    /// (time, direction, size) of every datagram.
    private(set) var log: [String] = []
    /// When each side opened.
    private(set) var clientOpened: Instant?
    private var flights: [Flight] = []
    private var counts = [true: 0, false: 0]
    /// Where the client sends from: another network from now on when it changes.
    var clientAddress = WebRTCPair.clientAddress
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)

    init(
        delay: Duration = .milliseconds(25), delivery: Delivery = .datagram, wishes: MediaWishes = MediaWishes(),
        configure: (inout WebRTCConfiguration) -> Void = { _ in }
    ) throws {
        self.delay = delay
        now = Instant(nanoseconds: 1_000_000_000)
        parallax_virtual_clock_set(Int64(now.nanoseconds))
        parallax_virtual_clock_seed(1)
        var settings = WebRTCClientConfiguration(identity: try .selfSigned(.ed25519, unixSeconds: 1_790_000_000))
        configure(&settings.connection)
        client = WebRTCPeer(offeringWith: settings, delivery: delivery, entropy: Entropy(seed: 1), now: now)
        var entropy = Entropy(seed: 2)
        server = try WebRTCPeer(
            answering: client.offer, with: settings.connection,
            credentials: UfragLayout().make(at: ServerPlace(server: 1, shard: 0), entropy: &entropy),
            candidates: [Self.serverAddress], wishes: wishes, entropy: entropy, now: now)
        try client.accept(
            answer: server.answer, path: NetworkPath(local: Self.clientAddress, remote: Self.serverAddress), now: now)
    }

    deinit {
        parallax_virtual_clock_clear()
        buffer.deallocate()
    }

    @discardableResult
    func run(for duration: Duration = .seconds(10), until condition: (WebRTCPair) -> Bool = { _ in false }) -> Bool {
        let end = now + duration
        while true {
            pump()
            if condition(self) { return true }
            let next = earliest(client.deadline, server.deadline, flights.map(\.arrival).min())
            guard let next, next <= end else {
                advance(to: end)
                return condition(self)
            }
            advance(to: next)
            let due = flights.filter { $0.arrival <= now }
            flights.removeAll { $0.arrival <= now }
            for flight in due { deliver(flight) }
            if let deadline = client.deadline, deadline <= now { client.handleTimeout(now: now) }
            if let deadline = server.deadline, deadline <= now { server.handleTimeout(now: now) }
        }
    }

    /// Hands the server a datagram of a stranger's.
    func inject(_ bytes: [UInt8], from remote: PeerAddress = clientAddress) {
        bytes.withUnsafeBytes { server.receive($0, path: NetworkPath(local: Self.serverAddress, remote: remote), now: now) }
    }

    private func advance(to instant: Instant) {
        guard instant > now else { return }
        now = instant
        parallax_virtual_clock_set(Int64(now.nanoseconds))
    }

    func pump() {
        var hasMoved: Bool
        repeat {
            hasMoved = false
            while let event = client.pollEvent() {
                hasMoved = true
                if event == .opened { clientOpened = now }
                clientEvents.append(event)
            }
            while let event = server.pollEvent() {
                hasMoved = true
                serverEvents.append(event)
                if case .requested = event { server.accept(now: now) }
            }
            while let change = server.pollRouteChange() { routes.append(change) }
            while client.pollRouteChange() != nil {}
        } while hasMoved
        while let transmit = client.pollTransmit(into: buffer, now: now) { send(transmit, toServer: true) }
        while let transmit = server.pollTransmit(into: buffer, now: now) { send(transmit, toServer: false) }
    }

    private func send(_ transmit: Transmit, toServer: Bool) {
        let size = max(1, transmit.segmentByteCount ?? transmit.byteCount)
        for start in stride(from: 0, to: transmit.byteCount, by: size) {
            let bytes = Array(buffer[start..<min(start + size, transmit.byteCount)])
            let number = counts[toServer, default: 0]
            counts[toServer] = number + 1
            log.append("\(now.nanoseconds) \(toServer ? "up" : "down") \(bytes.count)")
            if drops(toServer, number, bytes) { continue }
            flights.append(Flight(arrival: now + delay, bytes: bytes, toServer: toServer))
        }
    }

    private func deliver(_ flight: Flight) {
        flight.bytes.withUnsafeBytes { bytes in
            if flight.toServer {
                server.receive(bytes, path: NetworkPath(local: Self.serverAddress, remote: clientAddress), now: now)
            } else {
                client.receive(bytes, path: NetworkPath(local: clientAddress, remote: Self.serverAddress), now: now)
            }
        }
    }

    // MARK: What came

    var serverFrames: [MediaFrame] { serverEvents.compactMap { if case .frame(let frame) = $0 { frame } else { nil } } }
    var clientFrames: [MediaFrame] { clientEvents.compactMap { if case .frame(let frame) = $0 { frame } else { nil } } }
    var serverTexts: [String] { serverEvents.compactMap { if case .event(let bytes) = $0 { String(decoding: bytes, as: UTF8.self) } else { nil } } }
    var clientTexts: [String] { clientEvents.compactMap { if case .event(let bytes) = $0 { String(decoding: bytes, as: UTF8.self) } else { nil } } }

    static func frame(_ index: Int, byteCount: Int = 60) -> MediaFrame {
        MediaFrame(
            sequence: UInt16(truncatingIfNeeded: index), timestamp: MediaTime(ticks: UInt32(index) * 960), marker: index == 0,
            payload: (0..<byteCount).map { UInt8(truncatingIfNeeded: index &* 7 &+ $0) })
    }

    /// Speaks `count` frames in real time.
    func speak(_ count: Int, from first: Int = 0, delivery: Delivery) throws {
        for index in first..<first + count {
            try client.send(frame: Self.frame(index), delivery: delivery, now: now)
            run(for: .milliseconds(20))
        }
    }
}
