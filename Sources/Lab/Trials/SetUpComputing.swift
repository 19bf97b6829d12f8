package import Wire

/// What the set-up of a connection owes to the ends and not to the network: the time that passes between a packet's arrival and the
/// sending of what answers it, along the chain of packets that leads to the moment at which the connection stands. In virtual time
/// it is nothing.
package struct SetUpComputing: Sendable {
    private let up: [Transmission]
    private let down: [Transmission]

    /// What is sent later than this after the last arrival was not computed so long: a timer sent it. TCP's earliest is 40 ms.
    package static let longest = Duration.milliseconds(20)

    /// - Parameters:
    ///   - up: what the client sent, in the order of sending.
    ///   - down: what the server sent.
    package init(up: [Transmission], down: [Transmission]) {
        self.up = up
        self.down = down
    }

    /// Walks back from the end of a set-up, at the client, to its beginning: each packet is taken to answer the one that arrived last
    /// before it. Packets from ports that were in use before belong to another connection.
    /// - Parameter setUp: from the wish for a connection; of a trial's first one that is time zero.
    package func time(in setUp: Range<Instant>) -> Duration {
        let others = Set(up.lazy.filter { $0.sent < setUp.lowerBound }.map(\.port))
        let arriving = (atServer: Self.hops(up, without: others), atClient: Self.hops(down, without: others))
        var (total, instant, isClient) = (Duration.zero, setUp.upperBound, true)
        while let hop = (isClient ? arriving.atClient : arriving.atServer).last(where: { $0.arrival <= instant }) {
            if instant - hop.arrival < Self.longest { total += instant - hop.arrival }
            instant = hop.sent
            isClient.toggle()
        }
        // What came first of all.
        if isClient, instant - setUp.lowerBound < Self.longest { total += instant - setUp.lowerBound }
        return total
    }

    /// What arrived, in the order of arrival.
    private static func hops(_ transmissions: [Transmission], without others: Set<UInt16>) -> [(sent: Instant, arrival: Instant)] {
        transmissions.compactMap { transmission in
            guard case .delivered(let arrival) = transmission.fate, !others.contains(transmission.port) else { return nil }
            return (transmission.sent, arrival)
        }.sorted { $0.arrival < $1.arrival }
    }
}
