package import Wire

/// What the world drives: the verbs that client and server endpoints share.
package protocol SimulatedEndpoint: AnyObject {
    /// Hands over one datagram. The bytes are lent for this call.
    func receive(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, ecn: ECN, now: Instant)
    /// Does what was due at `deadline`.
    func handleTimeout(now: Instant)
    /// When `handleTimeout` is wanted; `nil` while nothing is awaited.
    var deadline: Instant? { get }
    /// Writes the next datagram, or several of equal size; `nil` when there is nothing to send now.
    func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit?
}

/// A client and a server, two links between them, and a clock that jumps from one event to the next.
///
/// The order of things is fixed: at each instant first arrivals at the server, then at the client, then what is due,
/// then whatever both want to send. So the same endpoints with the same seeds do the same things on every run.
package struct World<Client: SimulatedEndpoint, Server: SimulatedEndpoint>: ~Copyable {
    package private(set) var now = Instant.zero
    package let client: Client
    package let server: Server
    package private(set) var up: Direction
    package private(set) var down: Direction
    /// A hash of every packet's (time, direction, size), in the order of sending: two runs are alike when theirs are equal.
    package private(set) var log = StableHash()
    /// The packets that the client sent since `forgetTransmissions`, for a witness that knows no transport.
    package private(set) var transmissions: [Transmission] = []

    /// When the client's NAT forgets it, and takes it for another from then on.
    private let rebinding: Instant?
    /// Packets of the server to an address that the NAT has forgotten.
    package private(set) var strayCount = 0
    private let clock: LabClock?
    private var pool = PacketPool()
    private let buffer: UnsafeMutableRawBufferPointer
    private var stepsAtThisInstant = 0

    /// - Parameter clock: is told whenever `now` moves.
    package init(client: Client, server: Server, profile: NetworkProfile, seed: TrialSeed, clock: LabClock? = nil) {
        self.client = client
        self.server = server
        self.clock = clock
        up = Direction(profile.up, seed: seed.upLink)
        down = Direction(profile.down, seed: seed.downLink)
        rebinding = profile.rebinding?.instant(seed: seed.upLink)
        buffer = .allocate(byteCount: WorldLimits.transmitByteCount, alignment: 16)
    }

    deinit { buffer.deallocate() }

    /// How many round trips had to be made for what the client knows now.
    package var roundTrips: Int { up.depth / 2 }

    /// Sends whatever both endpoints want to send now; to be called after each command to one of them.
    package mutating func pump() {
        while let transmit = client.pollTransmit(into: buffer, now: now) { send(transmit, fromClient: true) }
        while let transmit = server.pollTransmit(into: buffer, now: now) { send(transmit, fromClient: false) }
    }

    /// Goes to the next event and lets it happen, or to `limit` if nothing happens before.
    /// - Returns: whether something happened.
    /// - Throws: `Stalled` when events keep coming and the clock does not move.
    package mutating func step(until limit: Instant) throws(Stalled) -> Bool {
        let next = earliest(up.queue.first?.arrival, down.queue.first?.arrival, client.deadline, server.deadline)
        guard let next, next <= limit else {
            advance(to: limit)
            return false
        }
        advance(to: next)
        stepsAtThisInstant += 1
        guard stepsAtThisInstant <= WorldLimits.stepsAtOneInstant else { throw Stalled(at: now) }
        deliver()
        if let deadline = client.deadline, deadline <= now { client.handleTimeout(now: now) }
        if let deadline = server.deadline, deadline <= now { server.handleTimeout(now: now) }
        pump()
        return true
    }

    package mutating func forgetTransmissions() { transmissions.removeAll(keepingCapacity: true) }

    private mutating func advance(to instant: Instant) {
        guard instant > now else { return }
        now = instant
        clock?.set(now)
        stepsAtThisInstant = 0
    }

    private mutating func deliver() {
        while let packet = up.queue.popFirst(by: now) {
            down.depth = max(down.depth, packet.depth + 1)
            server.receive(
                pool.datagram(in: packet.slot, byteCount: packet.byteCount), path: packet.path, ecn: packet.ecn, now: now)
            pool.release(packet.slot)
        }
        while let packet = down.queue.popFirst(by: now) {
            up.depth = max(up.depth, packet.depth + 1)
            client.receive(
                pool.datagram(in: packet.slot, byteCount: packet.byteCount), path: packet.path, ecn: packet.ecn, now: now)
            pool.release(packet.slot)
        }
    }

    private var isRebound: Bool { rebinding.map { $0 <= now } ?? false }

    /// The path of a client's packet as the server sees it, behind the NAT.
    private func translated(_ path: NetworkPath) -> NetworkPath {
        var client = path.local
        if isRebound { client.port &+= NetworkPath.reboundPortDistance }
        return NetworkPath(local: path.remote, remote: client)
    }

    /// The path of a server's packet as the client sees it; `nil` where the NAT knows the address no more.
    private func restored(_ path: NetworkPath) -> NetworkPath? {
        var client = path.remote
        guard rebinding != nil else { return NetworkPath(local: client, remote: path.local) }
        let isNew = client.port >= NetworkPath.clientSide.local.port &+ NetworkPath.reboundPortDistance
        guard isNew == isRebound else { return nil }
        if isNew { client.port &-= NetworkPath.reboundPortDistance }
        return NetworkPath(local: client, remote: path.local)
    }

    /// Gives each datagram of a transmit to its link.
    private mutating func send(_ transmit: Transmit, fromClient: Bool) {
        let segment = max(1, transmit.segmentByteCount ?? transmit.byteCount)
        var start = 0
        while start < transmit.byteCount {
            let end = min(start + segment, transmit.byteCount)
            let datagram = UnsafeRawBufferPointer(rebasing: buffer[start..<end])
            log.combine(now.nanoseconds)
            log.combine(UInt64(datagram.count) << 1 | (fromClient ? 0 : 1))
            if fromClient {
                let fate = up.send(datagram, path: translated(transmit.path), ecn: transmit.ecn, now: now, pool: &pool)
                transmissions.append(Transmission(sent: now, byteCount: datagram.count, fate: fate))
            } else if let path = restored(transmit.path) {
                _ = down.send(datagram, path: path, ecn: transmit.ecn, now: now, pool: &pool)
            } else {
                strayCount += 1
            }
            start = end
        }
    }
}

