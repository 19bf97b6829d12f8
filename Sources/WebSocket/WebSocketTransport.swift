internal import Framing
internal import RTP
package import Session
package import Wire

/// Bytes for the stream below.
package struct StreamWrite: Hashable, Sendable {
    package var bytes: [UInt8]
    /// Nothing follows: the stream ends behind them.
    package var isEnd: Bool

    package init(bytes: [UInt8], isEnd: Bool) {
        self.bytes = bytes
        self.isEnd = isEnd
    }
}

/// One attachment over WebSocket (RFC 6455), client or server, on a reliable stream of bytes that somebody else has opened.
///
/// Hand it the stream's bytes (`receive`) and its end (`streamEnded`), then drain `pollEvent`; take what it has to write by
/// `pollWrite` as far as the stream takes it, and come back at `deadline`. The client's first bytes are its request by HTTP; the
/// server's begin behind the answer to it, which whoever read the request has written (`WebSocketUpgrade`).
///
/// Everything travels in order and arrives while the connection lives, so the one mode is `stream`.
package final class WebSocketTransport {
    package enum Role: Hashable, Sendable { case client, server }

    /// Where the attachment stands.
    ///
    ///     client: upgrading ─101─▶ open ─close, or the peer's─▶ closing ─both closed, or too late─▶ ended
    ///     server: requested ─accept─▶ open …
    private enum State {
        /// The request is out, or on its way.
        case upgrading(key: String, received: [UInt8])
        case requested
        case open
        /// A close frame is under way or sent. After `until` nobody waits for the peer's.
        case closing(until: Instant, peerHasClosed: Bool)
        /// The stream is over; with `isTold` whoever holds it knows.
        case ended(isTold: Bool)
    }

    package let role: Role
    package let form: WebSocketForm
    /// Where the peer is.
    package let remote: PeerAddress
    /// The smallest round trip that a ping took; zero before the first.
    package private(set) var minimumRTT = Duration.zero

    private let limits: WebSocketLimits
    private var entropy: Entropy
    private var state: State
    private var reader: WebSocketReader
    private var output = TransportEventQueue()
    private var outbox: Outbox
    /// Bytes that go out before everything in `outbox`: the request, control frames.
    private var urgent: [UInt8] = []
    private var owedPong: [UInt8]?
    private var owedClose: (code: UInt16, reason: String)?
    private var streamHasEnded = false

    private var appended = AppendedAudio()
    private var inputFormat = AudioFormat().type
    private var answer: AnswerAudio
    private var heard = HeardAudio()

    /// The time of the last call.
    private var now: Instant
    private var framesThisTurn = 0
    private var isBehind = false
    private var lastReceived: Instant
    private var nextPing: Instant
    /// Since when something waits that the stream does not take.
    private var waitingSince: Instant?
    /// RTP packets that were allowed and of no use.
    package private(set) var ignoredCount = 0

    /// The server's end: asks by its first event for the session that `request` wants.
    package convenience init(
        serving request: AttachRequest, form: WebSocketForm, remote: PeerAddress, configuration: WebSocketServerConfiguration, entropy: Entropy,
        now: Instant
    ) {
        self.init(
            role: .server, form: form, remote: remote, limits: configuration.limits, state: .requested, entropy: entropy, now: now)
        output.append(.requested(request))
    }

    /// The client's end, which begins with its request.
    package convenience init(
        connectingWith configuration: WebSocketClientConfiguration, remote: PeerAddress, entropy: Entropy, now: Instant
    ) {
        var entropy = entropy
        // Section 4.1: 16 random bytes, so that no cache between answers for the server.
        let key = JSON.encodeBase64(entropy.bytes(16))
        self.init(
            role: .client, form: configuration.form, remote: remote, limits: configuration.limits, state: .upgrading(key: key, received: []),
            entropy: entropy, now: now)
        urgent = WebSocketUpgrade.request(configuration, key: key)
    }

    private init(
        role: Role, form: WebSocketForm, remote: PeerAddress, limits: WebSocketLimits, state: State, entropy: Entropy, now: Instant
    ) {
        self.role = role
        self.form = form
        self.remote = remote
        self.limits = limits
        self.state = state
        self.entropy = entropy
        self.now = now
        reader = WebSocketReader(expectsMask: role == .server, maximumByteCount: limits.messageByteCount)
        outbox = Outbox(limits: limits, playsAhead: form == .openAI)
        answer = AnswerAudio(responseLimit: limits.responses)
        lastReceived = now
        nextPing = now
    }

    package var capabilities: Capabilities {
        Capabilities(transport: "websocket", modes: [.stream], playsAhead: form == .openAI)
    }

    /// The connection is over, and whoever holds the stream knows.
    package var isClosed: Bool { if case .ended(isTold: true) = state { true } else { false } }

    /// The stream is of no more use, whether its holder knows or not.
    package var isOver: Bool { if case .ended = state { true } else { false } }

    /// The close has been handed to the stream.
    package var isClosing: Bool {
        switch state {
        case .closing: owedClose == nil && outbox.isEmpty
        case .ended: true
        case .upgrading, .requested, .open: false
        }
    }

    /// Samples of silence that filled a last frame.
    package var paddedSampleCount: Int { appended.paddedSampleCount }
}

