import Wire

/// One end of a TCP connection, as a model of Linux's: a reliable stream of bytes over a path that loses datagrams.
///
/// A model, not the kernel: it was held against Linux's by `compare --real`, packet by packet. Data is read by the application at
/// once, so the receive window never closes.
struct TCPConnection {
    enum Role { case client, server }

    private enum Phase: Hashable {
        /// The SYN (the server's with its acknowledgement) was sent so often, and goes again at this time.
        case opening(attempts: Int, sent: Instant, deadline: Instant)
        case listening
        case open
        /// The peer knows it no more, or nothing came for too long: it sends and hears nothing.
        case broken
    }

    /// When a dead path is given up; without it Linux tries for a quarter of an hour.
    struct Patience: Hashable {
        /// `TCP_USER_TIMEOUT`: how long retransmissions, or probes, may go unanswered.
        var userTimeout: Duration
        /// The same in round trips, as the opening measured them, where that is longer.
        var roundTrips = 0
        /// `TCP_KEEPIDLE` and `TCP_KEEPINTVL`: when a connection without anything to send is probed.
        var probeIdle: Duration
        var probeInterval: Duration
    }

    private let role: Role
    private let purpose: TCPSegment.Purpose
    private let clock: KernelClock
    private var phase = Phase.listening
    private var synTimeout = TCPTimeout()
    private var sender: TCPSender
    private var receiver: TCPReceiver
    private var ready: [TCPSegment] = []
    private var patience: Patience?
    private var lastReceived: Instant
    private var nextProbe: Instant?
    private var probesSent = 0

    /// The client begins to connect; the server waits.
    init(
        _ role: Role, purpose: TCPSegment.Purpose = .stream, patience: Patience? = nil, clock: KernelClock = KernelClock(), now: Instant
    ) {
        self.role = role
        self.patience = patience
        lastReceived = now
        self.purpose = purpose
        self.clock = clock
        sender = TCPSender(clock: clock)
        receiver = TCPReceiver(clock: clock)
        if role == .client { sendSYN(attempts: 0, first: now, now: now) }
    }

    var isOpen: Bool { phase == .open }
    var canWrite: Bool { isOpen && sender.hasRoom }
    /// The peer's stream has ended, or nothing passes any more.
    var peerHasEnded: Bool { receiver.hasEnded || phase == .broken }
    /// It has nothing to send any more, and nothing to wait for.
    var isDone: Bool { !isOpen || sender.hasFinished && sender.isDone }
    var retransmittedCount: Int { sender.retransmittedCount }

    /// Each write leaves in segments of its own, where the window has room.
    mutating func write(_ bytes: [UInt8], now: Instant) {
        guard phase != .broken else { return }
        sender.write(bytes, roomFor: sackByteCount, now: now)
        flush(now: now)
    }

    /// Ends this end's stream behind what was written.
    mutating func finish(now: Instant) {
        guard phase != .broken else { return }
        sender.finish(roomFor: sackByteCount, now: now)
        flush(now: now)
    }

    /// What has come in order since the last call.
    mutating func read() -> [UInt8] { receiver.read() }

    var deadline: Instant? {
        switch phase {
        case .opening(_, _, let deadline): deadline
        case .listening, .broken: nil
        case .open: earliest(sender.deadline, receiver.deadline, nextProbe, giveUpTime)
        }
    }

    /// When retransmissions have gone unanswered for too long: found out by the timer of retransmissions, which is set to no more than
    /// what is left (`tcp_clamp_rto_to_user_timeout`), and is as coarse as that is long.
    private var giveUpTime: Instant? {
        guard let patience, let since = sender.stalledSince, let last = sender.stalledAt else { return nil }
        return clock.expiry(after: max(.zero, since + patience.userTimeout - last), now: last)
    }

    private var sackByteCount: Int { TCPSegment.sackByteCount(receiver.blockCount) }

    // MARK: Opening

    private mutating func sendSYN(attempts: Int, first: Instant, now: Instant) {
        phase = .opening(attempts: attempts, sent: first, deadline: clock.expiry(after: synTimeout.current, now: now))
        var segment = TCPSegment(purpose, flags: role == .client ? .syn : [.syn, .acknowledges], start: 0, acknowledged: 0)
        (segment.timestamp, segment.echo) = (TCPSender.timestamp(now), receiver.echo)
        ready.append(segment)
    }

    private mutating func receiveSYN(_ segment: TCPSegment, now: Instant) {
        switch (role, phase) {
        case (.server, .listening):
            receiver.begin(echo: segment.timestamp)
            sendSYN(attempts: 0, first: now, now: now)
        case (.server, .opening(let attempts, let sent, _)): sendSYN(attempts: attempts + 1, first: sent, now: now)
        case (.client, .opening):
            receiver.begin(echo: segment.timestamp)
            open(echo: segment.echo, now: now)
            sendAcknowledgement(now: now)
        // The acknowledgement of a SYN-ACK was lost.
        case (.client, _): sendAcknowledgement(now: now)
        case (.server, .open), (.server, .broken): break
        }
    }