/// One packet as the link saw it.
package struct Transmission: Hashable, Sendable {
    package var sent: Instant
    package var byteCount: Int
    package var fate: Fate
    /// The client's, which tells its connections apart; 0 in virtual time.
    package var port: UInt16

    package init(sent: Instant, byteCount: Int, fate: Fate, port: UInt16 = 0) {
        self.sent = sent
        self.byteCount = byteCount
        self.fate = fate
        self.port = port
    }
}

/// A link, what is on its way there, and what it was given.
package struct Direction: Sendable {
    package private(set) var link: Link
    /// What was sent, with the headers of IP and UDP; dropped packets too.
    package private(set) var byteCount = 0
    package private(set) var packetCount = 0
    fileprivate var queue = ArrivalQueue<PacketInFlight>()
    /// The depth of the next packet sent this way.
    fileprivate var depth = 1

    fileprivate init(_ profile: LinkProfile, seed: UInt64) { link = Link(profile, seed: seed) }

    /// Lets the link decide, and keeps a copy of the datagram until it arrives.
    fileprivate mutating func send(
        _ datagram: UnsafeRawBufferPointer, path: NetworkPath, ecn: ECN, now: Instant, pool: inout PacketPool
    ) -> Fate {
        packetCount += 1
        byteCount += datagram.count + Link.headerByteCount
        let fate = link.send(byteCount: datagram.count, now: now)
        if case .delivered(let arrival) = fate {
            queue.insert(
                PacketInFlight(
                    arrival: arrival, serial: packetCount, slot: pool.store(datagram), byteCount: datagram.count,
                    path: path, ecn: ecn, depth: depth))
        }
        return fate
    }
}

/// Events keep coming and the clock does not move: an endpoint names a deadline and does not serve it.
package struct Stalled: Error, Hashable, Sendable {
    package var at: Instant
}

/// What a world allows.
package enum WorldLimits {
    /// How many steps may happen at one instant before the world counts as stalled.
    static let stepsAtOneInstant = 1_000
    /// The most bytes that an endpoint may hand out at once.
    static let transmitByteCount = 65_536
}

extension NetworkPath {
    private static let clientAddress = PeerAddress(ipv4: 192, 0, 2, 1, port: 50_000)
    private static let serverAddress = PeerAddress(ipv4: 192, 0, 2, 2, port: 443)

    /// How far a client's port lies from its old one once the NAT has taken it for another. Connections are fewer.
    static let reboundPortDistance: UInt16 = 5_000

    /// The path as the client sees it; the addresses are for documentation (RFC 5737).
    package static let clientSide = NetworkPath(local: clientAddress, remote: serverAddress)
    package static let serverSide = NetworkPath(local: serverAddress, remote: clientAddress)

    /// The path of a client's n-th connection after its first, from a port of its own.
    static func clientSide(connection count: Int) -> NetworkPath {
        var path = clientSide
        path.local.port &+= UInt16(truncatingIfNeeded: count % Int(reboundPortDistance))
        return path
    }
}
