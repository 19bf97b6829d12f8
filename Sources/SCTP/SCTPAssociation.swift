internal import CUsrsctp
package import Wire

/// One SCTP association (RFC 9260) over one DTLS connection (RFC 8261), as a machine that is handed packets and time.
///
/// After every call, empty `pollTransmit` and `pollEvent` and call `handleTimeout` at `deadline`. All instants of a process
/// are of one clock (`SCTPEngine`). Belongs to one event loop; another loop may have others.
///
/// Both ends connect. The passive end keeps its first INIT to itself: if the peer's comes, that one makes the association and
/// the handshake takes four packets; if not, the repetition of its own goes out.
package final class SCTPAssociation {
    /// The instants at which associations that wait for a timer are called, all of them at the same ones: the multiples of
    /// this. usrsctp cannot say when its next timer is due.
    package static let timerStep: Duration = .milliseconds(10)

    enum State {
        case idle
        /// Our INIT travels through SDP; nothing is sent.
        case offered(SCTPSocket, Initiation)
        case connecting(SCTPSocket)
        case connected(SCTPSocket)
        case closed(SCTPClose)

        var socket: SCTPSocket? {
            switch self {
            case .idle, .closed: nil
            case .offered(let socket, _), .connecting(let socket), .connected(let socket): socket
            }
        }

        /// The socket, if what it does may be seen.
        var activeSocket: SCTPSocket? {
            if case .offered = self { nil } else { socket }
        }
    }

    private(set) var configuration: SCTPConfiguration
    let isClient: Bool
    var state = State.idle
    private var outgoing: BoundedQueue<[UInt8]>
    private var events: BoundedQueue<SCTPEvent>
    private var assembly: Assembly
    var queue: SendQueue
    /// A message was refused since `writable` was told.
    var owesWritable = false
    /// Streams to be reset once nothing of theirs waits in `queue`, in order.
    var pendingResets: [UInt16] = []
    /// Streams whose reset is not answered.
    private var resetsInFlight: Set<UInt16> = []
    /// Until when the timer of a delayed acknowledgement may run, which shows in no status.
    private var acknowledgementEnd = Instant.zero
    /// Data is on its way, or the association is being ended.
    private var isBusy = false
    /// When to give up the handshake.
    var handshakeEnd = Instant.zero
    /// The streams that the peer granted.
    var outgoingStreamCount: UInt16
    private var latest = Instant.zero
    /// Up to where the RTO may double now; zero before a round trip was measured.
    private var backoffLimit = Duration.zero

    package init(configuration: SCTPConfiguration = SCTPConfiguration(), isClient: Bool) {
        self.configuration = configuration
        self.isClient = isClient
        outgoingStreamCount = configuration.streamCount
        outgoing = BoundedQueue(limit: configuration.limits.outgoingPacketCount)
        events = BoundedQueue(limit: configuration.limits.eventCount)
        assembly = Assembly(byteLimit: configuration.limits.messageByteCount)
        queue = SendQueue(limits: configuration.limits)
    }

    deinit {
        // Without `close` the peer is told nothing, since nobody is left to send it.
        if let socket = state.socket { _ = SCTPEngine.shared.close(socket, at: nil) }
    }

    // MARK: Commands

    /// Says what is known of the path before SCTP has measured it, from ICE or DTLS: the first timeout comes after two of these round trips,
    /// where that is longer than `initialRTO`. One that comes too soon sends the whole first flight twice, and halves what may be under
    /// way for long: where a round trip is a second, a window that is too small for speech.
    package func expect(roundTrip: Duration) {
        configuration.timing.initialRTO = min(max(configuration.timing.initialRTO, roundTrip * 2), configuration.timing.maximumRTO)
    }

    /// Begins the handshake: DTLS is up. Does nothing the second time.
    package func start(now: Instant) {
        if case .offered(let socket, _) = state {
            // The peer knows nothing of that INIT, so it is forgotten.
            _ = SCTPEngine.shared.close(socket, at: now)
            state = .idle
        }
        guard case .idle = state else { return }
        latest = now
        guard let socket = SCTPEngine.shared.open(configuration, at: now) else {
            return finish(.noResources)
        }
        state = .connecting(socket)
        guard SCTPEngine.shared.enter(at: now, { socket.connect() }) else { return fail(.noResources, now: now) }
        if !isClient { _ = Mailboxes.empty(socket.number) }
        handshakeEnd = now + configuration.timing.handshakeTimeout
        perform(now: now) { _ in }
    }

    /// Hands in one SCTP packet: what one DTLS record held. Whatever it is, it harms no other association.
    package func receive(_ packet: Span<UInt8>, now: Instant) {
        if case .offered = state { return }
        guard let summary = SCTPPacket.inspect(packet) else { return }
        if summary.hasData {
            acknowledgementEnd = now + configuration.timing.acknowledgementDelay * 2 + Self.timerStep
        }
        perform(now: now) { $0.receive(packet) }
    }

    package func receive(_ packet: [UInt8], now: Instant) { receive(packet.span, now: now) }

    /// Ends the association at once: the peer is sent an ABORT, which `pollTransmit` gives, and nothing else is.
    /// What was not acknowledged may never arrive.
    package func close(now: Instant) {
        guard !isClosed else { return }
        fail(.local, now: now)
    }

    /// The time is `deadline` or later.
    package func handleTimeout(now: Instant) {
        // A reset is asked for again until it is answered: usrsctp does not notice that a stream has become empty when what
        // emptied it was a message given up. While the request is on its way, asking again changes nothing.
        if case .offered = state { return }
        if case .connecting = state, now >= handshakeEnd { return fail(.timedOut, now: now) }
        let unanswered = resetsInFlight.min()
        perform(now: now) { socket in
            if let unanswered { _ = socket.resetStream(unanswered) }
        }
    }

    // MARK: What comes of it

    /// The next SCTP packet, to be sent as one DTLS record.
    package func pollTransmit() -> [UInt8]? { outgoing.popFirst() }

    package func pollEvent() -> SCTPEvent? { events.popFirst() }

    /// When to call `handleTimeout`; `nil` while nothing is outstanding, so an idle association costs no timer.
    package var deadline: Instant? {
        guard needsTimer else { return nil }
        let step = UInt64(Self.timerStep.nanoseconds)
        let (next, overflow) = (latest.nanoseconds / step + 1).multipliedReportingOverflow(by: step)
        return overflow ? .distantFuture : Instant(nanoseconds: next)
    }

    package var isConnected: Bool {
        if case .connected = state { true } else { false }
    }

    package var isClosed: Bool {
        if case .closed = state { true } else { false }
    }

    private var needsTimer: Bool {
        switch state {
        case .idle, .offered, .closed: return false
        case .connecting: return true
        case .connected: break
        }
        return isBusy || !queue.isEmpty || !pendingResets.isEmpty || !resetsInFlight.isEmpty || latest < acknowledgementEnd
    }
}

