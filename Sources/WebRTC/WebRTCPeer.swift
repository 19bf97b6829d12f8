internal import DTLS
internal import ICE
internal import RTP
internal import SCTP
package import Session
internal import SRTP
package import Wire

/// One WebRTC connection, without its socket: ICE finds the path, DTLS makes keys on it, SRTP carries frames, and SCTP inside
/// DTLS carries events and the frames of the reliable modes.
///
/// ```
///  datagram ──first byte──▶ STUN ──▶ ICE                              (path)
///                           DTLS ──▶ keys ──▶ SRTP
///                              └──▶ SCTP ──▶ data channels ──▶ event, frame
///                           SRTP ──▶ RTP ──▶ frame;  RTCP ──▶ resend, round trip
/// ```
///
/// ```
///             answer                keys                 accept              close
///  offering ---------> connecting ---------> requested ---------> open ---------------> closing -------> closed
///  (client)                │     (the client is open with its keys)  │                (the peer has all)   ▲
///                          └───────────── failure, peer's close ─────┴─────────────────────────────────────┘
/// ```
///
/// The contract is the endpoints': change it once (`receive`, `handleTimeout`, a verb), drain `pollEvent`,
/// `pollRouteChange` and `pollTransmit`, come back at `deadline`. Confined to one thread.
///
/// Read on in `WebRTCPeer+Negotiation.swift` (offer and answer), `WebRTCPeer+Security.swift` (DTLS and what stands on it),
/// `WebRTCPeer+Media.swift` (RTP and RTCP) and `WebRTCPeer+Commands.swift` (what the session asks for).
package final class WebRTCPeer {
    enum State {
        /// Client: the offer is made, the answer has not come.
        case offering
        case connecting
        /// Server: keys are there; nobody has taken the peer in.
        case requested
        case open
        /// What was sent before still arrives.
        case closing(until: Instant)
        case closed
    }

    /// Which part of ICE this side plays.
    enum Agent {
        case none
        case lite(ICELiteAgent)
        case full(ICEControllingAgent)

        var deadline: Instant? {
            switch self {
            case .none: nil
            case .lite(let agent): agent.deadline
            case .full(let agent): agent.deadline
            }
        }
    }

    /// A datagram that waits to be sent.
    enum Outgoing {
        /// As it is: STUN to whoever asked, DTLS on the path.
        case plain([UInt8], NetworkPath)
        /// To be protected when it leaves.
        case rtp([UInt8])
        case rtcp([UInt8])
    }

    let configuration: WebRTCConfiguration
    let isServer: Bool
    /// The client's offer; empty on the server.
    package internal(set) var offer = ""
    /// The server's answer; empty on the client.
    package internal(set) var answer = ""
    /// Where datagrams go, once ICE knows.
    package internal(set) var path: NetworkPath?
    /// The smallest round trip seen; zero before the first.
    package internal(set) var minimumRTT = Duration.zero
    /// How long a round trip can be at most, before one is measured.
    var roundTripBound = Duration.zero
    var assumedRoundTrip: Duration { minimumRTT > .zero ? minimumRTT : roundTripBound }

    var state: State
    private(set) var agent = Agent.none
    /// What `agent` says, kept because it is asked once a datagram: a read of the agent copies it, and with it retains and
    /// releases each of its arrays.
    private var agentDeadline: Instant?
    /// Since the agent last changed, it has not said that it has nothing to send.
    private var agentMayHaveOutput = false
    var agreement: Agreement?
    var dtls: DTLSSession?
    var srtp: SRTPSession?
    var association: SCTPAssociation?
    var channels: DataChannels
    var sender: MediaSender?
    var receiver: MediaReceiver?
    let ssrc: UInt32
    let canonicalName: String
    /// How this client's frames are carried first.
    let firstDelivery: Delivery
    /// How long lost packets are asked for; `nil` asks for none.
    var patience: Duration?
    var entropy: Entropy

    var output = TransportEventQueue()
    var routeChanges: BoundedQueue<WebRTCRouteChange>
    var outgoing: BoundedQueue<Outgoing>
    /// Originals and copies of the peer's events, in order.
    var eventOrder = EventOrder()
    /// Answers to closing markers.
    var answerCount: UInt16 = 0
    /// SRTP that overtook the keys.
    var early: BoundedQueue<[UInt8]>
    var waitingEvents: BoundedQueue<[UInt8]>
    var waitingEventByteCount = 0
    var waitingFrames: BoundedQueue<WaitingFrame>
    /// When the next RTCP report is due; `nil` while no media flows.
    var nextReport: Instant?
    /// Client: when the path is checked out of turn, since something was sent and nothing has come back.
    private var silenceDeadline: Instant?
    /// When our first flight of the handshake went out: a server's answer to it may tell the round trip.
    var flightSent: Instant?
    /// A packet is protected and unprotected in place here.
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 2_048, alignment: 16)
    /// What the newest description of ours says.
    var localCredentials: ICECredentials
    /// The name that checks may still use after a restart.
    var formerUfrag: String?

    struct WaitingFrame {
        var packet: [UInt8]
        var kind: DataChannels.Kind
        /// When nobody wants it any more.
        var expiry: Instant?
    }

    init(
        configuration: WebRTCConfiguration, isServer: Bool, credentials: ICECredentials, firstDelivery: Delivery, entropy: Entropy
    ) {
        self.configuration = configuration
        self.isServer = isServer
        self.firstDelivery = firstDelivery
        localCredentials = credentials
        var entropy = entropy
        ssrc = UInt32(truncatingIfNeeded: entropy.next())
        canonicalName = String(entropy.next(), radix: 36)
        self.entropy = entropy
        state = isServer ? .connecting : .offering
        let limits = configuration.limits
        channels = DataChannels(isClient: !isServer, limit: limits.channels)
        routeChanges = BoundedQueue(limit: 64)
        outgoing = BoundedQueue(limit: limits.queuedDatagrams)
        early = BoundedQueue(limit: limits.earlyPackets)
        waitingEvents = BoundedQueue(limit: limits.queuedEvents)
        waitingFrames = BoundedQueue(limit: limits.queuedFrames)
    }

    deinit { scratch.deallocate() }

    // MARK: Getters

    /// Over, with nothing left to send.
    package var isClosed: Bool {
        guard case .closed = state else { return false }
        return outgoing.isEmpty
    }

    /// Whether frames and events may still come of it.
    var isAttached: Bool {
        switch state {
        case .connecting, .requested, .open: true
        case .offering, .closing, .closed: false
        }
    }

    package func pollEvent() -> TransportEvent? { output.popFirst() }
    package func pollRouteChange() -> WebRTCRouteChange? { routeChanges.popFirst() }

    /// When `handleTimeout` is wanted.
    package var deadline: Instant? {
        switch state {
        case .offering, .closed: nil
        case .connecting, .requested, .open:
            earliest(
                agentDeadline, dtls?.deadline, association?.deadline,
                earliest(nextReport, receiver?.deadline, sender?.talk.next, silenceDeadline))
        case .closing(let until): earliest(until, dtls?.deadline, association?.deadline)
        }
    }

    // MARK: Input

    /// Takes one datagram, whose first byte says what it is (RFC 9443 section 3). Lent for this call.
    package func receive(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, now: Instant) {
        guard let first = datagram.first else { return }
        if case .closed = state { return }
        silenceDeadline = nil
        switch first {
        case 0...3: receiveSTUN(datagram, path: path, now: now)
        case 20...63: receiveDTLS(datagram, now: now)
        case 128...191:
            receiveSRTP(datagram, now: now)
            return
        default: return
        }
        settle(now: now)
    }

    /// To be called when `deadline` has come.
    package func handleTimeout(now: Instant) {
        if let due = agentDeadline, due <= now { handleAgentTimeout(now: now) }
        if let due = silenceDeadline, due <= now { breakSilence(now: now) }
        if let due = dtls?.deadline, due <= now { dtls?.handleTimeout(now: now) }
        if let due = association?.deadline, due <= now { association?.handleTimeout(now: now) }
        if let due = receiver?.deadline, due <= now { askForLost(now: now) }
        if let due = sender?.talk.next, due <= now { sendMarker(now: now) }
        if let due = nextReport, due <= now { report(now: now) }
        settle(now: now)
    }

    private func receiveSTUN(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, now: Instant) {
        let span = datagram.bindMemory(to: UInt8.self).span
        switch agent {
        case .none: return
        case .lite(var lite):
            let outcome = lite.receive(span, from: path.remote, now: now)
            keep(.lite(lite))
            switch outcome {
            case .reply(let bytes, let isSelected):
                outgoing.append(.plain(bytes, path))
                if isSelected { use(path) }
            case .replyError(let bytes, _): outgoing.append(.plain(bytes, path))
            case .ignored: return
            }
        case .full(var full):
            full.receive(span, from: path.remote, now: now)
            keep(.full(full))
            readAgentEvents(now: now)
        }
    }

    /// Every change of the agent ends here.
    func keep(_ agent: Agent) {
        self.agent = agent
        agentDeadline = agent.deadline
        agentMayHaveOutput = true
    }

    private func handleAgentTimeout(now: Instant) {
        switch agent {
        case .none: return
        case .lite(var lite):
            let end = lite.handleTimeout(now: now)
            keep(.lite(lite))
            if let end { lost(end == .neverConnected ? "no connectivity check came in time" : "the peer's checks have ceased", now: now) }
        case .full(var full):
            full.handleTimeout(now: now)
            keep(.full(full))
            readAgentEvents(now: now)
        }
    }

    private func breakSilence(now: Instant) {
        silenceDeadline = now + configuration.ice.silenceInterval
        guard case .full(var full) = agent else { return }
        full.checkOutOfTurn(now: now)
        keep(.full(full))
    }

    private func readAgentEvents(now: Instant) {
        guard case .full(var full) = agent else { return }
        while let event = full.pollEvent() {
            switch event {
            case .selected(let address):
                if let local = path?.local { use(NetworkPath(local: local, remote: address)) }
                if let roundTrip = full.roundTrip { sample(roundTrip) }
                dtls?.start(now: now)
            case .failed: lost("no candidate of the peer answered", now: now)
            case .consentLost: lost("the peer answers no more", now: now)
            }
        }
        keep(.full(full))
    }

    /// Media goes this way from now on.
    private func use(_ path: NetworkPath) {
        guard path != self.path else { return }
        if path.remote != self.path?.remote {
            if let old = self.path?.remote { routeChanges.append(.left(old)) }
            routeChanges.append(.reached(path.remote))
        }
        self.path = path
    }

    /// A round trip that was measured.
    func sample(_ roundTrip: Duration) {
        guard roundTrip > .zero else { return }
        minimumRTT = minimumRTT == .zero ? roundTrip : min(minimumRTT, roundTrip)
        receiver?.updateRoundTrip(roundTrip)
    }

    // MARK: Output

    /// Writes the next datagram, or several of one size in a row; `nil` when there is nothing to send now.
    package func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit? {
        if let transmit = pollCheck(into: buffer) { return transmit }
        if !isServer, silenceDeadline == nil, !outgoing.isEmpty { silenceDeadline = now + configuration.ice.silenceTime }
        while let next = outgoing.popFirst() {
            switch next {
            case .plain(let bytes, let path):
                guard bytes.count <= buffer.count else { continue }
                buffer.copyBytes(from: bytes)
                return Transmit(path: path, ecn: .notCapable, byteCount: bytes.count)
            case .rtp(let bytes):
                guard let path, let count = protect(bytes, isControl: false, into: buffer) else { continue }
                return writeRow(after: count, plainByteCount: bytes.count, into: buffer, path: path)
            case .rtcp(let bytes):
                guard let path, let count = protect(bytes, isControl: true, into: buffer) else { continue }
                return Transmit(path: path, ecn: .notCapable, byteCount: count)
            }
        }
        return nil
    }

    private func pollCheck(into buffer: UnsafeMutableRawBufferPointer) -> Transmit? {
        guard agentMayHaveOutput else { return nil }
        guard case .full(var full) = agent, let (bytes, remote) = full.pollTransmit(), let local = path?.local else {
            agentMayHaveOutput = false
            return nil
        }
        keep(.full(full))
        buffer.copyBytes(from: bytes)
        return Transmit(path: NetworkPath(local: local, remote: remote), ecn: .notCapable, byteCount: bytes.count)
    }

    /// Lets the packets that follow and are as long leave in one call of the kernel's.
    private func writeRow(
        after first: Int, plainByteCount: Int, into buffer: UnsafeMutableRawBufferPointer, path: NetworkPath
    ) -> Transmit {
        var count = first
        var segments = 1
        while segments < 64, case .rtp(let bytes) = outgoing.first, bytes.count == plainByteCount,
            count + bytes.count + SRTPSession.trailerByteCount <= buffer.count,
            let next = protect(bytes, isControl: false, into: UnsafeMutableRawBufferPointer(rebasing: buffer[count...]))
        {
            _ = outgoing.popFirst()
            count += next
            segments += 1
        }
        return Transmit(path: path, ecn: .notCapable, byteCount: count, segmentByteCount: segments > 1 ? first : nil)
    }

    /// - Returns: how long the protected packet is; `nil` where SRTP refuses it.
    private func protect(_ bytes: [UInt8], isControl: Bool, into buffer: UnsafeMutableRawBufferPointer) -> Int? {
        guard let srtp, bytes.count + SRTPSession.trailerByteCount <= buffer.count else { return nil }
        buffer.copyBytes(from: bytes)
        return try? isControl ? srtp.protectRTCP(buffer, count: bytes.count) : srtp.protectRTP(buffer, count: bytes.count)
    }
}

/// What in a datagram leads to this peer, and what no longer does.
package enum WebRTCRouteChange: Hashable, Sendable {
    /// Connectivity checks name this user.
    case named(ufrag: String)
    case unnamed(ufrag: String)
    /// The peer sends from this address.
    case reached(PeerAddress)
    case left(PeerAddress)
}
