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
        case connecting(SCTPSocket)
        case connected(SCTPSocket)
        case closed(SCTPClose)

        var socket: SCTPSocket? {
            switch self {
            case .idle, .closed: nil
            case .connecting(let socket), .connected(let socket): socket
            }
        }
    }

    let configuration: SCTPConfiguration
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
    /// Until when a timer may run that shows in no status: a delayed acknowledgement, or a reset that is not answered.
    private var timersUntil = Instant.zero
    private var hasOutstandingData = false
    private var resetsInFlight = 0
    var latest = Instant.zero

    package init(configuration: SCTPConfiguration = SCTPConfiguration(), isClient: Bool) {
        self.configuration = configuration
        self.isClient = isClient
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

    /// Begins the handshake: DTLS is up. Does nothing the second time.
    package func start(now: Instant) {
        guard case .idle = state else { return }
        latest = now
        guard let socket = SCTPEngine.shared.open(configuration, at: now) else {
            return finish(.noResources)
        }
        state = .connecting(socket)
        guard SCTPEngine.shared.enter(at: now, { socket.connect() }) else { return fail(.noResources, now: now) }
        if !isClient { _ = Mailboxes.empty(socket.number) }
        settle(socket, now: now)
    }

    /// Hands in one SCTP packet: what one DTLS record held. Whatever it is, it harms no other association.
    package func receive(_ packet: Span<UInt8>, now: Instant) {
        latest = now
        guard let socket = state.socket, SCTPPacket.isAcceptable(packet) else { return }
        SCTPEngine.shared.enter(at: now) { socket.receive(packet) }
        // usrsctp acknowledges every second packet at once and any other later.
        timersUntil = max(timersUntil, now + configuration.timing.acknowledgementDelay * 2 + Self.timerStep)
        settle(socket, now: now)
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
        latest = now
        guard let socket = state.socket else { return }
        settle(socket, now: now)
    }

    // MARK: What comes of it

    /// The next SCTP packet, to be sent as one DTLS record.
    package func pollTransmit() -> [UInt8]? { outgoing.popFirst() }

    package func pollEvent() -> SCTPEvent? { events.popFirst() }

    /// When to call `handleTimeout`; `nil` while nothing is outstanding, so an idle association costs no timer.
    package var deadline: Instant? {
        guard state.socket != nil, needsTimer else { return nil }
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
        if case .connecting = state { return true }
        return hasOutstandingData || !queue.isEmpty || !pendingResets.isEmpty || resetsInFlight > 0 || latest < timersUntil
    }
}

// MARK: - After every call

extension SCTPAssociation {
    /// Reads what usrsctp said, hands over what it can take, and reads again.
    func settle(_ socket: SCTPSocket, now: Instant) {
        // The tick may have been another association's, and what it made may have waited here since.
        SCTPEngine.shared.enter(at: now) {}
        readMailbox(socket, now: now)
        guard state.socket != nil else { return }
        let status = SCTPEngine.shared.enter(at: now) { [self] in
            feed(socket, now: now)
            return socket.status()
        }
        readMailbox(socket, now: now)
        hasOutstandingData = status.map { $0.unacknowledgedByteCount > 0 || $0.sentChunkCount > 0 } ?? false
        if owesWritable && queue.isHalfEmpty {
            owesWritable = false
            tell(.writable, now: now)
        }
    }

    private func readMailbox(_ socket: SCTPSocket, now: Instant) {
        let mailbox = Mailboxes.empty(socket.number)
        for packet in mailbox.packets { outgoing.append(packet) }
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
        case .associationChange(let change):
            switch change {
            case SCTP_COMM_UP:
                guard case .connecting = state else { return }
                state = .connected(socket)
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
                resetsInFlight = 0
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
            if socket.resetStream(stream) { resetsInFlight += 1 }
            return true
        }
    }

    private func tell(_ event: SCTPEvent, now: Instant) {
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
        pendingResets.removeAll()
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
