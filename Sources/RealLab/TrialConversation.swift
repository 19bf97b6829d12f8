internal import Endpoint
internal import Lab
internal import Opus
internal import QUIC
internal import Server
internal import Session
internal import WebSocket
internal import Wire

/// The client of one trial, as in virtual time: connects at its origin, speaks the clip on the 20 ms grid that begins
/// there, commits, hears the answer, and closes when it is told to. An endpoint like the one it wraps.
///
/// ```
///  waiting --origin--> connecting --opened--> speaking --commit--> listening --answer heard--> over --told--> closing --> ended
///                          |                     |                     |
///                          +---- closed, or nothing came for too long -+-----> over
/// ```
final class TrialConversation: DatagramEndpoint, StreamEndpoint {
    private enum State {
        /// Nothing is sent before the origin, when the links' time begins.
        case waiting
        case connecting
        /// The frame to be captured next, and when.
        case speaking(next: Int, at: Instant)
        case listening(committed: Instant)
        /// The account is being taken; the connection stands.
        case over
        case closing(until: Instant)
        case ended
    }

    private let clip: Clip
    private let origin: Instant
    private let speaksWhileOpening: Bool
    private let makeClient: (Instant) throws -> ClientEndpoint
    /// Where the transport asks for signalling: places the call, and later says what came of it.
    private let placeCall: (_ offer: String) -> Void
    private var client: ClientEndpoint?
    private var state = State.waiting
    private(set) var record: ClientRecord

    /// How long the connection's end may take.
    private static let closeTime = Duration.seconds(1)

    init(
        trial: Int, clip: Clip, origin: Instant, speaksWhileOpening: Bool = false, makeClient: @escaping (Instant) throws -> ClientEndpoint,
        placeCall: @escaping (_ offer: String) -> Void
    ) {
        self.clip = clip
        self.origin = origin
        self.speaksWhileOpening = speaksWhileOpening
        self.makeClient = makeClient
        self.placeCall = placeCall
        record = ClientRecord(trial: trial)
    }

    /// What there was to see has been seen.
    var isOver: Bool {
        switch state {
        case .over, .closing, .ended: true
        default: false
        }
    }

    var isEnded: Bool { if case .ended = state { true } else { false } }

    // MARK: The endpoint's verbs

    func receive(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, ecn: ECN, now: Instant) {
        client?.receive(datagram, path: path, ecn: ecn, now: now)
        hear(now: now)
    }

    func handleTimeout(now: Instant) {
        if let client, let deadline = client.deadline, deadline <= now { client.handleTimeout(now: now) }
        hear(now: now)
        step(now: now)
    }

    var deadline: Instant? {
        let own: Instant? =
            switch state {
            case .waiting: origin
            case .connecting: origin + TrialSettings.setupPatience
            case .speaking(_, let instant): instant
            case .listening(let committed): committed + TrialSettings.patience
            case .over, .ended: nil
            case .closing(let until): until
            }
        return earliest(own, client?.deadline)
    }

    func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit? {
        if let transmit = client?.pollTransmit(into: buffer, now: now) { return transmit }
        if case .closing = state, client?.isClosing ?? true { state = .ended }
        return nil
    }

    /// Takes bytes of the stream to the server, where the transport needs one.
    func receive(stream bytes: [UInt8], now: Instant) {
        client?.receive(stream: bytes, now: now)
        hear(now: now)
    }

    /// The server has ended the stream, or it broke.
    func streamEnded(now: Instant) {
        client?.streamEnded(now: now)
        hear(now: now)
    }

    func pollWrite(_ byteCount: Int, now: Instant) -> StreamWrite? {
        if let write = client?.pollWrite(byteCount, now: now) { return write }
        if case .closing = state, client?.isClosing ?? true { state = .ended }
        return nil
    }

    // MARK: Commands

