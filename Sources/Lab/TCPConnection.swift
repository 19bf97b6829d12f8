import Wire

/// One end of a TCP connection, as a model of Linux's: a reliable stream of bytes over a path that loses datagrams.
///
/// A model, not the kernel: it says what Linux's documents and sources say that it does, and is to be held against the real one.
/// Data is read by the application at once, so the receive window never closes.
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
        /// `TCP_KEEPIDLE` and `TCP_KEEPINTVL`: when a connection without anything to send is probed.
        var probeIdle: Duration
        var probeInterval: Duration
    }

    private let role: Role
    private var phase: Phase
    private var owesSYN = false
    private var handshakeTimer = RetransmissionTimer()
    private var sender = TCPSender()
    private var receiver = TCPReceiver()
    private let patience: Patience?
    private var lastReceived: Instant
    private var nextProbe: Instant?
    private var probesSent = 0
    private var owesProbe = false

    /// The client begins to connect; the server waits.
    init(_ role: Role, patience: Patience? = nil, now: Instant) {
        self.role = role
        self.patience = patience
        lastReceived = now
        phase = role == .client ? .opening(attempts: 0, sent: now, deadline: now + RetransmissionTimer.initial) : .listening
        owesSYN = role == .client
    }

    var isOpen: Bool { phase == .open }
    var canWrite: Bool { isOpen && sender.hasRoom }
    /// The peer's stream has ended, or nothing passes any more.
    var peerHasEnded: Bool { receiver.hasEnded || phase == .broken }
    /// It has nothing to send any more, and nothing to wait for.
    var isDone: Bool { phase == .broken || !isOpen || sender.hasFinished && sender.isDone }
    var retransmittedCount: Int { sender.retransmittedCount }

    mutating func write(_ bytes: [UInt8]) { sender.write(bytes) }
    /// Ends this end's stream behind what was written.
    mutating func finish() { sender.finish() }
    /// What has come in order since the last call.
    mutating func read() -> [UInt8] { receiver.read() }

    var deadline: Instant? {
        switch phase {
        case .opening(_, _, let deadline): deadline
        case .listening, .broken: nil
        case .open: earliest(sender.deadline, receiver.deadline, nextProbe, giveUpTime)
        }
    }

    /// When retransmissions have gone unanswered for too long.
    private var giveUpTime: Instant? {
        guard let patience else { return nil }
        return sender.stalledSince.map { $0 + patience.userTimeout }
    }

    mutating func receive(_ datagram: Span<UInt8>, now: Instant) {
        guard let segment = try? TCPSegment(parsing: datagram), phase != .broken else { return }
        if segment.flags.contains(.reset) { return phase = .broken }
        lastReceived = now
        probesSent = 0
        if segment.flags.contains(.syn) { return receiveSYN(segment, now: now) }
        if case .opening(let attempts, let sent, _) = phase, role == .server {
            // The client's acknowledgement, or its first data where that was lost.
            phase = .open
            if attempts == 0 { sender.measured(now - sent) }
        }
        guard isOpen else { return }
        if segment.flags.contains(.probe) { owesAcknowledgement = true }
        sender.receive(acknowledged: segment.acknowledged, sacked: segment.sacked, now: now)
        receiver.receive(segment, now: now)
        if let patience { nextProbe = receiver.hasEnded ? nil : now + patience.probeIdle }
    }

    private mutating func receiveSYN(_ segment: TCPSegment, now: Instant) {
        switch (role, phase) {
        case (.server, .listening):
            phase = .opening(attempts: 0, sent: now, deadline: now + RetransmissionTimer.initial)
            owesSYN = true
        case (.server, .opening): owesSYN = true
        case (.client, .opening(let attempts, let sent, _)):
            phase = .open
            if attempts == 0 { sender.measured(now - sent) }
            owesAcknowledgement = true
        // The acknowledgement of a SYN-ACK was lost.
        case (.client, _): owesAcknowledgement = true
        case (.server, .open), (.server, .broken): break
        }
    }

    private var owesAcknowledgement = false

    mutating func handleTimeout(now: Instant) {
        if case .opening(let attempts, let sent, let deadline) = phase, deadline <= now {
            if role == .server || attempts >= RetransmissionTimer.linearSYNCount { handshakeTimer.backOff() }
            phase = .opening(attempts: attempts + 1, sent: sent, deadline: now + handshakeTimer.timeout)
            owesSYN = true
        }
        guard isOpen else { return }
        sender.handleTimeout(now: now)
        receiver.handleTimeout(now: now)
        mind(now: now)
    }

    /// Probes a connection that says nothing, and gives up one that does not answer.
    private mutating func mind(now: Instant) {
        guard let patience else { return }
        if let giveUpTime, giveUpTime <= now { return phase = .broken }
        guard let due = nextProbe, due <= now else { return }
        nextProbe = now + patience.probeInterval
        // What is under way asks for acknowledgements itself.
        guard sender.isDone else { return }
        if probesSent > 0, lastReceived + patience.userTimeout <= now { return phase = .broken }
        probesSent += 1
        owesProbe = true
    }

    /// Writes the next segment into `buffer`.
    /// - Returns: how many bytes were written; `nil` when there is nothing to send now.
    mutating func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Int? {
        guard let segment = nextSegment(now: now) else { return nil }
        let bytes = segment.bytes()
        buffer.copyBytes(from: bytes)
        return bytes.count
    }

    private mutating func nextSegment(now: Instant) -> TCPSegment? {
        if owesSYN {
            owesSYN = false
            return TCPSegment(flags: role == .client ? .syn : [.syn, .acknowledges], start: 0, acknowledged: 0)
        }
        guard isOpen else { return nil }
        if owesProbe {
            owesProbe = false
            return TCPSegment(flags: [.acknowledges, .probe], start: 0, acknowledged: receiver.next)
        }
        let sacked = receiver.sacked
        let part = sender.pollSegment(roomFor: TCPSegment.sackByteCount(sacked.count), now: now)
        guard part != nil || receiver.owesAcknowledgement || owesAcknowledgement else { return nil }
        owesAcknowledgement = false
        var segment = TCPSegment(flags: .acknowledges, start: part?.start ?? 0, acknowledged: receiver.next)
        receiver.acknowledged()
        // What is sent again was cut without room for these.
        if (part?.payload.count ?? 0) + TCPSegment.sackByteCount(sacked.count) <= TCPSegment.maximumPayloadByteCount { segment.sacked = sacked }
        if let part {
            segment.payload = part.payload
            if part.hasFIN { segment.flags.insert(.fin) }
        }
        return segment
    }
}
