internal import ArgumentParser

/// The root of the command line. Each command stands in a file of its own.
struct ParallaxCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parallax",
        abstract: "Looks at one voice session from several lines of sight.",
        discussion: """
            One server offers the same session over several transports, and each session chooses how reliably its \
            audio travels. Parallax measures what that choice does to a spoken prompt.

            See it on this machine: start a server in one terminal,

              parallax serve

            and speak a recorded clip to it from another, with the certificate hash that the server printed:

              parallax talk https://127.0.0.1:4433 prompt.wav --certificate-sha256 HASH

            The receipt says whether every frame of the prompt arrived, and when. Add --transport roq or --mode stream \
            and compare.
            """,
        subcommands: [
            CompareCommand.self, ServeCommand.self, TalkCommand.self, ProfilesCommand.self,
            RealNetworkCommand.self, RealClientsCommand.self, RealServerCommand.self,
        ])
}
