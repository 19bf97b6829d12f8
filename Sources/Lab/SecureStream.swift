import Wire

/// TLS 1.3 on the model of TCP: the handshake as so many bytes each way (`CallExchange`), then records with the bytes that
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
    /// What ends our half of the handshake travels with our first record.
    private var prefix: [UInt8] = []

    private static let recordHeaderByteCount = 5
    /// The content type and the tag (RFC 8446 section 5.2).
    private static let recordTrailerByteCount = CallExchange.recordByteCount - recordHeaderByteCount
    private static let maximumRecordByteCount = 16_384

    init(_ role: TCPConnection.Role, patience: TCPConnection.Patience? = nil, now: Instant) {
        self.role = role
        tcp = TCPConnection(role, patience: patience, now: now)
        phase = .handshake(
            awaited: role == .client ? CallExchange.serverHandshakeByteCount : CallExchange.clientHelloByteCount)
    }

    var deadline: Instant? { tcp.deadline }
    /// Records may be written.
    var canWrite: Bool { phase == .secure && tcp.canWrite }
    var peerHasEnded: Bool { tcp.peerHasEnded }
    /// Nothing is left to send.
    var isDone: Bool { tcp.isDone }
    mutating func handleTimeout(now: Instant) { tcp.handleTimeout(now: now) }
    mutating func finish() { tcp.finish() }

    mutating func receive(_ datagram: Span<UInt8>, now: Instant) {
        tcp.receive(datagram, now: now)
        if role == .client, tcp.isOpen, !hasSentHello {
            hasSentHello = true
            tcp.write(CallExchange.padding(CallExchange.clientHelloByteCount))
        }
        received += tcp.read()
        guard case .handshake(let awaited) = phase, received.count >= awaited else { return }
        received.removeFirst(awaited)
        switch (role, hasSentHello) {
        case (.client, _):
            prefix = CallExchange.padding(CallExchange.clientFinishedByteCount)
            phase = .secure
        case (.server, false):
            hasSentHello = true
            tcp.write(CallExchange.padding(CallExchange.serverHandshakeByteCount))
            phase = .handshake(awaited: CallExchange.clientFinishedByteCount)
            // The client's Finished cannot have come yet.
        case (.server, true):
            prefix = CallExchange.padding(CallExchange.ticketsByteCount)
            phase = .secure
        }
    }

    /// The application's bytes that have come since the last call.
    mutating func read() -> [UInt8] {
        guard phase == .secure else { return [] }
        if role == .client, !ticketsAreRead {
            guard received.count >= CallExchange.ticketsByteCount else { return [] }
            received.removeFirst(CallExchange.ticketsByteCount)
            ticketsAreRead = true
        }
        var bytes: [UInt8] = []
        var offset = 0
        while received.count - offset >= Self.recordHeaderByteCount {
            let length = Int(received[offset + 3]) << 8 | Int(received[offset + 4])
            let end = offset + Self.recordHeaderByteCount + length
            guard received.count >= end, length >= Self.recordTrailerByteCount else { break }
            bytes += received[(offset + Self.recordHeaderByteCount)..<(end - Self.recordTrailerByteCount)]
            offset = end
        }
        received.removeFirst(offset)
        return bytes
    }

    private var ticketsAreRead = false

    /// Writes bytes as records, each write one of its own.
    mutating func write(_ bytes: [UInt8]) {
        var stream = prefix
        prefix = []
        for start in stride(from: 0, to: bytes.count, by: Self.maximumRecordByteCount) {
            let part = bytes[start..<min(start + Self.maximumRecordByteCount, bytes.count)]
            stream += [0x17, 0x03, 0x03]
            stream.append(bigEndian: UInt16(part.count + Self.recordTrailerByteCount))
            stream += part
            stream += CallExchange.padding(Self.recordTrailerByteCount)
        }
        tcp.write(stream)
    }

    mutating func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Int? {
        tcp.pollTransmit(into: buffer, now: now)
    }
}
