internal import Framing
internal import HTTP3
package import MediaStreams
package import QUIC
package import Session
package import Wire

/// What both ends of a connection that carries one WebTransport session have alike: the way of events into the session, and every
/// command to it. How the session comes to be is the client's and the server's own.
package class WebTransportEnd {
    final let quic: QUICConnection
    final var http: HTTP3Connection
    /// Set while there is one; apart from the state so that the packet path changes it in place.
    final var session: WebTransportSession?
    final var output = TransportEventQueue()
    private var hasReportedClose = false

    init(role: QUICConnection.Role, quic: QUICConnection, settings: HTTP3Settings, limits: WebTransportLimits) {
        self.quic = quic
        http = HTTP3Connection(role: role, quic: quic, settings: settings, limits: limits.http)
    }

    package final var capabilities: Capabilities { .webTransport(over: quic) }

    package final func pollEvent() -> TransportEvent? {
        while let event = output.popFirst() {
            guard !hasReportedClose else { continue }
            if case .closed = event { hasReportedClose = true }
            return event
        }
        return nil
    }

    /// Takes one event of the connection.
    package final func handle(_ event: QUICEvent, now: Instant) {
        switch event {
        case .datagram(let bytes):
            if session != nil {
                session?.receive(datagram: bytes, &http, into: &output)
            } else {
                receiveEarly(datagram: bytes)
            }
        case .datagramAcknowledged(let id): session?.acknowledged(id, into: &output)
        case .datagramLost(let id): session?.lost(id, now: now, into: &output)
        case .writable, .streamsAvailable: session?.flush()
        case .pathChanged, .ticket: break
        case .closed(let close): end(TransportClose(close))
        case .earlyData, .established, .streamData, .streamReset, .stopSending, .streamClosed: handleHTTP(event)
        }
        if let failure = http.failure {
            end(TransportClose(code: failure.code.rawValue, reason: failure.reason.description, origin: .transportError))
        }
    }

    // MARK: What the ends do otherwise

    /// Takes an event of the connection that concerns HTTP/3.
    func handleHTTP(_ event: QUICEvent) {}

    /// Takes a datagram before there is a session.
    func receiveEarly(datagram: [UInt8]) {}

    /// The session is over, or will never be; the ends come here once.
    func end(_ close: TransportClose) {
        session = nil
        output.append(.closed(close))
    }

    /// `close` before there is a session.
    func closeUnopened(code: UInt32, reason: String) {
        quic.close(code: HTTP3ErrorCode.noError.rawValue, reason: reason)
        end(TransportClose(code: UInt64(code), reason: reason, origin: .local))
    }

    /// Says that the session will end soon.
    package func drain() { session?.drain(http) }
}

// MARK: Commands

extension WebTransportEnd {
    /// Sends one event: JSON text without line feeds. A server's waits until the client has opened its stream of events.
    package final func send(event: [UInt8]) throws(SendRefusal) {
        guard session != nil else { throw .notOpen }
        try session?.send(event: event)
    }

    /// Sends one frame by the primitive that its mode asks for.
    package final func send(frame: MediaFrame, delivery: Delivery, now: Instant) throws(SendRefusal) {
        guard session != nil else { throw .notOpen }
        try session?.send(frame: frame, delivery: delivery, now: now)
    }

    /// When `handleTimeout` is wanted, apart from the connection's own deadline.
    package final var deadline: Instant? { session?.deadline }

    /// Abandons the frames that are too old.
    package final func handleTimeout(now: Instant) { session?.handleTimeout(now: now) }

    /// The talk is over: nothing follows that would show the loss of what was sent.
    package final func endTalk(now: Instant) { session?.endTalk(now: now) }

    /// What this end has done for its frames beside sending each once; for tests and metrics.
    package final var sendCounters: MediaSender.Counters { session?.sendCounters ?? MediaSender.Counters() }

    /// Ends the session with a code and a reason of at most 1024 bytes.
    package final func close(code: UInt32, reason: String) {
        guard session != nil else { return closeUnopened(code: code, reason: reason) }
        session?.close(code: code, reason: reason, origin: .local, http, into: &output)
    }
}

extension Capabilities {
    static func webTransport(over quic: QUICConnection) -> Capabilities {
        let modes = ReliabilityMode.allCases
        return Capabilities(
            transport: "webtransport", modes: quic.maximumDatagramPayload > 0 ? modes : modes.filter { !$0.usesDatagrams })
    }
}
