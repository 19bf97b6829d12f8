internal import Framing
package import MediaStreams
package import QUIC
internal import RTP
package import Session
package import Wire

/// One attachment over RTP over QUIC, client or server (draft-ietf-avtcore-rtp-over-quic-14).
///
/// Frames travel on flow 0, as datagrams or on unidirectional streams; events travel on flow 1, on one unidirectional stream
/// each way, each as the payload of an RTP packet. A bidirectional stream is fatal.
///
/// Hand each event of the connection to `handle`, then drain `pollEvent`. After `close` go on handing events over, so that
/// what was sent before it still arrives: the connection closes itself once the peer has it all, or when it times out.
package final class RoQTransport {
    package typealias Role = QUICConnection.Role

    /// Where the attachment stands.
    ///
    ///     connecting ─established, early data─▶ awaitingFirst ─first event─▶ requested ─accept─▶ open ─▶ closed
    ///         └──────────────── client: at once ────────────────────────────────────▲
    private enum State {
        case connecting
        /// Server: nothing that asks for a session has come.
        case awaitingFirst
        /// Server: `requested` was handed up.
        case requested
        case open
        /// `pending` is the QUIC close that waits until the peer has all events.
        case closed(pending: TransportClose?)
    }

    package let role: Role
    private let quic: QUICConnection
    private let configuration: RoQConfiguration
    private var state = State.connecting
    private var output = TransportEventQueue()
    private var early = EarlyArrivals()
    private var receiver: FlowReceiver
    private var media: MediaSender
    private var events: EventSender
    private var credit = SendCredit.unlimited
    private var eventSequence: UInt16 = 0
    private var unknownFlowStreamCount = 0

    /// - Parameter quic: a connection that is not established yet, or whose `established` has not been polled.
    package init(role: Role, quic: QUICConnection, configuration: RoQConfiguration = RoQConfiguration()) {
        self.role = role
        self.quic = quic
        self.configuration = configuration
        receiver = FlowReceiver(
            mediaFlow: configuration.mediaFlow, eventFlow: configuration.eventFlow, format: configuration.format,
            limits: configuration.limits.streams)
        media = MediaSender(
            quic: quic, flow: configuration.mediaFlow, streamHeader: [], datagramHeader: [],
            cancelCode: RoQErrorCode.frameCancelled.rawValue, format: configuration.format, limits: configuration.limits.streams)
        var header: [UInt8] = []
        header.append(varInt: configuration.eventFlow)
        events = EventSender(quic: quic, header: header, limits: configuration.limits.streams)
    }

    package var capabilities: Capabilities {
        let modes = ReliabilityMode.allCases
        return Capabilities(
            transport: "roq", modes: quic.maximumDatagramPayload > 0 ? modes : modes.filter { !$0.usesDatagrams })
    }

    package func pollEvent() -> TransportEvent? { output.popFirst() }
}

// MARK: Input

extension RoQTransport {
    /// Takes one event of the connection.
    package func handle(_ event: QUICEvent, now: Instant) {
        if case .closed(let pending) = state { return handleAfterClose(event, pending) }
        do throws(RoQError) {
            switch event {
            case .earlyData, .established: if case .connecting = state { established() }
            case .datagram(let bytes):
                var reader = ByteReader(bytes.span)
                if case .open = state {
                    try receiver.receive(datagram: &reader, into: &output)
                } else {
                    var arrived = TransportEventQueue()
                    try receiver.receive(datagram: &reader, into: &arrived)
                    try receiveEarly(&arrived, isReliable: false)
                }
                try checkUnknownFlows()
            case .datagramAcknowledged(let id):
                if let sequence = media.acknowledged(id) { output.append(.frameAcknowledged(sequence: sequence)) }
            case .datagramLost(let id):
                if let sequence = media.lost(id, credit: &credit, now: now) { output.append(.frameLost(sequence: sequence)) }
            case .streamData(let stream, let bytes, let isFinal): try receive(bytes, on: stream, isFinal: isFinal)
            case .streamReset(let stream, _): receiver.forget(stream)
            case .stopSending(let stream, _): stopped(stream)
            case .streamClosed(let stream):
                receiver.forget(stream)
                media.forget(stream)
                flush()
            case .streamsAvailable(.unidirectional), .writable: flush()
            case .streamsAvailable(.bidirectional), .pathChanged, .ticket: break
            case .closed(let close): finish(TransportClose(close))
            }
        } catch {
            fail(error)
        }
    }

