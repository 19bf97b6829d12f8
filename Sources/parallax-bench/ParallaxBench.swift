internal import ArgumentParser

/// Prints what one core of this machine does with frames. It holds no thresholds: figures are for people to read.
@main
struct ParallaxBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parallax-bench",
        abstract: "Measures the server against a bare UDP echo on the same machine, in the same run.",
        discussion: """
            Every server runs in a process of its own, pinned to one core; the load comes from this process. \
            Each figure is given as min / median / max over the repeats, and with the CPU that both sides used, \
            so that a reader sees which of the two was the limit.

            A paced figure measures wake-ups, a saturated one the work of a frame. Don't compare one with the other.
            """,
        subcommands: [
            AllCommand.self, FloorCommand.self, SaturatedCommand.self, PacedCommand.self, ChurnCommand.self,
            VirtualCommand.self,
            FloorServer.self, DriverServer.self, LoopbackServer.self,
        ],
        defaultSubcommand: AllCommand.self)
}
