internal import Framing
internal import RTP
package import Session
package import Wire

// What the session asks of the connection, and how it ends.

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

    /// Server: the session that goes on here was elsewhere before.
    package func goOn(at place: AudioPlace) {
        appended.goOn(from: place.nextSequence)
        answer.goOn(at: place)
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
        case (.openAI, .server): try outbox.append(frame: .audio(frame, responseID: answer.responseID(of: frame.sequence)))
        case (.openAI, .client):
            let append = ClientEvent.appendAudio(base64: JSON.encodeBase64(frame.payload), sequence: frame.sequence)
            try outbox.append(event: OutgoingEvent(append).encoded())
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

    func end(_ code: UInt16, _ reason: String, _ close: TransportClose) {
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

    func fail(_ error: WebSocketError) {
        outbox.removeAll()
        end(error.code, error.reason.description,
            TransportClose(code: UInt64(error.code), reason: error.reason.description, origin: .transportError))
    }

    /// The stream is of no more use.
    func over(_ close: TransportClose) {
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

    static func applicationCode(_ code: UInt16?) -> UInt64 {
        switch code {
        case nil, WebSocketCloseCode.normal, WebSocketCloseCode.goingAway: 0
        case let code? where code >= WebSocketCloseCode.firstPrivate: UInt64(code - WebSocketCloseCode.firstPrivate)
        case let code?: UInt64(code)
        }
    }
}