// MARK: - After every call

extension SCTPAssociation {
    /// Runs `body` inside usrsctp, hands over what waits and has room now, and reads what usrsctp says.
    func perform(now: Instant, _ body: (SCTPSocket) -> Void) {
        latest = max(latest, now)
        guard let socket = state.activeSocket else { return }
        var status = SCTPEngine.shared.enter(at: now) {
            body(socket)
            feed(socket, now: now)
            return socket.status()
        }
        let wasConnected = isConnected
        readMailbox(socket, now: now)
        // What had to wait for this.
        if isConnected && !wasConnected && !pendingResets.isEmpty {
            status = SCTPEngine.shared.enter(at: now) {
                feed(socket, now: now)
                return socket.status()
            }
            readMailbox(socket, now: now)
        }
        limitBackoff(of: socket, status, now: now)
        isBusy = status.map { $0.unacknowledgedByteCount > 0 || $0.sentChunkCount > 0 || !$0.isEstablished } ?? true
        if owesWritable && !isClosed && queue.isHalfEmpty {
            owesWritable = false
            tell(.writable, now: now)
        }
    }

    /// Keeps the RTO from doubling beyond what the path's round trip explains.
    private func limitBackoff(of socket: SCTPSocket, _ status: SCTPSocket.Status?, now: Instant) {
        guard isConnected, let roundTrip = status?.smoothedRTT, roundTrip > .zero else { return }
        let timing = configuration.timing
        let limit = min(max(SCTPTiming.minimumBackoff, roundTrip * 2), timing.maximumRTO)
        // The round trip moves with every acknowledgement; a tenth of it is not worth a call.
        guard limit > backoffLimit * 11 / 10 || limit < backoffLimit * 10 / 11 else { return }
        backoffLimit = limit
        SCTPEngine.shared.enter(at: now) {
            // usrsctp refuses a first value above the bound.
            _ = socket.setRTO(initial: min(timing.initialRTO, limit), minimum: min(timing.minimumRTO, limit), maximum: limit)
        }
    }