// MARK: Input

extension WebSocketTransport {
    /// Takes bytes of the stream.
    package func receive(_ bytes: [UInt8], now: Instant) {
        begin(now)
        lastReceived = now
        nextPing = now + limits.pingInterval
        if case .upgrading(let key, let received) = state { return finishUpgrade(key, received + bytes) }
        reader.append(bytes)
        guard reader.unreadByteCount <= limits.unreadByteCount else {
            return fail(WebSocketError(WebSocketCloseCode.policyViolation, "audio comes faster than it can be encoded"))
        }
    }

    /// The peer sends nothing more, or the stream broke.
    package func streamEnded(now: Instant) {
        begin(now)
        streamHasEnded = true
        if case .upgrading = state { over(TransportClose(code: 0, reason: "the server closed the connection", origin: .peer)) }
    }

    private func begin(_ now: Instant) {
        self.now = now
        framesThisTurn = 0
        isBehind = false
    }

    /// What happened next; `nil` when nothing did.
    package func pollEvent() -> TransportEvent? {
        while true {
            if let event = output.popFirst() { return event }
            guard isReading else { return nil }
            if appended.hasFrame {
                guard framesThisTurn < limits.framesPerTurn else {
                    isBehind = true
                    return nil
                }
                framesThisTurn += 1
                if let frame = appended.nextFrame(now: now) { return .frame(frame) }
                continue
            }
            do throws(WebSocketError) {
                guard let message = try reader.next() else {
                    guard streamHasEnded else { return nil }
                    over(TransportClose(code: 0, reason: "the connection ended without a close", origin: .transportError))
                    continue
                }
                try handle(message)
            } catch {
                fail(error)
            }
        }
    }

    private var isReading: Bool {
        switch state {
        case .open, .closing: true
        case .upgrading, .requested, .ended: false
        }
    }

    private func finishUpgrade(_ key: String, _ received: [UInt8]) {
        guard let head = WebSocketHead(received) else {
            guard received.count <= limits.headByteCount else {
                return over(TransportClose(code: 0, reason: "the answer's header is too long", origin: .transportError))
            }
            state = .upgrading(key: key, received: received)
            return
        }
        if let objection = WebSocketUpgrade.objection(to: head, key: key, form: form) {
            let body = String(decoding: received[head.byteCount...].prefix(400), as: UTF8.self)
            let reason = body.isEmpty ? objection : "\(objection): \(body)"
            return over(TransportClose(code: UInt64(max(0, head.status)), reason: reason, origin: .peer))
        }
        state = .open
        output.append(.opened)
        if form == .openAI { sendFormats() }
        reader.append(Array(received[head.byteCount...]))
    }

    /// A client of ours has Opus and wants Opus.
    private func sendFormats() {
        var update = SessionUpdate()
        update.inputFormat = .value(.opus)
        update.outputFormat = .value(.opus)
        try? outbox.append(event: OutgoingEvent(.updateSession(update)).encoded())
    }

    private func handle(_ message: WebSocketMessage) throws(WebSocketError) {
        switch message {
        case .ping(let payload): owedPong = payload
        case .pong(let payload): measure(payload)
        case .close(let code, let reason): closed(code, reason)
        case _ where isClosingNow: break
        case .text(let bytes): receive(text: bytes)
        case .binary(let bytes): try receive(binary: bytes)
        }
    }

    private var isClosingNow: Bool { if case .closing = state { true } else { false } }

