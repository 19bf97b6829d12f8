import Wire

/// Loss and nothing else: 1, 5, 10 and 20 % (RFC 8868 section 4.5), independent or in bursts of 3 and 10 frames on average.
///
/// A mean burst of one frame is independent loss, whose mean run is 1 / (1 - loss). Losses that are always alone would need
/// a network that remembers which packet it lost last, and so would be no function of time.
extension NetworkProfile {
    private static let percentages = [1, 5, 10, 20]
    private static let burstLengths = [3, 10]

    static let independentLoss: [NetworkProfile] = percentages.map(independent)

    static let burstyLoss: [NetworkProfile] = percentages.flatMap { percent in
        burstLengths.map { bursts(percent, meanLength: $0) }
    }

    static let random10 = independent(10)
    static let burst5 = bursts(5, meanLength: 3)
    static let burst10 = bursts(10, meanLength: 10)

    /// Names that the system of names gives to profiles that have shorter ones, and others in use.
    static let aliases: [String: String] = [
        "burst-5x3": "burst-5", "burst-10x10": "burst-10",
        "burst-1x1": "random-1", "burst-5x1": "random-5", "burst-10x1": "random-10", "burst-20x1": "random-20",
        "4g": "lte",
    ]

    private static func independent(_ percent: Int) -> NetworkProfile {
        NetworkProfile(
            "random-\(percent)", "clean with \(percent) % independent loss", source: "RFC 8868 section 4.5 (loss)",
            both: reference { $0.loss = .independent(loss: Double(percent) / 100) })
    }

    private static func bursts(_ percent: Int, meanLength frames: Int) -> NetworkProfile {
        let name = "burst-\(percent)x\(frames)"
        let loss = GilbertElliott.bursts(loss: Double(percent) / 100, meanLength: Double(frames))
        let (into, out) = (Self.percent(loss.intoBad, places: 3), Self.percent(loss.outOfBad, places: 2))
        return NetworkProfile(
            aliases[name] ?? name,
            "clean with \(percent) % loss in bursts of \(frames * 20) ms on average (\(frames) frames)",
            source: "Gilbert chain, p \(into) %, r \(out) % per 20 ms", both: reference { $0.loss = loss })
    }

    /// A share as a number of per cent, without zeros at its end.
    private static func percent(_ share: Double, places: Int) -> String {
        var text = decimal(share * 100, places: places) ?? "?"
        while text.hasSuffix("0") { text.removeLast() }
        return text.hasSuffix(".") ? String(text.dropLast()) : text
    }
}
