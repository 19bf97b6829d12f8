internal import ArgumentParser
internal import Foundation

struct VirtualCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "virtual",
        abstract: "How many trials of the lab one core runs in a second of its own.",
        discussion: """
            Both endpoints, the link between them and the statistics are included; encoding the clip is not, as it is \
            done once for all trials. Trials run in parallax-lab, which stands beside this program: only there do C \
            libraries see virtual time.
            """)

    @Option(help: "Transports, with commas between.")
    var transport = "webrtc,webtransport,roq"

    @Option(help: "Modes, with commas between.")
    var mode = "datagram"

    @Option(help: "The network.")
    var profile = "clean"

    @Option(help: "How often each figure is taken; the first time, which warms up, is not counted.")
    var repeats = 5

    @Flag(help: "Print one JSON object a figure instead of text.")
    var json = false

    func run() throws {
        let printer = Printer(json: json)
        printer.machine()
        for transport in transport.split(separator: ",") {
            for mode in mode.split(separator: ",") {
                for (seconds, trials) in [(4, 200), (60, 20)] {
                    let load = VirtualLoad(
                        transport: String(transport), mode: String(mode), profile: profile, clipSeconds: seconds, trials: trials)
                    printer.add(try load.measure(repeats: repeats))
                }
            }
        }
    }
}

/// Trials of one cell, run and timed in a process of their own.
private struct VirtualLoad {
    let transport: String
    let mode: String
    let profile: String
    let clipSeconds: Int
    let trials: Int

    enum Failure: Error, CustomStringConvertible {
        case noWorker
        case worker(status: Int32)
        case unfinished(cell: String)

        var description: String {
            switch self {
            case .noWorker: "parallax-lab is not beside this program; build both: swift build -c release"
            case .worker(let status): "parallax-lab ended with status \(status); its message stands above"
            case .unfinished(let cell): "not every trial of \(cell) came to its end, so its speed means nothing"
            }
        }
    }

    /// What parallax-lab prints of each turn.
    private struct Turn: Decodable {
        let trials: Int
        let completed: Int
        let cpuS: Double
        let wallS: Double
    }

    func measure(repeats: Int) throws -> VirtualResult {
        // The first turn warms caches and allocators and is thrown away.
        let turns = try run(turns: repeats + 1).dropFirst()
        guard turns.allSatisfy({ $0.completed == $0.trials }) else {
            throw Failure.unfinished(cell: "\(transport) \(mode) \(profile)")
        }
        return VirtualResult(
            name: "virtual time, \(transport) \(mode) \(profile)", clipSeconds: clipSeconds,
            trialsPerCPUSecond: Spread(turns.map { Double($0.trials) / $0.cpuS }),
            trialsPerSecond: Spread(turns.map { Double($0.trials) / $0.wallS }))
    }

    private func run(turns: Int) throws -> [Turn] {
        let own = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        let worker = own.deletingLastPathComponent().appending(path: "parallax-lab")
        guard FileManager.default.isExecutableFile(atPath: worker.path) else { throw Failure.noWorker }
        let process = Process()
        process.executableURL = worker
        process.arguments = [
            "--transport", transport, "--mode", mode, "--profile", profile, "--trials", "\(trials)",
            "--speech", "\(clipSeconds)", "--time", "\(turns)",
        ]
        let output = Pipe()
        process.standardOutput = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let lines = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure.worker(status: process.terminationStatus) }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try lines.split(separator: UInt8(ascii: "\n")).map { try decoder.decode(Turn.self, from: $0) }
    }
}

/// How fast trials of one clip ran.
struct VirtualResult: Encodable {
    let name: String
    let clipSeconds: Int
    let trialsPerCPUSecond: Spread?
    let trialsPerSecond: Spread?

    var text: String {
        let times = trialsPerCPUSecond?.scaled(by: Double(clipSeconds))
        return """
            \(name), \(clipSeconds) s clip
              trials a second of one core   \(trialsPerCPUSecond?.text(fractionDigits: 0) ?? "-")
              trials a second of the clock  \(trialsPerSecond?.text(fractionDigits: 0) ?? "-")
              times faster than real time   \(times?.text(fractionDigits: 0) ?? "-")
            """
    }
}
