internal import DTLS
internal import Framing
internal import RTP
internal import SCTP
package import Session
package import Wire

// What the session asks of the connection.

extension WebRTCPeer {
    /// Server, after `requested`: takes the peer in.
    package func accept(now: Instant) {
        guard case .requested = state else { return }
        state = .open
        output.append(.opened)
    }

    /// Server, after `requested`: turns the peer away. WebRTC has no word for why; HTTP has said it before.
    package func refuse(status: Int, message: String, now: Instant) {
        guard case .requested = state else { return }
        close(code: UInt32(clamping: status), reason: message, now: now)
    }

    /// Sends one event. It waits until the peer has opened its channel.
    package func send(event: [UInt8], now: Instant) throws(SendRefusal) {
        switch state {
        case .requested, .open: break
        case .connecting where !isServer: break
        default: throw .notOpen
        }
        guard waitingEventByteCount + event.count <= configuration.limits.queuedEventByteCount, waitingEvents.append(event) else {
            throw .queueFull
        }
        waitingEventByteCount += event.count
        sender?.talk.append(event, now: now)
        flushChannels(now: now)
        lower(now: now)
    }

    /// Sends one frame as its mode asks for: by SRTP, or on the data channel of that reliability.
    package func send(frame: MediaFrame, delivery: Delivery, now: Instant) throws(SendRefusal) {
        guard case .open = state else { throw .notOpen }
        if let kind = DataChannels.Kind(delivery) { return try send(frame, kind, delivery, now: now) }
        guard sender != nil, srtp != nil else { throw .notOpen }
        guard outgoing.count < outgoing.limit else { throw .queueFull }
        guard let packet = try sender?.packet(frame, delivery, now: now) else { return }
        outgoing.append(.rtp(packet))
        scheduleReport(now: now)
    }

    private func send(_ frame: MediaFrame, _ kind: DataChannels.Kind, _ delivery: Delivery, now: Instant) throws(SendRefusal) {
        guard agreement?.data != nil else { throw .notOpen }
        let header = RTPHeader(sequence: frame.sequence, timestamp: frame.timestamp, marker: frame.marker, ssrc: ssrc)
        var packet: [UInt8] = []
        RTPPacket.write(header, payload: frame.payload.span, into: &packet)
        let expiry: Instant? = if case .expiring(let age) = delivery { now + age } else { nil }
        guard waitingFrames.append(WaitingFrame(packet: packet, kind: kind, expiry: expiry)) else { throw .queueFull }
        flushChannels(now: now)
        lower(now: now)
    }

    /// The frames that come from now on are sent like this.
    package func receives(_ delivery: Delivery, now: Instant) {
        let patience: Duration? =
            switch delivery {
            case .resent(let age): age
            case .repaired: Self.repairPatience
            case .datagram, .redundant, .streamPerFrame, .expiring, .stream: nil
            }
        // The channel for what is still missed later; the offerer opens it.
        if delivery == .repaired, !isServer, let association { _ = try? channels.media(.repair, on: association, now: now) }
        guard patience != self.patience || receiver?.isDecided == false else { return }
        self.patience = patience
        receiver?.askForLost(within: patience, now: now)
    }

    /// As long as a commit waits for the frames of a reliable mode.
    private static let repairPatience = Duration.seconds(30)

    /// These frames were sent, the last included, whether they came or not.
    package func expect(from first: UInt16, through last: UInt16, now: Instant) {
        receiver?.expect(from: first, through: last, now: now)
        askForLost(now: now)
    }

    /// The core's own events say that the session will end.
    package func drain() {}

    // MARK: The end

    /// Ends the attachment; what was sent before still arrives. Code and reason stay here: WebRTC carries neither.
    package func close(code: UInt32, reason: String, now: Instant) {
        switch state {
        case .closing, .closed: return
        case .offering, .connecting: abandon(reason: reason, now: now)
        case .requested, .open:
            output.append(.closed(TransportClose(code: UInt64(code), reason: reason, origin: .local)))
            state = .closing(until: now + configuration.limits.closeTime)
            settle(now: now)
        }
    }

    /// Ends it at once.
    package func abandon(reason: String, now: Instant) {
        finish(TransportClose(code: 0, reason: reason, origin: .local), now: now)
    }

    /// Ends it here, and tells the peer nothing.
    package func fallSilent() {
        state = .closed
        outgoing.removeAll()
        association = nil
        dtls = nil
        waitingEvents.removeAll()
        waitingFrames.removeAll()
        nextReport = nil
    }

    /// The path is gone: there is nobody to say goodbye to.
    func lost(_ reason: String, now: Instant) {
        finish(TransportClose(code: 0, reason: reason, origin: .timeout), now: now)
    }

    /// The attachment is over, for whatever reason.
    func finish(_ close: TransportClose, now: Instant) {
        switch state {
        case .closed: return
        case .closing: break
        default: output.append(.closed(close))
        }
        tearDown(now: now)
    }

    /// Says goodbye on every layer, and lets go of all but what still has to be sent.
    func tearDown(now: Instant) {
        if case .closed = state { return }
        state = .closed
        if sender != nil { write([makeReport(now: now), .goodbye(ssrcs: [ssrc])]) }
        association?.close(now: now)
        lower(now: now)
        dtls?.close()
        lower(now: now)
        association = nil
        dtls = nil
        waitingEvents.removeAll()
        waitingFrames.removeAll()
        nextReport = nil
        if let remote = path?.remote { routeChanges.append(.left(remote)) }
    }

    // MARK: Capabilities

    package var capabilities: Capabilities {
        let modes = ReliabilityMode.allCases.filter { mode in
            switch mode {
            case .datagram, .fec, .nack: agreement?.audio != nil
            case .red: agreement?.audio?.redPayloadType != nil
            case .deadline, .streamPerFrame, .stream: agreement?.data != nil
            case .repair: agreement?.audio != nil && agreement?.data != nil
            }
        }
        return Capabilities(transport: "webrtc", modes: modes)
    }
}
