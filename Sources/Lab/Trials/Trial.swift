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
    package static let setupPatience = Duration.seconds(60)
}

/// One run of one cell in virtual time: a talker, a server, and the network between them.
struct Trial: ~Copyable {
    private var world: World<SignallingClient, SignallingServer>
    private var talk: TrialTalk

    /// - Parameters:
    ///   - talker: how the client talks, its mode for one.
    ///   - modeChange: another mode, asked for with this frame.
    ///   - clock: has begun, with the trial's seed.
    init(
        _ plan: TrialPlan, course: TrialCourse, profile: NetworkProfile, talker: ClientConfiguration, clip: Clip,
        credentials: TrialCredentials, modeChange: (frame: Int, mode: ReliabilityMode)? = nil, clock: LabClock? = nil
    ) {
        let early = profile.seenBefore ? EarlierVisit.secret : nil
        let server = SignallingServer(plan, clip: clip, credentials: credentials, earlyDataSecret: early)
        let tickets = early.map {
            EarlierVisit.tickets(secret: $0, transport: course.first, credentials: credentials, successor: server)
        }
        let client = SignallingClient(plan, transport: course.first, talker: talker, credentials: credentials, tickets: tickets)
        world = World(client: client, server: server, profile: profile, seed: plan.seed, clock: clock)
        talk = TrialTalk(clip: clip, course: course, origin: .zero, speaksWhileOpening: profile.speaksWhileOpening)
        talk.modeChange = modeChange
    }

    /// Runs the trial to its end.
    mutating func run() throws(Stalled) -> TrialRecord {
        world.pump()
        while true {
            hear()
            guard let deadline = talk.deadline else { return finish() }
            if world.now >= deadline { step() } else { _ = try world.step(until: deadline) }
        }
    }

    /// Lets the talker do what is due, and notes what left the client with a frame.
    private mutating func step() {
        let frames = talk.record.captures.count
        world.forgetTransmissions()
        talk.step(world.client.endpoint, now: world.now)
        world.pump()
        if talk.record.captures.count > frames { talk.record.witness(sent: world.transmissions) }
    }

    /// Takes what the client has noticed, and opens what it wants.
    private mutating func hear() {
        if talk.record.signallingRoundTrips == nil, world.client.isSignalled { talk.record.signallingRoundTrips = world.roundTrips }
        if let refusal = world.client.refusal { talk.end(refusal, now: world.now) }
        let wasOpen = talk.record.opened != nil
        talk.hear(world.client.endpoint, now: world.now)
        if !wasOpen, talk.record.opened != nil { talk.record.roundTrips = world.roundTrips }
        guard let transport = talk.takeConnection() else { return }
        world.client.attach(over: transport, now: world.now)
        world.pump()
    }

    /// What there is of a trial that could not go on.
    mutating func abandoned(_ reason: String) -> TrialRecord {
        talk.end(reason, now: world.now)
        return finish()
    }

    private mutating func finish() -> TrialRecord {
        var record = talk.record
        record.account = world.server.endpoint.lastDecidedPrompt()
        world.client.endpoint.close(now: world.now)
        world.pump()
        record.finished = world.now
        record.up = TrafficRecord(world.up)
        record.down = TrafficRecord(world.down)
        record.log = world.log.value
        return record
    }
}
