package import Endpoint
package import Opus
import Session
package import Wire

/// What the talker of a trial does, and when, and what it hears: the same in virtual time and in real time, without a network and
/// without a clock. Where the profile says so, speech does not wait for the connection.
///
/// ```
///  connecting --opened--> speaking --last frame--> speaking, to commit --> listening --answer heard--> over
///       |                    |                                                |
///       +---- closed, or nothing happened for too long -----------------------+----> over
/// ```
///
/// The contract: after everything that happens to the client, `hear`; then open the connection that `takeConnection` names; at
/// `deadline`, `step`, after which what the client has to send must leave before the next.
package struct TrialTalk {
    private enum Phase {
        case connecting
        /// The frame to be captured next, and when; behind the last one comes the commit, at once.
        case speaking(next: Int, at: Instant)
        case listening(since: Instant)
        case over
    }

    private let clip: Clip
    private let origin: Instant
    private let course: TrialCourse
    private let moveFrame: Int?
    /// What the session travels over, or is to.
    private var transport: TrialTransport
    private var phase = Phase.connecting
    /// The driver is to open a connection.
    private var wantsConnection = false
    /// Since when the session is to go on over another connection, attempts that failed included.
    private var wantedSince: Instant?

    /// What was seen, in the time that the caller tells.
    package var record: TrialRecord
    /// By frame: when it should have been captured.
    package private(set) var ticks: [Instant] = []
    /// Another mode, asked for with this frame.
    var modeChange: (frame: Int, mode: ReliabilityMode)?

    /// - Parameters:
    ///   - origin: when the client begins to connect.
    ///   - speaksWhileOpening: whether speech begins with the client's first packet.
    package init(clip: Clip, course: TrialCourse, origin: Instant, speaksWhileOpening: Bool) {
        self.clip = clip
        self.origin = origin
        self.course = course
        moveFrame = course.moveFrame(count: clip.frames.count, frameDuration: clip.frameDuration)
        transport = course.first
        record = TrialRecord(frameCount: clip.frames.count)
        if speaksWhileOpening { phase = .speaking(next: 0, at: origin) }
    }

    package var isOver: Bool { if case .over = phase { true } else { false } }

    /// When `step` is wanted.
    package var deadline: Instant? {
        switch phase {
        case .connecting: origin + TrialSettings.setupPatience
        case .speaking(_, let instant): instant
        case .listening(let since): since + TrialSettings.patience
        case .over: nil
        }
    }

    /// The transport of a connection that the session wants now, after a loss or for its move.
    package mutating func takeConnection() -> TrialTransport? {
        guard wantsConnection, !isOver else { return nil }
        wantsConnection = false
        return transport
    }

    /// Does one thing that is due.
    package mutating func step(_ client: ClientEndpoint, now: Instant) {
        guard let deadline, deadline <= now else { return }
        switch phase {
        case .connecting: end("not open in time", now: now)
        case .speaking(let next, let tick):
            if next < clip.frames.count { capture(next, tick: tick, client, now: now) } else { commit(client, now: now) }
        case .listening: end("no end in time", now: now)
        case .over: break
        }
    }

    private mutating func capture(_ index: Int, tick: Instant, _ client: ClientEndpoint, now: Instant) {
        if let modeChange, modeChange.frame == index { client.changeMode(modeChange.mode, now: now) }
        if let move = course.move, moveFrame == index {
            transport = move.to
            wantConnection(now: now)
        }
        let payload = clip.frames[index]
        client.capture(payload: payload, duration: clip.frameDuration, now: now)
        record.captured(payloadByteCount: payload.count, at: now)
        ticks.append(tick)
        let isLast = index + 1 == clip.frames.count
        phase = .speaking(next: index + 1, at: isLast ? now : tick + clip.frameDuration)
    }

    private mutating func commit(_ client: ClientEndpoint, now: Instant) {
        client.commit(now: now)
        client.requestResponse(now: now)
        record.committed = now
        phase = .listening(since: now)
    }

    // MARK: What the client notices

    /// Takes what the client has noticed.
    package mutating func hear(_ client: ClientEndpoint, now: Instant) {
        while let notice = client.pollNotice() {
            switch notice {
            case .opened:
                record.opened = record.opened ?? now
                if case .connecting = phase { phase = .speaking(next: 0, at: nextTick(now: now)) }
            case .closed(let close):
                end("closed by \(close.origin.rawValue), code \(close.code): \(close.reason)", now: now)
            case .realtime(let notice): hear(notice, client, now: now)
            case .frameRefused: record.refusedCount += 1
            case .attachmentWanted: wantConnection(now: now)
            // While there is something to be moved, it is tried again.
            case .attachmentFailed: if case .speaking = phase { wantConnection(now: now) }
            case .draining, .ticket: break
            }
        }
    }

    private mutating func hear(_ notice: ClientNotice, _ client: ClientEndpoint, now: Instant) {
        switch notice {
        case .sessionCreated(let id):
            record.session = id
            guard record.firstEvent == nil else { break }
            record.firstEvent = now
            record.earlyData = client.earlyData
        case .sessionResumed: resumed(now: now)
        case .answerFrame:
            record.firstAudio = record.firstAudio ?? now
            record.answerFrames += 1
        case .outputStopped: record.answerStopped = record.answerStopped ?? now
        case .answerReceipt(let receipt):
            record.answer = receipt
            record.answerDecided = now
            if case .listening = phase { end(TrialRow.completedEnd, now: now) }
        case .responseDone(_, let status) where status != .completed: end("response \(status.rawValue)", now: now)
        case .error(let error): end("error: \(error.message)", now: now)
        default: break
        }
    }

    private mutating func wantConnection(now: Instant) {
        wantsConnection = true
        wantedSince = wantedSince ?? now
    }

    private mutating func resumed(now: Instant) {
        record.resumeCount += 1
        guard let since = wantedSince else { return }
        wantedSince = nil
        if let longest = record.resume, longest.upperBound - longest.lowerBound >= now - since { return }
        record.resume = since..<now
    }

    /// The microphone runs on a grid that begins with the trial, so that frames of all cells meet the network at the same instants
    /// even where one connection opened some microseconds later than another.
    private func nextTick(now: Instant) -> Instant {
        let step = max(1, clip.frameDuration.nanoseconds)
        return origin + .nanoseconds(((now - origin).nanoseconds + step - 1) / step * step)
    }

    /// There is nothing more to be seen.
    package mutating func end(_ reason: String, now: Instant) {
        guard !isOver else { return }
        record.end = reason
        record.finished = now
        phase = .over
    }
}
