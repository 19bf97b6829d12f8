import Wire

/// A client's way to the server: two links, and before them a NAT that gives each of the client's addresses one of its own.
struct SwarmStreet {
    var up: Link
    var down: Link
    var upQueue = ArrivalQueue<PacketInFlight>()
    var downQueue = ArrivalQueue<PacketInFlight>()
    /// What happens to it, and when; the next one last.
    var faults: [(at: Instant, fault: SwarmFault)]
    /// What has happened to it, in words.
    var history: [String] = []
    /// The HTTPS and the TCP streams of this client, on the server's side.
    let signalling: SignallingServer
    /// All of this client's packets come from here.
    private let host: PeerAddress
    private var doors: [(inside: PeerAddress, outside: PeerAddress)] = []
    private var nextPort: UInt16 = 40_000
    private var cutAddresses: Set<PeerAddress> = []

    /// - Parameter number: of the client, from 0.
    init(_ number: Int, network: SwarmNetwork, faults: [(at: Instant, fault: SwarmFault)], signalling: SignallingServer) {
        host = PeerAddress(ipv4: 198, 51, 100, UInt8(truncatingIfNeeded: number + 1), port: 0)
        (up, down) = (network.up, network.down)
        self.faults = faults
        self.signalling = signalling
        history.append(network.name)
    }

    mutating func note(_ event: String, at now: Instant) { history.append("\(event) at \(Int((now - .zero).milliseconds)) ms") }

    // MARK: Addresses

    /// Whether an address of the server's peers is this client's.
    func owns(_ outside: PeerAddress) -> Bool { outside.host == host }

    /// How the server sees a path of the client's; `nil` where the connection is cut.
    mutating func translated(_ path: NetworkPath) -> NetworkPath? {
        guard !cutAddresses.contains(path.local) else { return nil }
        if let door = doors.first(where: { $0.inside == path.local }) { return NetworkPath(local: path.remote, remote: door.outside) }
        var outside = host
        outside.port = nextPort
        nextPort += 1
        doors.append((path.local, outside))
        return NetworkPath(local: path.remote, remote: outside)
    }

    /// How the client sees a path of the server's; `nil` where it leads nowhere any more.
    func restored(_ path: NetworkPath) -> NetworkPath? {
        guard let door = doors.first(where: { $0.outside == path.remote }), !cutAddresses.contains(door.inside) else { return nil }
        return NetworkPath(local: door.inside, remote: path.local)
    }

    /// The NAT forgets its client: what it sends next comes from elsewhere, and what is sent to where it was is lost.
    mutating func rebind() { doors = [] }

    /// Every connection that the client has is dead from now on.
    mutating func cut() { cutAddresses.formUnion(doors.map(\.inside)) }
}

/// A network of the catalogue, at the beginning of its time.
struct SwarmNetwork {
    let name: String
    let up: Link
    let down: Link

    init(isHealed: Bool, _ source: inout Xoshiro256) {
        let all = NetworkProfile.all
        let profile = isHealed ? all[0] : all[source.below(all.count)]
        name = profile.name
        up = Link(profile.up, seed: source.next())
        down = Link(profile.down, seed: source.next())
    }
}
