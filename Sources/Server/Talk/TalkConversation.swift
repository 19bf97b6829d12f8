package import Endpoint
internal import QUIC
package import Session
package import WebRTC
package import WebSocket
package import Wire

/// What `talk` says, and how long it waits for what.
package struct TalkScript: Sendable {
    /// The clip's Opus packets, in order.
    package var frames: [[UInt8]]
    package var frameDuration = Duration.milliseconds(20)
    /// Asks for another mode once so much of the clip is spoken.
    package var modeChange: (after: Duration, mode: ReliabilityMode)?
    /// Moves the session to another connection once so much of the clip is spoken.
    package var move: (after: Duration, transport: TalkTransport)?
    package var limits = TalkLimits()

    package init(frames: [[UInt8]]) { self.frames = frames }
}

/// How long `talk` waits for the server.
package struct TalkLimits: Hashable, Sendable {
    /// From the first packet until the session is open.
    package var connect = Duration.seconds(10)
    /// From the commit to the receipt: longer than any wait that the server grants.
    package var receipt = Duration.seconds(130)
    /// Between two signs of life of the answer.
    package var answer = Duration.seconds(10)
    /// After the answer's last event where it had no manifest, for frames that were overtaken by it.
    package var stragglers = Duration.milliseconds(200)
    /// For the peer to have everything before the connection closes.
    package var close = Duration.seconds(1)
    /// The most frames of the answer that are kept: 15 minutes.
    package var answerFrames = 45_000

    package init() {}
}