    private func established() {
        guard role == .client else {
            state = .awaitingFirst
            return
        }
        state = .open
        output.append(.opened)
    }

    private func receive(_ bytes: [UInt8], on stream: StreamID, isFinal: Bool) throws(RoQError) {
        quic.consumed(bytes.count, on: stream)
        guard stream.isUnidirectional else {
            // Section 5.2 of the draft.
            throw RoQError(.streamCreationError, "a bidirectional stream")
        }
        var arrived = TransportEventQueue()
        let outcome: FlowReceiver.StreamOutcome
        if case .open = state {
            outcome = try receiver.receive(bytes, on: stream, isFinal: isFinal, into: &output)
        } else {
            outcome = try receiver.receive(bytes, on: stream, isFinal: isFinal, into: &arrived)
        }
        switch outcome {
        case .accepted: break
        case .unknownFlow:
            unknownFlowStreamCount += 1
            quic.stopSending(stream, code: RoQErrorCode.unknownFlowID.rawValue)
            try checkUnknownFlows()
        case .tooManyStreams: quic.stopSending(stream, code: RoQErrorCode.frameCancelled.rawValue)
        }
        try receiveEarly(&arrived, isReliable: true)
    }

    private func checkUnknownFlows() throws(RoQError) {
        guard receiver.unknownFlowCount + unknownFlowStreamCount <= configuration.limits.unknownFlowArrivals else {
            throw RoQError(.unknownFlowID, "too much on flows that nobody reads")
        }
    }

    /// Server: keeps what comes before `accept`, and finds the request in it.
    private func receiveEarly(_ arrived: inout TransportEventQueue, isReliable: Bool) throws(RoQError) {
        while let event = arrived.popFirst() {
            if case .awaitingFirst = state, case .event(let bytes) = event {
                let request = AttachRequest(firstEvent: bytes, limits: configuration.limits.session)
                state = .requested
                output.append(.requested(request))
                // It asked for a session to go on, and for nothing else.
                if request.resume != nil { continue }
            }
            guard early.append(event, configuration.limits) else {
                guard isReliable else { continue }
                throw RoQError(.generalError, "too much came before the session was accepted")
            }
            guard case .awaitingFirst = state else { continue }
            switch event {
            case .frame where configuration.allowsMediaOnlyPeers:
                state = .requested
                output.append(.requested(AttachRequest()))
            default: break
            }
        }
    }

    /// Section 6.1 of the draft: the peer does not want this stream; the media goes on, on another.
    private func stopped(_ stream: StreamID) {
        media.forget(stream)
        if stream == events.stream {
            close(code: UInt32(RoQErrorCode.generalError.rawValue), reason: "the stream of events was refused")
        }
    }

    private func flush() {
        openEventStreamIfNeeded()
        events.flush(credit: &credit)
        media.flush(credit: &credit)
    }

    private func handleAfterClose(_ event: QUICEvent, _ pending: TransportClose?) {
        switch event {
        case .streamData(let stream, let bytes, _): quic.consumed(bytes.count, on: stream)
        case .streamClosed(events.stream):
            if let pending { quic.close(code: pending.code, reason: pending.reason) }
            state = .closed(pending: nil)
        case .writable, .streamsAvailable, .streamClosed: events.flush(credit: &credit)
        default: break
        }
    }
}

// MARK: Commands

extension RoQTransport {
    /// Server, after `requested`: takes the peer in. What it has sent so far follows `opened`, its first event included.
    package func accept() {
        guard case .requested = state else { return }
        state = .open
        output.append(.opened)
        for event in early.takeAll() { output.append(event) }
        flush()
    }

