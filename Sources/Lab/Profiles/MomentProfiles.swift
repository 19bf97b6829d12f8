import Wire

/// What happens once, as a function of time and seed: time 0 is the client's first packet.
extension NetworkProfile {
    static let outage2s = NetworkProfile(
        "outage-2s", "clean, and nothing passes for 2 s, beginning 1 to 3 s after the first packet",
        source: "our own choice; the longest link failures of ITU-T G.1050 last 0.4 to 3 s",
        both: reference {
            $0.outage = Outage(
                earliestStart: .milliseconds(1000), latestStart: .milliseconds(3000), length: .milliseconds(2000))
        })

    /// Long enough for a client to take its connection for dead.
    static let blackout = NetworkProfile(
        "blackout", "clean, and nothing passes for 6 s, beginning 1 to 3 s after the first packet",
        source: "our own choice: a lift, a tunnel, a change of network",
        both: reference {
            $0.outage = Outage(
                earliestStart: .milliseconds(1000), latestStart: .milliseconds(3000), length: .milliseconds(6000))
        })

    static let natRebinding = {
        var profile = NetworkProfile(
            "nat-rebinding", "clean, and 1 to 3 s after the first packet the client's NAT takes it for another",
            source: "our own choice; RFC 9000 section 9.3 says what QUIC does",
            both: reference { _ in })
        profile.rebinding = Rebinding(earliest: .milliseconds(1000), latest: .milliseconds(3000))
        return profile
    }()

    /// The first words: they are spoken while the connection opens, and the outage begins before the first of them could arrive,
    /// or a little later.
    static let startLoss = NetworkProfile(
        "start-loss", "clean, speech begins at once, and nothing passes for 500 ms, beginning 100 to 300 ms later",
        source: "our own choice: QUIC opens in one round trip of 100 ms here",
        both: reference {
            $0.outage = Outage(
                earliestStart: .milliseconds(100), latestStart: .milliseconds(300), length: .milliseconds(500))
        }, speaksWhileOpening: true)

    /// The handshakes, and what is said meanwhile: by the time at which even slow set-ups are over, the network is clean.
    static let setup = NetworkProfile(
        "setup", "clean, speech begins at once, and in the first 2 s a fifth of all packets is lost",
        source: "our own choice; the loss is the greatest of RFC 8868 section 4.5",
        both: reference { $0.openingLoss = OpeningLoss(loss: .independent(loss: 0.20), length: .seconds(2)) },
        speaksWhileOpening: true)
}