    private func readMailbox(_ socket: SCTPSocket, now: Instant) {
        let mailbox = Mailboxes.empty(socket.number)
        for packet in mailbox.packets {
            if SCTPPacket.firstChunkType(packet) == SCTPPacket.ChunkType.selectiveAcknowledgement { acknowledgementEnd = .zero }
            outgoing.append(packet)
        }
        for arrival in mailbox.arrivals {
            guard state.socket != nil else { return }
            take(arrival, socket: socket, now: now)
        }
    }

    private func take(_ arrival: Mailbox.Arrival, socket: SCTPSocket, now: Instant) {
        switch arrival {
        case .piece(let stream, let protocolID, let isUnordered, let bytes, let isEnd):
            do throws(Assembly.TooLarge) {
                guard let message = try assembly.add(stream: stream, isUnordered: isUnordered, bytes: bytes, isEnd: isEnd)
                else { return }
                tell(.message(stream: stream, protocolID: protocolID, bytes: message), now: now)
            } catch {
                fail(.messageTooLarge, now: now)
            }
        case .notification(let bytes):
            guard let notification = Notification(bytes) else { return }
            take(notification, socket: socket, now: now)
        case .end: fail(.peerShutdown, now: now)
        }
    }

    private func take(_ notification: Notification, socket: SCTPSocket, now: Instant) {
        switch notification {
        case .associationChange(let change, let streamCount):
            switch change {
            case SCTP_COMM_UP:
                guard case .connecting = state else { return }
                state = .connected(socket)
                outgoingStreamCount = min(outgoingStreamCount, streamCount)
                tell(.connected, now: now)
            case SCTP_COMM_LOST, SCTP_CANT_STR_ASSOC: fail(socket.wasAborted() ? .peerAborted : .timedOut, now: now)
            case SCTP_SHUTDOWN_COMP: fail(.peerShutdown, now: now)
            case SCTP_RESTART: fail(.restarted, now: now)
            default: break
            }
        case .streamReset(let flags, let streams):
            if flags & SCTP_STREAM_RESET_INCOMING_SSN != 0 {
                for stream in streams { tell(.streamReset(stream), now: now) }
            } else {
                // Done, denied or failed: either way nothing more will come of the request.
                resetsInFlight.subtract(streams)
            }
        case .partialDeliveryAborted(let stream): assembly.abandon(stream: stream)
        }
    }

    /// Hands over what the windows have room for, so that what waits in usrsctp is on its way. Inside the engine's lock.
    private func feed(_ socket: SCTPSocket, now: Instant) {
        queue.expire(at: now)
        while let message = queue.first {
            guard let status = socket.status(), status.hasRoom(for: message.bytes.count) else { break }
            var reliability = message.reliability
            if let expiry = message.expiry { reliability = .maxLifetime(expiry - now) }
            let result = socket.send(
                message.bytes, stream: message.stream, protocolID: message.protocolID, isOrdered: message.isOrdered,
                reliability: reliability)
            if case .full = result { break }
            queue.removeFirst()
            queue.expire(at: now)
        }
        resetNextStreams(socket)
    }

    private func resetNextStreams(_ socket: SCTPSocket) {
        guard isConnected else { return }
        pendingResets.removeAll { stream in
            guard !queue.contains(stream: stream) else { return false }
            if !resetsInFlight.contains(stream), socket.resetStream(stream) { resetsInFlight.insert(stream) }
            return true
        }
    }

    private func tell(_ event: SCTPEvent, now: Instant) {
        guard !isClosed else { return }
        if !events.append(event) { fail(.eventOverflow, now: now) }
    }

    /// Ends the socket, keeping what it still has to send, and says why.
    func fail(_ reason: SCTPClose, now: Instant) {
        if let socket = state.socket {
            for packet in SCTPEngine.shared.close(socket, at: now) { outgoing.append(packet) }
        }
        finish(reason)
    }

    private func finish(_ reason: SCTPClose) {
        state = .closed(reason)
        queue.removeAll()
        owesWritable = false
        pendingResets.removeAll()
        resetsInFlight.removeAll()
        if !events.append(.closed(reason)) {
            // There must be room for the last event: the queue was full of ones that nobody read.
            events.removeAll()
            events.append(.closed(reason))
        }
    }
}

extension SCTPSocket.Status {
    /// Whether a message would leave soon: the windows are open, or nothing is ahead of it. One message may overshoot the
    /// congestion window, or a long one would wait until all before it is acknowledged.
    func hasRoom(for byteCount: Int) -> Bool {
        unacknowledgedByteCount == 0 || unacknowledgedByteCount < congestionWindow && byteCount <= receiveWindow
    }
}
