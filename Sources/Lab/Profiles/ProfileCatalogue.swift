import Wire

/// The profiles that names on a command line may mean: those built in, and the user's own.
package struct ProfileCatalogue: Hashable, Sendable {
    /// In the order in which they were given.
    package let own: [NetworkProfile]

    package static let builtIn = ProfileCatalogue(own: [])

    /// - Precondition: names differ from each other and from those that are taken; `ProfileForm` sees to it.
    package init(own: [NetworkProfile]) { self.own = own }

    package var names: [String] { (NetworkProfile.all + own).map(\.name) }

    static func isTaken(_ name: String) -> Bool {
        name == everything || NetworkProfile.aliases[name] != nil || NetworkProfile.all.contains { $0.name == name }
    }

    /// What stands for all profiles.
    package static let everything = "all"

    /// The profile of a name, with the delay that it may name: `burst-10@25ms` is `burst-10` with 25 ms each way,
    /// `setup+seen` is `setup` with a client that has a ticket.
    package func profile(named text: String) -> NetworkProfile? {
        guard let name = ProfileName(text) else { return nil }
        let base = NetworkProfile.aliases[name.base] ?? name.base
        guard var profile = (NetworkProfile.all + own).first(where: { $0.name == base }) else { return nil }
        profile.name = ProfileName(base: base, isSeenBefore: name.isSeenBefore, delay: name.delay).text
        if name.isSeenBefore {
            profile.seenBefore = true
            profile.summary += ", and the client was here before"
        }
        guard let delay = name.delay else { return profile }
        profile.summary += ", at \(ProfileName.text(delay)) each way"
        profile.up.delay = delay
        profile.down.delay = delay
        return profile
    }

    /// The names of the profiles in a list, each once, in the order given; the usual ones when there is no list.
    package func names(in list: String?) throws(PlanError) -> [String] {
        guard let list else { return NetworkProfile.standard.map(\.name) }
        var chosen: [String] = []
        for text in list.split(separator: ",").map({ String($0.filter { $0 != " " }) }) {
            if text == Self.everything { return names }
            guard let profile = profile(named: text) else { throw .unknown(kind: "profile", name: text, expected: names) }
            if !chosen.contains(profile.name) { chosen.append(profile.name) }
        }
        guard !chosen.isEmpty else { throw .empty(kind: "profile") }
        return chosen
    }
}

/// The name of a profile with its parts: `BASE`, `BASE+seen` for a client that was here before, and either with `@DELAYms`, the
/// delay being that of each way. All of them have the network of the base: the same seed, the same losses.
package struct ProfileName: Hashable, Sendable {
    package var base: String
    package var isSeenBefore = false
    package var delay: Duration?

    init(base: String, isSeenBefore: Bool = false, delay: Duration?) {
        self.base = base
        self.isSeenBefore = isSeenBefore
        self.delay = delay
    }

    private static let seen = "+seen"

    /// `nil` where what follows the `@` is no delay of 0 to 10 000 ms.
    package init?(_ text: String) {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        isSeenBefore = parts[0].hasSuffix(Self.seen)
        base = isSeenBefore ? String(parts[0].dropLast(Self.seen.count)) : parts[0]
        guard parts.count == 2 else { return }
        guard parts[1].hasSuffix("ms"), let delay = Self.milliseconds(parts[1].dropLast(2)) else { return nil }
        self.delay = delay
    }

    /// Whole milliseconds, or with up to three decimals.
    private static func milliseconds(_ text: Substring) -> Duration? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
            let whole = Int(parts[0]), whole <= ProfileLimits.delayMilliseconds
        else { return nil }
        let fraction = parts.count == 2 ? parts[1] : "0"
        guard fraction.count <= 3, let thousandths = Int(fraction + String(repeating: "0", count: 3 - fraction.count)),
            whole * 1000 + thousandths <= ProfileLimits.delayMilliseconds * 1000
        else { return nil }
        return .microseconds(whole * 1000 + thousandths)
    }

    var text: String {
        let name = isSeenBefore ? base + Self.seen : base
        return delay.map { "\(name)@\(Self.text($0))" } ?? name
    }

    static func text(_ delay: Duration) -> String {
        var digits = decimal(delay.milliseconds, places: 3) ?? "0"
        while digits.hasSuffix("0") { digits.removeLast() }
        return (digits.hasSuffix(".") ? String(digits.dropLast()) : digits) + "ms"
    }
}
