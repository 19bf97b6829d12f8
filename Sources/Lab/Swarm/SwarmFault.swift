import Wire

/// What befalls a client.
enum SwarmFault: Hashable {
    /// Its way to the server becomes another network.
    case network
    /// Its connections are cut: nothing comes or goes by them any more. It may learn of it at once, as from a network that says so,
    /// or only from the silence.
    case reset(isNoticed: Bool)
    /// The NAT before it takes it for another.
    case rebinding
    /// It moves its session to another connection, over whatever transport, on purpose.
    case move

    /// A client's faults until the networks heal, the next one last.
    static func plan(_ source: inout Xoshiro256) -> [(at: Instant, fault: SwarmFault)] {
        func moment() -> Instant { Instant(nanoseconds: source.next() % UInt64(SwarmLimits.faultTime.nanoseconds)) }
        var faults: [(at: Instant, fault: SwarmFault)] = []
        for _ in 0..<source.below(4) { faults.append((moment(), .network)) }
        for _ in 0..<source.below(3) { faults.append((moment(), .reset(isNoticed: source.below(2) == 0))) }
        for _ in 0..<source.below(2) { faults.append((moment(), .rebinding)) }
        for _ in 0..<source.below(3) { faults.append((moment(), .move)) }
        faults.append((Instant.zero + SwarmLimits.faultTime, .network))
        return faults.sorted { $0.at > $1.at }
    }
}
