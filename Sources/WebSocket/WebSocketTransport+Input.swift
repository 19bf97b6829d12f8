internal import Framing
internal import RTP
package import Session
package import Wire

// The stream's bytes, and what they hold: messages, events, audio.

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
        // A server that refuses says so in HTTP.
        if case .upgrading = state { over(TransportClose(code: 0, reason: "the connection ended before the server answered", origin: .transportError)) }
    }

    func begin(_ now: Instant) {
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
        reader.append(Array(received[head.byteCount...]))
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
        var parallax: FrameNumber?
    }

    private func receive(text bytes: [UInt8]) {
        guard form == .openAI, let head = try? JSON.decode(Head.self, from: bytes, depthLimit: limits.session.eventDepth) else {
            return output.append(.event(bytes))
        }
        switch (role, head.type) {
        case (.server, "input_audio_buffer.append"):
            guard let audio = head.audio else { return output.append(.event(bytes)) }
            append(audio, head)
        case (.server, "input_audio_buffer.commit"):
            if let frame = appended.finish(now: now) { output.append(.frame(frame)) }
            output.append(.event(bytes))
        case (.server, "input_audio_buffer.clear"):
            appended.clear()
            output.append(.event(bytes))
        case (.client, "response.output_audio.delta"):
            if let packet = head.delta.flatMap(JSON.decodeBase64), let frame = heard.frame(packet, number: head.parallax?.sequence) { output.append(.frame(frame)) }
        default: output.append(.event(bytes))
        }
    }

    private func append(_ base64: String, _ head: Head) {
        guard let bytes = JSON.decodeBase64(base64) else {
            let error = EventError(code: .invalidValue, message: "The audio is not base64 with padding.", param: "audio")
            return output.append(.refused(error, eventID: head.event_id))
        }
        do throws(EventError) {
            if let frame = try appended.append(bytes, format: inputFormat, sequence: head.parallax?.sequence, now: now) { output.append(.frame(frame)) }
        } catch {
            output.append(.refused(error, eventID: head.event_id))
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
