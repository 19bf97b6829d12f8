internal import ArgumentParser
internal import Audio
internal import DTLS
internal import Endpoint
internal import Glibc
internal import Opus
internal import QUIC
internal import RoQ
internal import Server
internal import Session
internal import WebRTC
internal import WebSocket
internal import WebTransport
internal import Wire

struct TalkCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "talk",
        abstract: "Speak a clip to a server and print the receipt of the prompt.",
        discussion: """
            The clip is spoken in real time, one Opus packet each 20 ms. The receipt is the server's account of it: \
            intact means that every byte of every frame arrived.

              parallax talk https://127.0.0.1:4433 prompt.wav --certificate-sha256 HASH
              parallax talk roq://127.0.0.1:4433 prompt.wav --insecure --mode stream --answer answer.wav
              parallax talk https://127.0.0.1:4433 prompt.wav --transport webrtc --mode nack --certificate-sha256 HASH
              parallax talk wss://127.0.0.1:4433 prompt.wav --subprotocol openai --certificate-sha256 HASH
              parallax talk https://127.0.0.1:4433 prompt.wav --switch-to roq --mode stream-per-frame --certificate-sha256 HASH

            With --switch-to the session moves in mid-prompt to another transport, over a second socket; over WebSocket its mode is \
            stream from then on. After a loss it goes on by itself over another connection: it gives one up after 4 s without a \
            sign, and tries for 60 s.

            Exits with 0 for an intact prompt, with 1 for any other, and with 2 where there is no receipt.
            """)

    @Argument(help: "https:// or wss://HOST:PORT/v1/realtime, or roq://HOST:PORT.")
    var url: String

    @Argument(help: "A WAV or Ogg Opus file.")
    var clip: String

    @Option(help: "The transport; without it the URL's scheme decides.")
    var transport: TalkTransport?

    @Option(help: "How frames are carried, both ways; datagram if not said, and over WebSocket stream, its only one.")
    var mode: ReliabilityMode?

    @Option(help: "What WebSocket's messages hold: RTP packets (rtp), or audio in base64 as OpenAI's clients send it (openai).")
    var subprotocol = WebSocketForm.rtp

    @Option(help: ArgumentHelp("Change the mode after so many milliseconds of speech.", valueName: "ms=mode"))
    var switchModeAfter: ModeChange?

    @Option(
        help: ArgumentHelp(
            "Move the session to another transport after so many seconds of speech: webtransport, roq or webrtc. "
                + "Without the seconds, half-way through the clip.", valueName: "transport[@seconds]"),
        transform: TransportSwitch.init(argument:))
    var switchTo: TransportSwitch?

    @Option(help: ArgumentHelp(
        "Keep the server's session tickets in this file: the next talk with it speaks in its first packet. The file is a secret.",
        valueName: "file"))
    var tickets: String?

    @Flag(help: "End the session with its connection.")
    var noReconnect = false

    @Option(help: ArgumentHelp("Trust the server whose certificate has this SHA-256 hash.", valueName: "hex"))
    var certificateSha256: String?

    @Flag(help: "Trust any server. For tests only.")
    var insecure = false

    @Option(help: "The secret that the server demands.")
    var secret: String?

    @Option(help: ArgumentHelp("Write the answer here, as .wav, .ogg or .opus.", valueName: "file"))
    var answer: String?

    @Flag(help: "Print one JSON object instead of text.")
    var json = false

    func validate() throws {
        guard !(insecure && certificateSha256 != nil) else {
            throw ValidationError("--insecure and --certificate-sha256 exclude each other.")
        }
        if let answer, AnswerForm(path: answer) == nil {
            throw ValidationError("--answer takes a name that ends in .wav, .ogg or .opus.")
        }
    }

    func run() throws {
        let target = try parseTarget()
        let trust = try makeTrust()
        let clip = try loadClip()
        let ticketFile = try tickets.map { try TicketFile(path: $0) }
        let wallet = ticketFile?.wallet(server: target.host, trust: trust) ?? TicketWallet()
        let report = try talk(try makeRunner(target, trust: trust, script: try makeScript(clip), tickets: wallet))
        try ticketFile?.write(report.tickets)
        let file = try writeAnswer(report)
        print(report, target: target, answerFile: file)
        if !json, let failure = report.failure { throw CommandFailure(code: failure.code, description: failure.description) }
        throw ExitCode(report.exitStatus)
    }

    // MARK: Before

    /// In mode `fec` the sound is encoded so that each frame holds a copy of the one before.
    private func loadClip() throws -> Clip {
        var settings = ClipSettings()
        settings.makesProtectedFrames = mode == .fec
        let clip = try ClipFile.load(clip, settings: settings)
        return mode == .fec ? clip.protected : clip
    }

    private func parseTarget() throws -> TalkTarget {
        do {
            return try TalkTarget(url)
        } catch {
            throw CommandFailure(code: "bad_url", description: error.description)
        }
    }

    private func makeTrust() throws -> ClientTrust {
        guard !insecure else { return .insecure }
        guard let certificateSha256 else { return .system }
        guard let hash = CertificateHash.parse(certificateSha256) else {
            throw CommandFailure(
                code: "bad_hash", description: "--certificate-sha256 takes the 64 hexadecimal digits that serve printed")
        }
        return .certificateSHA256(hash)
    }

    private func makeScript(_ clip: Clip) throws -> TalkScript {
        var script = TalkScript(frames: clip.frames)
        script.frameDuration = clip.frameDuration
        script.modeChange = switchModeAfter.map { (after: $0.after, mode: $0.mode) }
        script.move = try switchTo.map { (after: try $0.time(in: clip), transport: $0.transport) }
        return script
    }

    private func makeRunner(_ target: TalkTarget, trust: ClientTrust, script: TalkScript, tickets: TicketWallet) throws -> TalkRunner {
        var client = ClientConfiguration()
        client.mode = mode ?? (chosenTransport(target) == .websocket ? .stream : .datagram)
        client.secret = secret
        var quic = QUICConfiguration()
        if let path = Environment.variables["SSLKEYLOGFILE"], !path.isEmpty {
            let file = try AppendingFile(path: path)
            quic.keyLog = { line in file.append(Array((line + "\n").utf8)) }
        }
        let credentials = ClientCredentials(trust)
        let first = chosenTransport(target)
        var policy = ReconnectPolicy()
        // Whoever waits wants to know by then that nobody answers.
        policy.opening = quic.handshakeTimeout
        let reconnect = noReconnect ? nil : policy
        var ways = SessionWays(target: target, trust: trust, silence: reconnect?.silence) { [secret, subprotocol] transport, local in
            try Self.makeTransport(transport, target: target, secret: secret, subprotocol: subprotocol, local: local)
        }
        ways.secret = secret
        return TalkRunner(over: first, ways: ways, script: script) { [client, quic] transport, path, now in
            ClientEndpoint(
                transport: transport, serverName: target.host, credentials: credentials, quic: quic, client: client,
                reconnect: reconnect, tickets: tickets, path: path, entropy: .system, now: now)
        }
    }

    private func talk(_ runner: TalkRunner) throws -> TalkReport {
        let signals = StopSignals { runner.interrupt() }
        do {
            return try withExtendedLifetime(signals) { try runner.wait() }
        } catch let error as DriverError {
            throw CommandFailure(code: error.code, description: error.description)
        } catch let error as SignallingFailure {
            throw CommandFailure(code: error.code, description: error.description)
        } catch let error as WebRTCRefusal {
            throw CommandFailure(code: error.code, description: "the server's answer is no use: \(error.description)")
        }
    }

    private func chosenTransport(_ target: TalkTarget) -> TalkTransport { transport ?? target.transport ?? .webtransport }

    private static func makeTransport(
        _ transport: TalkTransport, target: TalkTarget, secret: String?, subprotocol: WebSocketForm, local: PeerAddress
    ) throws -> ClientTransport {
        switch transport {
        case .roq: return .roq(RoQConfiguration())
        case .webrtc:
            do {
                var configuration = WebRTCClientConfiguration(
                    identity: try .selfSigned(.ecdsaP256, unixSeconds: Int(SystemClock.wallClockSeconds())))
                configuration.candidates = [local]
                return .webRTC(configuration)
            } catch {
                throw CommandFailure(code: "bad_certificate", description: "no certificate for WebRTC: \(error)")
            }
        case .webtransport:
            var configuration = WebTransportClientConfiguration(authority: target.authority)
            configuration.path = target.path
            configuration.secret = secret
            return .webTransport(configuration)
        case .websocket:
            var configuration = WebSocketClientConfiguration(authority: target.authority)
            configuration.path = target.path
            configuration.form = subprotocol
            configuration.secret = secret
            return .webSocket(configuration)
        }
    }

    // MARK: After

    /// - Returns: the file's name, where one was asked for and there was an answer.
    private func writeAnswer(_ report: TalkReport) throws -> String? {
        guard let answer, !report.answer.isEmpty else { return nil }
        var file = AnswerFile()
        let bytes: [UInt8]
        do throws(AudioFileError) {
            for frame in report.answer {
                try file.append(sequence: frame.sequence, timestamp: frame.timestamp, packet: frame.payload)
            }
            bytes = AnswerForm(path: answer) == .wav ? try file.wav() : try file.oggOpus()
        } catch {
            throw CommandFailure(code: error.code, description: "the answer: \(error.description)")
        }
        try UserFile.write(bytes, to: answer)
        return answer
    }

    private func print(_ report: TalkReport, target: TalkTarget, answerFile: String?) {
        if json {
            JSONLine.print(TalkReportLine(report, target: target.authority, answerFile: answerFile))
            return
        }
        let style = TerminalStyle(descriptor: STDOUT_FILENO, environment: Environment.variables)
        let text = report.text(style: style, answerFile: answerFile)
        if !text.isEmpty { Swift.print(text) }
    }
}

