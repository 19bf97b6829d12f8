internal import QUIC
internal import RoQ
internal import Session
internal import WebRTC
internal import WebSocket
internal import WebTransport
internal import Wire

/// One connection of a client's, with the transport it speaks: what carries its session, or is about to.
final class ClientConnection {
    let carrier: Carrier
    let attachment: Attachment<WebTransportClient>
    /// Our end of it: the driver finds the socket by it.
    let local: PeerAddress
    /// What it shows to go on with a session; `nil` where it begins one.
    let resume: ResumeRequest?
    let began: Instant
    /// When we last sent something that nothing has come behind.
    var unanswered: Instant?
    var isOpen = false
    /// It has told its end.
    var isOver = false
    /// What the server gave for the next connection, until it is taken; over HTTP/3 it wants the SETTINGS, too.
    private var ticket: SessionTicket?

    /// Begins to connect; the first datagram is ready for `pollTransmit`.
    /// - Parameter tickets: of earlier connections; the one that fits is taken out. `nil` where none are wanted.
    init(
        _ transport: ClientTransport, serverName: String, credentials: ClientCredentials, quic: QUICConfiguration,
        tickets: inout TicketWallet?, delivery: Delivery, resume: ResumeRequest?, path: NetworkPath, entropy: Entropy, now: Instant
    ) {
        func connect(alpn: [String], with ticket: SessionTicket?, takesTickets: Bool) -> QUICConnection {
            QUICConnection.client(
                serverName: serverName, alpn: alpn, credentials: credentials, configuration: quic, ticket: ticket,
                takesTickets: takesTickets, path: path, entropy: entropy, now: now)
        }
        local = path.local
        self.resume = resume
        began = now
        switch transport {
        case .webTransport(var configuration):
            configuration.resume = resume
            let ticket = tickets?.take(for: ["h3"], now: now)
            configuration.rememberedSettings = ticket?.application ?? []
            let quic = connect(alpn: ["h3"], with: ticket, takesTickets: tickets != nil)
            carrier = .quic(quic)
            attachment = .webTransport(WebTransportClient(quic: quic, configuration: configuration))
        case .roq(let configuration):
            let ticket = tickets?.take(for: RoQConfiguration.defaultALPN, now: now)
            let quic = connect(alpn: RoQConfiguration.defaultALPN, with: ticket, takesTickets: tickets != nil)
            carrier = .quic(quic)
            attachment = .roq(RoQTransport(role: .client, quic: quic, configuration: configuration))
        case .webRTC(let configuration):
            let peer = WebRTCPeer(offeringWith: configuration, delivery: delivery, entropy: entropy, now: now)
            carrier = .webRTC(peer)
            attachment = .webRTC(peer)
        case .webSocket(var configuration):
            configuration.resume = resume
            let transport = WebSocketTransport(connectingWith: configuration, remote: path.remote, entropy: entropy, now: now)
            carrier = .webSocket(transport)
            attachment = .webSocket(transport)
        }
        attachment.receives(delivery, now: now)
    }

    var deadline: Instant? { earliest(carrier.deadline, attachment.deadline) }

    func receive(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, ecn: ECN, now: Instant) {
        unanswered = nil
        switch carrier {
        case .quic(let quic): quic.receive(datagram, path: path, ecn: ecn, now: now)
        case .webRTC(let peer): peer.receive(datagram, path: path, now: now)
        // Its bytes come by a stream.
        case .webSocket: break
        }
    }

    func handleTimeout(now: Instant) {
        if let deadline = carrier.deadline, deadline <= now { carrier.handleTimeout(now: now) }
        if let deadline = attachment.deadline, deadline <= now { attachment.handleTimeout(now: now) }
    }

    func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit? {
        guard let transmit = carrier.pollTransmit(into: buffer, now: now) else { return nil }
        if unanswered == nil { unanswered = now }
        return transmit
    }

    func pollEvent(now: Instant) -> TransportEvent? {
        if case .quic(let quic) = carrier {
            while let event = quic.pollEvent() {
                if case .ticket(let given) = event { ticket = given }
                attachment.handle(event, now: now)
            }
        }
        return attachment.pollEvent()
    }

    /// A ticket that is complete, once.
    func takeTicket() -> SessionTicket? {
        guard var complete = ticket else { return nil }
        if case .webTransport(let transport) = attachment {
            guard let settings = transport.settings else { return nil }
            complete.application = settings
        }
        ticket = nil
        return complete
    }

    /// What became of the data that was sent before the handshake was complete.
    var earlyData: EarlyDataOutcome {
        if case .quic(let quic) = carrier { quic.earlyData } else { .none }
    }

    /// Over RTP over QUIC the first event asks for the session; the others have said it in HTTP.
    func request(now: Instant) {
        guard let resume, case .roq(let transport) = attachment else { return }
        try? transport.send(event: OutgoingResume(resume).encoded())
    }

    /// Ends it in good order where there is somebody to tell.
    func close(code: UInt32, reason: String, now: Instant) {
        attachment.close(code: code, reason: reason, now: now)
        // A connection that never opened has no attachment to close in an orderly way.
        if !isOpen { carrier.abandon(reason: reason, now: now) }
    }

    /// Lets go of an attempt. The server may have moved the session here without our knowing: so this must not be a goodbye, which
    /// would end it.
    func giveUp(reason: String, now: Instant) {
        switch carrier {
        // A resume in early data has no effect yet, and shall have none.
        case .quic where earlyData == .pending: carrier.abandon(reason: reason, now: now)
        // At once, and for the whole connection: WebTransport would withdraw a request that is not answered yet, and name no code.
        case .quic(let quic): quic.close(code: UInt64(CloseCode.superseded), reason: reason)
        case .webSocket where isOpen: attachment.close(code: CloseCode.superseded, reason: reason, now: now)
        case .webSocket: carrier.abandon(reason: reason, now: now)
        // It has no other word than goodbye: the server hears nothing more.
        case .webRTC(let peer): peer.fallSilent()
        }
    }
}
