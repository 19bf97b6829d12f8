internal import CNamespaces
internal import Glibc

/// One end of a pipe each way to a process: what is written there it reads, and the other way round.
struct PipeEnds: Hashable {
    var input: Int32
    var output: Int32
}

/// A process that this one started, with pipes to it. All of ours end when their standard input does: so none survives
/// the one that started it, however that ends.
struct ChildProcess {
    let name: String
    let identifier: pid_t
    /// What it reads and writes, where its pipes lead here.
    let pipes: PipeEnds

    /// The two pairs of ends of two new pipes: ours, and those of a process to be started.
    static func makePipes() throws(RealFailure) -> (ours: PipeEnds, theirs: PipeEnds) {
        var (down, up): ([Int32], [Int32]) = ([-1, -1], [-1, -1])
        guard parallax_pipe(&down) == 0, parallax_pipe(&up) == 0 else { throw .system("making a pipe") }
        // Who writes a report must not wait for its reader.
        _ = fcntl(up[1], setPipeSize, pipeByteCount)
        return (PipeEnds(input: down[1], output: up[0]), PipeEnds(input: down[0], output: up[1]))
    }

    private static let pipeByteCount: Int32 = 1 << 20
    /// `F_SETPIPE_SZ` of fcntl(2), which glibc declares under _GNU_SOURCE only.
    private static let setPipeSize: Int32 = 1031

    /// Starts a program in this thread's namespaces.
    /// - Parameters:
    ///   - program: its path.
    ///   - standard: what the process has as standard input and output.
    ///   - others: what it has as descriptors 3, 4, …
    static func start(
        _ name: String, program: String = ownProgram, arguments: [String], standard: PipeEnds, others: [Int32] = [],
        ours: PipeEnds
    ) throws(RealFailure) -> ChildProcess {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // Moved out of the way first: a source may have the number of a destination.
        let sources = [standard.input, standard.output] + others
        let destinations: [Int32] = [0, 1] + others.indices.map { Int32(3 + $0) }
        for (index, source) in sources.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, source, Self.parking + Int32(index))
        }
        for (index, destination) in destinations.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, Self.parking + Int32(index), destination)
        }
        for index in sources.indices { posix_spawn_file_actions_addclose(&actions, Self.parking + Int32(index)) }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var defaults = sigset_t()
        sigemptyset(&defaults)
        for signal in [SIGINT, SIGTERM] { sigaddset(&defaults, signal) }
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))

        var words: [UnsafeMutablePointer<CChar>?] = (["parallax"] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var identifier: pid_t = 0
        let result = posix_spawn(&identifier, program, &actions, &attributes, &words, environ)
        guard result == 0 else {
            throw .system(operation: "starting the \(name) process", reason: String(cString: strerror(result)))
        }
        return ChildProcess(name: name, identifier: identifier, pipes: ours)
    }

    /// The program that this process is.
    static let ownProgram = "/proc/self/exe"

    /// Above every descriptor that a run has.
    private static let parking: Int32 = 200

    /// A terminal's SIGINT goes to every process of a run: the one that started it decides what follows.
    static func leaveInterruptsToParent() { signal(SIGINT, SIG_IGN) }

    /// Closes the pipe that the process reads, which ends it, and waits for its end.
    func finish() {
        close(pipes.input)
        var status: Int32 = 0
        while waitpid(identifier, &status, 0) < 0, errno == EINTR {}
        close(pipes.output)
    }
}