    private mutating func open(echo: UInt32, now: Instant) {
        guard case .opening(let attempts, let sent, _) = phase else { return }
        phase = .open
        let roundTrip = attempts == 0 ? now - sent : .milliseconds(Int64(max(1, Int64(TCPSender.timestamp(now)) - Int64(echo))))
        if let given = patience { patience?.userTimeout = max(given.userTimeout, roundTrip * given.roundTrips) }
        sender.timeout.sample(roundTrip, acknowledged: 0, next: 0)
        // RFC 6298 section 5.7, as `tcp_init_transfer` has it; a server's connection begins only now.
        if role == .client, attempts > 1 { sender.window.count = 1 }
    }

    // MARK: Segments

    mutating func receive(_ datagram: Span<UInt8>, now: Instant) {
        guard let segment = try? TCPSegment(parsing: datagram), phase != .broken else { return }
        if segment.flags.contains(.reset) { return breakDown() }
        lastReceived = now
        probesSent = 0
        if segment.flags.contains(.syn) { return receiveSYN(segment, now: now) }
        // The client's acknowledgement, or its first data where that was lost.
        if role == .server { open(echo: segment.echo, now: now) }
        guard isOpen else { return }
        sender.receive(segment, roomFor: sackByteCount, now: now)
        flush(now: now)
        receiver.receive(segment, roundTrip: sender.timeout.smoothed, now: now)
        sender.push(roomFor: sackByteCount, now: now)
        flush(now: now)
        if receiver.owesAcknowledgement || segment.flags.contains(.probe) { sendAcknowledgement(now: now) }
        if let patience { nextProbe = receiver.hasEnded ? nil : now + patience.probeIdle }
    }

    mutating func handleTimeout(now: Instant) {
        if case .opening(let attempts, let sent, let deadline) = phase, deadline <= now {
            if role == .server || attempts >= TCPTimeout.linearSYNCount { synTimeout.backOff() }
            sendSYN(attempts: attempts + 1, first: sent, now: now)
        }
        guard isOpen else { return }
        sender.handleTimeout(roomFor: sackByteCount, now: now)
        flush(now: now)
        receiver.handleTimeout(now: now)
        if receiver.owesAcknowledgement { sendAcknowledgement(now: now) }
        mind(now: now)
    }

    /// Probes a connection that says nothing, and gives up one that does not answer.
    private mutating func mind(now: Instant) {
        guard let patience else { return }
        if let giveUpTime, giveUpTime <= now { return breakDown() }
        guard let due = nextProbe, due <= now else { return }
        nextProbe = now + patience.probeInterval
        // What is under way asks for acknowledgements itself.
        guard sender.isDone else { return }
        if probesSent > 0, lastReceived + patience.userTimeout <= now { return breakDown() }
        probesSent += 1
        ready.append(TCPSegment(purpose, flags: [.acknowledges, .probe], start: 0, acknowledged: receiver.next))
    }

    private mutating func breakDown() {
        phase = .broken
        ready = []
    }

    /// Makes segments of what the sending half lets go.
    private mutating func flush(now: Instant) {
        for part in sender.takeReady() {
            var segment = TCPSegment(purpose, flags: part.hasFIN ? [.acknowledges, .fin] : .acknowledges, start: part.start, acknowledged: 0)
            segment.payload = part.payload
            finish(&segment, now: now)
        }
    }

    private mutating func sendAcknowledgement(now: Instant) {
        var segment = TCPSegment(purpose, flags: .acknowledges, start: sender.next, acknowledged: 0)
        finish(&segment, now: now)
    }

    private mutating func finish(_ segment: inout TCPSegment, now: Instant) {
        (segment.acknowledged, segment.timestamp, segment.echo) = (receiver.next, TCPSender.timestamp(now), receiver.echo)
        // What is sent again was cut without room for these.
        if segment.payload.count + sackByteCount <= TCPSegment.maximumPayloadByteCount { segment.sacked = receiver.takeBlocks() }
        receiver.acknowledged(withPayload: segment.end > segment.start, now: now)
        ready.append(segment)
    }

    /// Writes the next segment into `buffer`.
    /// - Returns: how many bytes were written; `nil` when there is nothing to send now.
    mutating func pollTransmit(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
        guard !ready.isEmpty else { return nil }
        let bytes = ready.removeFirst().bytes()
        buffer.copyBytes(from: bytes)
        return bytes.count
    }
}