    private func closed(_ code: UInt16?, _ reason: String) {
        if case .closing(let until, _) = state {
            state = .closing(until: until, peerHasClosed: true)
            return
        }
        // Section 5.5.1: the answer has the code that came.
        owedClose = (code ?? WebSocketCloseCode.normal, "")
        outbox.removeAll()
        state = .closing(until: now + limits.closeTime, peerHasClosed: true)
        output.append(.closed(TransportClose(code: Self.applicationCode(code), reason: reason, origin: .peer)))
    }

    private func measure(_ payload: [UInt8]) {
        var reader = ByteReader(payload.span)
        guard payload.count == 8, let sent = try? reader.readUInt64(), sent <= now.nanoseconds, sent > 0 else { return }
        let roundTrip = now - Instant(nanoseconds: sent)
        minimumRTT = minimumRTT == .zero ? roundTrip : min(minimumRTT, roundTrip)
    }

    // MARK: Events and audio

    /// What matters here of an event that comes in.
    private struct Head: Decodable {
        var type: String?
        var event_id: String?
        /// Of an append.
        var audio: String?
        /// Of answer audio.
        var delta: String?
    }

    private func receive(text bytes: [UInt8]) {
        guard form == .openAI, let head = try? JSON.decode(Head.self, from: bytes, depthLimit: limits.session.eventDepth) else {
            return output.append(.event(bytes))
        }
        switch (role, head.type) {
        case (.server, "input_audio_buffer.append"):
            guard let audio = head.audio else { return output.append(.event(bytes)) }
            append(audio, eventID: head.event_id)
        case (.server, "input_audio_buffer.commit"):
            if let frame = appended.finish(now: now) { output.append(.frame(frame)) }
            output.append(.event(bytes))
        case (.server, "input_audio_buffer.clear"):
            appended.clear()
            output.append(.event(bytes))
        case (.client, "response.output_audio.delta"):
            if let packet = head.delta.flatMap(JSON.decodeBase64), let frame = heard.frame(packet) { output.append(.frame(frame)) }
        default: output.append(.event(bytes))
        }
    }

    private func append(_ base64: String, eventID: String?) {
        guard let bytes = JSON.decodeBase64(base64) else {
            let error = EventError(code: .invalidValue, message: "The audio is not base64 with padding.", param: "audio")
            return output.append(.refused(error, eventID: eventID))
        }
        do throws(EventError) {
            if let frame = try appended.append(bytes, format: inputFormat, now: now) { output.append(.frame(frame)) }
        } catch {
            output.append(.refused(error, eventID: eventID))
        }
    }

    private func receive(binary bytes: [UInt8]) throws(WebSocketError) {
        guard form == .rtp else {
            throw WebSocketError(WebSocketCloseCode.unsupportedData, "binary messages belong to the sub-protocol parallax.rtp")
        }
        guard let packet = try? RTPPacket(parsing: bytes.span) else {
            throw WebSocketError(WebSocketCloseCode.invalidPayload, "a binary message is no RTP packet")
        }
        guard packet.header.payloadType == RTP.opusPayloadType else {
            ignoredCount &+= 1
            return
        }
        output.append(
            .frame(
                MediaFrame(
                    sequence: packet.header.sequence, timestamp: packet.header.timestamp, marker: packet.header.marker,
                    payload: [UInt8](packet.payload(in: bytes.span)))))
    }
}

// MARK: Commands

extension WebSocketTransport {
    /// Server, after `requested`: takes the peer in.
    package func accept() {
        guard case .requested = state else { return }
        state = .open
        output.append(.opened)
        // The first ping measures the path.
        nextPing = now
    }

    /// Server, after `requested`: turns the peer away, since the time for a status is over.
    package func refuse(status: Int, message: String = "", now: Instant) {
        guard case .requested = state else { return }
        state = .open
        begin(now)
        end(status == 503 ? WebSocketCloseCode.tryAgainLater : WebSocketCloseCode.policyViolation, "\(status) \(message)",
            TransportClose(code: UInt64(max(0, status)), reason: message, origin: .local))
    }

    /// The session's audio formats: what appends hold and answers are sent in from now on.
    package func adopt(_ audio: AudioSettings) {
        inputFormat = audio.input.format.type
        answer.format = audio.output.format.type
    }

