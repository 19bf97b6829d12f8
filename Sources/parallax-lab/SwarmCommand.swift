internal import ArgumentParser
internal import Foundation
internal import Lab

/// `parallax-lab swarm`: random sessions under random faults, until so many frames were captured.
struct SwarmCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "swarm",
        abstract: "Drives random sessions through random faults and audits every promise.",
        discussion: """
            A swarm is one server and six clients in virtual time. Transports, modes, networks, talk, mode changes, connections that \
            are cut, addresses that change and moves to other transports are drawn from its seed; after 15 s the networks heal, \
            and every session must come to its end with every frame, event and receipt accounted for. A swarm that breaks a \
            promise prints its seed:

              parallax-lab swarm --frames 1000000
              parallax-lab swarm --replay 1234567890
            """)

    @Option(help: "Swarms follow one another until their clients have captured so many frames.")
    var frames = 100_000

    @Option(help: "Which series of swarms.")
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("Run the one swarm of this seed.", valueName: "seed"))
    var replay: UInt64?

    func validate() throws {
        guard frames >= 1 else { throw ValidationError("--frames is 1 or more") }
    }

    func run() throws {
        let swarm = try Swarm(clock: .virtual)
        let start = ContinuousClock.now
        var counts = SwarmCounts()
        var (swarms, broken) = (0, 0)
        repeat {
            let report = swarm.run(seed: replay ?? Swarm.seed(seed, index: swarms))
            swarms += 1
            counts += report.counts
            guard !report.violations.isEmpty else { continue }
            broken += 1
            print("swarm \(report.seed) broke \(report.violations.count) promises:")
            for violation in report.violations { print("  \(violation)") }
            print("  replay: parallax-lab swarm --replay \(report.seed)")
        } while replay == nil && counts.frames < frames
        describe(counts, swarms: swarms, broken: broken, seconds: (ContinuousClock.now - start) / .seconds(1))
        if broken > 0 { throw ExitCode(1) }
    }

    private func describe(_ counts: SwarmCounts, swarms: Int, broken: Int, seconds: Double) {
        print("""
            swarms    \(swarms) of \(counts.clients) clients, \(broken) broken, in \(Int(seconds.rounded())) s
            sessions  \(counts.sessions) ended in good order, \(counts.resumes) resumes
            frames    \(counts.frames) captured, \(counts.framesDecided) in prompts, \(counts.framesMissing) missing, \
            \(counts.framesCleared) cleared, \(counts.answerFrames) answered
            on the server  \(counts.framesLost) never came, \(counts.framesAfterDecision) came after the decision, \
            \(counts.framesDuplicate) came again, \(counts.framesOutside) were of no prompt
            prompts   \(counts.prompts), \(counts.intact) of them intact
            faults    \(counts.networkChanges) networks, \(counts.resets) resets, \(counts.rebindings) rebindings, \
            \(counts.switches) switches, \(counts.modeChanges) mode changes
            packets   \(counts.packets), of these \(counts.packetsDropped) dropped, \(counts.packetsDoubled) doubled, \
            \(counts.packetsCorrupted) corrupted, \(counts.packetsStray) to nowhere
            """)
    }
}
