internal import DTLS
internal import Framing
internal import RTP
internal import SCTP
internal import Session
internal import SRTP
internal import Wire

// DTLS and what stands on it: the keys of SRTP, and SCTP with its data channels.

extension WebRTCPeer {
    func receiveDTLS(_ datagram: UnsafeRawBufferPointer, now: Instant) {
        dtls?.receive(datagram, now: now)
    }

    /// Moves what has come up through the layers, and what they say in turn down to the datagrams.
    func settle(now: Instant) {
        var hasMoved: Bool
        repeat {
            hasMoved = false
            while let event = dtls?.pollEvent() {
                hasMoved = true
                handle(event, now: now)
            }
            while let event = association?.pollEvent() {
                hasMoved = true
                handle(event, now: now)
            }
            if hasMoved { flushChannels(now: now) }
            lower(now: now)
        } while hasMoved
        if case .closing(let until) = state, until <= now || association?.deadline == nil { tearDown(now: now) }
    }

    /// SCTP's packets into DTLS, DTLS's datagrams into the queue.
    func lower(now: Instant) {
        while let packet = association?.pollTransmit() { try? dtls?.send(packet) }
        guard let path else { return }
        while let datagram = dtls?.pollTransmit() {
            if dtls?.isEstablished == false { flightSent = flightSent ?? now }
            outgoing.append(.plain(datagram, path))
        }
    }

    private func handle(_ event: DTLSEvent, now: Instant) {
        switch event {
        case .keysAvailable(let keys): begin(with: keys, now: now)
        case .established:
            measureHandshake(now: now)
            startAssociation(now: now)
        case .data(let packet): association?.receive(packet, now: now)
        case .closed(let close): finish(TransportClose(close), now: now)
        }
    }

    /// A server's flight is answered by what completes the handshake. What comes before may be a repetition, which answers nothing; and
    /// where the answer may be to a repetition of ours, it tells only how long a round trip can be at most (Karn). Clients know better by ICE.
    private func measureHandshake(now: Instant) {
        guard agreement?.dtlsRole == .server, let sent = flightSent else { return }
        if now - sent < configuration.dtls.retransmission.initial { sample(now - sent) }
        roundTripBound = now - sent
    }

    /// Keys: media can flow, and the peer is known to be the one that signalled.
    private func begin(with keys: SRTPKeys, now: Instant) {
        do throws(SRTPFailure) {
            srtp = try SRTPSession(keys: keys)
        } catch {
            return finish(TransportClose(code: 0, reason: "SRTP: \(error)", origin: .transportError), now: now)
        }
        guard case .connecting = state else { return }
        if isServer {
            state = .requested
            output.append(.requested(AttachRequest()))
        } else if DataChannels.Kind(firstDelivery) == nil {
            open()
        }
        while let packet = early.popFirst() { packet.withUnsafeBytes { receiveSRTP($0, now: now) } }
    }

    private func open() {
        state = .open
        output.append(.opened)
    }

    // MARK: SCTP

    private func startAssociation(now: Instant) {
        guard let data = agreement?.data else { return }
        let association = association ?? SCTPAssociation(configuration: configuration.sctp, isClient: !isServer)
        self.association = association
        association.expect(roundTrip: assumedRoundTrip)
        let isMade = data.initiation.map { association.establish(withPeerInitiation: $0, now: now) } ?? false
        if !isMade { association.start(now: now) }
        guard !isServer else { return }
        // What is sent now leaves with the last packet of SCTP's handshake (RFC 9260 section 5.1), not a round trip later.
        try? channels.openEvents(on: association, now: now)
        let kind = firstDelivery == .repaired ? .repair : DataChannels.Kind(firstDelivery)
        if let kind { _ = try? channels.media(kind, on: association, now: now) }
        flushChannels(now: now)
    }

    private func handle(_ event: SCTPEvent, now: Instant) {
        switch event {
        case .connected:
            if !isServer, case .connecting = state { open() }
        case .message(let stream, let protocolID, let bytes): receive(bytes, on: stream, protocolID: protocolID, now: now)
        case .streamReset(let stream):
            association?.resetStream(stream, now: now)
            guard channels.closed(stream) else { return }
            // A page that closes its channel of events has hung up.
            finish(TransportClose(code: 0, reason: "the channel of events was closed", origin: .peer), now: now)
        case .writable: flushChannels(now: now)
        case .closed(let close):
            association = nil
            finish(TransportClose(close), now: now)
        }
    }

    private func receive(_ bytes: [UInt8], on stream: UInt16, protocolID: UInt32, now: Instant) {
        guard let association else { return }
        switch channels.receive(bytes, on: stream, protocolID: protocolID, over: association, now: now) {
        case .event(let event): if eventOrder.takeOriginal(), isAttached { output.append(.event(event)) }
        case .packet(let packet): receiveOnChannel(packet, now: now)
        case .eventsOpened, .nothing: break
        }
    }

    /// Sends what waited for a channel, or for its credit.
    func flushChannels(now: Instant) {
        guard let association else { return }
        while let stream = channels.events, let event = waitingEvents.first {
            guard (try? channels.send(event, on: stream, protocolID: DataChannelPPID.string, over: association, now: now)) != nil
            else { break }
            waitingEventByteCount -= event.count
            _ = waitingEvents.popFirst()
        }
        while let frame = waitingFrames.first {
            if frame.expiry.map({ $0 > now }) ?? true {
                guard let stream = try? channels.media(frame.kind, on: association, now: now),
                    (try? channels.send(frame.packet, on: stream, protocolID: DataChannelPPID.binary, over: association, now: now)) != nil
                else { break }
            }
            _ = waitingFrames.popFirst()
        }
    }
}

extension TransportClose {
    init(_ close: DTLSClose) {
        let origin: Origin =
            switch close {
            case .peerClosed, .peerAlert: .peer
            case .handshakeTimeout: .timeout
            case .fingerprintMismatch, .noCommonProfile, .protocolError: .transportError
            }
        self.init(code: 0, reason: close == .peerClosed ? "" : close.description, origin: origin)
    }

    init(_ close: SCTPClose) {
        let origin: Origin =
            switch close {
            case .peerShutdown, .peerAborted: .peer
            case .timedOut: .timeout
            case .local, .restarted, .messageTooLarge, .eventOverflow, .noResources: .transportError
            }
        self.init(code: 0, reason: origin == .peer ? "" : "SCTP: \(close)", origin: origin)
    }
}
