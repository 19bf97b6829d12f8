internal import Lab
internal import Wire

/// The two ends of a relay.
enum RelaySide: Hashable, Sendable {
    case client, server

    var other: RelaySide { self == .client ? .server : .client }
}

/// A packet that waits for its time.
struct RelayedPacket: InFlight, Hashable {
    var arrival: Instant
    var serial: Int
    var trial: Int
    var destination: RelaySide
    var bytes: [UInt8]
}

/// The links of all trials that run now, without sockets or a clock: a packet goes in on one side, and comes out on the
/// other when its trial's link says so, or never.
///
/// A link's time is counted from its trial's beginning, as in virtual time. Each trial is known by its client's address.
struct Relay: Sendable {
    private var trials: [Int: RelayedTrial] = [:]
    private var queue = ArrivalQueue<RelayedPacket>()
    private var serial = 0
    /// Packets of no trial: the kernel's own, and what comes after a trial's end.
    private(set) var strayCount = 0

    /// When the next packet is due; `nil` while none is under way.
    var deadline: Instant? { queue.first?.arrival }
    var trialCount: Int { trials.count }

    /// Lays the links of a trial.
    mutating func open(_ opening: RelayOpening, profile: NetworkProfile) {
        trials[opening.trial] = RelayedTrial(opening, profile: profile)
    }

    /// Ends a trial: what its links saw. Packets under way still arrive.
    mutating func close(trial: Int) -> RelayAccount? { trials.removeValue(forKey: trial)?.account(trial) }

    /// Takes an IP packet that came out on `side`.
    mutating func receive(_ packet: [UInt8], from side: RelaySide, now: Instant) {
        var packet = packet
        guard let header = try? IPv4Header(packet.span),
            let number = RealAddresses.trial(of: side == .client ? header.source : header.destination),
            let fate = trials[number]?.send(&packet, header, from: side, now: now)
        else {
            strayCount += 1
            return
        }
        guard case .delivered(let arrival) = fate else { return }
        serial += 1
        queue.insert(
            RelayedPacket(arrival: arrival, serial: serial, trial: number, destination: side.other, bytes: packet))
    }

    /// The next packet that is due.
    mutating func popFirst(by now: Instant) -> RelayedPacket? { queue.popFirst(by: now) }

    /// A packet left at `now`, which may be later than it should have.
    mutating func delivered(_ packet: RelayedPacket, now: Instant) {
        trials[packet.trial]?.lateness.append(now - packet.arrival)
    }
}

/// A trial's two links, and what they saw.
private struct RelayedTrial: Sendable {
    private let origin: Instant
    private var up: RelayedDirection
    private var down: RelayedDirection
    private var nat: RelayNAT?
    private var transmissions: [Transmission] = []
    private var answers: [Transmission] = []
    /// By packet delivered: how long after its time it left.
    var lateness: [Duration] = []

    init(_ opening: RelayOpening, profile: NetworkProfile) {
        origin = opening.origin
        up = RelayedDirection(Link(profile.up, seed: opening.upSeed))
        down = RelayedDirection(Link(profile.down, seed: opening.downSeed))
        nat = profile.rebinding.map { RelayNAT(rebinding: $0.instant(seed: opening.upSeed)) }
    }

    /// - Returns: what becomes of the packet, which leaves as it stands then; `nil` where the NAT knows nobody whom it is for.
    mutating func send(_ packet: inout [UInt8], _ header: IPv4Header, from side: RelaySide, now: Instant) -> Fate? {
        let sent = Instant.zero + max(.zero, now - origin)
        let port: UInt16
        switch side {
        case .client:
            port = header.sourcePort(of: packet)
            nat?.translate(outward: &packet, header, now: sent)
        case .server:
            guard nat?.translate(inward: &packet, header, now: sent) ?? true else { return nil }
            port = header.destinationPort(of: packet)
        }
        let fate = side == .client ? up.send(byteCount: header.byteCount, now: sent) : down.send(byteCount: header.byteCount, now: sent)
        let transmission = Transmission(sent: sent, byteCount: max(0, header.byteCount - Link.headerByteCount), fate: fate, port: port)
        switch side {
        case .client: transmissions.append(transmission)
        case .server: answers.append(transmission)
        }
        guard case .delivered(let arrival) = fate else { return fate }
        return .delivered(at: origin + (arrival - .zero))
    }

    func account(_ trial: Int) -> RelayAccount {
        let sorted = lateness.sorted()
        let p99 = sorted.isEmpty ? .zero : sorted[(sorted.count - 1) * 99 / 100]
        return RelayAccount(trial: trial, up: up.traffic, down: down.traffic, latenessP99: p99, transmissions: transmissions,
            answers: answers)
    }
}

private struct RelayedDirection: Sendable {
    private var link: Link
    private var byteCount = 0
    private var packetCount = 0

    init(_ link: Link) { self.link = link }

    /// The link counts the headers of IPv4 and UDP itself. A TCP segment's header is longer: the rest of it is its payload.
    mutating func send(byteCount: Int, now: Instant) -> Fate {
        packetCount += 1
        self.byteCount += byteCount
        return link.send(byteCount: max(0, byteCount - Link.headerByteCount), now: now)
    }

    var traffic: TrafficRecord {
        TrafficRecord(byteCount: byteCount, packetCount: packetCount, dropCount: link.drops.total)
    }
}
