internal import Lab

/// How numbers and names are written.
enum Wording {
    /// Keeps a number and its unit on one line.
    static let space = "\u{A0}"

    static func number(_ number: Double?, places: Int) -> String {
        guard let text = number.flatMap({ decimal($0, places: places) }) else { return "–" }
        guard text.hasPrefix("-") else { return text }
        // No minus before nothing.
        return text.contains { $0 != "-" && $0 != "0" && $0 != "." } ? "\u{2212}" + text.dropFirst() : String(text.dropFirst())
    }

    static func milliseconds(_ value: Double?) -> String { number(value, places: 0) + space + "ms" }

    /// A share in per cent.
    static func percent(_ share: Double?) -> String { percentNumber(share) + space + "%" }

    /// With a decimal where there is one to tell; "100" and "0" stand for all and nothing, never for nearly.
    static func percentNumber(_ share: Double?) -> String {
        guard let share else { return "–" }
        let text = number(share * 100, places: 1)
        if text == "100.0", share < 1 { return ">99.9" }
        if text == "0.0", share > 0 { return "<0.1" }
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    /// In whole per cent, as the table on the terminal has it.
    static func percentInterval(_ interval: Interval?) -> String {
        guard let interval else { return "" }
        return "[\(number(interval.low * 100, places: 0))–\(number(interval.high * 100, places: 0))]"
    }

    static func interval(_ interval: Interval?, places: Int) -> String {
        guard let interval else { return "" }
        return "[\(number(interval.low, places: places)) to \(number(interval.high, places: places))]"
    }

    /// From the least to the greatest of some values: one number where they are written alike.
    static func range(_ values: [Double], unit: String, _ written: (Double) -> String) -> String {
        guard let least = values.min(), let most = values.max() else { return "–" }
        let (low, high) = (written(least), written(most))
        return (low == high ? low : "\(low)–\(high)") + space + unit
    }

    static func millisecondsRange(_ values: [Double]) -> String { range(values, unit: "ms") { number($0, places: 0) } }
    static func percentRange(_ shares: [Double]) -> String { range(shares, unit: "%") { number($0 * 100, places: 0) } }

    static func list(_ words: [String]) -> String {
        guard let last = words.last else { return "" }
        return words.count == 1 ? last : words.dropLast().joined(separator: ", ") + " and " + last
    }

    static func transport(_ name: String) -> String {
        switch name {
        case "webtransport": "WebTransport"
        case "roq": "RoQ"
        case "webrtc": "WebRTC"
        case "websocket": "WebSocket"
        default: move(name).map { "\(transport($0.from)) to \(transport($0.to))" + ($0.after.map { " after \($0)" } ?? "") } ?? name
        }
    }

    /// The parts of the name of a session that moves: `roq>webrtc@1.5s`.
    private static func move(_ name: String) -> (from: String, to: String, after: String?)? {
        let ends = name.split(separator: ">", maxSplits: 1).map(String.init)
        guard ends.count == 2 else { return nil }
        let target = ends[1].split(separator: "@", maxSplits: 1).map(String.init)
        return (ends[0], target.first ?? "", target.count == 2 ? target[1] : nil)
    }

    /// Short enough to stand beside each of many rows.
    static func shortTransport(_ name: String) -> String {
        switch name {
        case "webtransport": "WT"
        case "roq": "RoQ"
        case "webrtc": "RTC"
        case "websocket": "WS"
        default: move(name).map { "\(shortTransport($0.from))→\(shortTransport($0.to))" } ?? String(name.prefix(8))
        }
    }

    /// Combinations in as few words as name them: modes that have the same transports stand together.
    /// - Parameter all: what there is; a mode over all its transports needs no list of them.
    static func combinations(_ some: [Combination], of all: [Combination]) -> String {
        guard some.count < all.count || all.count == 1 else { return "every mode" + everywhere(all) }
        var modes: [String] = []
        for combination in some where !modes.contains(combination.mode) { modes.append(combination.mode) }
        var groups: [(transports: [String], isAll: Bool, modes: [String])] = []
        for mode in modes {
            let transports = some.filter { $0.mode == mode }.map(\.transport)
            let isAll = transports.count == all.count { $0.mode == mode }
            if let index = groups.firstIndex(where: { $0.transports == transports && $0.isAll == isAll }) {
                groups[index].modes.append(mode)
            } else {
                groups.append((transports, isAll, [mode]))
            }
        }
        return groups.map { group in
            let over = group.isAll ? everywhere(all.filter { group.modes.contains($0.mode) })
                : " over " + list(group.transports.map(transport))
            return list(group.modes) + over
        }.joined(separator: "; ")
    }

    private static func everywhere(_ combinations: [Combination]) -> String {
        let transports = Set(combinations.map(\.transport))
        guard transports.count > 1 else { return transports.first.map { " over " + transport($0) } ?? "" }
        return " over every transport"
    }
}
