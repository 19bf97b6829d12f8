import Wire

/// A named network: both directions, what it stands for and where its numbers come from.
package struct NetworkProfile: Hashable, Sendable {
    package var name: String
    /// One line for `parallax profiles`.
    package var summary: String
    /// Where the numbers come from.
    package var source: String
    /// From the client to the server.
    package var up: LinkProfile
    package var down: LinkProfile

    package init(name: String, summary: String, source: String, up: LinkProfile, down: LinkProfile) {
        self.name = name
        self.summary = summary
        self.source = source
        self.up = up
        self.down = down
    }

    /// The round trip of an empty network.
    package var roundTrip: Duration { up.delay + down.delay }

    package static func named(_ name: String) -> NetworkProfile? { all.first { $0.name == name } }
}

extension NetworkProfile {
    /// All profiles, in the order in which tables show them.
    package static let all: [NetworkProfile] = [
        clean, random10, burst5, burst10, bufferbloat, outage2s, wifi, lte, satellite,
    ]

    /// What `parallax compare` runs when no profile is named.
    package static let standard: [NetworkProfile] = [clean, random10, burst5, burst10, bufferbloat, outage2s]

    /// RFC 8867's reference path, faster: profiles that differ from it in one thing only show what that thing does.
    private static let reference = LinkProfile(
        delay: .milliseconds(50), bitsPerSecond: 10_000_000, queueLimit: .milliseconds(300))

    private static func reference(_ change: (inout LinkProfile) -> Void) -> LinkProfile {
        var link = reference
        change(&link)
        return link
    }

    static let clean = NetworkProfile(
        name: "clean", summary: "50 ms each way, 10 Mbit/s, nothing lost",
        source: "RFC 8867 section 5 (delay, queue)",
        up: reference, down: reference)

    static let random10 = NetworkProfile(
        name: "random-10", summary: "clean with 10 % independent loss",
        source: "RFC 8868 section 4.5 (loss)",
        up: reference { $0.loss = .independent(loss: 0.10) }, down: reference { $0.loss = .independent(loss: 0.10) })

    static let burst5 = NetworkProfile(
        name: "burst-5", summary: "clean with 5 % loss in bursts of 60 ms on average (3 frames)",
        source: "Gilbert chain, p 1.754 %, r 33.33 % per 20 ms",
        up: reference { $0.loss = .bursts(loss: 0.05, meanLength: 3) },
        down: reference { $0.loss = .bursts(loss: 0.05, meanLength: 3) })

    static let burst10 = NetworkProfile(
        name: "burst-10", summary: "clean with 10 % loss in bursts of 200 ms on average (10 frames)",
        source: "Gilbert chain, p 1.111 %, r 10 % per 20 ms",
        up: reference { $0.loss = .bursts(loss: 0.10, meanLength: 10) },
        down: reference { $0.loss = .bursts(loss: 0.10, meanLength: 10) })

    static let bufferbloat = NetworkProfile(
        name: "bufferbloat", summary: "2 Mbit/s up behind a 1 s queue that others fill and drain",
        source: "RFC 8868 section 4.5 (1 s drop-tail queue); cross traffic is our own choice",
        up: reference {
            $0.bitsPerSecond = 2_000_000
            $0.queueLimit = .milliseconds(1000)
            $0.crossTraffic = CrossTraffic(
                busyLoad: 1.5, quietLoad: 0.4, meanBusy: .milliseconds(2000), meanQuiet: .milliseconds(2000))
        },
        down: reference)

    static let outage2s = NetworkProfile(
        name: "outage-2s", summary: "clean, and nothing passes for 2 s, beginning 1 to 3 s after the first packet",
        source: "our own choice; the longest link failures of ITU-T G.1050 last 0.4 to 3 s",
        up: reference { $0.outage = twoSeconds }, down: reference { $0.outage = twoSeconds })

    private static let twoSeconds = Outage(
        earliestStart: .milliseconds(1000), latestStart: .milliseconds(3000), length: .milliseconds(2000))

    static let wifi = NetworkProfile(
        name: "wifi", summary: "50 ms each way, 20 Mbit/s, 10 ms jitter, 1 % loss in bursts of 60 ms",
        source: "RFC 8869 section 4 (rate, delay, jitter, queue); loss by RFC 8868",
        up: wifiLink, down: wifiLink)

    private static let wifiLink = LinkProfile(
        delay: .milliseconds(50), jitter: Jitter(standardDeviation: .milliseconds(10)), bitsPerSecond: 20_000_000,
        queueLimit: .milliseconds(300), loss: .bursts(loss: 0.01, meanLength: 3))

    static let lte = NetworkProfile(
        name: "lte", summary: "45 ms each way, 50 Mbit/s up, 100 down, 5 and 15 ms jitter, 0.2 % loss",
        source: "Loadero's preset 4G",
        up: LinkProfile(
            delay: .milliseconds(45), jitter: Jitter(standardDeviation: .milliseconds(5)), bitsPerSecond: 50_000_000,
            queueLimit: .milliseconds(300), loss: .independent(loss: 0.002)),
        down: LinkProfile(
            delay: .milliseconds(45), jitter: Jitter(standardDeviation: .milliseconds(15)), bitsPerSecond: 100_000_000,
            queueLimit: .milliseconds(300), loss: .independent(loss: 0.002)))

    static let satellite = NetworkProfile(
        name: "satellite", summary: "300 ms each way, 256 kbit/s up, 1 Mbit/s down",
        source: "Loadero's preset satellite (rates, 600 ms both ways together)",
        up: LinkProfile(delay: .milliseconds(300), bitsPerSecond: 256_000, queueLimit: .milliseconds(500)),
        down: LinkProfile(delay: .milliseconds(300), bitsPerSecond: 1_000_000, queueLimit: .milliseconds(500)))
}
