package import QUIC
package import Session
package import WebRTC
package import Wire

/// What a client endpoint tells its driver; drained by `ClientEndpoint.pollNotice`.
package enum EndpointNotice: Hashable, Sendable {
    /// Frames may leave from now on. The server may not have answered yet: what is sent travels with the request.
    case opened
    case realtime(ClientNotice)
    /// A frame could not be sent.
    case frameRefused(SendRefusal)
    /// The server asks for an end.
    case draining
    /// The connection is gone, or gives no sign: call `attach` with a way to the server. Comes again after an attempt that failed.
    case attachmentWanted
    /// A move that was asked for came to nothing; the session goes on where it was.
    case attachmentFailed(TransportClose)
    /// The server gave a ticket: the next connection may begin with early data. The endpoint keeps it for its own; whoever wants it
    /// for later has it here.
    case ticket(SessionTicket)
    /// Over; nothing follows.
    case closed(TransportClose)
}

/// One client with one session, without its sockets. The contract is `ServerEndpoint`'s: change it once, drain
/// `pollTransmit` and `pollNotice`, come back at `deadline`.
///
/// The session has one connection; while it moves to another there are two, each on an address of its own:
///
/// ```
///              attach                      session.resumed
///  steady ──────────────▶ steady, next ───────────────────────▶ steady
///    │ closed, silent                                             ▲
///    ▼          attach                     session.resumed        │
///   lost ───────────────▶ lost, next ─────────────────────────────┘
///    ▲  └─ patience ▶ closed    │ attempt failed
///    └──────────────────────────┘
/// ```
///
/// Before the server's first word there is nothing to resume: `attach` begins the session once more, and the first connection that opens
/// has it.
package final class ClientEndpoint {
    enum Link {
        case steady
        /// Nothing leaves by the present connection any more.
        case lost(since: Instant, TransportClose, retry: Instant?)
    }

    private let serverName: String
    private let credentials: ClientCredentials
    private let quic: QUICConfiguration
    /// `nil` ends the session with its connection.
    let policy: ReconnectPolicy?
    /// `nil` where tickets are not wanted.
    private var tickets: TicketWallet?
    var current: ClientConnection
    var next: ClientConnection?
    /// Replaced, and still read until they are closed.
    var former: [ClientConnection] = []
    var link = Link.steady
    /// Attempts that came to nothing since a connection was open.
    var failedAttempts = 0
    var client: RealtimeClient
    var notices: [EndpointNotice] = []
    private var noticeHead = 0
    var isOver = false
    /// How many connections are read after they were replaced; the oldest is forgotten first.
    static let formerLimit = 2

    /// Begins to connect; the first datagram is ready for `pollTransmit`.
    /// - Parameters:
    ///   - reconnect: `nil` ends the session with its connection.
    ///   - resume: goes on with a session that another endpoint had.
    ///   - tickets: of earlier connections to this server, none of them perhaps; `nil` asks for none and sends nothing early.
    package init(
        transport: ClientTransport, serverName: String, credentials: ClientCredentials, quic: QUICConfiguration,
        client: ClientConfiguration, reconnect: ReconnectPolicy? = nil, resume: ResumeRequest? = nil, tickets: TicketWallet? = nil,
        path: NetworkPath, entropy: Entropy, now: Instant
    ) {
        var quic = quic
        // A client that only listens must still be heard: a NAT forgets it, or has forgotten and takes it for another.
        quic.keepAlive = quic.keepAlive ?? (reconnect == nil ? Self.keepAlive : Self.quickKeepAlive)
        self.serverName = serverName
        self.credentials = credentials
        self.quic = quic
        policy = reconnect
        self.client = RealtimeClient(client)
        var wallet = tickets
        current = ClientConnection(
            transport, serverName: serverName, credentials: credentials, quic: quic, tickets: &wallet,
            delivery: self.client.delivery, resume: resume, path: path, entropy: entropy, now: now)
        self.tickets = wallet
        // With a ticket the connection is open at once.
        serve(now: now)
    }

    /// How long a client is silent at most (RFC 9000 section 10.1.2).
    private static let keepAlive = Duration.seconds(5)
    /// The same for a client that minds its connection: the answer to it tells silence from loss.
    private static let quickKeepAlive = Duration.seconds(1)

    // MARK: Another connection

    /// Begins to move the session to another connection, after a loss or on purpose. The present one is used until the other
    /// is there; then the server closes it.
    /// - Parameter path: its local address must differ from those of the present connections.
    /// - Returns: `false` where the server resumes nothing, or the session is over. Before there is a session, this is another attempt
    ///   to begin one.
    @discardableResult
    package func attach(over transport: ClientTransport, path: NetworkPath, entropy: Entropy, now: Instant) -> Bool {
        // One that was to go on with a session, and did not open, tries that again.
        let request = client.resumeRequest ?? (hasBegun ? nil : current.resume)
        guard !isOver, request != nil || !hasBegun else { return false }
        giveUpAttempt(reason: "another way was chosen", now: now)
        next = ClientConnection(
            transport, serverName: serverName, credentials: credentials, quic: quic, tickets: &tickets, delivery: client.delivery,
            resume: request, path: path, entropy: entropy, now: now)
        if request != nil { client.resumeRequested() }
        if case .lost(let since, let close, _) = link { link = .lost(since: since, close, retry: nil) }
        serve(now: now)
        return true
    }

    /// The attempt has come to nothing outside of the endpoint: no socket, or no answer to the call.
    package func attachmentFailed(_ close: TransportClose, now: Instant) {
        guard let failed = next else {
            // There was no socket to begin with, or the endpoint had given the attempt up.
            if current.isOpen || isLost { return attemptFailed(close, now: now) }
            // It was the first.
            current.carrier.abandon(reason: close.reason, now: now)
            return finish(close)
        }
        next = nil
        failed.giveUp(reason: close.reason, now: now)
        attemptFailed(close, now: now)
    }

    /// What a call that goes on with the session shows by HTTP.
    package var resumeRequest: ResumeRequest? { (next ?? current).resume }
    /// What the next connection has to show; `nil` before the server has said it.
    package var token: String? { client.resumeOffer?.token }
    /// Proves that a token is shown again by its owner.
    package var resumeKey: String? { client.resumeOffer?.key }

    /// Our end of the present connection.
    package var local: PeerAddress { current.local }
    /// Our end of the connection that the session is about to move to.
    package var nextLocal: PeerAddress? { next?.local }

    /// How many of our connections have something to send or to hear, by their local addresses.
    package func uses(_ local: PeerAddress) -> Bool {
        connections.contains { $0.local == local && !$0.carrier.isClosed }
    }

    var connections: [ClientConnection] { [next, current].compactMap(\.self) + former }

    /// Looks at the present one first: nearly always there is no other.
    private func connection(at local: PeerAddress) -> ClientConnection? {
        current.local == local ? current : connections.first { $0.local == local }
    }

    // MARK: Signalling

    /// What must be posted to the server before anything else; `nil` for transports that need no signalling.
    package var offer: String? {
        guard case .webRTC(let peer) = (next ?? current).carrier else { return nil }
        return peer.offer
    }

    /// The server has answered the offer.
    /// - Parameter path: from here to the server, whose address replaces the candidates of the answer where it is given.
    /// - Throws: why the answer is no use; the endpoint is then closed.
    package func accept(answer: String, path: NetworkPath, now: Instant) throws(WebRTCRefusal) {
        guard case .webRTC(let peer) = (next ?? current).carrier else { return }
        try peer.accept(answer: answer, path: path, now: now)
        serve(now: now)
    }

    // MARK: Getters

    package var deadline: Instant? {
        var deadline = earliest(current.deadline, next?.deadline, ownDeadline, clientDeadline(&client))
        for connection in former { deadline = earliest(deadline, connection.deadline) }
        return deadline
    }

    /// Whether an answer has ended of which frames may still come.
    package var awaitsAnswerFrames: Bool { client.awaitsAnswerFrames }

    var ownDeadline: Instant? {
        guard let policy, !isOver else { return nil }
        switch link {
        case .steady:
            if isOpening { return attemptEnd(of: current) }
            return earliest(next.map(attemptEnd), mayGoOn ? silenceEnd(policy) : nil)
        case .lost(let since, _, let retry):
            return earliest(patienceEnd(policy, since: since), retry, next.map(attemptEnd))
        }
    }

    /// The session is over, and nothing is left to send.
    package var isClosed: Bool {
        guard next == nil, former.allSatisfy(\.carrier.isClosed) else { return false }
        return current.carrier.isClosed && (isOver || policy == nil)
    }
    /// Closing has begun on the wire: before that, the connection waits until the server has what was sent.
    package var isClosing: Bool { current.carrier.isClosing && (isOver || policy == nil) }
    package var isOpen: Bool { current.isOpen }
    /// What became of what the present connection sent before its handshake was complete.
    package var earlyData: EarlyDataOutcome { current.earlyData }
    package var mode: ReliabilityMode { client.mode }
    package var capabilities: Capabilities { current.attachment.capabilities }

    package func pollNotice() -> EndpointNotice? {
        guard noticeHead < notices.count else {
            if noticeHead > 0 {
                notices.removeAll(keepingCapacity: true)
                noticeHead = 0
            }
            return nil
        }
        defer { noticeHead += 1 }
        return notices[noticeHead]
    }

    // MARK: Input and output

    /// - Parameter path: its local address says which of our connections the datagram is for.
    package func receive(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, ecn: ECN, now: Instant) {
        // What comes for an attempt that was given up is no sign of life of the present connection.
        guard let connection = connection(at: path.local) else { return }
        connection.receive(datagram, path: path, ecn: ecn, now: now)
        if connection === current { revive(now: now) }
        serve(now: now)
    }

    package func handleTimeout(now: Instant) {
        for connection in connections { connection.handleTimeout(now: now) }
        if let deadline = clientDeadline(&client), deadline <= now { client.handleTimeout(now: now) }
        mind(now: now)
        serve(now: now)
    }

    package func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit? {
        if let transmit = next?.pollTransmit(into: buffer, now: now) { return transmit }
        if let transmit = current.pollTransmit(into: buffer, now: now) { return transmit }
        for connection in former { if let transmit = connection.pollTransmit(into: buffer, now: now) { return transmit } }
        return nil
    }

    /// The same for a driver with a socket for each local address.
    package func pollTransmit(
        into buffer: UnsafeMutableRawBufferPointer, from local: PeerAddress, now: Instant
    ) -> Transmit? {
        for connection in connections where connection.local == local {
            if let transmit = connection.pollTransmit(into: buffer, now: now) { return transmit }
        }
        return nil
    }

    // MARK: The way through

    func serve(now: Instant) {
        while let event = current.pollEvent(now: now) { handle(event, of: current, now: now) }
        while let connection = next, let event = connection.pollEvent(now: now) { handle(event, ofNext: connection, now: now) }
        for connection in former { readFormer(connection, now: now) }
        if !former.isEmpty { former.removeAll(where: \.carrier.isClosed) }
        if tickets != nil {
            for connection in connections { if let ticket = connection.takeTicket() { keep(ticket) } }
        }
        flush(now: now)
    }

    private func handle(_ event: TransportEvent, of connection: ClientConnection, now: Instant) {
        switch event {
        case .opened:
            // It would begin another session.
            giveUpAttempt(reason: "the one before has opened", now: now)
            if isLost { link = .steady }
            begin(over: connection, now: now)
        case .event(let bytes):
            client.updatePathDelay(connection.carrier.minimumRTT / 2)
            client.receive(event: bytes, isMoving: next != nil, now: now)
            // An attempt to begin the session comes too late.
            if let next, next.resume == nil, hasBegun { giveUpAttempt(reason: "the one before has opened", now: now) }
            connection.attachment.receives(client.delivery, now: now)
        case .frame(let frame): client.receive(frame: frame, now: now)
        case .draining: notices.append(.draining)
        case .closed(let close):
            connection.isOver = true
            closed(close, now: now)
        // The fate of datagrams is for the modes that resend.
        case .frameAcknowledged, .frameLost, .framesAnnounced: break
        // Only servers are asked, and answer.
        case .requested, .refused: break
        }
    }

    /// The session's first connection is open.
    private func begin(over connection: ClientConnection, now: Instant) {
        connection.isOpen = true
        failedAttempts = 0
        connection.request(now: now)
        client.transport = connection.attachment.capabilities.transport
        client.goOn()
        client.offeredModes = connection.attachment.capabilities.modes
        client.opened(now: now)
        notices.append(.opened)
    }

    private func keep(_ ticket: SessionTicket) {
        tickets?.put(ticket)
        notices.append(.ticket(ticket))
    }

    private func readFormer(_ connection: ClientConnection, now: Instant) {
        while let event = connection.pollEvent(now: now) {
            // Its events come again by the present one.
            if case .frame(let frame) = event { client.receive(frame: frame, now: now) }
        }
    }

    private func handle(_ event: TransportEvent, ofNext connection: ClientConnection, now: Instant) {
        switch event {
        case .opened where !hasBegun:
            replaceCurrent(with: connection, now: now)
            begin(over: connection, now: now)
        case .opened:
            connection.isOpen = true
            client.offeredModes = connection.attachment.capabilities.modes
            connection.request(now: now)
            if isLost { client.reopened(audioInEvents: connection.attachment.capabilities.audioInEvents) }
        case .event(let bytes):
            let count = client.resumeCount
            client.receive(event: bytes, isMoving: true, now: now)
            if client.resumeCount != count { replaceCurrent(with: connection, now: now) }
        case .frame(let frame): client.receive(frame: frame, now: now)
        case .closed(let close):
            next = nil
            attemptFailed(close, now: now)
        case .draining, .frameAcknowledged, .frameLost, .framesAnnounced, .requested, .refused: break
        }
    }

    /// The server has moved the session.
    private func replaceCurrent(with connection: ClientConnection, now: Instant) {
        // One that is lost cannot hear of it, and of two only one must begin the session.
        if isLost || !hasBegun { current.carrier.abandon(reason: "the session goes on over another connection", now: now) }
        if former.count >= Self.formerLimit { former.removeFirst() }
        former.append(current)
        current = connection
        next = nil
        failedAttempts = 0
        link = .steady
        client.transport = connection.attachment.capabilities.transport
        connection.attachment.receives(client.delivery, now: now)
    }

    func flush(now: Instant) {
        if let connection = open {
            while let output = client.pollOutput() { send(output, over: connection, now: now) }
        }
        while let notice = client.pollNotice() { notices.append(.realtime(notice)) }
    }

    /// What takes outputs now.
    private var open: ClientConnection? {
        if isLost { return next.flatMap { $0.isOpen ? $0 : nil } }
        return current.isOpen ? current : nil
    }

    private func send(_ output: ClientOutput, over connection: ClientConnection, now: Instant) {
        do throws(SendRefusal) {
            switch output {
            case .event(let bytes): try connection.attachment.send(event: bytes, now: now)
            case .talkEnded: connection.attachment.endTalk(now: now)
            case .expect(let first, let last): connection.attachment.expect(from: first, through: last, now: now)
            case .frame(let frame, let delivery): try connection.attachment.send(frame: frame, delivery: delivery, now: now)
            }
        } catch {
            notices.append(.frameRefused(error))
        }
    }
}

// What is asked once a packet is read in place: a plain read of the class's property would copy the client, and with it retain and
// release each of its arrays.

private func clientDeadline(_ client: inout RealtimeClient) -> Instant? { client.deadline }

extension ClientEndpoint {
    /// The server has said that the session is there.
    package var hasBegun: Bool { Self.hasBegun(&client) }
    /// Whether another connection can carry the session, or begin it.
    var mayGoOn: Bool { Self.mayGoOn(&client) }

    private static func hasBegun(_ client: inout RealtimeClient) -> Bool { client.hasBegun }
    private static func mayGoOn(_ client: inout RealtimeClient) -> Bool { client.canResume || !client.hasBegun }
}
