import Endpoint
import QUIC
import Responder
import Session
import WebRTC
package import Wire

/// What a swarm is allowed, and how long it takes.
package enum SwarmLimits {
    static let clients = 6
    /// How long networks change for the worse and connections vanish.
    static let faultTime = Duration.seconds(15)
    /// How long after that everything must be over: QUIC's idle timeout and the life of a detached session lie in it.
    static let healTime = Duration.seconds(120)
    /// How many violations a client tells.
    static let violations = 16
    static let stepsAtOneInstant = 10_000
    static let packetsInFlight = 20_000
    static let transmitByteCount = 65_536
}

/// One server, some clients, and networks that change, lose, double, corrupt and forget, all drawn from a seed: then they
/// heal, and every session must come to its end with every account right.
struct SwarmTown: ~Copyable {
    /// A client's way to the server.
    private struct Street {
        var up: Link
        var down: Link
        var upQueue = ArrivalQueue<PacketInFlight>()
        var downQueue = ArrivalQueue<PacketInFlight>()
        /// How the server sees the client now; what is sent to an older address is lost.
        var address: PeerAddress
        /// What happens to it, and when; the next one last.
        var faults: [(at: Instant, fault: Fault)]
        /// What has happened to it, in words.
        var history: [String]
        /// The HTTPS that answers its call: a connection of its own after every reset.
        var signalling: SignallingServer
    }

    private enum Fault { case network, reset, rebinding }

    private let seed: UInt64
    private let clock: LabClock
    private let server: ServerEndpoint
    private var clients: [SwarmClient] = []
    private var streets: [Street] = []
    private var source: Xoshiro256
    private var pool = PacketPool()
    private let buffer: UnsafeMutableRawBufferPointer
    private var now = Instant.zero
    private var serial = 0
    private var inFlight = 0
    private var stepsAtThisInstant = 0
    private var counts = SwarmCounts()
    private var violations: [String] = []
    /// The server's own list of the receipts that it gave, by session.
    private var decided: [String: [Receipt]] = [:]

    init(seed: UInt64, credentials: TrialCredentials, clock: LabClock) {
        self.seed = seed
        self.clock = clock
        source = Xoshiro256(seed: seed)
        var configuration = ServerConfiguration(credentials: credentials.quic)
        let answer = (0..<25).map { index in [0x48] + Array(repeating: UInt8(truncatingIfNeeded: index), count: 60) }
        configuration.responder = .script(packets: answer, thinkTime: .milliseconds(source.below(400)))
        configuration.webRTC = WebRTCServerConfiguration(identity: credentials.dtls)
        server = ServerEndpoint(configuration: configuration, entropy: Entropy(seed: source.next()), now: .zero)
        buffer = .allocate(byteCount: SwarmLimits.transmitByteCount, alignment: 16)
        for index in 0..<SwarmLimits.clients {
            clients.append(SwarmClient(seed: source.next(), credentials: credentials, now: .zero))
            let network = Self.network(isHealed: false, &source)
            streets.append(
                Street(
                    up: network.up, down: network.down,
                    address: PeerAddress(ipv4: 198, 51, 100, UInt8(truncatingIfNeeded: index + 1), port: 40_000),
                    faults: Self.faults(&source), history: [network.name], signalling: SignallingServer(server)))
        }
    }

    deinit { buffer.deallocate() }

    private static func faults(_ source: inout Xoshiro256) -> [(at: Instant, fault: Fault)] {
        func moment() -> Instant { Instant(nanoseconds: source.next() % UInt64(SwarmLimits.faultTime.nanoseconds)) }
        var faults: [(at: Instant, fault: Fault)] = []
        for _ in 0..<source.below(4) { faults.append((moment(), .network)) }
        for _ in 0..<source.below(2) { faults.append((moment(), .reset)) }
        for _ in 0..<source.below(2) { faults.append((moment(), .rebinding)) }
        faults.append((Instant.zero + SwarmLimits.faultTime, .network))
        return faults.sorted { $0.at > $1.at }
    }

    private static func network(isHealed: Bool, _ source: inout Xoshiro256) -> (name: String, up: Link, down: Link) {
        let all = NetworkProfile.all
        let profile = isHealed ? all[0] : all[source.below(all.count)]
        return (profile.name, Link(profile.up, seed: source.next()), Link(profile.down, seed: source.next()))
    }

    // MARK: The run

    /// Runs it to its end.
    mutating func run() -> SwarmReport {
        pump()
        let end = Instant.zero + SwarmLimits.faultTime + SwarmLimits.healTime
        while now < end, !isOver {
            guard step(until: end) else { break }
        }
        return report()
    }

