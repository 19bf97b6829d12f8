internal import DTLS
internal import Dispatch
internal import Endpoint
internal import Foundation
internal import Lab
internal import NIOCore
internal import NIOPosix
package import Opus
internal import QUIC
internal import RoQ
internal import Server
internal import Session
internal import WebRTC
internal import WebSocket
internal import WebTransport
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
    private var connections: [Int: (TrialDriver, TrialReporter)] = [:]

    init(_ clips: [Clip]) throws {
        self.clips = clips
        identity = try .selfSigned(.ecdsaP256, unixSeconds: Int(SystemClock.wallClockSeconds()))
    }

    func report(_ report: ClientReport) { reports.async { report.writeLine(to: STDOUT_FILENO) } }

    /// Opens the trial's socket; the client begins at its origin.
    func begin(_ beginning: TrialBeginning) throws {
        let mode = ReliabilityMode(rawValue: beginning.mode) ?? .datagram
        guard let found = clips.first(where: { $0.name == beginning.clip }) else { return }
        let clip = mode == .fec ? found.protected : found
        let remote = PeerAddress(
            ipv4: RealAddresses.server,
            port: UInt16(RealAddresses.port(ofAnswerTo: beginning.clip, mode: mode, among: clips.map(\.name))))
        let local = PeerAddress(ipv4: RealAddresses.client(beginning.trial), port: 0)
        let target = try TalkTarget("https://\(remote)")
        let isStream = beginning.transport == "websocket"
        let caller = isStream ? nil : TrialCaller(
            signalling: Server.SignallingClient(target: target, trust: .insecure, limits: Self.signallingLimits, local: local),
            session: #"{"type":"realtime","parallax":{"reliability":{"mode":"\#(mode.rawValue)"}}}"#)
        let reporter = TrialReporter(trial: beginning.trial, reports: reports, eventLoop: eventLoop)
        let makeEndpoint = { @Sendable [identity] (path: NetworkPath, _: Instant) in
            TrialConversation(
                trial: beginning.trial, clip: clip, origin: Instant(nanoseconds: beginning.origin),
                speaksWhileOpening: beginning.speaksWhileOpening,
                makeClient: { now in
                    try ClientEndpoint(beginning.transport, mode: mode, identity: identity, path: path, now: now)
                },
                placeCall: { caller?.call(offer: $0, path: path) })
        }
        let afterTurn = { @Sendable (conversation: TrialConversation, _: Instant) in reporter.look(at: conversation) }
        let driver: TrialDriver
        if isStream {
            let connected = eventLoop.makePromise(of: StreamDriver<TrialConversation>.self)
            // Its first packet is TCP's, and leaves when the links' time begins.
            eventLoop.scheduleTask(deadline: .uptimeNanoseconds(beginning.origin)) { [eventLoop] in
                do {
                    try StreamDriver.start(
                        target, at: remote, from: local, trust: .insecure, within: TrialSettings.setupPatience, on: eventLoop,
                        makeEndpoint: makeEndpoint, afterTurn: afterTurn
                    ).cascade(to: connected)
                } catch {
                    connected.fail(error)
                }
            }
            connected.futureResult.whenFailure { reporter.failed("no connection: \($0)", now: SystemClock.now()) }
            driver = .stream(connected.futureResult)
        } else {
            let datagrams = try DatagramDriver.start(
                connectedTo: remote, from: local, on: eventLoop, limits: Self.limits, makeEndpoint: makeEndpoint, afterTurn: afterTurn)
            caller?.attach(datagrams)
            driver = .datagrams(datagrams)
        }
        connections[beginning.trial] = (driver, reporter)
    }

    /// Lets a trial's connection end, and closes its socket some time after it.
    func close(_ trial: Int) {
        guard let (driver, reporter) = connections.removeValue(forKey: trial) else { return }
        driver.command { conversation, now in conversation.close(now: now) }
        eventLoop.scheduleTask(in: TimeAmount(Self.socketTime)) {
            driver.close()
            reporter.closed()
        }
    }

    /// Longer than a conversation needs for its end.
    private static let socketTime = Duration.seconds(2)

    /// As patient as the trial.
    private static var signallingLimits: Server.SignallingClient.Limits {
        var limits = Server.SignallingClient.Limits()
        limits.time = TrialSettings.setupPatience
        return limits
    }

    /// Frames are captured at their ticks, and not a millisecond later.
    private static var limits: DriverLimits {
        var limits = DriverLimits()
        limits.timerStep = .microseconds(50)
        return limits
    }
}

