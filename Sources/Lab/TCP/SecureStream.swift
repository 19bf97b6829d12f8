import Wire

/// TLS 1.3 on the model of TCP: the handshake as so many bytes each way (`TLSFlights`), then records with the bytes that
/// travel and what the real ones weigh. Nothing is encrypted: nobody listens.
struct SecureStream {
    private enum Phase: Hashable {
        /// So many bytes of the peer's handshake are awaited.
        case handshake(awaited: Int)
        case secure
    }

    private let role: TCPConnection.Role
    private var tcp: TCPConnection
    private var phase: Phase
    private var hasSentHello = false
    private var received: [UInt8] = []
    /// What the server's tickets are: they leave with its first record.
    private var prefix: [UInt8] = []
    /// How much of the server's tickets is still to come.
    private var awaitedTickets: Int

    private static let recordHeaderByteCount = 5
    /// The content type and the tag (RFC 8446 section 5.2).
    private static let recordTrailerByteCount = TLSFlights.recordByteCount - recordHeaderByteCount
    private static let maximumRecordByteCount = 16_384
    /// An alert in its record, without the record's header.
    private static let alertByteCount = 2 + recordTrailerByteCount
    private static let alertType: UInt8 = 0x15

    init(
        _ role: TCPConnection.Role, purpose: TCPSegment.Purpose = .stream, patience: TCPConnection.Patience? = nil,
        clock: KernelClock = KernelClock(), now: Instant
    ) {
        self.role = role
        tcp = TCPConnection(role, purpose: purpose, patience: patience, clock: clock, now: now)
        phase = .handshake(awaited: role == .client ? TLSFlights.serverHelloByteCount : TLSFlights.clientHelloByteCount)
        awaitedTickets = role == .client ? TLSFlights.ticketsByteCount : 0
    }

    var deadline: Instant? { tcp.deadline }
    /// Records may be written.
    var canWrite: Bool { phase == .secure && tcp.canWrite }
    var peerHasEnded: Bool { tcp.peerHasEnded }
    /// Nothing is left to send.
    var isDone: Bool { tcp.isDone }
    mutating func handleTimeout(now: Instant) { tcp.handleTimeout(now: now) }

    /// Ends this end's stream, as TLS wants it: with an alert before TCP's FIN (RFC 8446 section 6.1).
    mutating func finish(now: Instant) {
        if phase == .secure { tcp.write([Self.alertType, 0x03, 0x03, 0x00, UInt8(Self.alertByteCount)] + TLSFlights.padding(Self.alertByteCount), now: now) }
        tcp.finish(now: now)
    }

    mutating func receive(_ datagram: Span<UInt8>, now: Instant) {
        tcp.receive(datagram, now: now)
        if role == .client, tcp.isOpen, !hasSentHello {
            hasSentHello = true
            tcp.write(TLSFlights.padding(TLSFlights.clientHelloByteCount), now: now)
        }
        received += tcp.read()
        guard case .handshake(let awaited) = phase, received.count >= awaited else { return }
        received.removeFirst(awaited)
        if role == .server, !hasSentHello {
            hasSentHello = true
            tcp.write(TLSFlights.padding(TLSFlights.serverHelloByteCount), now: now)
            // The client's Finished cannot have come yet.
            phase = .handshake(awaited: TLSFlights.clientFinishedByteCount)
            return
        }
        phase = .secure
        switch role {
        case .client: tcp.write(TLSFlights.padding(TLSFlights.clientFinishedByteCount), now: now)
        case .server: prefix = TLSFlights.padding(TLSFlights.ticketsByteCount)
        }
    }

    /// The application's bytes that have come since the last call.
    mutating func read() -> [UInt8] {
        guard phase == .secure else { return [] }
        let tickets = min(awaitedTickets, received.count)
        received.removeFirst(tickets)
        awaitedTickets -= tickets
        var bytes: [UInt8] = []
        var offset = 0
        while received.count - offset >= Self.recordHeaderByteCount {
            let length = Int(received[offset + 3]) << 8 | Int(received[offset + 4])
            let end = offset + Self.recordHeaderByteCount + length
            guard received.count >= end, length >= Self.recordTrailerByteCount else { break }
            if received[offset] != Self.alertType {
                bytes += received[(offset + Self.recordHeaderByteCount)..<(end - Self.recordTrailerByteCount)]
            }
            offset = end
        }
        received.removeFirst(offset)
        return bytes
    }

    mutating func write(_ bytes: [UInt8], now: Instant) { write([bytes], now: now) }

    /// Writes pieces at once, each as a record of its own, or several where it is long.
    mutating func write(_ pieces: [[UInt8]], now: Instant) {
        var stream = prefix
        prefix = []
        for piece in pieces {
            for start in stride(from: 0, to: piece.count, by: Self.maximumRecordByteCount) {
                let part = piece[start..<min(start + Self.maximumRecordByteCount, piece.count)]
                stream += [0x17, 0x03, 0x03]
                stream.append(bigEndian: UInt16(part.count + Self.recordTrailerByteCount))
                stream += part
                stream += TLSFlights.padding(Self.recordTrailerByteCount)
            }
        }
        tcp.write(stream, now: now)
    }

    mutating func pollTransmit(into buffer: UnsafeMutableRawBufferPointer) -> Int? { tcp.pollTransmit(into: buffer) }
}

/// How many bytes the flights of TLS 1.3's handshake have, as BoringSSL writes them on both sides: with X25519 and ML-KEM-768, a
/// self-signed certificate with a P-256 key, and no server name, since the lab's server has none. A chain of RSA certificates would
/// add some 3 kB.
enum TLSFlights {
    static let clientHelloByteCount = 1454
    /// ServerHello to Finished.
    static let serverHelloByteCount = 1731
    /// The client's ChangeCipherSpec and Finished.
    static let clientFinishedByteCount = 64
    /// Two session tickets, which the server sends with its first record.
    static let ticketsByteCount = 386
    /// A record's header, its content type and its tag (RFC 8446 section 5.2).
    static let recordByteCount = 22

    /// Bytes that stand for a handshake's: nobody looks at them.
    static func padding(_ count: Int) -> [UInt8] { Array(repeating: 0, count: count) }
}