    private var isOver: Bool { server.isIdle && clients.allSatisfy(\.isOver) }
    private var isHealed: Bool { now >= Instant.zero + SwarmLimits.faultTime }

    private var nextMoment: Instant? {
        var next = server.deadline
        for index in streets.indices {
            next = earliest(next, streets[index].upQueue.first?.arrival, streets[index].downQueue.first?.arrival)
            next = earliest(next, clients[index].deadline, streets[index].signalling.lineDeadline, streets[index].faults.last?.at)
        }
        return next
    }

    /// - Returns: whether anything is left to happen.
    private mutating func step(until limit: Instant) -> Bool {
        guard let next = nextMoment else { return false }
        if next > now {
            now = min(next, limit)
            clock.set(now)
            stepsAtThisInstant = 0
        }
        stepsAtThisInstant += 1
        guard stepsAtThisInstant <= SwarmLimits.stepsAtOneInstant else {
            violations.append("the clock stands still at \(now.nanoseconds) ns")
            return false
        }
        for index in streets.indices { suffer(index) }
        for index in streets.indices { deliver(index) }
        for index in streets.indices {
            streets[index].signalling.handleLineTimeouts(now: now)
            if let deadline = clients[index].deadline, deadline <= now {
                clients[index].handleTimeout(isHealed: isHealed, now: now)
            } else {
                clients[index].hear(now: now)
            }
        }
        if let deadline = server.deadline, deadline <= now { server.handleTimeout(now: now) }
        pump()
        return true
    }

    private mutating func suffer(_ index: Int) {
        while let (at, fault) = streets[index].faults.last, at <= now {
            streets[index].faults.removeLast()
            switch fault {
            case .network:
                counts.networkChanges += 1
                let network = Self.network(isHealed: isHealed, &source)
                (streets[index].up, streets[index].down) = (network.up, network.down)
                streets[index].history.append("\(network.name) at \(Int((now - .zero).milliseconds)) ms")
            case .reset:
                streets[index].history.append("reset at \(Int((now - .zero).milliseconds)) ms")
                clients[index].reset(now: now)
            case .rebinding:
                // QUIC cannot move before its handshake is confirmed (RFC 9000 section 9).
                guard clients[index].isConfirmed else { break }
                counts.rebindings += 1
                streets[index].history.append("rebinding at \(Int((now - .zero).milliseconds)) ms")
                streets[index].address.port += 1
                clients[index].rebound()
            }
        }
    }

    private mutating func deliver(_ index: Int) {
        let path = NetworkPath(local: NetworkPath.serverSide.local, remote: streets[index].address)
        while let packet = streets[index].upQueue.popFirst(by: now) {
            inFlight -= 1
            streets[index].signalling.receive(
                pool.datagram(in: packet.slot, byteCount: packet.byteCount), path: path, ecn: packet.ecn, now: now)
            pool.release(packet.slot)
        }
        while let packet = streets[index].downQueue.popFirst(by: now) {
            inFlight -= 1
            clients[index].receive(pool.datagram(in: packet.slot, byteCount: packet.byteCount), ecn: packet.ecn, now: now)
            pool.release(packet.slot)
        }
    }

    /// A new socket: what is under way to the old one, and from it, is lost.
    private mutating func moveIn(_ index: Int) {
        clients[index].hasNewSocket = false
        streets[index].address.port += 1
        streets[index].signalling = SignallingServer(server)
        while let packet = streets[index].downQueue.popFirst(by: .distantFuture) ?? streets[index].upQueue.popFirst(by: .distantFuture) {
            inFlight -= 1
            pool.release(packet.slot)
        }
    }

    // MARK: Sending

    private mutating func pump() {
        for index in streets.indices {
            if clients[index].hasNewSocket { moveIn(index) }
            guard !clients[index].isOver || !clients[index].attachment.endpoint.isClosed else { continue }
            while let transmit = clients[index].attachment.pollTransmit(into: buffer, now: now) { send(transmit, up: index) }
        }
        for index in streets.indices {
            while let transmit = streets[index].signalling.pollCallTransmit(into: buffer, now: now) { send(transmit, down: index) }
        }
        while let transmit = server.pollTransmit(into: buffer, now: now) {
            if let index = streets.firstIndex(where: { $0.address == transmit.path.remote }) { send(transmit, down: index) }
        }
        while let notice = server.pollNotice() {
            if case .promptDecided(let sessionID, let receipt) = notice { decided[sessionID, default: []].append(receipt) }
        }
        if inFlight > SwarmLimits.packetsInFlight { violations.append("\(inFlight) packets are under way") }
    }

