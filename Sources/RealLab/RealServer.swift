internal import Endpoint
internal import Foundation
internal import Lab
internal import Logging
internal import NIOCore
internal import NIOPosix
package import Opus
internal import QUIC
internal import Responder
internal import Server
internal import Session
internal import DTLS
internal import WebRTC
internal import Wire

/// The server's process: the real server on real sockets, once for each answer that trials hear, since a server answers
/// all its sessions alike. It accounts for prompts when asked, and ends when standard input does.
package enum RealServer {
    /// - Parameter clips: with protected frames where mode `fec` is among the cells.
    package static func run(clips: [Clip]) throws {
        ChildProcess.leaveInterruptsToParent()
        // usrsctp has one owner in a process, so all servers share one thread.
        NIOSingletons.groupLoopCountSuggestion = 1
        let answers = RealAnswers(clips)
        var servers: [SessionServer] = []
        for (index, frames) in answers.frames.enumerated() {
            servers.append(try start(answer: frames, port: RealAddresses.serverPort + index))
        }
        ServerReport.ready.writeLine(to: STDOUT_FILENO)
        while let line = readLine() {
            let command = try ServerCommand(line: line)
            let index = command.port - RealAddresses.serverPort
            guard servers.indices.contains(index) else { continue }
            let account = try command.session.flatMap { try servers[index].lastDecidedPrompt(ofSession: $0) }
            ServerReport.account(trial: command.trial, account.map(AccountRecord.init)).writeLine(to: STDOUT_FILENO)
        }
    }

    private static func start(answer: [[UInt8]], port: Int) throws -> SessionServer {
        let now = Int(SystemClock.wallClockSeconds())
        var configuration = ServerConfiguration(credentials: try .selfSigned(.ecdsaP256, unixSeconds: now))
        configuration.responder = .script(packets: answer, thinkTime: TrialSettings.thinkTime)
        configuration.session.keepsAccounts = true
        configuration.webRTC = WebRTCServerConfiguration(identity: try .selfSigned(.ecdsaP256, unixSeconds: now))
        var http = HTTPConfiguration()
        http.logger = Logger(label: "parallax.http") { _ in SwiftLogNoOpLogHandler() }
        return try SessionServer(
            host: RealAddresses.text(RealAddresses.server), port: port, configuration: configuration, http: http
        ) { _ in }
    }
}

/// The answers of a run: the first second of each clip, as it is and protected. Server `n` gives answer `n`.
struct RealAnswers {
    private(set) var frames: [[[UInt8]]] = []

    init(_ clips: [Clip]) {
        for clip in clips {
            let count = Int(TrialSettings.answerDuration.nanoseconds / max(1, clip.frameDuration.nanoseconds))
            frames += [clip, clip.protected].map { Array($0.frames.prefix(count)) }
        }
    }
}

extension RealAddresses {
    /// Where the answer to a clip is given in this mode.
    /// - Parameter names: those of all clips, in the server's order.
    static func port(ofAnswerTo clip: String, mode: ReliabilityMode, among names: [String]) -> Int {
        serverPort + 2 * (names.firstIndex(of: clip) ?? 0) + (mode == .fec ? 1 : 0)
    }
}
