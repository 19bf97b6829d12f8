import Wire

/// How people reach the network. Loadero publishes its presets (wiki.loadero.com, "Network conditions"), what comes in first;
/// its queues are not told, so they are ours, and so is the shape of the jitter.
extension NetworkProfile {
    static let accessNetworks: [NetworkProfile] = [wifi, lte, hsdpa, threeG, edge, satellite]

    static let wifi = NetworkProfile(
        "wifi", "50 ms each way, 20 Mbit/s, 10 ms jitter, 1 % loss in bursts of 60 ms",
        source: "RFC 8869 section 4 (rate, delay, jitter, queue); loss by RFC 8868",
        both: LinkProfile(
            delay: .milliseconds(50), jitter: Jitter(standardDeviation: .milliseconds(10)), bitsPerSecond: 20_000_000,
            queueLimit: .milliseconds(300), loss: .bursts(loss: 0.01, meanLength: 3)))

    static let lte = NetworkProfile(
        name: "lte", summary: "45 ms each way, 50 Mbit/s up, 100 down, 15 and 5 ms jitter, 0.2 % loss",
        source: "Loadero's preset 4G (its latency taken for one way)",
        up: mobile(delay: 45, jitter: 15, kilobitsPerSecond: 50_000, loss: 0.002),
        down: mobile(delay: 45, jitter: 5, kilobitsPerSecond: 100_000, loss: 0.002))

    static let hsdpa = NetworkProfile(
        name: "hsdpa", summary: "75 ms each way, 10 Mbit/s up, 20 down, 5 ms jitter, 0.5 % loss",
        source: "Loadero's preset 3.5G (its latency of 150 ± 10 ms taken for both ways together)",
        up: mobile(delay: 75, jitter: 5, kilobitsPerSecond: 10_000, loss: 0.005),
        down: mobile(delay: 75, jitter: 5, kilobitsPerSecond: 20_000, loss: 0.005))

    static let threeG = NetworkProfile(
        "3g", "125 ms each way, 1.2 Mbit/s, 25 ms jitter, 0.5 % loss",
        source: "Loadero's preset 3G (its latency of 250 ± 50 ms taken for both ways together)",
        both: mobile(delay: 125, jitter: 25, kilobitsPerSecond: 1_200, loss: 0.005))

    static let edge = NetworkProfile(
        name: "edge", summary: "325 ms each way, 260 kbit/s up, 200 down, 50 ms jitter, 1 % loss",
        source: "Loadero's preset Edge (its latency of 650 ± 100 ms taken for both ways together)",
        up: mobile(delay: 325, jitter: 50, kilobitsPerSecond: 260, loss: 0.01, queue: .milliseconds(1000)),
        down: mobile(delay: 325, jitter: 50, kilobitsPerSecond: 200, loss: 0.01, queue: .milliseconds(1000)))

    static let satellite = NetworkProfile(
        name: "satellite", summary: "300 ms each way, 256 kbit/s up, 1 Mbit/s down",
        source: "Loadero's preset satellite (rates, 600 ms both ways together)",
        up: LinkProfile(delay: .milliseconds(300), bitsPerSecond: 256_000, queueLimit: .milliseconds(500)),
        down: LinkProfile(delay: .milliseconds(300), bitsPerSecond: 1_000_000, queueLimit: .milliseconds(500)))

    private static func mobile(
        delay: Int, jitter: Int, kilobitsPerSecond: Int, loss: Double, queue: Duration = .milliseconds(300)
    ) -> LinkProfile {
        LinkProfile(
            delay: .milliseconds(delay), jitter: Jitter(standardDeviation: .milliseconds(jitter)),
            bitsPerSecond: kilobitsPerSecond * 1000, queueLimit: queue, loss: .independent(loss: loss))
    }
}
