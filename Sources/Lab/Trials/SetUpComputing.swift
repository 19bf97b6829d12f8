package import Wire

/// What a set-up owes to the ends and not to the network: the time that passes between a packet's arrival and the sending of what
/// answers it, along the chain of packets that leads to the moment at which frames may leave. In virtual time it is nothing.
package enum SetUpComputing {
    /// What is sent later than this after the last arrival was not computed so long: a timer sent it. TCP's earliest is 40 ms.
    package static let longest = Duration.milliseconds(20)

    /// Walks back from `opened`, at the client, to time zero: each packet is taken to answer the one that arrived last before it.
    /// - Parameters:
    ///   - up: what the client sent, in the order of sending.
    ///   - down: what the server sent.
    package static func time(up: [Transmission], down: [Transmission], until opened: Instant) -> Duration {
        let arriving = (atServer: hops(up), atClient: hops(down))
        var (total, instant, isClient) = (Duration.zero, opened, true)
        while let hop = (isClient ? arriving.atClient : arriving.atServer).last(where: { $0.arrival <= instant }) {
            if instant - hop.arrival < longest { total += instant - hop.arrival }
            instant = hop.sent
            isClient.toggle()
        }
        // What came first of all.
        if isClient, instant - .zero < longest { total += instant - .zero }
        return total
    }

    /// What arrived, in the order of arrival.
    private static func hops(_ transmissions: [Transmission]) -> [(sent: Instant, arrival: Instant)] {
        transmissions.compactMap { transmission in
            guard case .delivered(let arrival) = transmission.fate else { return nil }
            return (transmission.sent, arrival)
        }.sorted { $0.arrival < $1.arrival }
    }
}
