import Wire

/// A narrow hop that others use too, with the drop-tail queues of RFC 8868 section 4.5.
extension NetworkProfile {
    static let bufferbloat = NetworkProfile(
        name: "bufferbloat", summary: "2 Mbit/s up behind a 1 s queue that others fill and drain",
        source: "RFC 8868 section 4.5 (1 s drop-tail queue); cross traffic is our own choice",
        up: crowded(queue: .milliseconds(1000)), down: reference)

    static let queues: [NetworkProfile] = [70, 300, 2000].map { milliseconds in
        NetworkProfile(
            name: "queue-\(milliseconds)", summary: "bufferbloat with a queue of \(milliseconds) ms",
            source: "RFC 8868 section 4.5 (drop-tail queue); cross traffic is our own choice",
            up: crowded(queue: .milliseconds(milliseconds)), down: reference)
    }

    private static func crowded(queue: Duration) -> LinkProfile {
        reference {
            $0.bitsPerSecond = 2_000_000
            $0.queueLimit = queue
            $0.crossTraffic = CrossTraffic(
                busyLoad: 1.5, quietLoad: 0.4, meanBusy: .milliseconds(2000), meanQuiet: .milliseconds(2000))
        }
    }
}
