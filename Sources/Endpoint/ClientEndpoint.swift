package import QUIC
internal import RoQ
package import Session
package import WebRTC
internal import WebTransport
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
    /// Over; nothing follows.
    case closed(TransportClose)
}

/// One client with one session over one connection, without its socket. The contract is `ServerEndpoint`'s: change it
/// once, drain `pollTransmit` and `pollNotice`, come back at `deadline`.
package final class ClientEndpoint {
    private let carrier: Carrier
    private var attachment: ClientAttachment
    private var client: RealtimeClient
    private var notices: [EndpointNotice] = []
    private var noticeHead = 0
    package private(set) var isOpen = false
    private var isOver = false

    /// Begins to connect; the first datagram is ready for `pollTransmit`.
    package init(
        transport: ClientTransport, serverName: String, credentials: ClientCredentials, quic: QUICConfiguration,
        client: ClientConfiguration, path: NetworkPath, entropy: Entropy, now: Instant
    ) {
        let first = RealtimeClient(client)
        var quic = quic
        // A client that only listens must still be heard: a NAT forgets it, or has forgotten and takes it for another.
        quic.keepAlive = quic.keepAlive ?? Self.keepAlive
        func connect(alpn: [String]) -> QUICConnection {
            QUICConnection.client(
                serverName: serverName, alpn: alpn, credentials: credentials, configuration: quic, path: path,
                entropy: entropy, now: now)
        }
        switch transport {
        case .webTransport(let configuration):
            let quic = connect(alpn: ["h3"])
            carrier = .quic(quic)
            attachment = .webTransport(WebTransportClient(quic: quic, configuration: configuration))
        case .roq(let configuration):
            let quic = connect(alpn: RoQConfiguration.defaultALPN)
            carrier = .quic(quic)
            attachment = .roq(RoQTransport(role: .client, quic: quic, configuration: configuration))
        case .webRTC(let configuration):
            let peer = WebRTCPeer(offeringWith: configuration, delivery: first.delivery, entropy: entropy, now: now)
            carrier = .webRTC(peer)
            attachment = .webRTC(peer)
        }
        self.client = first
        attachment.receives(first.delivery, now: now)
    }

    /// How long a client is silent at most (RFC 9000 section 10.1.2).
    private static let keepAlive = Duration.seconds(5)

    // MARK: Signalling

    /// What must be posted to the server before anything else; `nil` for transports that need no signalling.
    package var offer: String? {
        guard case .webRTC(let peer) = carrier else { return nil }
        return peer.offer
    }

    /// The server has answered the offer.
    /// - Parameter path: from here to the server, whose address replaces the candidates of the answer where it is given.
    /// - Throws: why the answer is no use; the endpoint is then closed.
    package func accept(answer: String, path: NetworkPath, now: Instant) throws(WebRTCRefusal) {
        guard case .webRTC(let peer) = carrier else { return }
        try peer.accept(answer: answer, path: path, now: now)
        serve(now: now)
    }

    // MARK: Getters

    package var deadline: Instant? { earliest(carrier.deadline, attachment.deadline, client.deadline) }
    /// Whether an answer has ended of which frames may still come.
    package var awaitsAnswerFrames: Bool { client.awaitsAnswerFrames }
    /// The connection is over on both sides and nothing is left to send.
    package var isClosed: Bool { carrier.isClosed }
    /// Closing has begun on the wire: before that, the connection waits until the server has what was sent.
    package var isClosing: Bool { carrier.isClosing }
    package var mode: ReliabilityMode { client.mode }
    package var capabilities: Capabilities { attachment.capabilities }

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

    package func receive(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, ecn: ECN, now: Instant) {
        switch carrier {
        case .quic(let quic): quic.receive(datagram, path: path, ecn: ecn, now: now)
        case .webRTC(let peer): peer.receive(datagram, path: path, now: now)
        }
        serve(now: now)
    }

    package func handleTimeout(now: Instant) {
        if let deadline = carrier.deadline, deadline <= now { carrier.handleTimeout(now: now) }
        if let deadline = attachment.deadline, deadline <= now { attachment.handleTimeout(now: now) }
        if let deadline = client.deadline, deadline <= now { client.handleTimeout(now: now) }
        serve(now: now)
    }

    package func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit? {
        carrier.pollTransmit(into: buffer, now: now)
    }

    // MARK: What the talker does

    /// Sends one Opus packet that was captured now; what is captured while the connection opens is kept and follows.
    package func capture(payload: [UInt8], duration: Duration, now: Instant) {
        let refused = client.refusedFrames
        client.capture(payload: payload, duration: duration, now: now)
        if client.refusedFrames > refused { notices.append(.frameRefused(.queueFull)) }
        flush(now: now)
    }

    /// Ends the prompt.
    package func commit(now: Instant) {
        client.commit(now: now)
        flush(now: now)
    }

    /// Takes back the frames since the last commit.
    package func clear(now: Instant) {
        client.clear(now: now)
        flush(now: now)
    }

    package func requestResponse(now: Instant) {
        client.requestResponse(now: now)
        flush(now: now)
    }

    package func cancelResponse(now: Instant) {
        client.cancelResponse(now: now)
        flush(now: now)
    }

    package func changeMode(_ mode: ReliabilityMode, now: Instant) {
        client.changeMode(mode, now: now)
        flush(now: now)
    }

    /// Ends the attachment; what was sent before still arrives.
    package func close(code: UInt32 = 0, reason: String = "", now: Instant) {
        attachment.close(code: code, reason: reason, now: now)
        serve(now: now)
        // A connection that never opened has no attachment to close in an orderly way.
        if !isOpen { carrier.abandon(reason: reason, now: now) }
    }

    // MARK: The way through

    private func serve(now: Instant) {
        if case .quic(let quic) = carrier {
            while let event = quic.pollEvent() { attachment.handle(event, now: now) }
        }
        while let event = attachment.pollEvent() { handle(event, now: now) }
        flush(now: now)
    }

    private func handle(_ event: TransportEvent, now: Instant) {
        switch event {
        case .opened:
            isOpen = true
            client.transport = attachment.capabilities.transport
            client.opened(now: now)
            notices.append(.opened)
        case .event(let bytes):
            client.updatePathDelay(carrier.minimumRTT / 2)
            client.receive(event: bytes, now: now)
            attachment.receives(client.delivery, now: now)
        case .frame(let frame): client.receive(frame: frame, now: now)
        case .draining: notices.append(.draining)
        case .closed(let close):
            guard !isOver else { return }
            isOver = true
            notices.append(.closed(close))
        // The fate of datagrams is for the modes that resend.
        case .frameAcknowledged, .frameLost, .framesAnnounced: break
        // Only servers are asked.
        case .requested: break
        }
    }

    private func flush(now: Instant) {
        while let output = client.pollOutput() {
            do throws(SendRefusal) {
                switch output {
                case .event(let bytes): try attachment.send(event: bytes, now: now)
                case .talkEnded: attachment.endTalk(now: now)
                case .expect(let first, let last): attachment.expect(from: first, through: last, now: now)
                case .frame(let frame, let delivery): try attachment.send(frame: frame, delivery: delivery, now: now)
                }
            } catch {
                notices.append(.frameRefused(error))
            }
        }
        while let notice = client.pollNotice() { notices.append(.realtime(notice)) }
    }
}
