package import Endpoint
internal import QUIC
internal import Session
package import Wire

/// A person with one prompt: connects, speaks the clip in real time, commits, reads the receipt, hears the answer and
/// hangs up. Without sockets, so that it runs on real ones (`SessionLines`) and in virtual time alike.
///
/// ```
/// opening ──socket──▶ connecting ──opened──▶ speaking ──last frame──▶ (awaitingMove ──▶) awaitingReceipt ──receipt──▶ awaitingAnswer ──stopped──▶ collecting ──▶ closing ──▶ ended
/// ```
/// A failure leads from each state to `closing`.
package final class TalkConversation: SessionConversation {
    enum State {
        /// The first connection has no socket yet, or its call no answer. It is for the driver to say how long that may take.
        case opening
        case connecting(since: Instant)
        case speaking(next: Int, start: Instant)
        /// All is spoken; a move in mid-prompt is under way, and the prompt does not end before it.
        case awaitingMove(until: Instant)
        case awaitingReceipt(committed: Instant)
        case awaitingAnswer(lastSign: Instant)
        /// The answer has stopped; frames that it overtook may still come.
        case collecting(until: Instant)
        /// The connection closes once the peer has what was sent before.
        case closing(until: Instant)
        case ended
    }

    /// A connection that the driver opens.
    enum Opening {
        case none
        case wanted(TalkTransport)
        /// There is no socket yet.
        case underWay
    }

    package typealias MakeClient = (_ transport: ClientTransport, _ path: NetworkPath, _ now: Instant) -> ClientEndpoint

    let makeClient: MakeClient
    package internal(set) var client: ClientEndpoint?
    private let script: TalkScript
    let began: Instant
    var state = State.opening
    var opening: Opening
    /// Why there was never a connection.
    package internal(set) var openingFailure: (any Error)?
    private var hasChangedMode = false
    package internal(set) var report = TalkReport()

    /// - Parameters:
    ///   - first: the first connection's transport.
    ///   - began: when the talker began to connect.
    ///   - makeClient: makes the client's end once the first connection has a socket.
    package init(over first: TalkTransport, script: TalkScript, began: Instant, makeClient: @escaping MakeClient) {
        opening = .wanted(first)
        self.script = script
        self.began = began
        self.makeClient = makeClient
    }

    /// Whether the conversation is over and the connection's last datagram was written.
    package var isFinished: Bool {
        if case .ended = state { true } else { false }
    }

    // MARK: The endpoint's verbs

    package func handleTimeout(now: Instant) {
        if let client, let deadline = client.deadline, deadline <= now { client.handleTimeout(now: now) }
        turned(now: now)
        step(now: now)
    }

    package var deadline: Instant? {
        let limits = script.limits
        let own: Instant? =
            switch state {
            case .connecting(let since): since + limits.connect
            case .speaking(let next, let start): start + script.frameDuration * next
            case .awaitingMove(let until): until
            case .awaitingReceipt(let committed): committed + limits.receipt
            case .awaitingAnswer(let lastSign): lastSign + limits.answer
            case .collecting(let until), .closing(let until): until
            case .opening, .ended: nil
            }
        return earliest(own, client?.deadline)
    }

    package func drained() {
        if case .closing = state, client?.isClosing ?? true { state = .ended }
    }

    package func peerRefused(now: Instant) {
        switch state {
        case .closing, .ended: break
        default: if report.sessionID == nil { end(.refused, now: now) }
        }
    }

    /// Hangs up at once.
    package func interrupt(now: Instant) {
        switch state {
        case .closing, .ended: break
        default: end(report.receipt == nil ? .interrupted : nil, now: now)
        }
    }

    // MARK: The conversation

    private func step(now: Instant) {
        let limits = script.limits
        switch state {
        case .connecting(let since):
            if now - since >= limits.connect { end(.notConnected(after: limits.connect), now: now) }
        case .speaking(let next, let start):
            speak(from: next, start: start, now: now)
        case .awaitingMove(let until):
            if now >= until || report.move?.isUnderWay != true { commit(now: now) }
        case .awaitingReceipt(let committed):
            if now - committed >= limits.receipt { end(.noReceipt(after: limits.receipt), now: now) }
        case .awaitingAnswer(let lastSign):
            if now - lastSign >= limits.answer { end(.noAnswer(after: limits.answer), now: now) }
        case .collecting(let until):
            if now >= until { end(nil, now: now) }
        case .closing(let until):
            if now >= until { state = .ended }
        case .opening, .ended:
            break
        }
    }

    /// Sends every frame whose time has come. A frame leaves when its last sample has been spoken, as from a microphone.
    private func speak(from next: Int, start: Instant, now: Instant) {
        var next = next
        while next <= script.frames.count, start + script.frameDuration * next <= now {
            if next > 0 {
                client?.capture(payload: script.frames[next - 1], duration: script.frameDuration, now: now)
            }
            if let move = script.move, report.move == nil, script.frameDuration * next >= move.after {
                report.move = TalkMove(transport: move.transport, spoken: script.frameDuration * next, began: now)
                opening = .wanted(move.transport)
            }
            if let change = script.modeChange, !hasChangedMode, script.frameDuration * next >= change.after {
                hasChangedMode = true
                client?.changeMode(change.mode, now: now)
            }
            next += 1
        }
        guard next > script.frames.count else {
            state = .speaking(next: next, start: start)
            return
        }
        guard report.move?.isUnderWay != true else {
            state = .awaitingMove(until: now + script.limits.connect)
            return
        }
        commit(now: now)
    }

    private func commit(now: Instant) {
        client?.commit(now: now)
        client?.requestResponse(now: now)
        report.committed = now
        state = .awaitingReceipt(committed: now)
    }

    package func turned(now: Instant) {
        while let notice = client?.pollNotice() { handle(notice, now: now) }
        if case .awaitingMove = state { step(now: now) }
    }

    private func handle(_ notice: EndpointNotice, now: Instant) {
        switch notice {
        case .opened:
            // Frames may leave, but the server has not agreed yet: wait for its answer, which is the setup time. Only who was
            // here before begins at once: that is what early data is for.
            if case .connecting = state, client?.earlyData == .pending { state = .speaking(next: 0, start: now) }
        case .realtime(let notice): handle(notice, now: now)
        case .frameRefused: report.refusedFrames += 1
        case .draining: break
        case .attachmentWanted:
            // An opening that is under way will do, and where it fails this is asked again.
            if case .none = opening, let transport = refuge { opening = .wanted(transport) }
        case .attachmentFailed(let close):
            report.move?.fail(close.reason)
        case .ticket(let ticket): report.tickets.put(ticket)
        case .closed(let close):
            closed(close, now: now)
        }
    }

    private func closed(_ close: TransportClose, now: Instant) {
        switch state {
        case .closing, .ended: break
        // QUIC's own limit for its handshake.
        case _ where report.sessionID == nil && close.origin == .timeout: end(.notConnected(after: now - began), now: now)
        default: end(report.receipt == nil ? .closed(close) : nil, now: now)
        }
    }

    private func handle(_ notice: ClientNotice, now: Instant) {
        switch notice {
        case .sessionCreated(let id):
            report.sessionID = id
            report.setup = report.setup ?? now - began
            if let client { report.earlyData = client.earlyData }
            guard case .connecting = state else { return }
            state = .speaking(next: 0, start: now)
            step(now: now)
        case .sessionUpdated(let mode):
            report.mode = mode
        case .receipt(let receipt):
            report.receipt = receipt
            report.receiptDelay = report.committed.map { now - $0 }
            if case .awaitingReceipt = state { state = .awaitingAnswer(lastSign: now) }
        case .answerFrame(let frame):
            if report.firstAnswerDelay == nil { report.firstAnswerDelay = report.committed.map { now - $0 } }
            if report.answer.count < script.limits.answerFrames { report.answer.append(frame) }
            if case .awaitingAnswer = state { state = .awaitingAnswer(lastSign: now) }
        case .responseCreated, .responseDone, .outputStarted:
            if case .awaitingAnswer = state { state = .awaitingAnswer(lastSign: now) }
        case .outputStopped, .outputCleared:
            guard case .awaitingAnswer = state else { return }
            // With a manifest the receipt of the answer says when all is there.
            state = .collecting(until: now + (client?.awaitsAnswerFrames == true ? script.limits.answer : script.limits.stragglers))
        case .answerReceipt(let receipt):
            report.answerReceipt = receipt
            if case .collecting = state { end(nil, now: now) }
        case .error(let error): handle(error, now: now)
        case .sessionResumed(let transports): resumed(over: transports.last, now: now)
        case .sessionExpiring, .committed, .cleared, .truncated: break
        }
    }

    private func resumed(over transport: String?, now: Instant) {
        if report.move?.isUnderWay == true, transport == report.move?.transport.rawValue {
            report.move?.end(now: now)
        } else {
            report.reconnections += 1
        }
    }

    private func handle(_ error: EventError, now: Instant) {
        // A rejected prompt still gets its receipt, and then no answer.
        if error.code == .promptRejected { return }
        if case .awaitingAnswer = state {
            state = .collecting(until: now + script.limits.stragglers)
        } else if report.receipt == nil {
            end(.rejected(code: error.code.text, message: error.message), now: now)
        }
    }

    private func end(_ failure: TalkFailure?, now: Instant) {
        report.failure = failure
        guard let client else { return state = .ended }
        state = .closing(until: now + script.limits.close)
        client.close(now: now)
    }
}
