internal import QUIC
internal import Session
internal import Wire

// Who gets in: packets of no connection that we know. Who gets a session, `ServerEndpoint+Sessions.swift` says.

extension ServerEndpoint {
    func receiveUnknown(
        _ datagram: UnsafeRawBufferPointer, header: QUICPacketHeader, path: NetworkPath, ecn: ECN, now: Instant
    ) {
        switch header {
        case .short(let destination):
            let reset = replies.reset(destination: destination, byteCount: datagram.count, entropy: &entropy)
            if !reset.isEmpty, reply(reset, on: path) { counters.statelessResetsSent += 1 }
        case .long(let version, let destination, let source):
            guard version == QUICVersion.v1 else {
                // RFC 9000 section 6.1: only to what could begin a connection, and never to a Version Negotiation.
                guard version != 0, datagram.count >= 1200 else { return }
                let negotiation = replies.versionNegotiation(destination: destination, source: source, entropy: &entropy)
                if reply(negotiation, on: path) { counters.versionNegotiationsSent += 1 }
                return
            }
            guard let initial = replies.acceptableInitial(datagram) else {
                // Early data that overtook its ClientHello waits for it.
                if tickets != nil, QUICPacketHeader.isEarlyData(firstByte: datagram[0]) {
                    keep(StrayInitial(destination: destination, bytes: Array(datagram), path: path, ecn: ecn))
                } else {
                    counters.datagramsUnclaimed += 1
                }
                return
            }
            accept(initial, datagram: datagram, path: path, ecn: ecn, now: now)
        }
    }

    /// Makes a connection for a client's Initial, where the limits allow it.
    private func accept(_ initial: InitialHeader, datagram: UnsafeRawBufferPointer, path: NetworkPath, ecn: ECN, now: Instant) {
        let validated = replies.validate(initial, client: path.remote, now: now)
        if validated == nil {
            if replies.isRetryToken(initial.token) {
                reply(replies.invalidToken(initial), on: path)
                return
            }
            if mustRetry {
                let source = configuration.connectionIDs.make(at: configuration.place, entropy: &entropy)
                if reply(replies.retry(initial, retrySource: source, client: path.remote, now: now), on: path) { counters.retriesSent += 1 }
                return
            }
        }
        guard hasRoom(for: path.remote) else {
            counters.connectionsRefused += 1
            reply(replies.refusal(initial), on: path)
            return
        }
        let quic = makeConnection(initial, original: validated, path: path, now: now)
        switch quic.receive(datagram, path: path, ecn: ecn, now: now) {
        case .dropped: return
        case .needsEarlierInitial:
            // The first part of this ClientHello is still on its way, or lost: keep this part until it comes.
            keep(StrayInitial(destination: initial.destination, bytes: Array(datagram), path: path, ecn: ecn))
            return
        case .processed: break
        }
        receiveStrays(of: initial.destination, on: quic, now: now)
        let connection = ServedConnection(carrier: .quic(quic), source: path.remote.host)
        // Until the client uses an ID of ours, it sends to the one that it made up itself.
        let slot = insert(connection, route: .connectionID(initial.destination))
        serve(slot, connection, now: now)
    }

    private func makeConnection(_ initial: InitialHeader, original: ConnectionID?, path: NetworkPath, now: Instant) -> QUICConnection {
        let issuer = ConnectionIDIssuer(
            layout: configuration.connectionIDs, place: configuration.place, resetSecret: resetSecret, entropy: entropy.fork())
        return QUICConnection.server(
            header: initial, originalDestination: original ?? initial.destination, isAfterRetry: original != nil,
            alpn: configuration.alpn, credentials: configuration.credentials, tickets: tickets, configuration: configuration.quic,
            issuer: issuer, path: path, now: now)
    }

    private func keep(_ stray: StrayInitial) {
        if strays.count == strays.limit { _ = strays.popFirst() }
        strays.append(stray)
        counters.strayInitialsKept += 1
    }

    private func receiveStrays(of destination: ConnectionID, on quic: QUICConnection, now: Instant) {
        guard !strays.isEmpty else { return }
        for _ in 0..<strays.count {
            guard let stray = strays.popFirst() else { return }
            if stray.destination == destination {
                stray.bytes.withUnsafeBytes { _ = quic.receive($0, path: stray.path, ecn: stray.ecn, now: now) }
            } else {
                strays.append(stray)
            }
        }
    }

    private var mustRetry: Bool {
        switch configuration.retry {
        case .never: false
        case .whenBusy: halfOpenCount * 2 >= configuration.limits.halfOpenConnections
        case .always: true
        }
    }

    func hasRoom(for source: PeerAddress) -> Bool {
        let limits = configuration.limits
        return !isDraining && connectionCount < limits.connections && halfOpenCount < limits.halfOpenConnections
            && halfOpenBySource[source.host, default: 0] < limits.halfOpenConnectionsPerSource
    }

    @discardableResult
    private func reply(_ bytes: [UInt8], on path: NetworkPath) -> Bool {
        guard !bytes.isEmpty else { return false }
        return statelessReplies.append(StatelessReply(bytes: bytes, path: path))
    }

    // MARK: Names and secrets

    func identifier() -> String {
        let digits = Array("0123456789abcdefghijklmnopqrstuvwxyz")
        return String(entropy.bytes(20).map { digits[Int($0) % digits.count] })
    }

    /// Whether `token` opens this server, which may be open to everybody.
    func isServerSecret(_ token: String?) -> Bool {
        guard let secret = configuration.secret else { return true }
        return isEqualInConstantTime(secret, token ?? "")
    }

    /// Compares without telling by its time how much was right.
    private func isEqualInConstantTime(_ expected: String, _ given: String) -> Bool {
        let (left, right) = (Array(expected.utf8), Array(given.utf8))
        var difference = UInt8(truncatingIfNeeded: left.count ^ right.count) | (left.count == right.count ? 0 : 1)
        for index in left.indices { difference |= left[index] ^ (index < right.count ? right[index] : 0) }
        return difference == 0
    }
}
