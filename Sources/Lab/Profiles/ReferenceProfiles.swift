import Wire

/// Points that standards name, so that figures can be held against others'.
extension NetworkProfile {
    /// RFC 8868 section 4.5: one-way delays with the jitter of its section 4.5.5; and the path of RFC 8867 section 5. Its
    /// case 5.1 is left out: a capacity that falls to 0.6 Mbit/s means nothing to speech at 24 kbit/s.
    static let referencePaths: [NetworkProfile] = [1, 50, 150, 300].map(delayed) + [
        NetworkProfile(
            "rfc8867", "50 ms each way, 1 Mbit/s, jitter up to 30 ms, 300 ms queue, nothing lost",
            source: "RFC 8867 section 5 (rate, delay, jitter, queue)",
            both: LinkProfile(
                delay: .milliseconds(50), jitter: Jitter(standardDeviation: .milliseconds(10)), bitsPerSecond: 1_000_000,
                queueLimit: .milliseconds(300)))
    ]

    private static func delayed(_ milliseconds: Int) -> NetworkProfile {
        NetworkProfile(
            "rfc8868-\(milliseconds)ms", "\(milliseconds) ms each way, jitter of 5 ms, 10 Mbit/s, nothing lost",
            source: "RFC 8868 section 4.5 (delay, jitter, queue); rate is our own choice",
            both: reference {
                $0.delay = .milliseconds(milliseconds)
                $0.jitter = Jitter(standardDeviation: .milliseconds(5))
            })
    }

    /// ITU-T G.1050's severities C to H, which hurt; A and B lose one packet in ten thousand or none.
    static let severities: [NetworkProfile] = [
        Severity("c", delay: 16, loss: 0.0002, jitter: 16, flaps: (1800, 4), failures: (1800, 128), occupancy: 2),
        Severity("d", delay: 32, loss: 0.0004, jitter: 40, flaps: (900, 8), failures: (900, 256), occupancy: 4),
        Severity("e", delay: 64, loss: 0.001, jitter: 70, flaps: (480, 16), failures: (480, 400), occupancy: 8),
        Severity("f", delay: 128, loss: 0.002, jitter: 100, flaps: (240, 32), failures: (240, 800), occupancy: 15),
        Severity("g", delay: 256, loss: 0.005, jitter: 150, flaps: (120, 64), failures: (120, 1600), occupancy: 30),
        Severity("h", delay: 512, loss: 0.01, jitter: 500, flaps: (60, 128), failures: (60, 3000), occupancy: 50),
    ].map(\.profile)
}

/// A row of G.1050's table: the core network's base delay (regional), loss, greatest jitter, route flaps and link failures,
/// and how busy the access link is.
private struct Severity {
    private let letter: String
    private let delay: Int
    private let loss: Double
    private let jitter: Int
    private let flaps: (seconds: Int, milliseconds: Int)
    private let failures: (seconds: Int, milliseconds: Int)
    private let occupancy: Int

    /// Delays in milliseconds, the loss as a share, the occupancy in per cent.
    init(
        _ letter: String, delay: Int, loss: Double, jitter: Int, flaps: (Int, Int), failures: (Int, Int), occupancy: Int
    ) {
        self.letter = letter
        self.delay = delay
        self.loss = loss
        self.jitter = jitter
        self.flaps = flaps
        self.failures = failures
        self.occupancy = occupancy
    }

    var profile: NetworkProfile {
        let mean = decimal(accessLoss.meanLoss * 100, places: 2) ?? "?"
        return NetworkProfile(
            name: "g1050-\(letter)",
            summary: "\(delay) ms each way and up to \(jitter) ms more, \(mean) % loss, "
                + "link failure of \(failures.milliseconds) ms every \(failures.seconds) s",
            source: "ITU-T G.1050 (2007) core-to-LAN, severity \(letter.uppercased()), by the constants in SpanDSP's g1050.c; "
                + "the Recommendation itself was not at hand; LAN, access jitter and reordering are left out",
            up: link(bitsPerSecond: 768_000), down: link(bitsPerSecond: 7_000_000))
    }

    /// G.1050 draws jitter evenly between nothing and its greatest value: here a Gaussian of the same mean and variance.
    private func link(bitsPerSecond: Int) -> LinkProfile {
        var link = LinkProfile(
            delay: .milliseconds(delay) + .milliseconds(jitter) / 2,
            jitter: Jitter(standardDeviation: .microseconds(jitter * 1000 * 100 / 346)),
            bitsPerSecond: bitsPerSecond, queueLimit: .milliseconds(300), loss: accessLoss)
        link.routeFlaps = RouteFlaps(interval: .seconds(flaps.seconds), detour: .milliseconds(flaps.milliseconds))
        link.failures = LinkFailures(interval: .seconds(failures.seconds), length: .milliseconds(failures.milliseconds))
        return link
    }

    /// The access link's chain, which steps once a millisecond, brought to steps of 20 ms; the core loses evenly besides.
    private var accessLoss: GilbertElliott {
        let (into, out) = (0.0002 * Double(occupancy), 0.2 / Double(1 + occupancy))
        let high = 0.0005 * Double(occupancy)
        var stays = 1.0
        for _ in 0..<20 { stays *= 1 - into - out }
        let change = (1 - stays) / (into + out)
        return GilbertElliott(
            intoBad: into * change, outOfBad: out * change, lossInBad: 1 - (1 - loss) * (1 - high), lossInGood: loss)
    }
}