    /// Sends one event.
    package func send(event: [UInt8]) throws(SendRefusal) {
        guard case .open = state else { throw .notOpen }
        if role == .server, form == .openAI, let cleared = answer.observe(event, depthLimit: limits.session.eventDepth) {
            outbox.dropAudio(of: cleared)
        }
        try outbox.append(event: event)
        waitingSince = waitingSince ?? now
    }

    /// Sends one frame. However the mode would carry it, here is one stream.
    package func send(frame: MediaFrame, delivery: Delivery, now: Instant) throws(SendRefusal) {
        guard case .open = state else { throw .notOpen }
        switch (form, role) {
        case (.rtp, _): try outbox.append(frame: .binary(Self.packet(frame)))
        case (.openAI, .server): try outbox.append(frame: .audio(frame, responseID: answer.playing))
        case (.openAI, .client):
            try outbox.append(event: OutgoingEvent(.appendAudio(base64: JSON.encodeBase64(frame.payload))).encoded())
        }
        waitingSince = waitingSince ?? now
    }

    private static func packet(_ frame: MediaFrame) -> [UInt8] {
        var bytes: [UInt8] = []
        let header = RTPHeader(sequence: frame.sequence, timestamp: frame.timestamp, marker: frame.marker, ssrc: ssrc)
        RTPPacket.write(header, payload: frame.payload.span, into: &bytes)
        return bytes
    }

    /// As over QUIC: one sender a direction and connection, so the number need not be random.
    private static let ssrc: UInt32 = 0x7061_7261

    /// Ends the attachment. Events that were sent before still reach the peer.
    package func close(code: UInt32, reason: String, now: Instant) {
        begin(now)
        end(Self.closeCode(code), reason, TransportClose(code: UInt64(code), reason: reason, origin: .local))
    }

    /// Ends it at once: nothing that waits is sent any more.
    package func abandon(reason: String, now: Instant) {
        begin(now)
        over(TransportClose(code: 0, reason: reason, origin: .local))
    }

    private func end(_ code: UInt16, _ reason: String, _ close: TransportClose) {
        switch state {
        case .open: break
        case .upgrading, .requested: return over(close)
        case .closing, .ended: return
        }
        outbox.dropFrames()
        owedClose = (code, reason)
        state = .closing(until: now + limits.closeTime, peerHasClosed: false)
        output.append(.closed(close))
    }

    private func fail(_ error: WebSocketError) {
        outbox.removeAll()
        end(error.code, error.reason.description,
            TransportClose(code: UInt64(error.code), reason: error.reason.description, origin: .transportError))
    }

    /// The stream is of no more use.
    private func over(_ close: TransportClose) {
        switch state {
        case .upgrading, .requested, .open: output.append(.closed(close))
        case .closing: break
        case .ended: return
        }
        state = .ended(isTold: false)
        outbox.removeAll()
        (urgent, owedPong, owedClose) = ([], nil, nil)
    }

    /// An application's code among those that are its own (section 7.4.2); 0 is a normal end.
    private static func closeCode(_ code: UInt32) -> UInt16 {
        code == 0 ? WebSocketCloseCode.normal : WebSocketCloseCode.firstPrivate + UInt16(min(code, 999))
    }

    private static func applicationCode(_ code: UInt16?) -> UInt64 {
        switch code {
        case nil, WebSocketCloseCode.normal, WebSocketCloseCode.goingAway: 0
        case let code? where code >= WebSocketCloseCode.firstPrivate: UInt64(code - WebSocketCloseCode.firstPrivate)
        case let code?: UInt64(code)
        }
    }
}

// MARK: Output

extension WebSocketTransport {
    /// Whether `pollWrite` has something to give.
    package var hasOutput: Bool {
        switch state {
        case .ended(let isTold): !isTold
        case .closing(let until, let peerHasClosed):
            hasBytes || isDone(until, peerHasClosed)
        case .upgrading, .requested, .open: hasBytes
        }
    }

    private var hasBytes: Bool { !urgent.isEmpty || owedPong != nil || owedClose != nil || !outbox.isEmpty || owesPing }
    private var owesPing: Bool { if case .open = state { nextPing <= now } else { false } }

