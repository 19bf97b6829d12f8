import CVirtualClock
import SCTP
import Wire

/// Both ends of an association in virtual time, and the link between them.
final class AssociationPair {
    enum End: Int, Hashable { case client, server }

    /// A line of what was seen on the link: when, from whom, how long, and whether it was lost.
    struct Line: Hashable {
        var nanoseconds: UInt64
        var sender: End
        var byteCount: Int
        var isLost: Bool
    }

    private struct InFlight {
        var arrival: Instant
        var receiver: End
        var packet: [UInt8]
    }

    let client: SCTPAssociation
    let server: SCTPAssociation
    private(set) var now = Instant.zero
    private(set) var log: [Line] = []
    private(set) var clientEvents: [SCTPEvent] = []
    private(set) var serverEvents: [SCTPEvent] = []
    /// When each of `serverEvents` came.
    private(set) var serverEventTimes: [Instant] = []
    /// One way.
    var delay: Duration = .milliseconds(25)
    /// The share of packets that are lost each way.
    var loss = 0.0
    /// Loses what it answers `true` for, besides. It must not hold the pair, which holds it.
    var isLost: (_ sender: End, _ packet: [UInt8], _ now: Instant) -> Bool = { _, _, _ in false }
    /// What the link makes of a packet, if it is no honest one.
    var transform: ((_ packet: [UInt8]) -> [UInt8])?
    /// Every packet that was sent, lost ones too.
    private(set) var sent: [[UInt8]] = []
    private var random: Xoshiro256
    private var inFlight: [InFlight] = []

    init(
        seed: UInt64 = 1, client: SCTPConfiguration = SCTPConfiguration(), server: SCTPConfiguration = SCTPConfiguration()
    ) {
        parallax_virtual_clock_seed(seed)
        parallax_virtual_clock_set(0)
        random = Xoshiro256(seed: seed)
        self.client = SCTPAssociation(configuration: client, isClient: true)
        self.server = SCTPAssociation(configuration: server, isClient: false)
    }

    deinit { parallax_virtual_clock_clear() }

    func start() {
        server.start(now: now)
        client.start(now: now)
        drain()
    }

    /// Starts both and runs until both are connected.
    func connect() {
        start()
        run(until: now + .seconds(20)) { self.client.isConnected && self.server.isConnected }
    }

    /// Runs until `end`, or until `condition` holds.
    func run(until end: Instant, _ condition: () -> Bool = { false }) {
        drain()
        while !condition(), let next = nextInstant, next <= end {
            step(to: next)
        }
        if !condition(), end > now { step(to: end) }
    }

    func run(for duration: Duration, _ condition: () -> Bool = { false }) { run(until: now + duration, condition) }

    /// What is the earliest that happens, if anything does.
    var nextInstant: Instant? {
        let due = earliest(client.deadline, server.deadline, inFlight.map(\.arrival).min())
        return due.map { max($0, now) }
    }

    /// Hands over what an owner would, and what came of it.
    func drain() {
        for (end, association) in [(End.client, client), (.server, server)] {
            while let packet = association.pollTransmit() { transmit(packet, from: end) }
            while let event = association.pollEvent() {
                switch end {
                case .client: clientEvents.append(event)
                case .server:
                    serverEvents.append(event)
                    serverEventTimes.append(now)
                }
            }
        }
    }

    private func step(to next: Instant) {
        now = next
        parallax_virtual_clock_set(Int64(now.nanoseconds))
        let arrived = inFlight.filter { $0.arrival <= now }
        inFlight.removeAll { $0.arrival <= now }
        for item in arrived {
            switch item.receiver {
            case .client: client.receive(item.packet, now: now)
            case .server: server.receive(item.packet, now: now)
            }
            drain()
        }
        for association in [client, server] {
            if let deadline = association.deadline, deadline <= now { association.handleTimeout(now: now) }
            drain()
        }
    }

    private func transmit(_ packet: [UInt8], from sender: End) {
        // Drawn for every packet, so that the draws do not depend on what is lost besides.
        let draw = random.nextUnit()
        let isLost = draw < loss || isLost(sender, packet, now)
        log.append(Line(nanoseconds: now.nanoseconds, sender: sender, byteCount: packet.count, isLost: isLost))
        sent.append(packet)
        guard !isLost else { return }
        let packet = transform?(packet) ?? packet
        inFlight.append(InFlight(arrival: now + delay, receiver: sender == .client ? .server : .client, packet: packet))
    }
}

/// The messages among events.
func messages(_ events: [SCTPEvent]) -> [[UInt8]] {
    events.compactMap { event in
        if case .message(_, _, let bytes) = event { bytes } else { nil }
    }
}
