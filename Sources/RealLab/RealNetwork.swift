internal import CNamespaces
internal import Glibc
package import Lab

/// The process between the two namespaces: makes them, starts the clients' and the server's process in them, and relays.
package enum RealNetwork {
    /// Descriptors that this process finds open: the pipes of the two others.
    private static let clientPipes = PipeEnds(input: 3, output: 4)
    private static let serverPipes = PipeEnds(input: 5, output: 6)

    /// Runs until standard input ends. Must be called before the process has a second thread.
    /// - Parameters:
    ///   - profiles: where the links' profiles are found by name.
    ///   - clientArguments: what this program is started with to be the clients' process.
    /// - Throws: `RealFailure`; where the network cannot be made, the reason has gone to standard output already.
    package static func run(profiles: ProfileCatalogue, clientArguments: [String], serverArguments: [String]) throws {
        ChildProcess.leaveInterruptsToParent()
        signal(SIGPIPE, SIG_IGN)
        // Neither of the two has the other's: the end of one must be seen at its pipe.
        for pipes in [clientPipes, serverPipes] { [pipes.input, pipes.output].forEach { _ = fcntl($0, F_SETFD, FD_CLOEXEC) } }
        goBeforeOthers()
        var children: [ChildProcess] = []
        defer {
            for child in children {
                kill(child.identifier, SIGTERM)
                child.finish()
            }
        }
        let loop: RelayLoop
        do {
            let (client, server) = try NetworkNamespace.makeBoth { () throws(RealFailure) in
                children.append(try start("client", clientArguments, clientPipes))
            }
            children.append(try start("server", serverArguments, serverPipes))
            loop = RelayLoop(client: client, server: server, profiles: profiles)
        } catch {
            RelayReport.refused(code: error.code, reason: error.description).write(to: STDOUT_FILENO)
            throw error
        }
        // Where it is not granted, packets may be late; how late, every row says.
        _ = parallax_run_first()
        RelayReport.ready.write(to: STDOUT_FILENO)
        var running = loop
        try running.run(input: STDIN_FILENO, output: STDOUT_FILENO)
    }

    /// Asks for more time than this machine's other programs get, for this process and those it starts. Where it is not granted, the
    /// ends may be late; how late, every row says.
    private static func goBeforeOthers() {
        // A session has its turns as a whole, and priorities count within it (sched(7), "The autogroup feature"): it is its own, and is
        // put first.
        guard setsid() >= 0 else { return }
        _ = setpriority(Int32(PRIO_PROCESS.rawValue), 0, priority)
        _ = NetworkNamespace.write("\(priority)", to: "/proc/self/autogroup")
    }

    /// -20 is the most.
    private static let priority: Int32 = -15

    /// The process has the pipes from here on; only its ends keep them open.
    private static func start(_ name: String, _ arguments: [String], _ pipes: PipeEnds) throws(RealFailure) -> ChildProcess {
        let child = try ChildProcess.start(name, arguments: arguments, standard: pipes, ours: PipeEnds(input: -1, output: -1))
        close(pipes.input)
        close(pipes.output)
        return child
    }
}
