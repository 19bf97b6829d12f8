internal import ArgumentParser

struct FloorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "floor",
        abstract: "The bare SwiftNIO UDP echo, saturated and paced: what no server here can beat.")

    @OptionGroup var options: MeasurementOptions

    @Option(help: "Sessions of the paced load.")
    var sessions = 1_000

    func run() throws {
        let printer = Printer(json: options.json)
        printer.machine()
        printer.add(try Self.saturated(options))
        printer.add(try Self.paced(options, sessions: sessions))
    }

    /// A few flows with deep windows, as the saturated transports have them.
    static func saturated(_ options: MeasurementOptions) throws -> Measurement {
        try bench(options, sessions: 16).saturated("floor saturated", window: 32)
    }

    static func paced(_ options: MeasurementOptions, sessions: Int) throws -> Measurement {
        try bench(options, sessions: sessions).paced("floor paced")
    }

    private static func bench(_ options: MeasurementOptions, sessions: Int) throws -> Bench<FloorFlow> {
        let server = try ServerProcess(arguments: ["floor-server"])
        // An RTP header, and what QUIC adds to a datagram: the floor moves as many bytes as a transport.
        let byteCount = options.frameBytes + 12 + 30
        let load = try LoadGenerator(laneCount: sessions, serverPort: server.port) { _, _ in
            FloorFlow(frameByteCount: byteCount)
        }
        return Bench(server: server, load: load, sessionCount: sessions, options: options)
    }
}
