internal import Glibc

/// A server in a process of its own, pinned to the last core, so that its CPU and memory can be read alone.
final class ServerProcess {
    let pid: pid_t
    /// The UDP port it listens on at 127.0.0.1.
    let port: UInt16
    /// The TCP port of its plain HTTP there; `nil` where it has none.
    let httpPort: UInt16?
    private let output: Int32
    private var isRunning = true

    enum Failure: Error, CustomStringConvertible {
        case notStarted(errno: Int32)
        case saidNothing

        var description: String {
            switch self {
            case .notStarted(let code): "the server's process did not start: \(String(cString: strerror(code)))"
            case .saidNothing: "the server's process ended before it named its port"
            }
        }
    }

    /// Starts this executable again with `arguments`; it must print its ports as its first line.
    init(arguments: [String]) throws {
        let core = ProcessFigures.coreCount - 1
        let command = ["taskset", "-c", "\(core)", try Self.ownPath()] + arguments
        try Self.keepOff(core)
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw Failure.notStarted(errno: errno) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
        posix_spawn_file_actions_addclose(&actions, ends[0])
        let child: pid_t
        do {
            defer { close(ends[1]) }
            child = try Self.spawn(command, &actions)
        }
        let ports = Self.firstLine(of: ends[0])?.split(separator: " ").map { UInt16($0) } ?? []
        guard let first = ports.first, let port = first else {
            kill(child, SIGKILL)
            waitpid(child, nil, 0)
            close(ends[0])
            throw Failure.saidNothing
        }
        pid = child
        output = ends[0]
        self.port = port
        httpPort = ports.dropFirst().first ?? nil
    }

    deinit { stop() }

    /// Ends the process and waits until it is gone.
    func stop() {
        guard isRunning else { return }
        isRunning = false
        kill(pid, SIGTERM)
        waitpid(pid, nil, 0)
        close(output)
    }

    /// Keeps this process, which is the load, off the server's core where there is another: a server that waits for its
    /// core has the load's delays in its figures.
    private static func keepOff(_ core: Int) throws {
        guard core > 0 else { return }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
        let child = try spawn(["taskset", "-a", "-p", "-c", "0-\(core - 1)", "\(getpid())"], &actions)
        waitpid(child, nil, 0)
    }

    private static func spawn(_ command: [String], _ actions: inout posix_spawn_file_actions_t) throws -> pid_t {
        var child: pid_t = 0
        var pointers = command.map { strdup($0) } + [nil]
        defer { pointers.forEach { free($0) } }
        let status = posix_spawnp(&child, command[0], &actions, nil, &pointers, environ)
        guard status == 0 else { throw Failure.notStarted(errno: status) }
        return child
    }

    private static func ownPath() throws -> String {
        guard let path = realpath("/proc/self/exe", nil) else { throw Failure.notStarted(errno: errno) }
        defer { free(path) }
        return String(cString: path)
    }

    private static func firstLine(of descriptor: Int32) -> String? {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while read(descriptor, &byte, 1) == 1 {
            if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
        return nil
    }
}
