import Wire

/// One end of a TCP connection whose ends speak in turns: each sends a flight when it has the whole of the other's.
///
/// A model, not TCP: a flight is never longer than the initial window, so there is no congestion control, and a timeout
/// sends again everything that is not acknowledged. When that happens is TCP's: RFC 6298 with Linux's floor, and RFC 7323's
/// timestamps.
struct SignallingConnection {
    enum Role { case client, server }

    private struct Flight {
        let number: UInt8
        let segments: [ArraySlice<UInt8>]
        var acknowledged: UInt16 = 0
        var timeoutCount = 0
        var deadline: Instant

        var isAcknowledged: Bool { acknowledged == SignallingConnection.mask(segments.count) }
    }

    private struct Assembly {
        let number: UInt8
        var parts: [[UInt8]?]
        var received: UInt16 = 0
    }

    /// What was sent and is not wholly acknowledged.
    private var outgoing: Flight?
    /// Indices of `outgoing` that wait to be sent.
    private var unsent: [Int] = []
    private var nextOutgoing: UInt8
    /// The peer's latest flight: what has come of it.
    private var incoming: Assembly?
    private var nextIncoming: UInt8
    private var owesAcknowledgement = false
    private var echo = Instant.zero
    private var timer = RetransmissionTimer()

    init(_ role: Role) {
        // The client's flights have even numbers.
        (nextOutgoing, nextIncoming) = role == .client ? (0, 1) : (1, 0)
    }

    private static func mask(_ count: Int) -> UInt16 { (1 << UInt16(truncatingIfNeeded: count)) &- 1 }

    /// When `handleTimeout` is wanted: a flight that is not acknowledged by then goes again.
    var deadline: Instant? { outgoing?.deadline }

    /// Begins the next flight. The peer's answer to the one before has come, so nothing else is under way.
    /// - Precondition: `message` has at most `SignallingSegment.maximumCount` segments of payload.
    mutating func send(_ message: [UInt8], now: Instant) {
        let size = SignallingSegment.maximumPayloadByteCount
        let segments = stride(from: 0, to: max(1, message.count), by: size).map { message[$0..<min($0 + size, message.count)] }
        precondition(segments.count <= SignallingSegment.maximumCount, "a flight of signalling is longer than TCP's initial window")
        outgoing = Flight(number: nextOutgoing, segments: segments, deadline: now + timer.timeout)
        unsent = Array(segments.indices)
        nextOutgoing += 2
    }

    /// Takes a datagram.
    /// - Returns: the peer's flight, if this made it whole.
    mutating func receive(_ datagram: Span<UInt8>, now: Instant) -> [UInt8]? {
        var reader = ByteReader(datagram)
        guard let segment = try? SignallingSegment(&reader) else { return nil }
        echo = segment.sent
        acknowledge(segment, now: now)
        guard let flight = segment.flight else { return nil }
        owesAcknowledgement = true
        // An old flight once more: our acknowledgement was lost.
        guard flight == nextIncoming else { return nil }
        var assembly = incoming?.number == flight ? incoming : nil
        assembly = assembly ?? Assembly(number: flight, parts: Array(repeating: nil, count: Int(segment.count)))
        guard var assembly, assembly.parts.indices.contains(Int(segment.index)) else { return nil }
        assembly.parts[Int(segment.index)] = [UInt8](reader.readRest())
        assembly.received |= 1 << UInt16(segment.index)
        incoming = assembly
        guard assembly.received == Self.mask(assembly.parts.count) else { return nil }
        nextIncoming += 2
        return assembly.parts.flatMap { $0 ?? [] }
    }

    private mutating func acknowledge(_ segment: SignallingSegment, now: Instant) {
        guard var flight = outgoing, segment.acknowledgedFlight == flight.number else { return }
        let new = segment.received & ~flight.acknowledged
        guard new != 0 else { return }
        timer.sample(now - segment.echo)
        flight.acknowledged |= new
        flight.deadline = now + timer.timeout
        outgoing = flight.isAcknowledged ? nil : flight
        unsent.removeAll { flight.acknowledged >> UInt16($0) & 1 == 1 }
    }

    mutating func handleTimeout(now: Instant) {
        guard var flight = outgoing, flight.deadline <= now else { return }
        flight.timeoutCount += 1
        // The first flight of a client is its SYN.
        if flight.number > 0 || flight.timeoutCount > RetransmissionTimer.linearSYNCount { timer.backOff() }
        flight.deadline = now + timer.timeout
        unsent = flight.segments.indices.filter { flight.acknowledged >> UInt16($0) & 1 == 0 }
        outgoing = flight
    }

    /// Writes the next segment into `buffer`.
    /// - Returns: how many bytes were written; `nil` when there is nothing to send now.
    mutating func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Int? {
        let next = unsent.isEmpty ? nil : unsent.removeFirst()
        guard next != nil || owesAcknowledgement else { return nil }
        owesAcknowledgement = false
        var segment = SignallingSegment(
            acknowledgedFlight: incoming?.number, received: incoming?.received ?? 0, sent: now, echo: echo)
        var payload: ArraySlice<UInt8> = []
        if let next, let flight = outgoing {
            segment.flight = flight.number
            (segment.index, segment.count) = (UInt8(next), UInt8(flight.segments.count))
            payload = flight.segments[next]
        }
        let bytes = segment.header() + payload
        buffer.copyBytes(from: bytes)
        return bytes.count
    }
}

/// How long to wait for an acknowledgement (RFC 6298), as Linux does it.
struct RetransmissionTimer: Hashable {
    /// Before there is a sample (RFC 6298 section 2.1): so a lost SYN costs a second.
    static let initial = Duration.seconds(1)
    /// How many SYNs Linux repeats after a second each before the time doubles (`tcp_syn_linear_timeouts`, since 6.5).
    static let linearSYNCount = 4
    /// Linux keeps the variation's part of the timeout, not the whole, at or over this (`TCP_RTO_MIN`).
    static let variationFloor = Duration.milliseconds(200)
    /// RFC 6298 section 2.5, as Linux has it (`TCP_RTO_MAX`).
    static let maximum = Duration.seconds(120)

    private(set) var timeout = Self.initial
    private var smoothed: Duration?
    private var variation = Duration.zero

    /// A segment and its acknowledgement took this long. Timestamps tell which segment it was, so that Karn's rule is not
    /// needed.
    mutating func sample(_ roundTrip: Duration) {
        if let previous = smoothed {
            let error = previous > roundTrip ? previous - roundTrip : roundTrip - previous
            variation = variation * 3 / 4 + error / 4
            smoothed = previous * 7 / 8 + roundTrip / 8
        } else {
            smoothed = roundTrip
            variation = roundTrip / 2
        }
        timeout = min(Self.maximum, (smoothed ?? roundTrip) + max(variation * 4, Self.variationFloor))
    }

    /// Something new was acknowledged: what was backed off counts no more (RFC 6298 section 5.3).
    mutating func restore() {
        guard let smoothed else { return }
        timeout = min(Self.maximum, smoothed + max(variation * 4, Self.variationFloor))
    }

    /// RFC 6298 section 5.5.
    mutating func backOff() { timeout = min(Self.maximum, timeout * 2) }
}
