import Endpoint
import Opus
import Session
import Wire

/// How trials are run; the same for every cell.
package enum TrialSettings {
    /// A frame that comes within this time of its capture is live (docs/wire.md).
    package static let liveDeadline = Duration.milliseconds(200)
    /// The server's think time, from the request of an answer to its first frame.
    package static let thinkTime = Duration.milliseconds(300)
    /// How much of the clip the server answers with.
    package static let answerDuration = Duration.seconds(1)
    /// A trial ends this long after its last frame at the latest.
    package static let patience = Duration.seconds(60)
    /// A connection that is not open by then is given up.
    package static let setupPatience = Duration.seconds(30)
}

/// One run of one cell: connect, speak the clip, commit it, hear the answer, close. Where the profile says so, speech does not
/// wait for the connection.
///
/// ```
///  connecting --opened--> speaking --last frame, commit--> listening --answer heard--> over
///       |                    |                                |
///       +---- closed, or nothing happened for too long -------+----> over
/// ```
struct Trial: ~Copyable {
    private enum Phase {
        case connecting
        /// The frame to be captured next, and when.
        case speaking(next: Int, at: Instant)
        case listening
        case over(end: String)
    }

    private let clip: Clip
    private let transport: TrialTransport
    private var world: World<SignallingClient, SignallingServer>
    private var phase = Phase.connecting
    private var record: TrialRecord

    /// Another mode, asked for with this frame.
    var modeChange: (frame: Int, mode: ReliabilityMode)?

    /// - Parameters:
    ///   - talker: how the client talks, its mode for one.
    ///   - clock: has begun, with the trial's seed.
    init(
        _ plan: TrialPlan, transport: TrialTransport, profile: NetworkProfile, talker: ClientConfiguration, clip: Clip,
        credentials: TrialCredentials, clock: LabClock? = nil
    ) {
        self.clip = clip
        self.transport = transport
        let early = profile.seenBefore ? EarlierVisit.secret : nil
        let server = SignallingServer(plan, clip: clip, credentials: credentials, earlyDataSecret: early)
        let tickets = early.map { EarlierVisit.tickets(secret: $0, transport: transport, credentials: credentials) }
        let client = SignallingClient(plan, transport: transport, talker: talker, credentials: credentials, tickets: tickets)
        world = World(client: client, server: server, profile: profile, seed: plan.seed, clock: clock)
        record = TrialRecord(frameCount: clip.frames.count)
        if profile.speaksWhileOpening { phase = .speaking(next: 0, at: .zero) }
    }

    /// Runs the trial to its end.
    mutating func run() throws(Stalled) -> TrialRecord {
        world.pump()
        while true {
            hear()
            switch phase {
            case .connecting:
                let limit = Instant.zero + TrialSettings.setupPatience
                if try !world.step(until: limit), world.now >= limit { phase = .over(end: "not open in time") }
            case .speaking(let next, let instant):
                if world.now >= instant {
                    speak(next)
                } else {
                    _ = try world.step(until: instant)
                }
            case .listening:
                let limit = (record.committed ?? .zero) + TrialSettings.patience
                if try !world.step(until: limit), world.now >= limit { phase = .over(end: "no end in time") }
            case .over(let end):
                finish(end)
                return record
            }
        }
    }

    /// Captures frame `index`, and commits the prompt after the last one.
    private mutating func speak(_ index: Int) {
        if let modeChange, modeChange.frame == index { world.client.endpoint.changeMode(modeChange.mode, now: world.now) }
        let payload = clip.frames[index]
        world.forgetTransmissions()
        world.client.endpoint.capture(payload: payload, duration: clip.frameDuration, now: world.now)
        world.pump()
        record.witness(frame: index, payloadByteCount: payload.count, captured: world.now, sent: world.transmissions)
        guard index + 1 < clip.frames.count else {
            world.client.endpoint.commit(now: world.now)
            world.client.endpoint.requestResponse(now: world.now)
            world.pump()
            record.committed = world.now
            phase = .listening
            return
        }
        phase = .speaking(next: index + 1, at: world.now + clip.frameDuration)
    }

    /// Takes what the client has noticed.
    private mutating func hear() {
        if record.signallingRoundTrips == nil, world.client.isSignalled { record.signallingRoundTrips = world.roundTrips }
        if let refusal = world.client.refusal { phase = .over(end: refusal) }
        while let notice = world.client.endpoint.pollNotice() {
            switch notice {
            case .opened:
                record.opened = world.now
                record.roundTrips = world.roundTrips
                if case .connecting = phase { phase = .speaking(next: 0, at: nextCapture) }
            case .closed(let close):
                phase = .over(end: "closed by \(close.origin.rawValue), code \(close.code): \(close.reason)")
            case .realtime(let notice): hear(notice)
            case .frameRefused: record.refusedCount += 1
            case .attachmentWanted: reconnect()
            case .attachmentFailed, .draining, .ticket: break
            }
        }
    }

    /// The connection is gone, or gives no sign: the session goes on over another one, of the same transport.
    private mutating func reconnect() {
        world.client.attach(over: transport, now: world.now)
        world.pump()
    }

    private mutating func hear(_ notice: ClientNotice) {
        switch notice {
        case .sessionResumed: record.resumeCount += 1
        case .sessionCreated where record.firstEvent == nil:
            record.firstEvent = world.now
            record.earlyData = world.client.endpoint.earlyData
        case .answerFrame:
            record.firstAudio = record.firstAudio ?? world.now
            record.answerFrames += 1
        case .outputStopped: record.answerStopped = record.answerStopped ?? world.now
        case .answerReceipt(let receipt):
            record.answer = receipt
            record.answerDecided = world.now
            if case .listening = phase { phase = .over(end: TrialRow.completedEnd) }
        case .responseDone(_, let status) where status != .completed:
            phase = .over(end: "response \(status.rawValue)")
        case .error(let error): phase = .over(end: "error: \(error.message)")
        default: break
        }
    }

    /// The microphone runs on a grid from the beginning of time, so that frames of all cells meet the network at the
    /// same instants even where one connection opened some microseconds later than another.
    private var nextCapture: Instant {
        let step = UInt64(max(1, clip.frameDuration.nanoseconds))
        return Instant(nanoseconds: (world.now.nanoseconds + step - 1) / step * step)
    }

    /// What there is of a trial that could not go on.
    mutating func abandoned(_ end: String) -> TrialRecord {
        finish(end)
        return record
    }

    private mutating func finish(_ end: String) {
        record.end = end
        record.account = world.server.endpoint.lastDecidedPrompt()
        world.client.endpoint.close(now: world.now)
        world.pump()
        record.finished = world.now
        record.up = TrafficRecord(world.up)
        record.down = TrafficRecord(world.down)
        record.log = world.log.value
    }
}