/// What drives a trial's client.
private enum TrialDriver: Sendable {
    case datagrams(DatagramDriver<TrialConversation>)
    /// Once TCP has connected.
    case stream(EventLoopFuture<StreamDriver<TrialConversation>>)

    func command(_ body: @escaping @Sendable (TrialConversation, Instant) -> Void) {
        switch self {
        case .datagrams(let driver): _ = driver.command(body)
        case .stream(let connected): connected.whenSuccess { _ = $0.command(body) }
        }
    }

    func close() {
        switch self {
        case .datagrams(let driver): _ = driver.close()
        case .stream(let connected): connected.whenSuccess { _ = $0.close() }
        }
    }
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
        if conversation.isOver { over(conversation.record) }
        if conversation.isEnded { closed() }
    }

    /// There is no conversation, and will be none.
    func failed(_ end: String, now: Instant) {
        var record = ClientRecord(trial: trial)
        record.end = end
        record.finished = now.nanoseconds
        over(record)
    }

    private func over(_ record: ClientRecord) {
        guard progress.value == .running else { return }
        progress.value = .over
        reports.async { ClientReport.over(record).writeLine(to: STDOUT_FILENO) }
    }

    func closed() {
        guard progress.value == .over else { return }
        progress.value = .closed
        reports.async { [trial] in ClientReport.closed(trial: trial).writeLine(to: STDOUT_FILENO) }
    }
}

/// Places a trial's call by HTTPS, off the event loop, and brings the answer to its conversation.
private final class TrialCaller: Sendable {
    private let signalling: Server.SignallingClient
    private let session: String
    private let driver: EventLoopPromise<DatagramDriver<TrialConversation>>

    init(signalling: Server.SignallingClient, session: String) {
        self.signalling = signalling
        self.session = session
        driver = MultiThreadedEventLoopGroup.singleton.next().makePromise()
    }

    func attach(_ driver: DatagramDriver<TrialConversation>) { self.driver.succeed(driver) }

    func call(offer: String, path: NetworkPath) {
        Task {
            do {
                let answer = try await signalling.call(offer: offer, session: session).sdp
                _ = try await driver.futureResult.get().command { conversation, now in
                    conversation.accept(answer: answer, path: path, now: now)
                }.get()
            } catch {
                let reason = "\(error)"
                _ = try? await driver.futureResult.get().command { conversation, now in conversation.refuse(reason, now: now) }.get()
            }
        }
    }
}

extension ClientEndpoint {
    /// The client of a trial, which begins to connect.
    fileprivate convenience init(
        _ transport: String, mode: ReliabilityMode, identity: DTLSIdentity, path: NetworkPath, now: Instant
    ) throws(RealFailure) {
        var talker = ClientConfiguration()
        talker.mode = mode
        let wire: ClientTransport
        switch transport {
        case "webtransport": wire = .webTransport(WebTransportClientConfiguration(authority: "\(path.remote)"))
        case "roq": wire = .roq(RoQConfiguration())
        case "webrtc":
            var configuration = WebRTCClientConfiguration(identity: identity)
            configuration.candidates = [path.local]
            wire = .webRTC(configuration)
        case "websocket": wire = .webSocket(WebSocketClientConfiguration(authority: "\(path.remote)"))
        default: throw .process(name: "client", reason: "knows no transport '\(transport)'")
        }
        self.init(
            transport: wire, serverName: "localhost", credentials: ClientCredentials(.insecure), quic: QUICConfiguration(),
            client: talker, path: path, entropy: .system, now: now)
    }
}
