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
    }

    private let role: Role
    private var phase: Phase
    private var owesSYN = false
    private var handshakeTimer = RetransmissionTimer()
    private var sender = TCPSender()
    private var receiver = TCPReceiver()

    /// The client begins to connect; the server waits.
    init(_ role: Role, now: Instant) {
        self.role = role
        phase = role == .client ? .opening(attempts: 0, sent: now, deadline: now + RetransmissionTimer.initial) : .listening
        owesSYN = role == .client
    }

    var isOpen: Bool { phase == .open }
    var canWrite: Bool { isOpen && sender.hasRoom }
    /// The peer's stream has ended.
    var peerHasEnded: Bool { receiver.hasEnded }
    var retransmittedCount: Int { sender.retransmittedCount }

    mutating func write(_ bytes: [UInt8]) { sender.write(bytes) }
    /// Ends this end's stream behind what was written.
    mutating func finish() { sender.finish() }
    /// What has come in order since the last call.
    mutating func read() -> [UInt8] { receiver.read() }

    var deadline: Instant? {
        switch phase {
        case .opening(_, _, let deadline): deadline
        case .listening: nil
        case .open: earliest(sender.deadline, receiver.deadline)
        }
    }

    mutating func receive(_ datagram: Span<UInt8>, now: Instant) {
        guard let segment = try? TCPSegment(parsing: datagram) else { return }
        if segment.flags.contains(.syn) { return receiveSYN(segment, now: now) }
        if case .opening(let attempts, let sent, _) = phase, role == .server {
            // The client's acknowledgement, or its first data where that was lost.
            phase = .open
            if attempts == 0 { sender.measured(now - sent) }
        }
        guard isOpen else { return }
        sender.receive(acknowledged: segment.acknowledged, sacked: segment.sacked, now: now)
        receiver.receive(segment, now: now)
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
            acknowledgeHandshake = true
        // The acknowledgement of a SYN-ACK was lost.
        case (.client, _): acknowledgeHandshake = true
        case (.server, .open): break
        }
    }

    private var acknowledgeHandshake = false

    mutating func handleTimeout(now: Instant) {
        if case .opening(let attempts, let sent, let deadline) = phase, deadline <= now {
            if role == .server || attempts >= RetransmissionTimer.linearSYNCount { handshakeTimer.backOff() }
            phase = .opening(attempts: attempts + 1, sent: sent, deadline: now + handshakeTimer.timeout)
            owesSYN = true
        }
        guard isOpen else { return }
        sender.handleTimeout(now: now)
        receiver.handleTimeout(now: now)
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
        let sacked = receiver.sacked
        let part = sender.pollSegment(roomFor: TCPSegment.sackByteCount(sacked.count), now: now)
        guard part != nil || receiver.owesAcknowledgement || acknowledgeHandshake else { return nil }
        acknowledgeHandshake = false
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
