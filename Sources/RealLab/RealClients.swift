internal import DTLS
internal import Dispatch
internal import Endpoint
internal import Foundation
internal import Lab
internal import NIOCore
internal import NIOPosix
package import Opus
internal import QUIC
internal import Server
internal import Session
internal import Wire

/// The clients' process: a real client on a real socket for every trial, each from an address of its own. It ends when
/// standard input does.
package enum RealClients {
    /// - Parameter clips: with protected frames where mode `fec` is among the cells.
    package static func run(clips: [Clip]) throws {
        ChildProcess.leaveInterruptsToParent()
        // usrsctp has one owner in a process, so all clients share one thread.
        NIOSingletons.groupLoopCountSuggestion = 1
        let crowd = try ClientCrowd(clips)
        crowd.report(.ready)
        while let line = readLine() {
            switch try ClientCommand(line: line) {
            case .begin(let beginning): try crowd.begin(beginning)
            case .close(let trial): crowd.close(trial)
            }
        }
    }
}

/// All clients of the process; used by its main thread.
private final class ClientCrowd {
    private let clips: [Clip]
    private let identity: DTLSIdentity
    private let eventLoop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next()
    /// Reports are written here: the thread of the sockets has no time for it.
    private let reports = DispatchQueue(label: "reports")
    private var trials: [Int: (lines: NIOLoopBound<SessionLines<TrialConversation>>, reporter: TrialReporter)] = [:]

    init(_ clips: [Clip]) throws {
        self.clips = clips
        identity = try .selfSigned(.ecdsaP256, unixSeconds: Int(SystemClock.wallClockSeconds()))
    }

    func report(_ report: ClientReport) { reports.async { report.writeLine(to: STDOUT_FILENO) } }

    /// Opens the trial's socket; the client begins at its origin.
    func begin(_ beginning: TrialBeginning) throws {
        let mode = ReliabilityMode(rawValue: beginning.mode) ?? .datagram
        guard let found = clips.first(where: { $0.name == beginning.clip }) else { return }
        guard let course = TrialCourse(beginning.transport) else {
            throw RealFailure.process(name: "client", reason: "knows no transport '\(beginning.transport)'")
        }
        let clip = mode == .fec ? found.protected : found
        let remote = PeerAddress(
            ipv4: RealAddresses.server,
            port: UInt16(RealAddresses.port(ofAnswerTo: beginning.clip, mode: mode, among: clips.map(\.name))))
        let policy = ReconnectPolicy()
        let ways = try SessionWays(
            to: remote, from: PeerAddress(ipv4: RealAddresses.client(beginning.trial), port: 0), mode: mode, identity: identity, policy: policy)
        let reporter = TrialReporter(trial: beginning.trial, reports: reports, eventLoop: eventLoop)
        let lines = try eventLoop.submit { [eventLoop] in
            let conversation = TrialConversation(
                clip: clip, course: course, origin: Instant(nanoseconds: beginning.origin), speaksWhileOpening: beginning.speaksWhileOpening
            ) { transport, path, now in
                var talker = ClientConfiguration()
                talker.mode = mode
                return ClientEndpoint(
                    transport: transport, serverName: "localhost", credentials: ClientCredentials(.insecure), quic: QUICConfiguration(),
                    client: talker, reconnect: policy, path: path, entropy: .system, now: now)
            }
            let lines = SessionLines(conversation, ways: ways, on: eventLoop, afterTurn: reporter.look)
            lines.begin()
            return NIOLoopBound(lines, eventLoop: eventLoop)
        }.wait()
        trials[beginning.trial] = (lines, reporter)
    }

    /// Lets a trial's connection end, and closes its sockets some time after it.
    func close(_ trial: Int) {
        guard let (lines, reporter) = trials.removeValue(forKey: trial) else { return }
        eventLoop.execute { lines.value.command { $0.close(now: $1) } }
        eventLoop.scheduleTask(in: TimeAmount(Self.socketTime)) {
            _ = lines.value.close()
            reporter.closed()
        }
    }

    /// Longer than a conversation needs for its end.
    private static let socketTime = Duration.seconds(2)
}

/// Reports a trial twice: when it is over, and when its connection is closed. Used on the event loop.
private final class TrialReporter: Sendable {
    private enum Progress { case running, over, closed }

    private let trial: Int
    private let reports: DispatchQueue
    private let progress: NIOLoopBoundBox<Progress>

    init(trial: Int, reports: DispatchQueue, eventLoop: any EventLoop) {
        self.trial = trial
        self.reports = reports
        progress = .makeBoxSendingValue(.running, eventLoop: eventLoop)
    }

    func look(at conversation: TrialConversation) {
        if conversation.isOver, progress.value == .running { over(ClientRecord(trial: trial, conversation.talk)) }
        if conversation.isEnded { closed() }
    }

    private func over(_ record: ClientRecord) {
        progress.value = .over
        reports.async { ClientReport.over(record).writeLine(to: STDOUT_FILENO) }
    }

    func closed() {
        guard progress.value == .over else { return }
        progress.value = .closed
        reports.async { [trial] in ClientReport.closed(trial: trial).writeLine(to: STDOUT_FILENO) }
    }
}