/// A person with one prompt: connects, speaks the clip in real time, commits, reads the receipt, hears the answer and
/// hangs up. An endpoint like the one it wraps, so that it runs on a socket and in virtual time alike.
///
/// ```
/// connecting ──opened──▶ speaking ──last frame──▶ (awaitingMove ──▶) awaitingReceipt ──receipt──▶ awaitingAnswer ──stopped──▶ collecting ──▶ closing ──▶ ended
/// ```
/// A failure leads from each state to `closing`.
package final class TalkConversation: DatagramEndpoint {
    private enum State {
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

    /// A connection beside the present one, which the driver opens.
    private enum Opening {
        case none
        case wanted(TalkTransport)
        /// The driver is at it.
        case underWay
    }

    private let client: ClientEndpoint
    private let script: TalkScript
    private let began: Instant
    private var state: State
    private var opening = Opening.none
    private var hasChangedMode = false
    private(set) package var report = TalkReport()

    /// - Parameter began: when the talker began to connect: signalling has taken time already, where there was any.
    package init(client: ClientEndpoint, script: TalkScript, began: Instant) {
        self.client = client
        self.script = script
        self.began = began
        state = .connecting(since: began)
        // With a ticket the connection is open at once.
        if client.earlyData == .pending { readNotices(now: began) }
    }

    /// Whether the conversation is over and the connection's last datagram was written.
    package var isFinished: Bool {
        if case .ended = state { true } else { false }
    }

    // MARK: The endpoint's verbs

    package func receive(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, ecn: ECN, now: Instant) {
        client.receive(datagram, path: path, ecn: ecn, now: now)
        readNotices(now: now)
    }

    package func handleTimeout(now: Instant) {
        if let deadline = client.deadline, deadline <= now { client.handleTimeout(now: now) }
        readNotices(now: now)
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
            case .ended: nil
            }
        return earliest(own, client.deadline)
    }

    package func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit? {
        if let transmit = client.pollTransmit(into: buffer, now: now) { return transmit }
        endWhenDrained()
        return nil
    }

    /// The same for a driver with a socket for each local address.
    package func pollTransmit(
        into buffer: UnsafeMutableRawBufferPointer, from local: PeerAddress, now: Instant
    ) -> Transmit? {
        if let transmit = client.pollTransmit(into: buffer, from: local, now: now) { return transmit }
        if local == client.local { endWhenDrained() }
        return nil
    }

    /// Takes bytes of the stream at a local address.
    package func receive(stream bytes: [UInt8], at local: PeerAddress, now: Instant) {
        client.receive(stream: bytes, at: local, now: now)
        readNotices(now: now)
    }

    /// The server has ended the stream, or it broke.
    package func streamEnded(at local: PeerAddress, now: Instant) {
        client.streamEnded(at: local, now: now)
        readNotices(now: now)
    }

    /// Bytes for the stream at a local address; `nil` when there are none now.
    package func pollWrite(_ byteCount: Int, from local: PeerAddress, now: Instant) -> StreamWrite? {
        let write = client.pollWrite(byteCount, from: local, now: now)
        if local == client.local { endWhenDrained() }
        return write
    }

    private func endWhenDrained() {
        if case .closing = state, client.isClosing { state = .ended }
    }

    /// The peer's machine says that nothing listens on the port (ICMP port unreachable).
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
        case .ended:
            break
        }
    }

    /// Sends every frame whose time has come. A frame leaves when its last sample has been spoken, as from a microphone.
    private func speak(from next: Int, start: Instant, now: Instant) {
        var next = next
        while next <= script.frames.count, start + script.frameDuration * next <= now {
            if next > 0 {
                client.capture(payload: script.frames[next - 1], duration: script.frameDuration, now: now)
            }
            if let move = script.move, report.move == nil, script.frameDuration * next >= move.after {
                report.move = TalkMove(transport: move.transport, spoken: script.frameDuration * next, began: now)
                opening = .wanted(move.transport)
            }
            if let change = script.modeChange, !hasChangedMode, script.frameDuration * next >= change.after {
                hasChangedMode = true
                client.changeMode(change.mode, now: now)
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
        client.commit(now: now)
        client.requestResponse(now: now)
        report.committed = now
        state = .awaitingReceipt(committed: now)
    }

    private func readNotices(now: Instant) {
        while let notice = client.pollNotice() { handle(notice, now: now) }
        if case .awaitingMove = state { step(now: now) }
    }

    private func handle(_ notice: EndpointNotice, now: Instant) {
        switch notice {
        case .opened:
            // Frames may leave, but the server has not agreed yet: wait for its answer, which is the setup time. Only who was
            // here before begins at once: that is what early data is for.
            if case .connecting = state, client.earlyData == .pending { state = .speaking(next: 0, start: now) }
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
            report.earlyData = client.earlyData
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
            state = .collecting(until: now + (client.awaitsAnswerFrames ? script.limits.answer : script.limits.stragglers))
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
        state = .closing(until: now + script.limits.close)
        client.close(now: now)
    }
}

// MARK: Another connection

extension TalkConversation {
    /// Over what to go on after a loss: as before, or where the session was to move anyway.
    private var refuge: TalkTransport? {
        if let move = report.move, move.isUnderWay { return move.transport }
        return TalkTransport(rawValue: client.capabilities.transport)
    }

    /// The connection that the driver has to open now: it answers with `attach`, and with `attachmentFailed` where it cannot.
    package func takeOpening() -> TalkTransport? {
        guard case .wanted(let transport) = opening else { return nil }
        opening = .underWay
        return transport
    }

    /// - Returns: `false` where the conversation needs no other connection any more.
    package func attach(over transport: ClientTransport, path: NetworkPath, entropy: Entropy, now: Instant) -> Bool {
        switch state {
        case .closing, .ended: return false
        default: break
        }
        guard client.attach(over: transport, path: path, entropy: entropy, now: now) else {
            report.move?.fail("the server lets no session go on over another connection")
            opening = .none
            readNotices(now: now)
            return false
        }
        if client.offer == nil { opening = .none }
        return true
    }

    /// What the call that the connection needs says: `nil` where it needs none.
    package var call: (offer: String, resume: ResumeRequest?)? {
        client.offer.map { ($0, client.resumeRequest) }
    }

    /// The call is answered.
    /// - Throws: why the answer is no use; `attachmentFailed` must follow.
    package func accept(answer: String, path: NetworkPath, now: Instant) throws(WebRTCRefusal) {
        // The endpoint may have given the attempt up meanwhile, and have another.
        guard client.nextLocal == path.local else { return attachmentFailed("the call was answered too late", now: now) }
        opening = .none
        try client.accept(answer: answer, path: path, now: now)
    }

    /// The driver could not open the connection.
    package func attachmentFailed(_ reason: String, now: Instant) {
        opening = .none
        switch state {
        case .closing, .ended: return
        default: break
        }
        client.attachmentFailed(TransportClose(code: 0, reason: reason, origin: .local), now: now)
        readNotices(now: now)
    }
}
