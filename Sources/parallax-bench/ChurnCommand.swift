internal import ArgumentParser

struct ChurnCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "churn",
        abstract: "Open and close many sessions, a wave at a time, and watch the server's memory.",
        discussion: """
            Each wave opens its sessions, sends a few frames over each, and closes them. The memory is read after each \
            tenth of the waves, when every session of a wave is over: a leak shows as a rise that goes on.
            """)

    @OptionGroup var session: SessionOptions

    @Option(help: "Sessions altogether.")
    var sessions = 10_000

    @Option(help: "Sessions of one wave.")
    var wave = 100

    @Flag(help: "Print one JSON object a figure instead of text.")
    var json = false

    func run() throws {
        let printer = Printer(json: json)
        printer.machine()
        for wire in session.transport { printer.add(try churn(wire)) }
    }

    private func churn(_ wire: SessionFlow.Wire) throws -> ChurnResult {
        let server = try ServerProcess(arguments: ["loopback-server"])
        let waves = max(1, sessions / max(1, wave))
        var resident: [Int] = []
        let cpu = ProcessFigures.cpuNanoseconds(of: server.pid)
        for number in 0..<waves {
            let load = try LoadGenerator(laneCount: wave, serverPort: server.port) { path, now in
                try SessionFlow(
                    wire, mode: session.mode, frameByteCount: 80, httpPort: server.httpPort, path: path, now: now)
            }
            _ = load.saturate(window: 4, seconds: 0.02)
            load.close()
            if (number + 1) * 10 % waves < 10 { resident.append(ProcessFigures.residentBytes(of: server.pid)) }
        }
        let used = ProcessFigures.cpuNanoseconds(of: server.pid) - cpu
        return ChurnResult(
            name: "\(wire.rawValue) churn", sessions: waves * wave, residentBytes: resident,
            serverMicrosecondsPerSession: Double(used) / 1_000 / Double(waves * wave))
    }
}

/// What became of a server's memory while sessions came and went.
struct ChurnResult: Encodable {
    let name: String
    let sessions: Int
    /// After each tenth of the sessions.
    let residentBytes: [Int]
    let serverMicrosecondsPerSession: Double

    var text: String {
        let megabytes = residentBytes.map { decimal(Double($0) / 1_048_576, fractionDigits: 1) }
        return """
            \(name), \(sessions) sessions
              server CPU, µs a session      \(decimal(serverMicrosecondsPerSession, fractionDigits: 0))
              server memory, MB             \(megabytes.joined(separator: " "))
            """
    }
}
