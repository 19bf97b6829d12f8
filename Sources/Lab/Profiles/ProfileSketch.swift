import Wire

/// What one direction of a profile does to a flow of one small packet every 20 ms, for one seed.
package struct LinkSketch: Hashable, Sendable {
    package let link: LinkProfile
    /// From sending to arrival, in milliseconds, packet by packet; `nil` for a lost one.
    package let delays: [Double?]

    /// - Parameter seconds: how long the flow lasts.
    package init(_ link: LinkProfile, seed: UInt64, seconds: Int) {
        self.link = link
        var simulated = Link(link, seed: seed)
        delays = (0..<seconds * Self.packetsPerSecond).map { index in
            let now = Instant.zero + .milliseconds(20 * index)
            guard case .delivered(let arrival) = simulated.send(byteCount: Self.byteCount, now: now) else { return nil }
            return (arrival - now).milliseconds
        }
    }

    private static let packetsPerSecond = 50
    /// A frame of speech with what QUIC puts around it.
    private static let byteCount = 120

    package var lostShare: Double { delays.isEmpty ? 0 : Double(delays.count { $0 == nil }) / Double(delays.count) }

    /// Each column's share of packets that were lost: a dot for none, and blocks that grow.
    package func losses(width: Int) -> String {
        String(columns(width).map { column in
            let lost = column.count { $0 == nil }
            return lost == 0 ? "·" : Self.block(Double(lost) / Double(column.count))
        })
    }

    /// Each column's mean delay between the least and the greatest of all; a gap where nothing arrived.
    package func delayLine(width: Int) -> String {
        let all = Sample(delays.compactMap { $0 })
        guard let low = all.sorted.first, let high = all.sorted.last else { return String(repeating: " ", count: width) }
        return String(columns(width).map { column in
            guard let mean = Sample(column.compactMap { $0 }).mean else { return " " }
            return high - low < 0.5 ? Self.blocks[0] : Self.block((mean - low) / (high - low))
        })
    }

    private func columns(_ width: Int) -> [ArraySlice<Double?>] {
        let count = min(max(1, width), max(1, delays.count))
        return (0..<count).map { delays[($0 * delays.count / count)..<(($0 + 1) * delays.count / count)] }
    }

    private static let blocks: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]

    private static func block(_ share: Double) -> Character {
        blocks[min(blocks.count - 1, max(0, Int((share * Double(blocks.count)).rounded(.up)) - 1))]
    }
}

/// A profile drawn for one seed.
package struct ProfileSketch: Hashable, Sendable {
    package let profile: NetworkProfile
    package let seed: UInt64
    package let up: LinkSketch
    package let down: LinkSketch

    package init(_ profile: NetworkProfile, seed: UInt64, seconds: Int) {
        self.profile = profile
        self.seed = seed
        let seeds = TrialSeed(sweep: seed, profile: ProfileName(profile.name)?.base ?? profile.name, clip: "", trial: 0)
        up = LinkSketch(profile.up, seed: seeds.upLink, seconds: seconds)
        down = LinkSketch(profile.down, seed: seeds.downLink, seconds: seconds)
    }

    /// Lines of at most `width` characters below the profile's name.
    package func lines(width: Int) -> [String] {
        let isAlike = profile.up == profile.down
        var lines = Self.lines(of: up, title: isAlike ? "each way" : "up", width: width)
        if !isAlike { lines += Self.lines(of: down, title: "down", width: width) }
        return lines
    }

    private static func lines(of sketch: LinkSketch, title: String, width: Int) -> [String] {
        let strip = max(10, width - 8)
        let all = Sample(sketch.delays.compactMap { $0 })
        let (low, high) = (number(all.sorted.first), number(all.sorted.last))
        return [
            String("\(title): \(numbers(of: sketch.link))".prefix(width)),
            "  lost  \(sketch.losses(width: strip))",
            "  delay \(sketch.delayLine(width: strip))",
            "        \(number(sketch.lostShare * 100)) % lost; \(low) to \(high) ms",
        ]
    }

    private static func numbers(of link: LinkProfile) -> String {
        var parts = ["\(ProfileName.text(link.delay))"]
        if let jitter = link.jitter { parts.append("jitter \(ProfileName.text(jitter.standardDeviation))") }
        parts.append("\(number(Double(link.bitsPerSecond) / 1_000_000)) Mbit/s")
        if let trace = link.trace {
            parts.append("by a trace of \(number(Double(trace.period) / 1000)) s, queue \(trace.queueByteCount) bytes")
        } else {
            parts.append("queue \(ProfileName.text(link.queueLimit))")
        }
        if let loss = link.loss {
            parts.append("loss \(number(loss.meanLoss * 100)) %, mean run \(number(loss.meanBadRun)) frames")
        }
        return parts.joined(separator: ", ")
    }

    private static func number(_ value: Double?) -> String {
        guard let value, var text = decimal(value, places: 2) else { return "-" }
        while text.hasSuffix("0") { text.removeLast() }
        return text.hasSuffix(".") ? String(text.dropLast()) : text
    }

    /// Numbers for a program: the profile's, and every packet's delay.
    package var json: String {
        let members = [
            ("name", jsonString(profile.name)), ("summary", jsonString(profile.summary)), ("source", jsonString(profile.source)),
            ("seed", String(seed)), ("up", Self.json(of: up)), ("down", Self.json(of: down)),
        ]
        return "{" + members.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}"
    }

    private static func json(of sketch: LinkSketch) -> String {
        let link = sketch.link
        var members: [(String, RowValue)] = [
            ("delay_ms", .number(link.delay.milliseconds)),
            ("jitter_ms", .number(link.jitter?.standardDeviation.milliseconds ?? 0)),
            ("kbit_per_s", .number(Double(link.bitsPerSecond) / 1000)),
            ("loss_percent", .number((link.loss?.meanLoss ?? 0) * 100)),
            ("mean_burst_frames", link.loss.map { .number($0.meanBadRun) } ?? .null),
        ]
        if let trace = link.trace {
            members.append(("queue_bytes", .integer(trace.queueByteCount)))
        } else {
            members.append(("queue_ms", .number(link.queueLimit.milliseconds)))
        }
        let delays = sketch.delays.map { ($0.map(RowValue.number) ?? .null).json }.joined(separator: ",")
        return "{" + members.map { "\"\($0.0)\":\($0.1.json)" }.joined(separator: ",")
            + ",\"packet_interval_ms\":20,\"packet_delay_ms\":[\(delays)]}"
    }
}
