import Endpoint
import Responder
import Session
import WebRTC
import Wire

/// One server, some clients, and networks that change, lose, double, corrupt and forget, all drawn from a seed: then they
/// heal, and every session must come to its end with every account right.
struct SwarmTown: ~Copyable {
    private let seed: UInt64
    private let clock: LabClock
    private let server: ServerEndpoint
    private var clients: [SwarmClient] = []
    private var streets: [SwarmStreet] = []
    private var audit = SwarmAudit()
    private var counts = SwarmCounts()
    private var source: Xoshiro256
    private var pool = PacketPool()
    private let buffer: UnsafeMutableRawBufferPointer
    private var now = Instant.zero
    private var serial = 0
    private var inFlight = 0
    private var stepsAtThisInstant = 0

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
            streets.append(
                SwarmStreet(
                    index, network: SwarmNetwork(isHealed: false, &source), faults: SwarmFault.plan(&source),
                    signalling: SignallingServer(server)))
        }
    }

    deinit { buffer.deallocate() }

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
            audit.violate("the clock stands still at \(now.nanoseconds) ns")
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
            guard !clients[index].isOver else { continue }
            switch fault {
            case .network:
                counts.networkChanges += 1
                let network = SwarmNetwork(isHealed: isHealed, &source)
                (streets[index].up, streets[index].down) = (network.up, network.down)
                streets[index].note(network.name, at: now)
            case .reset(let isNoticed):
                counts.resets += 1
                streets[index].note(isNoticed ? "noticed reset" : "reset", at: now)
                streets[index].cut()
                clients[index].suffer(isNoticed: isNoticed, now: now)
            case .rebinding:
                counts.rebindings += 1
                streets[index].note("rebinding", at: now)
                streets[index].rebind()
                clients[index].suffer(isNoticed: false, now: now)
            case .move:
                guard let transport = clients[index].moveSomewhere(now: now) else { break }
                streets[index].note("move to \(transport.rawValue)", at: now)
            }
        }
    }

    private mutating func deliver(_ index: Int) {
        while let packet = streets[index].upQueue.popFirst(by: now) {
            inFlight -= 1
            streets[index].signalling.receive(
                pool.datagram(in: packet.slot, byteCount: packet.byteCount), path: packet.path, ecn: packet.ecn, now: now)
            pool.release(packet.slot)
        }
        while let packet = streets[index].downQueue.popFirst(by: now) {
            inFlight -= 1
            if let path = streets[index].restored(packet.path) {
                let datagram = pool.datagram(in: packet.slot, byteCount: packet.byteCount)
                clients[index].receive(datagram, path: path, ecn: packet.ecn, now: now)
            } else {
                counts.packetsStray += 1
            }
            pool.release(packet.slot)
        }
    }

    // MARK: Sending

    private mutating func pump() {
        for index in streets.indices {
            while let transmit = clients[index].attachment.pollTransmit(into: buffer, now: now) { send(transmit, up: index) }
        }
        for index in streets.indices {
            while let transmit = streets[index].signalling.pollCallTransmit(into: buffer, now: now) { send(transmit, down: index) }
        }
        while let transmit = server.pollTransmit(into: buffer, now: now) {
            if let index = streets.firstIndex(where: { $0.owns(transmit.path.remote) }) { send(transmit, down: index) }
        }
        for index in streets.indices {
            while let transmit = streets[index].signalling.pollStreamTransmit(into: buffer, now: now) { send(transmit, down: index) }
        }
        while let notice = server.pollNotice() { audit.hear(notice) }
        if inFlight > SwarmLimits.packetsInFlight { audit.violate("\(inFlight) packets are under way") }
    }

    private mutating func send(_ transmit: Transmit, up index: Int) {
        guard let path = streets[index].translated(transmit.path) else { return counts.packetsStray += 1 }
        forEachDatagram(of: transmit) { datagram, town in
            let fate = town.streets[index].up.send(byteCount: datagram.count, now: town.now)
            for packet in town.packets(of: datagram, ecn: transmit.ecn, path: path, fate: fate) {
                town.streets[index].upQueue.insert(packet)
            }
        }
    }

    private mutating func send(_ transmit: Transmit, down index: Int) {
        forEachDatagram(of: transmit) { datagram, town in
            let fate = town.streets[index].down.send(byteCount: datagram.count, now: town.now)
            for packet in town.packets(of: datagram, ecn: transmit.ecn, path: transmit.path, fate: fate) {
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
    private mutating func packets(of datagram: UnsafeRawBufferPointer, ecn: ECN, path: NetworkPath, fate: Fate) -> [PacketInFlight] {
        counts.packets += 1
        guard case .delivered(let arrival) = fate else {
            counts.packetsDropped += 1
            return []
        }
        func packet(_ bytes: UnsafeRawBufferPointer, _ arrival: Instant) -> PacketInFlight {
            serial += 1
            inFlight += 1
            return PacketInFlight(
                arrival: arrival, serial: serial, slot: pool.store(bytes), byteCount: bytes.count, path: path, ecn: ecn, depth: 0)
        }
        guard !isHealed, !Self.isUnprotected(datagram) else { return [packet(datagram, arrival)] }
        switch source.below(200) {
        case 0:
            counts.packetsDoubled += 1
            return [packet(datagram, arrival), packet(datagram, arrival + .milliseconds(source.below(100)))]
        case 1:
            counts.packetsCorrupted += 1
            var bytes = Array(datagram)
            bytes[source.below(bytes.count)] ^= 1 << UInt8(truncatingIfNeeded: source.below(8))
            return bytes.withUnsafeBytes { [packet($0, arrival)] }
        default: return [packet(datagram, arrival)]
        }
    }

    /// What has no check of its own but UDP's and TCP's, which the real network has and this one has not: the models of TCP, the
    /// handshake of DTLS 1.2, and QUIC's long headers, which a flipped bit turns into a version that nobody speaks.
    private static func isUnprotected(_ datagram: UnsafeRawBufferPointer) -> Bool {
        let first = datagram.first ?? 0
        return TCPSegment.isCall(datagram) || TCPSegment.isSegment(datagram) || (20...22).contains(first) || first >= 192
    }

    // MARK: The end

    private mutating func report() -> SwarmReport {
        for (index, client) in clients.enumerated() {
            client.complain()
            counts += client.counts
            let name = "client \(index) (\(client.habits.transport.rawValue))"
            let known = audit.violations.count
            audit.close(client.book, of: name, hasManifest: client.habits.sendsManifest)
            if audit.violations.count > known { audit.violate("\(name) suffered: \(streets[index].history.joined(separator: ", "))") }
        }
        if !server.isIdle {
            audit.violate("the server still has \(server.connectionCount) connections and \(server.sessionCount) sessions")
        }
        counts += audit.counts
        return SwarmReport(seed: seed, counts: counts, violations: audit.violations, end: now)
    }
}
