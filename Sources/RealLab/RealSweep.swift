internal import Foundation
internal import Glibc
package import Lab
package import Opus
internal import Server
internal import Session
internal import Wire

/// Runs the trials of a plan over the real kernel: three processes, the network's, the clients' and the server's, and
/// many trials at once, each in real time.
package struct RealSweep {
    private let plan: Plan
    private let indices: [Int]
    private let clips: [String: Clip]
    private let commit: String
    private let limits: RealLimits
    private let profiles: ProfileCatalogue
    private let program: String
    private let arguments: [String]

    package enum End: Hashable, Sendable {
        case finished
        /// SIGINT or SIGTERM; the processes are gone.
        case interrupted
    }

    /// - Parameters:
    ///   - share: which trials of the plan.
    ///   - program: what the network's process is; this one where it is `nil`.
    ///   - arguments: what that is started with.
    package init(
        plan: Plan, share: Share, clips: [Clip], commit: String, limits: RealLimits, profiles: ProfileCatalogue = .builtIn,
        program: String? = nil, arguments: [String]
    ) {
        self.plan = plan
        // In an order of its own: a machine that is busy for a while must not spoil one cell and no other.
        var order = Xoshiro256(seed: plan.seed)
        indices = share.indices(count: plan.trialCount).shuffled(using: &order)
        self.clips = Dictionary(clips.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        self.commit = commit
        self.limits = limits
        self.profiles = profiles
        self.program = program ?? ChildProcess.ownProgram
        self.arguments = arguments
    }

    /// How long it takes at least: every trial lasts as long as its clip, its answer, and what else is said.
    package var estimate: Duration {
        let spoken = indices.map { clips[plan[$0].cell.clip]?.durationMilliseconds ?? 0 }.reduce(0, +)
        let each = Duration.milliseconds(300) + TrialSettings.thinkTime + TrialSettings.answerDuration
        let total = Duration.milliseconds(spoken) + each * indices.count
        let longest = Duration.milliseconds(clips.values.map(\.durationMilliseconds).max() ?? 0) + each
        return max(longest, total / max(1, min(limits.trialsAtOnce, indices.count)))
    }

    package var trialCount: Int { indices.count }

    /// Runs them all and hands out each row when its trial has ended: not in the plan's order. The calling process must not yet catch signals.
    /// - Throws: `RealFailure`.
    package func run(receive: (TrialRow) -> Void) throws -> End {
        signal(SIGPIPE, SIG_IGN)
        let processes = try RealProcesses(program: program, arguments: arguments)
        defer { processes.finish() }
        let interruption = Pipe()
        let signals = StopSignals { interruption.fileHandleForWriting.write(Data([0])) }
        defer { withExtendedLifetime(signals) {} }
        var run = RealRun(self, processes)
        return try run.run(stop: interruption.fileHandleForReading.fileDescriptor, receive: receive)
    }

    fileprivate func trial(_ index: Int, attempt: Int, origin: Instant) -> RealTrial? {
        let trial = plan[index]
        guard let clip = clips[trial.cell.clip] else { return nil }
        let spoken = trial.cell.mode == ReliabilityMode.fec.rawValue ? clip.protected : clip
        return RealTrial(index: index, plan: trial, clip: spoken, origin: origin, attempt: attempt)
    }

    fileprivate var names: [String] { plan.clips }

    // MARK: A run

    /// The run of a sweep: begins trials as the pace allows, and follows each from one witness to the next.
    ///
    ///     begin → client: over → server: account → client: closed → relay: closed → row
    private struct RealRun {
        private let sweep: RealSweep
        private let processes: RealProcesses
        private var pace: RealPace
        /// What is still to be begun, the next at the end, with the attempt it will be.
        private var waiting: [(index: Int, attempt: Int)]
        private var running: [Int: RealTrial] = [:]
        private var nextNumber = 0
        private var nextBegin = Instant.zero
        private var network = RelayMessages()
        private var client = MessageLines<ClientReport>()
        private var server = MessageLines<ServerReport>()
        private var readyCount = 0
        private var buffer = [UInt8](repeating: 0, count: 1 << 16)

        init(_ sweep: RealSweep, _ processes: RealProcesses) {
            self.sweep = sweep
            self.processes = processes
            pace = RealPace(sweep.limits)
            waiting = sweep.indices.reversed().map { ($0, 1) }
        }

        private var isReady: Bool { readyCount == 3 }

        mutating func run(stop: Int32, receive: (TrialRow) -> Void) throws -> End {
            let startLimit = SystemClock.now() + sweep.limits.startTime
            while !isReady || !waiting.isEmpty || !running.isEmpty {
                let now = SystemClock.now()
                guard isReady || now < startLimit else {
                    throw RealFailure.process(name: "client or server", reason: "was not ready in time")
                }
                if isReady { begin(now: now) }
                guard running.values.allSatisfy({ now < $0.limit }) else {
                    throw RealFailure.process(name: "client", reason: "left a trial without an end")
                }
                let outputs = [stop, processes.network.output, processes.client.output, processes.server.output]
                var descriptors = outputs.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
                guard poll(&descriptors, nfds_t(descriptors.count), wait(now: now)) >= 0 || errno == EINTR else {
                    throw RealFailure.system("waiting for the processes")
                }
                if descriptors[0].revents != 0 { return .interrupted }
                if descriptors[1].revents != 0 { try hearNetwork(receive) }
                if descriptors[2].revents != 0 { try hearClient() }
                if descriptors[3].revents != 0 { try hearServer() }
            }
            return .finished
        }

        /// Milliseconds until something is to be begun.
        private func wait(now: Instant) -> Int32 {
            guard isReady, !waiting.isEmpty, running.count < pace.limit else { return 1_000 }
            return Int32(clamping: max(0, (nextBegin - now).nanoseconds / 1_000_000) + 1)
        }

        private mutating func begin(now: Instant) {
            while running.count < pace.limit, nextBegin <= now, let next = waiting.popLast() {
                nextBegin = now + sweep.limits.stagger
                let origin = Self.phased(number: nextNumber, after: now + sweep.limits.notice)
                guard let trial = sweep.trial(next.index, attempt: next.attempt, origin: origin) else { continue }
                let number = nextNumber
                nextNumber += 1
                running[number] = trial
                let (cell, seed) = (trial.plan.cell, trial.plan.seed)
                let opening = RelayOpening(
                    trial: number, origin: origin, upSeed: seed.upLink, downSeed: seed.downLink, profile: cell.profile)
                processes.tell(.open(opening))
                ClientCommand.begin(
                    TrialBeginning(
                        trial: number, transport: cell.transport, mode: cell.mode, clip: cell.clip, origin: origin.nanoseconds,
                        speaksWhileOpening: sweep.profiles.profile(named: cell.profile)?.speaksWhileOpening ?? false)
                ).writeLine(to: processes.client.input)
            }
        }

        /// The next instant at which a trial may begin so that the ticks of all trials spread over the 20 ms between two frames:
        /// steps of the golden section fill a circle evenly, however many there are.
        private static func phased(number: Int, after instant: Instant) -> Instant {
            let step = UInt64(GilbertElliott.step.nanoseconds)
            let phase = UInt64((Double(number) * 0.618_033_988_75).truncatingRemainder(dividingBy: 1) * Double(step))
            return Instant(nanoseconds: instant.nanoseconds + (phase + step - instant.nanoseconds % step) % step)
        }

        private mutating func read(_ descriptor: Int32, of process: String) throws(RealFailure) -> ArraySlice<UInt8> {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            guard count > 0 || (count < 0 && errno == EINTR) else { throw .process(name: process, reason: "ended before its trials did; what it said stands above") }
            return buffer[..<max(0, count)]
        }

        private mutating func hearClient() throws {
            for report in try client.append(try read(processes.client.output, of: "client")) {
                switch report {
                case .ready: readyCount += 1
                case .over(let record):
                    guard let trial = running[record.trial] else { continue }
                    running[record.trial]?.client = record
                    let port = RealAddresses.port(
                        ofAnswerTo: trial.plan.cell.clip, mode: ReliabilityMode(rawValue: trial.plan.cell.mode) ?? .datagram,
                        among: sweep.names)
                    ServerCommand(trial: record.trial, port: port, session: record.session).writeLine(to: processes.server.input)
                case .closed(let trial): processes.tell(.close(trial: trial))
                }
            }
        }

        private mutating func hearServer() throws {
            for report in try server.append(try read(processes.server.output, of: "server")) {
                switch report {
                case .ready: readyCount += 1
                case .account(let trial, let account):
                    running[trial]?.account = account
                    ClientCommand.close(trial: trial).writeLine(to: processes.client.input)
                }
            }
        }

        private mutating func hearNetwork(_ receive: (TrialRow) -> Void) throws {
            network.append(try read(processes.network.output, of: "network"))
            while let body = try network.next() {
                switch try RelayReport(body.span) {
                case .ready: readyCount += 1
                case .refused(let code, let reason): throw RealFailure.refused(code: code, description: reason)
                case .closed(let account): finish(account, receive)
                }
            }
        }

        private mutating func finish(_ relay: RelayAccount, _ receive: (TrialRow) -> Void) {
            guard let trial = running.removeValue(forKey: relay.trial) else { return }
            let lateness = trial.record(relay).lateness ?? Lateness(link: .zero, capture: .zero)
            switch pace.finished(lateness, attempt: trial.attempt, began: trial.origin, now: SystemClock.now()) {
            case .again: waiting.insert((trial.index, trial.attempt + 1), at: 0)
            case .accepted: receive(trial.row(relay, commit: sweep.commit))
            }
        }
    }
}

/// The three processes of a run.
private struct RealProcesses {
    /// Our ends of their pipes.
    let network: PipeEnds
    let client: PipeEnds
    let server: PipeEnds
    private let process: ChildProcess

    /// Starts the network's process, which starts the two others.
    init(program: String, arguments: [String]) throws(RealFailure) {
        let (network, client, server) = (try ChildProcess.makePipes(), try ChildProcess.makePipes(), try ChildProcess.makePipes())
        defer { for pipe in [network, client, server] { [pipe.theirs.input, pipe.theirs.output].forEach { close($0) } } }
        process = try ChildProcess.start(
            "network", program: program, arguments: arguments, standard: network.theirs,
            others: [client.theirs.input, client.theirs.output, server.theirs.input, server.theirs.output], ours: network.ours)
        (self.network, self.client, self.server) = (network.ours, client.ours, server.ours)
    }

    func tell(_ command: RelayCommand) {
        let message = command.message
        _ = write(network.input, message, message.count)
    }

    /// Ends all of them, and waits until they have ended.
    func finish() {
        for descriptor in [client.input, server.input] { close(descriptor) }
        process.finish()
        for descriptor in [client.output, server.output] { close(descriptor) }
    }
}