    private mutating func send(_ transmit: Transmit, up index: Int) {
        forEachDatagram(of: transmit) { datagram, town in
            let fate = town.streets[index].up.send(byteCount: datagram.count, now: town.now)
            for packet in town.packets(of: datagram, ecn: transmit.ecn, fate: fate, client: index) {
                town.streets[index].upQueue.insert(packet)
            }
        }
    }

    private mutating func send(_ transmit: Transmit, down index: Int) {
        forEachDatagram(of: transmit) { datagram, town in
            let fate = town.streets[index].down.send(byteCount: datagram.count, now: town.now)
            for packet in town.packets(of: datagram, ecn: transmit.ecn, fate: fate, client: index) {
                town.streets[index].downQueue.insert(packet)
            }
        }
    }

    private mutating func forEachDatagram(of transmit: Transmit, _ body: (UnsafeRawBufferPointer, inout SwarmTown) -> Void) {
        let segment = max(1, transmit.segmentByteCount ?? transmit.byteCount)
        for start in stride(from: 0, to: transmit.byteCount, by: segment) {
            let end = min(start + segment, transmit.byteCount)
            body(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[start..<end]), &self)
        }
    }

    /// What comes out at the other end for one datagram: nothing, it, it twice, or something like it.
    private mutating func packets(of datagram: UnsafeRawBufferPointer, ecn: ECN, fate: Fate, client: Int) -> [PacketInFlight] {
        counts.packets += 1
        guard case .delivered(let arrival) = fate else {
            counts.packetsDropped += 1
            return []
        }
        guard !isHealed, !clients[client].isConnecting, !Self.isUnprotected(datagram) else {
            return [packet(datagram, ecn: ecn, arrival: arrival)]
        }
        switch source.below(200) {
        case 0:
            counts.packetsDoubled += 1
            return [
                packet(datagram, ecn: ecn, arrival: arrival),
                packet(datagram, ecn: ecn, arrival: arrival + .milliseconds(source.below(100))),
            ]
        case 1:
            counts.packetsCorrupted += 1
            var bytes = Array(datagram)
            bytes[source.below(bytes.count)] ^= 1 << UInt8(truncatingIfNeeded: source.below(8))
            return bytes.withUnsafeBytes { [packet($0, ecn: ecn, arrival: arrival)] }
        default:
            return [packet(datagram, ecn: ecn, arrival: arrival)]
        }
    }

    /// What has no check of its own but UDP's, which the real network has and this one has not: the model of TCP, and the
    /// handshake of DTLS 1.2.
    private static func isUnprotected(_ datagram: UnsafeRawBufferPointer) -> Bool {
        TCPSegment.isCall(datagram) || (20...22).contains(datagram.first ?? 0)
    }

    private mutating func packet(_ datagram: UnsafeRawBufferPointer, ecn: ECN, arrival: Instant) -> PacketInFlight {
        serial += 1
        inFlight += 1
        return PacketInFlight(
            arrival: arrival, serial: serial, slot: pool.store(datagram), byteCount: datagram.count, path: .serverSide, ecn: ecn, depth: 0)
    }

    // MARK: The end

    private mutating func report() -> SwarmReport {
        for (index, client) in clients.enumerated() {
            client.complain()
            counts += client.counts
            for (sessionID, book) in client.pastBooks { audit(sessionID, book, of: index, isWhole: false) }
            audit(client.sessionID, client.book, of: index, isWhole: true)
        }
        if !server.isIdle { violations.append("the server still has \(server.connectionCount) connections") }
        return SwarmReport(seed: seed, counts: counts, violations: violations, end: now)
    }

    /// The receipts that a client heard are those that the server gave, in this order; all of them, where nothing broke.
    private mutating func audit(_ sessionID: String?, _ book: SwarmBook, of client: Int, isWhole: Bool) {
        counts += book.counts
        let name = "client \(client) (\(clients[client].transport.rawValue))"
        violations += book.violations.map { "\(name): \($0)" }
        if !book.violations.isEmpty { violations.append("\(name) suffered: \(streets[client].history.joined(separator: ", "))") }
        let given = sessionID.flatMap { decided[$0] } ?? []
        if isWhole ? book.receipts != given : !given.starts(with: book.receipts) {
            violations.append("\(name): the server gave \(given.count) receipts, and \(book.receipts.count) others were heard")
        }
    }
}

/// How a swarm came out.
package struct SwarmReport: Hashable, Sendable {
    /// With it the swarm runs again, step by step.
    package let seed: UInt64
    package let counts: SwarmCounts
    /// Every promise that was broken; none, where all is well.
    package let violations: [String]
    /// When everything was over, in virtual time.
    package let end: Instant
}
