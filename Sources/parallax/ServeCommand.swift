internal import ArgumentParser
internal import DTLS
internal import Endpoint
internal import Glibc
internal import Logging
internal import Opus
internal import QUIC
internal import Responder
internal import Server
internal import Session
internal import WebRTC
internal import Wire

struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the server: every transport on one UDP port, and HTTPS on the TCP port of that number.",
        discussion: """
            Without --cert and --key the server makes a certificate for localhost that is valid for 10 days, and \
            prints its SHA-256 hash: a browser takes it as serverCertificateHashes, talk as --certificate-sha256.

            HTTPS is where WebRTC calls are made (POST /v1/realtime/calls, or /whip), client secrets are given out \
            (POST /v1/realtime/client_secrets), and where GET /v1/realtime/transports tells what else there is. The same \
            is served in clear on loopback, at --http-port, since a browser takes http://127.0.0.1 for secure.

              curl http://127.0.0.1:8433/v1/realtime/transports
              curl --insecure https://127.0.0.1:4433/healthz

            The responder decides what a session answers: echo gives a committed prompt back, loopback returns each \
            frame as it arrives (for measuring), script gives a fixed answer after --think-ms.

            SIGINT or SIGTERM drains and closes the sessions and exits with 0; a second one exits at once. \
            SSLKEYLOGFILE, when set, receives the keys for Wireshark.
            """)

    @Option(help: "Address to listen on; 0.0.0.0 or :: for all.")
    var host = "127.0.0.1"

    @Option(help: "UDP port, and TCP port of HTTPS; 0 takes a free one.")
    var port = 4433

    @Flag(inversion: .prefixedNo, help: "Serve HTTPS on the TCP port.")
    var https = true

    @Flag(inversion: .prefixedNo, help: "Serve plain HTTP on loopback.")
    var http = true

    @Option(help: ArgumentHelp("TCP port of plain HTTP; without it 8433, or with --port 0 a free one.", valueName: "port"))
    var httpPort: Int?

    @Option(help: ArgumentHelp("Name this IP address as WebRTC's host candidate; may be repeated.", valueName: "ip"))
    var advertise: [String] = []

    @Option(help: "What answers a session.")
    var responder = ResponderChoice.echo

    @Option(help: ArgumentHelp("How long the script thinks before it answers, in milliseconds.", valueName: "ms"))
    var thinkMs = 500

    @Option(help: ArgumentHelp("What the script answers: a WAV or Ogg Opus file; a second of silence without it.", valueName: "file"))
    var scriptClip: String?

    @Option(help: ArgumentHelp("Certificate chain in PEM form; needs --key.", valueName: "file"))
    var cert: String?

    @Option(help: ArgumentHelp("The certificate's private key in PEM form.", valueName: "file"))
    var key: String?

    @Option(help: "When a client must prove its address first (Retry).")
    var retry = RetryPolicy.whenBusy

    @Flag(inversion: .prefixedNo, help: "Take what a client that was here before sends in its first packet (QUIC's 0-RTT).")
    var earlyData = true

    @Option(help: ArgumentHelp(
        "Make the keys of QUIC's session tickets of this file (32 random bytes), so that clients resume after a restart.", valueName: "file"))
    var ticketSecret: String?

    @Option(help: "Congestion control.")
    var congestion = CongestionControl.cubic

    @Option(help: ArgumentHelp("Write a qlog file for each connection into this directory.", valueName: "dir"))
    var qlogDir: String?

    @Option(help: "Demand this secret of every client.")
    var secret: String?

    @Option(help: "The most sessions at once.")
    var maxSessions = 10_000

    @Option(help: ArgumentHelp("How long a session waits for its client after a lost connection, in milliseconds.", valueName: "ms"))
    var detachedMs = 30_000

    @Option(help: "The most sessions that wait so at once.")
    var maxDetached = 1_000

    @Option(help: ArgumentHelp("How long sessions may go on after the first signal, in milliseconds.", valueName: "ms"))
    var drainMs = 2_000

    @Option(help: "The least level that is logged to standard error.")
    var logLevel = LogLevelChoice.info

    @Flag(help: "Print events as JSON lines to standard output; the first says where the server listens.")
    var json = false

    func validate() throws {
        guard (0...65_535).contains(port) else { throw ValidationError("--port takes a number from 0 to 65535.") }
        guard httpPort.map({ (0...65_535).contains($0) }) ?? true else { throw ValidationError("--http-port takes a number from 0 to 65535.") }
        for text in advertise where PeerAddress(ipAddress: text) == nil {
            throw ValidationError("--advertise takes an IP address; \(text) is none.")
        }
        guard earlyData || ticketSecret == nil else { throw ValidationError("--ticket-secret and --no-early-data exclude each other.") }
        guard (cert == nil) == (key == nil) else { throw ValidationError("--cert and --key go together.") }
        guard (0...600_000).contains(thinkMs) else { throw ValidationError("--think-ms takes a number from 0 to 600000.") }
        guard (0...600_000).contains(drainMs) else { throw ValidationError("--drain-ms takes a number from 0 to 600000.") }
        guard (0...600_000).contains(detachedMs) else { throw ValidationError("--detached-ms takes a number from 0 to 600000.") }
        guard maxDetached >= 0 else { throw ValidationError("--max-detached takes a number from 0.") }
        guard maxSessions > 0 else { throw ValidationError("--max-sessions takes a number above 0.") }
    }

    func run() throws {
        let style = TerminalStyle(descriptor: STDERR_FILENO, environment: Environment.variables)
        let level = logLevel.level
        var logger = Logger(label: "parallax") { _ in LogOutput(level: level, style: style) }
        logger.logLevel = level
        let log = ServerLog(logger: logger, printsJSON: json)
        let configuration = try makeConfiguration()
        let server = try start(configuration, logger, log)
        log.listening(
            host: host, port: Int(server.local.port), servesHTTPS: https, plainHTTPPort: server.plainHTTPPort, configuration)
        let grace = Duration.milliseconds(drainMs)
        let signals = StopSignals {
            log.stopping(grace: grace)
            try? server.stop(grace: grace)
        }
        try withExtendedLifetime(signals) { try server.wait() }
        log.stopped()
    }

    private func start(_ configuration: ServerConfiguration, _ logger: Logger, _ log: ServerLog) throws -> SessionServer {
        do {
            return try SessionServer(
                host: host, port: port, configuration: configuration, http: makeHTTP(logger), onNotice: log.notice)
        } catch let error as DriverError {
            throw CommandFailure(code: error.code, description: error.description)
        }
    }

    /// The port of plain HTTP unless the user chooses.
    private static let defaultHTTPPort = 8433

    private func makeHTTP(_ logger: Logger) -> HTTPConfiguration? {
        guard https || http else { return nil }
        var configuration = HTTPConfiguration()
        configuration.logger = logger
        configuration.servesTLS = https
        configuration.plainPort = http ? httpPort ?? (port == 0 ? 0 : Self.defaultHTTPPort) : nil
        return configuration
    }

    private func makeConfiguration() throws -> ServerConfiguration {
        var configuration = ServerConfiguration(credentials: try makeCredentials())
        configuration.quic.congestionControl = congestion
        if let path = Environment.variables["SSLKEYLOGFILE"], !path.isEmpty {
            let file = try AppendingFile(path: path)
            configuration.quic.keyLog = { line in file.append(Array((line + "\n").utf8)) }
        }
        if let qlogDir {
            let directory = try QlogDirectory(path: qlogDir)
            configuration.quic.qlog = { group, bytes in directory.append(bytes, group: "\(group)") }
        }
        configuration.responder = try makeResponder()
        configuration.retry = retry
        configuration.earlyData = try makeEarlyData()
        configuration.secret = secret
        configuration.limits.connections = maxSessions
        configuration.limits.detachedSessions = maxDetached
        configuration.sessionLimits.detachedDuration = .milliseconds(detachedMs)
        if https || http { configuration.webRTC = try makeWebRTC() }
        return configuration
    }

    private func makeEarlyData() throws -> EarlyDataConfiguration? {
        guard earlyData else { return nil }
        var early = EarlyDataConfiguration()
        early.secret = try ticketSecret.map { file in
            let bytes = try UserFile.read(file, limit: Self.pemByteLimit)
            guard bytes.count >= 32 else {
                throw CommandFailure(
                    code: "bad_ticket_secret", description: "\(file) has \(bytes.count) bytes: give a file of at least 32 random ones")
            }
            return bytes
        }
        return early
    }

    private func makeWebRTC() throws -> WebRTCServerConfiguration {
        do {
            let identity = try DTLSIdentity.selfSigned(.ecdsaP256, unixSeconds: Int(SystemClock.wallClockSeconds()))
            var configuration = WebRTCServerConfiguration(identity: identity)
            configuration.candidates = advertise.compactMap { PeerAddress(ipAddress: $0) }
            return configuration
        } catch {
            throw CommandFailure(code: "bad_certificate", description: "no certificate for WebRTC: \(error)")
        }
    }

    private func makeResponder() throws -> Responder {
        switch responder {
        case .echo: return .echo()
        case .loopback: return .loopback()
        case .script:
            // A second of what Opus calls silence: the TOC byte of a 20 ms frame, and no data.
            let silence = [[UInt8]](repeating: [0x08], count: 50)
            let packets = try scriptClip.map { try ClipFile.load($0).frames } ?? silence
            return .script(packets: packets, thinkTime: .milliseconds(thinkMs))
        }
    }

    /// The greatest certificate or key file that is read.
    private static let pemByteLimit = 1 << 20

    private func makeCredentials() throws -> ServerCredentials {
        do {
            guard let cert, let key else {
                return try .selfSigned(.ecdsaP256, unixSeconds: Int(SystemClock.wallClockSeconds()))
            }
            return try ServerCredentials(certificatePEM: try UserFile.read(cert, limit: Self.pemByteLimit), keyPEM: try UserFile.read(key, limit: Self.pemByteLimit))
        } catch let error as CredentialsError {
            throw CommandFailure(
                code: "bad_certificate", description: "\(error.description): give --cert and --key as PEM files")
        }
    }
}

enum ResponderChoice: String, CaseIterable, ExpressibleByArgument {
    case echo, loopback, script
}

extension RetryPolicy: ExpressibleByArgument {}
extension CongestionControl: ExpressibleByArgument {}

enum LogLevelChoice: String, CaseIterable, ExpressibleByArgument {
    case trace, debug, info, warning, error

    var level: Logger.Level {
        switch self {
        case .trace: .trace
        case .debug: .debug
        case .info: .info
        case .warning: .warning
        case .error: .error
        }
    }
}
