internal import CNgtcp2
package import Wire

/// One QUIC connection, client or server, on ngtcp2: a state machine without socket, clock or thread.
///
/// The contract: hand it one datagram, one timeout or any commands, then drain `pollTransmit` until `nil`,
/// then `pollEvent` until `nil`, and come back at `deadline`. Methods fall into four kinds:
///
/// - input: `receive`, `handleTimeout`
/// - output: `pollTransmit`, `pollEvent`, `pollRouteChange`, `deadline`
/// - commands: `openStream`, `write`, `sendDatagram`, `consumed`, `reset`, `stopSending`, `close`, `migrate`, `updateKeys`
/// - getters
///
/// Confined to one thread; everything that C calls back only appends to queues here, and nothing is written to
/// the network from inside a callback. The object owns all memory that ngtcp2 points into.
package final class QUICConnection {
    package enum Role: Hashable, Sendable { case client, server }

    /// Where the connection stands (RFC 9000 section 10). Sketch of the edges:
    ///
    ///     handshaking ──established──▶ established
    ///         │  └──────── close ───────┐│
    ///         ▼                         ▼▼
    ///       closed ◀──timer── closing ◀─ closeRequested
    ///         ▲ └────timer── draining ◀─ peer's CONNECTION_CLOSE
    enum State {
        case handshaking
        case established
        /// CONNECTION_CLOSE is owed; `pollTransmit` writes it.
        case closeRequested(PendingClose)
        /// CONNECTION_CLOSE was sent; it is repeated when the peer goes on sending (section 10.2.1).
        case closing(ClosingState)
        /// The peer closed: nothing is sent any more (section 10.2.2).
        case draining(until: Instant)
        case closed
    }

    enum PendingClose {
        case application(code: UInt64, reason: [UInt8])
        case transport(liberr: Int32)
        case alert(UInt8)
    }

    struct ClosingState {
        var packet: [UInt8]
        var path: NetworkPath
        var until: Instant
        /// Datagrams since the last repetition, and how many make the next: repeating ever more rarely keeps two
        /// closing ends from answering each other for ever.
        var received = 0
        var threshold = 1
        var owesPacket = false
    }

    package let role: Role
    package let configuration: QUICConfiguration
    /// The group that qlog files this connection under: the client's first destination connection ID.
    package let originalDestination: ConnectionID
    let trust: ClientTrust
    /// Null only while `init` runs and after `deinit` began.
    var handle: OpaquePointer?
    var tls: TLSSession?
    let issuer: ConnectionIDIssuer
    let inputPath = PathStorage()
    let outputPath = PathStorage()
    /// Server: what ngtcp2 calls the peer's addresses.
    var pathNames = PathNames()

    var state = State.handshaking
    /// The time of the call in progress; callbacks have no argument for it.
    var now: Instant
    var currentPath: NetworkPath
    var events: [QUICEvent] = []
    private var eventHead = 0
    var routeChanges: [RouteChange] = []
    var streams: [Int64: StreamState] = [:]
    /// Bytes of streams that are over and that the application has not consumed yet.
    var endedUnconsumed: [Int64: Int] = [:]
    var endedPeerStreams = 0
    /// Streams with unsent bytes, each once, served in turn.
    var sendQueue: BoundedQueue<Int64>
    var bufferedByteCount = 0
    var datagrams: BoundedQueue<QueuedDatagram>
    var outstandingDatagrams = OutstandingDatagrams()
    /// Bytes sent since the last packet that started a loss timer: see `startTimer`.
    var untimedByteCount = 0
    /// A stream that was written to and has not ended.
    var timedStream: Int64?
    /// A datagram was acknowledged, and older ones may have been forgotten.
    var owesSilenceCheck = false
    /// A packet that ngtcp2 wrote and that did not fit the run of equal segments before it.
    var heldPacket: HeldPacket?
    /// A packet was written and ngtcp2 has not been told that the burst is over.
    var wroteSinceTimeUpdate = false
    /// Server: packets that came before the keys to read them, in order.
    var earlyPackets = EarlyPackets()
    /// The peer has proved that it has the handshake's end (RFC 9001 section 4.1.2).
    var isHandshakeConfirmed = false
    /// Client: resets that wait for that, at most one a stream.
    var delayedResets: [(stream: Int64, code: UInt64)] = []
    /// The early data of this connection (`QUICConnection+EarlyData.swift`).
    package internal(set) var earlyData = EarlyDataOutcome.none
    /// Client: what it sent early and may have to send again.
    var earlyFlight = EarlyFlight()
    /// Client: the name that a ticket is good for; `nil` where tickets are not wanted.
    var ticketName: String?
    /// Server: gives tickets and remembers who used them.
    var ticketDesk: TicketDesk?
    /// When `handleTimeout` last let ngtcp2 look at its timers.
    var timeoutHandledAt: Instant?
    private var hasReportedClose = false

    struct QueuedDatagram {
        let id: UInt64
        let bytes: [UInt8]
    }

    struct HeldPacket {
        let transmit: Transmit
        let bytes: [UInt8]
    }

    /// What the owner of the routing table must know about the connection's own IDs.
    package enum RouteChange: Hashable, Sendable {
        case issued(ConnectionID)
        case retired(ConnectionID)
    }

    init(
        role: Role, configuration: QUICConfiguration, trust: ClientTrust, originalDestination: ConnectionID,
        issuer: ConnectionIDIssuer, path: NetworkPath, now: Instant
    ) {
        self.role = role
        self.configuration = configuration
        self.trust = trust
        self.originalDestination = originalDestination
        self.issuer = issuer
        self.now = now
        currentPath = path
        // A stream is queued at most once, and there are no more streams than the peer and we may have open.
        sendQueue = BoundedQueue(limit: .max)
        datagrams = BoundedQueue(limit: configuration.limits.datagramSendQueue)
    }

    deinit { if let handle { ngtcp2_conn_del(handle) } }

    // MARK: Getters

    /// Whether streams and datagrams may be used: established, or in early data.
    package var canSend: Bool {
        switch state {
        case .established: true
        case .handshaking: earlyData == .pending
        case .closeRequested, .closing, .draining, .closed: false
        }
    }
    package var isEstablished: Bool { if case .established = state { true } else { false } }
    /// Nothing more will come from this connection, and it may be forgotten.
    package var isClosed: Bool { if case .closed = state { true } else { false } }
    /// Closing has begun on either side.
    package var isClosing: Bool {
        switch state {
        case .handshaking, .established: false
        case .closeRequested, .closing, .draining, .closed: true
        }
    }
    /// The path that packets take now.
    package var path: NetworkPath { currentPath }
    package var alpn: String { tls?.negotiatedALPN ?? "" }

    /// The smoothed round-trip time; the configuration's assumption before the first measurement.
    package var smoothedRTT: Duration { .nanoseconds(Int64(clamping: statistics.smoothed_rtt)) }

    /// The smallest round-trip time seen, never adjusted by the peer's delay; zero before the first measurement.
    package var minimumRTT: Duration {
        let minimum = statistics.min_rtt
        return minimum == .max ? .zero : .nanoseconds(Int64(clamping: minimum))
    }

    /// Bytes that congestion control allows in flight, and how many are.
    package var congestionWindow: (byteCount: UInt64, inFlight: UInt64) {
        let statistics = statistics
        return (statistics.cwnd, statistics.bytes_in_flight)
    }

    var statistics: ngtcp2_conn_stat {
        var result = ngtcp2_conn_stat()
        if let handle { ngtcp2_conn_get_conn_stat_versioned(handle, NGTCP2_CONN_STAT_VERSION, &result) }
        return result
    }

    // MARK: Output

    /// When `handleTimeout` must be called; `nil` when the connection waits for nothing.
    package var deadline: Instant? {
        switch state {
        case .handshaking, .established:
            guard let handle else { return nil }
            let expiry = ngtcp2_conn_get_expiry(handle)
            if expiry == .max { return nil }
            // Some timers of ngtcp2 are compared with `<` and outlive their own expiry by a tick. Asking again at the same
            // instant would never end in virtual time and spin in real time.
            if let handled = timeoutHandledAt, expiry <= handled.nanoseconds { return handled + .milliseconds(1) }
            return afterAcknowledgementDelay(Instant(nanoseconds: expiry))
        case .closeRequested: return now
        case .closing(let closing): return closing.until
        case .draining(let until): return until
        case .closed: return nil
        }
    }

    /// When ngtcp2's `expiry` is worth a wake-up.
    ///
    /// ngtcp2 holds an acknowledgement back for an eighth of the round-trip time, which on a short path is less than a frame
    /// lasts: every frame's acknowledgement would travel alone. RFC 9000 section 13.2.1 allows the delay that we
    /// announced, and within it the next frame goes out and takes the acknowledgement along. Timers of loss recovery,
    /// and any while data waits for the pacer, are left as they are.
    private func afterAcknowledgementDelay(_ expiry: Instant) -> Instant {
        // ngtcp2 confirms a handshake to clients only; a server knows with its end (RFC 9001 section 4.1.2).
        guard case .established = state, role == .server || isHandshakeConfirmed, datagrams.isEmpty, sendQueue.isEmpty else {
            return expiry
        }
        let statistics = statistics
        let recovery = Instant(nanoseconds: statistics.loss_detection_timer)
        guard expiry < recovery else { return expiry }
        let announced = configuration.maximumAcknowledgementDelay - Self.timerAllowance
        let rest = announced - .nanoseconds(Int64(clamping: statistics.smoothed_rtt / 8))
        return rest > .zero ? min(expiry + rest, recovery) : expiry
    }

    /// How late a driver may fire a timer without breaking the delay that we announced.
    private static let timerAllowance = Duration.milliseconds(2)

    package func pollEvent() -> QUICEvent? {
        guard eventHead < events.count else {
            if eventHead > 0 {
                events.removeAll(keepingCapacity: events.count <= 64)
                eventHead = 0
            }
            return nil
        }
        defer { eventHead += 1 }
        return events[eventHead]
    }

    /// A client has one socket a connection and routes nothing: a peer that retires IDs without end must not fill a
    /// queue that nobody reads.
    func note(_ change: RouteChange) {
        if role == .server { routeChanges.append(change) }
    }

    /// Server: drain it after every input, with the events.
    package func pollRouteChange() -> RouteChange? {
        routeChanges.isEmpty ? nil : routeChanges.removeFirst()
    }

    /// Reports the end once; later reasons are consequences of the first.
    func reportClose(_ close: QUICClose) {
        guard !hasReportedClose else { return }
        hasReportedClose = true
        events.append(.closed(close))
    }
}