    /// Server, after `requested`: turns the peer away. RoQ knows no status, so it stands in the reason.
    package func refuse(status: Int, message: String = "") {
        guard case .requested = state else { return }
        close(code: UInt32(RoQErrorCode.generalError.rawValue), reason: message.isEmpty ? "\(status)" : "\(status) \(message)")
    }

    /// Sends one event: JSON text without line feeds.
    package func send(event: [UInt8]) throws(SendRefusal) {
        guard case .open = state else { throw .notOpen }
        let header = RTPHeader(
            payloadType: RTP.eventPayloadType, sequence: eventSequence, timestamp: MediaTime(ticks: 0), marker: true,
            ssrc: configuration.format.ssrc)
        var bytes: [UInt8] = []
        bytes.append(varInt: UInt64(RTP.headerByteCount + event.count))
        RTPPacket.write(header, payload: event.span, into: &bytes)
        try events.send(bytes, event: event, credit: &credit)
        eventSequence &+= 1
        openEventStreamIfNeeded()
    }

    /// Sends one frame by the primitive that its mode asks for.
    package func send(frame: MediaFrame, delivery: Delivery, now: Instant) throws(SendRefusal) {
        guard case .open = state else { throw .notOpen }
        try media.send(frame, delivery: delivery, credit: &credit, now: now)
    }

    /// When `handleTimeout` is wanted, apart from the connection's own deadline.
    package var deadline: Instant? { if case .open = state { media.deadline } else { nil } }

    /// Abandons the frames that are too old.
    package func handleTimeout(now: Instant) {
        guard case .open = state else { return }
        media.handleTimeout(credit: &credit, events: events, now: now)
    }

    /// The talk is over: nothing follows that would show the loss of what was sent.
    package func endTalk(now: Instant) {
        guard case .open = state else { return }
        media.endTalk(now: now)
    }

    /// What this end has done for its frames beside sending each once; for tests and metrics.
    package var sendCounters: MediaSender.Counters { media.counters }

    /// Ends the attachment. Events that were sent before still reach the peer, then it gets `code` and `reason`.
    package func close(code: UInt32, reason: String) {
        let close = TransportClose(code: UInt64(code), reason: reason, origin: .local)
        guard finish(close) else { return }
        if events.stream == nil {
            quic.close(code: close.code, reason: reason)
        } else {
            state = .closed(pending: close)
            events.finish()
        }
    }

    /// RoQ has no word for it; the core's own events say that the session will end.
    package func drain() {}

    private func openEventStreamIfNeeded() {
        guard case .open = state, events.stream == nil, events.isWaiting, let stream = try? quic.openStream(.unidirectional) else { return }
        events.open(on: stream, credit: &credit)
    }

    private func fail(_ error: RoQError) {
        quic.close(code: error.code.rawValue, reason: error.reason.description)
        finish(TransportClose(code: error.code.rawValue, reason: error.reason.description, origin: .transportError))
    }

    @discardableResult
    private func finish(_ close: TransportClose) -> Bool {
        if case .closed = state { return false }
        state = .closed(pending: nil)
        output.append(.closed(close))
        return true
    }
}

/// What a server holds of a peer that it has not taken in yet.
private struct EarlyArrivals {
    private var arrivals: [TransportEvent] = []
    private var frameCount = 0
    private var byteCount = 0

    /// Keeps `event`, or answers `false`: it is over a limit.
    mutating func append(_ event: TransportEvent, _ limits: RoQLimits) -> Bool {
        let (frames, bytes) = switch event {
        case .event(let bytes): (0, bytes.count)
        case .frame(let frame): (1, frame.payload.count)
        default: (1, 0)
        }
        guard frameCount + frames <= limits.earlyFrames, byteCount + bytes <= limits.earlyByteCount else { return false }
        frameCount += frames
        byteCount += bytes
        arrivals.append(event)
        return true
    }

    mutating func takeAll() -> [TransportEvent] {
        defer { arrivals = [] }
        return arrivals
    }
}