    /// The server has answered the offer.
    func accept(answer: String, path: NetworkPath, now: Instant) {
        do {
            try client?.accept(answer: answer, path: path, now: now)
            hear(now: now)
        } catch {
            end("the answer is no use: \(error)", now: now)
        }
    }

    func refuse(_ reason: String, now: Instant) { end("the call was refused: \(reason)", now: now) }

    /// The account is taken.
    func close(now: Instant) {
        guard case .over = state else { return }
        state = .closing(until: now + Self.closeTime)
        client?.close(now: now)
    }

    // MARK: The trial

    private func step(now: Instant) {
        switch state {
        case .waiting:
            if now >= origin { connect(now: now) }
        case .connecting:
            if now >= origin + TrialSettings.setupPatience { end("not open in time", now: now) }
        case .speaking(let next, let instant):
            if now >= instant { speak(next, tick: instant, now: now) }
        case .listening(let committed):
            if now >= committed + TrialSettings.patience { end("no end in time", now: now) }
        case .closing(let until):
            if now >= until { state = .ended }
        case .over, .ended: break
        }
    }

    private func connect(now: Instant) {
        do {
            let client = try makeClient(now)
            self.client = client
            state = speaksWhileOpening ? .speaking(next: 0, at: origin) : .connecting
            if let offer = client.offer { placeCall(offer) }
            step(now: now)
        } catch {
            end("\(error)", now: now)
        }
    }

    /// Captures every frame whose tick has come: one, where the machine is not late.
    private func speak(_ first: Int, tick: Instant, now: Instant) {
        guard let client else { return }
        var (next, tick) = (first, tick)
        while tick <= now, next < clip.frames.count {
            client.capture(payload: clip.frames[next], duration: clip.frameDuration, now: now)
            record.captures.append(now.nanoseconds)
            record.ticks.append(tick.nanoseconds)
            next += 1
            tick = tick + clip.frameDuration
        }
        guard next == clip.frames.count else {
            state = .speaking(next: next, at: tick)
            return
        }
        client.commit(now: now)
        client.requestResponse(now: now)
        record.committed = now.nanoseconds
        state = .listening(committed: now)
    }

    private func hear(now: Instant) {
        while let notice = client?.pollNotice() {
            switch notice {
            case .opened:
                record.opened = record.opened ?? now.nanoseconds
                guard case .connecting = state else { continue }
                state = .speaking(next: 0, at: nextTick(now: now))
            case .closed(let close):
                end("closed by \(close.origin.rawValue), code \(close.code): \(close.reason)", now: now)
            case .realtime(let notice): hear(notice, now: now)
            case .frameRefused: record.refusedCount += 1
            case .draining, .attachmentWanted, .attachmentFailed, .ticket: break
            }
        }
    }

    private func hear(_ notice: ClientNotice, now: Instant) {
        switch notice {
        case .sessionCreated(let id):
            record.session = id
            record.firstEvent = record.firstEvent ?? now.nanoseconds
        case .answerFrame:
            record.firstAudio = record.firstAudio ?? now.nanoseconds
            record.answerFrames += 1
        case .outputStopped: record.answerStopped = record.answerStopped ?? now.nanoseconds
        case .answerReceipt(let receipt):
            record.answer = receipt
            record.answerDecided = now.nanoseconds
            if case .listening = state { end(TrialRow.completedEnd, now: now) }
        case .responseDone(_, let status) where status != .completed:
            end("response \(status.rawValue)", now: now)
        case .error(let error): end("error: \(error.message)", now: now)
        default: break
        }
    }

    /// The grid of frames begins with the trial, as in virtual time.
    private func nextTick(now: Instant) -> Instant {
        let step = max(1, clip.frameDuration.nanoseconds)
        let steps = ((now - origin).nanoseconds + step - 1) / step
        return origin + .nanoseconds(steps * step)
    }

    private func end(_ end: String, now: Instant) {
        guard !isOver else { return }
        record.end = end
        record.finished = now.nanoseconds
        state = .over
    }
}
