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
        printer.add(try Self.saturated(options, server: .driver))
        printer.add(try Self.paced(options, sessions: sessions))
        printer.add(try Self.paced(options, sessions: sessions, server: .driver))
    }

    /// Which echo stands behind the socket: SwiftNIO alone, or our socket driver with an endpoint that only echoes.
    enum Server: String {
        case floor, driver
    }

    /// A few flows with deep windows, as the saturated transports have them.
    static func saturated(_ options: MeasurementOptions, server: Server = .floor) throws -> Measurement {
        try bench(options, sessions: 16, server: server).saturated("\(server.rawValue) saturated", window: 32)
    }

    static func paced(_ options: MeasurementOptions, sessions: Int, server: Server = .floor) throws -> Measurement {
        try bench(options, sessions: sessions, server: server).paced("\(server.rawValue) paced")
    }

    private static func bench(_ options: MeasurementOptions, sessions: Int, server kind: Server) throws -> Bench<FloorFlow> {
        let server = try ServerProcess(arguments: ["\(kind.rawValue)-server"])
        // An RTP header, and what QUIC adds to a datagram: the floor moves as many bytes as a transport.
        let byteCount = options.frameBytes + 12 + 30
        let load = try LoadGenerator(laneCount: sessions, serverPort: server.port) { _, _ in
            FloorFlow(frameByteCount: byteCount)
        }
        return Bench(server: server, load: load, sessionCount: sessions, options: options)
    }
}