    /// The next bytes for the stream; `nil` when there are none now. Ask only as long as the stream takes them: what is not
    /// taken yet waits here, within limits.
    /// - Parameter byteCount: how much is wanted; the last message may go over it.
    package func pollWrite(_ byteCount: Int, now: Instant) -> StreamWrite? {
        self.now = max(self.now, now)
        if case .ended(let isTold) = state {
            state = .ended(isTold: true)
            return isTold ? nil : StreamWrite(bytes: [], isEnd: true)
        }
        var bytes = urgent
        urgent = []
        writeControl(into: &bytes)
        while bytes.count < byteCount, let item = outbox.popFirst() { write(item, into: &bytes) }
        if outbox.isEmpty, let (code, reason) = owedClose {
            owedClose = nil
            WebSocketFrame.writeClose(code, reason, mask: mask(), into: &bytes)
        }
        waitingSince = outbox.isEmpty ? nil : now
        if case .closing(let until, let peerHasClosed) = state, isDone(until, peerHasClosed) {
            state = .ended(isTold: true)
            return StreamWrite(bytes: bytes, isEnd: true)
        }
        return bytes.isEmpty ? nil : StreamWrite(bytes: bytes, isEnd: false)
    }

    /// Section 7.1.1: the server ends the stream first, so that the client's port is free at once.
    private func isDone(_ until: Instant, _ peerHasClosed: Bool) -> Bool {
        guard owedClose == nil, outbox.isEmpty else { return now >= until }
        return streamHasEnded || now >= until || peerHasClosed && role == .server
    }

    private func writeControl(into bytes: inout [UInt8]) {
        if let payload = owedPong {
            owedPong = nil
            WebSocketFrame.write(.pong, payload.span, mask: mask(), into: &bytes)
        }
        guard owesPing else { return }
        nextPing = now + limits.pingInterval
        var payload: [UInt8] = []
        payload.append(bigEndian: now.nanoseconds)
        WebSocketFrame.write(.ping, payload.span, mask: mask(), into: &bytes)
    }

    private func write(_ item: Outbox.Item, into bytes: inout [UInt8]) {
        switch item {
        case .text(let event): WebSocketFrame.write(.text, event.span, mask: mask(), into: &bytes)
        case .binary(let packet): WebSocketFrame.write(.binary, packet.span, mask: mask(), into: &bytes)
        case .audio(let frame, let responseID):
            var packets = [frame.payload]
            while answer.joinsFrames, packets.count < limits.framesPerDelta, case .audio(let next, responseID) = outbox.first {
                packets.append(next.payload)
                _ = outbox.popFirst()
            }
            let event = answer.delta(packets, of: responseID)
            WebSocketFrame.write(.text, event.span, mask: mask(), into: &bytes)
        }
    }

    private func mask() -> UInt32? { role == .client ? UInt32(truncatingIfNeeded: entropy.next()) : nil }

    /// When `handleTimeout` is wanted.
    package var deadline: Instant? {
        switch state {
        case .upgrading, .requested, .ended: nil
        case .open:
            // A ping that is due is output, and waits for the stream to take it.
            earliest(isBehind ? now : nil, nextPing > now ? nextPing : nil, lastReceived + limits.silenceTime, stallDeadline)
        case .closing(let until, _): until
        }
    }

    private var stallDeadline: Instant? { outbox.isEmpty ? nil : waitingSince.map { $0 + limits.stallTime } }

    package func handleTimeout(now: Instant) {
        begin(now)
        switch state {
        case .upgrading, .requested, .ended: return
        case .closing(let until, _):
            if until <= now { over(TransportClose(code: 0, reason: "", origin: .timeout)) }
        case .open:
            if lastReceived + limits.silenceTime <= now {
                over(TransportClose(code: 0, reason: "nothing came for \(limits.silenceTime.components.seconds) s", origin: .timeout))
            } else if let stallDeadline, stallDeadline <= now {
                over(TransportClose(code: 0, reason: "the peer does not read what is sent to it", origin: .timeout))
            }
        }
    }
}

/// Numbers the answer frames that come in events, which have neither numbers nor times of their own.
private struct HeardAudio {
    private var sequence: UInt16 = 0
    private var timestamp = MediaTime(ticks: 0)

    /// - Returns: `nil` for what is no Opus packet.
    mutating func frame(_ packet: [UInt8]) -> MediaFrame? {
        guard let duration = OpusPacket.duration(of: packet) else { return nil }
        defer {
            sequence &+= 1
            timestamp = timestamp.advanced(by: duration)
        }
        return MediaFrame(sequence: sequence, timestamp: timestamp, marker: sequence == 0, payload: packet)
    }
}
