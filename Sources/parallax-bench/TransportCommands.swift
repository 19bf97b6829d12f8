internal import ArgumentParser
internal import Session

extension ReliabilityMode: ExpressibleByArgument {}
extension SessionFlow.Wire: ExpressibleByArgument {}

/// The options of a measurement with sessions.
struct SessionOptions: ParsableArguments {
    @Option(help: "The transports, one after the other.")
    var transport = SessionFlow.Wire.allCases

    @Option(help: "How frames are carried.")
    var mode = ReliabilityMode.datagram
}

struct SaturatedCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "saturated",
        abstract: "As many frames as go through, after the floor in the same run: the work of a frame.")

    @OptionGroup var options: MeasurementOptions
    @OptionGroup var session: SessionOptions

    @Option(help: "Sessions at once.")
    var sessions = 16

    @Option(help: "Frames of each session that are under way.")
    var window = 32

    func run() throws {
        let printer = Printer(json: options.json)
        printer.machine()
        printer.add(try FloorCommand.saturated(options))
        for wire in session.transport {
            let bench = try Bench<SessionFlow>.sessions(wire, mode: session.mode, count: sessions, options: options)
            printer.add(bench.saturated("\(wire.rawValue) \(session.mode.rawValue) saturated", window: window))
        }
    }
}

struct PacedCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "paced",
        abstract: "Sessions of 50 frames a second each way, after the floor at the same pace: mostly wake-ups.")

    @OptionGroup var options: MeasurementOptions
    @OptionGroup var session: SessionOptions

    @Option(help: "Sessions at once.")
    var sessions = 1_000

    func run() throws {
        let printer = Printer(json: options.json)
        printer.machine()
        printer.add(try FloorCommand.paced(options, sessions: sessions))
        for wire in session.transport {
            let bench = try Bench<SessionFlow>.sessions(wire, mode: session.mode, count: sessions, options: options)
            printer.add(bench.paced("\(wire.rawValue) \(session.mode.rawValue) paced"))
        }
    }
}

extension Bench where Flow == SessionFlow {
    /// A server of its own with `count` open sessions.
    static func sessions(
        _ wire: SessionFlow.Wire, mode: ReliabilityMode, count: Int, options: MeasurementOptions
    ) throws -> Bench {
        let server = try ServerProcess(arguments: ["loopback-server"])
        let before = ProcessFigures.residentBytes(of: server.pid)
        let load = try LoadGenerator(laneCount: count, serverPort: server.port) { path, now in
            try SessionFlow(
                wire, mode: mode, frameByteCount: options.frameBytes, httpPort: server.httpPort, path: path, now: now)
        }
        return Bench(server: server, load: load, sessionCount: count, options: options, idleResidentBytes: before)
    }
}