/// `MS=MODE`.
struct ModeChange: ExpressibleByArgument {
    let after: Duration
    let mode: ReliabilityMode

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let milliseconds = Int(parts[0]), (0...3_600_000).contains(milliseconds),
            let mode = ReliabilityMode(rawValue: String(parts[1]))
        else { return nil }
        after = .milliseconds(milliseconds)
        self.mode = mode
    }
}

/// `TRANSPORT[@SECONDS]`.
struct TransportSwitch {
    let transport: TalkTransport
    /// Speech before it; `nil` for half of the clip.
    let after: Duration?

    init(argument: String) throws {
        let parts = argument.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        guard let transport = parts.first.flatMap({ TalkTransport(rawValue: String($0)) }) else {
            let known = TalkTransport.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("\(parts.first ?? "") is no transport to move to: give one of \(known).")
        }
        self.transport = transport
        guard parts.count == 2 else {
            after = nil
            return
        }
        guard let seconds = Double(String(parts[1])), seconds >= 0, seconds <= 3_600 else {
            throw ValidationError("\(parts[1]) is no time: give seconds of speech, as in \(transport.rawValue)@1.5.")
        }
        after = .milliseconds(Int(seconds * 1_000))
    }

    /// When it begins, in a clip that lasts longer.
    func time(in clip: Clip) throws -> Duration {
        let length = clip.frameDuration * clip.frames.count
        guard let after else { return length / 2 }
        guard after < length else {
            throw CommandFailure(
                code: "bad_switch",
                description: "--switch-to: the clip is over after \(length.milliseconds / 1_000) s; give fewer seconds")
        }
        return after
    }
}

/// The form of an answer's file, by its name.
private enum AnswerForm {
    case wav, oggOpus

    init?(path: String) {
        let name = path.lowercased()
        if name.hasSuffix(".wav") {
            self = .wav
        } else if name.hasSuffix(".ogg") || name.hasSuffix(".opus") {
            self = .oggOpus
        } else {
            return nil
        }
    }
}

extension ReliabilityMode: ExpressibleByArgument {}
extension TalkTransport: ExpressibleByArgument {}
extension WebSocketForm: ExpressibleByArgument {}
