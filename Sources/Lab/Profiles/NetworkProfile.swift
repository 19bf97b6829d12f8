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
    /// Whether the talker begins with the client's first packet, while the connection is still opening, and not when it is
    /// open: what is lost of the beginning then is the transport's doing.
    package var speaksWhileOpening = false
    /// Whether the client has a ticket of an earlier connection to the server: over QUIC it may send before it has heard
    /// anything (docs/early-data.md).
    package var seenBefore = false
    /// `nil` where no NAT forgets.
    package var rebinding: Rebinding?

    package init(name: String, summary: String, source: String, up: LinkProfile, down: LinkProfile) {
        self.name = name
        self.summary = summary
        self.source = source
        self.up = up
        self.down = down
    }

    /// A network that is the same in both directions.
    init(_ name: String, _ summary: String, source: String, both link: LinkProfile, speaksWhileOpening: Bool = false) {
        self.init(name: name, summary: summary, source: source, up: link, down: link)
        self.speaksWhileOpening = speaksWhileOpening
    }

    /// The round trip of an empty network.
    package var roundTrip: Duration { up.delay + down.delay }

    /// The built-in profile that a name stands for, with the delay that it may name: `burst-10@25ms`.
    package static func named(_ name: String) -> NetworkProfile? { ProfileCatalogue.builtIn.profile(named: name) }
}

/// Profiles that belong together in a list.
package struct ProfileGroup: Sendable {
    package let title: String
    package let profiles: [NetworkProfile]

    package init(title: String, profiles: [NetworkProfile]) {
        self.title = title
        self.profiles = profiles
    }
}

extension NetworkProfile {
    /// All that is built in, in the order in which lists show it.
    package static let groups: [ProfileGroup] = [
        ProfileGroup(title: "Loss: 50 ms each way, and nothing else wrong", profiles: [clean] + independentLoss + burstyLoss),
        ProfileGroup(title: "Moments: what happens once, or at the beginning", profiles: [outage2s, blackout, natRebinding, startLoss, setup]),
        ProfileGroup(title: "Queues: others fill and drain them", profiles: [bufferbloat] + queues),
        ProfileGroup(title: "Access networks", profiles: accessNetworks),
        ProfileGroup(title: "RFC 8868 and RFC 8867: reference paths", profiles: referencePaths),
        ProfileGroup(title: "ITU-T G.1050: severities, core and one access link", profiles: severities),
    ]

    package static let all: [NetworkProfile] = groups.flatMap(\.profiles)

    /// What `parallax compare` runs when no profile is named.
    package static let standard: [NetworkProfile] = [clean, random10, burst5, burst10, bufferbloat, outage2s]

    /// RFC 8867's reference path, faster: profiles that differ from it in one thing only show what that thing does.
    static let reference = LinkProfile(delay: .milliseconds(50), bitsPerSecond: 10_000_000, queueLimit: .milliseconds(300))

    static func reference(_ change: (inout LinkProfile) -> Void) -> LinkProfile {
        var link = reference
        change(&link)
        return link
    }

    static let clean = NetworkProfile(
        "clean", "50 ms each way, 10 Mbit/s, nothing lost", source: "RFC 8867 section 5 (delay, queue)", both: reference)
}
