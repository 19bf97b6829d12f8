package import Wire

// The handshake through SDP, draft-hancke-tsvwg-snap-00 (`a=sctp-init`). usrsctp knows nothing of it. This association
// stands between usrsctp and the wire, so it can let usrsctp believe in a handshake of which no packet was sent: both ends
// begin, both INITs travel as chunks in offer and answer, and each end hands its usrsctp the other's INIT, and then the COOKIE
// ECHO that answers what usrsctp says to that. To usrsctp both ends began at once (RFC 9260 section 5.2.1).

extension SCTPAssociation {
    /// The INIT chunk to be offered or answered in base64 as `a=sctp-init`, before DTLS is up. `nil` after `start`, or where
    /// usrsctp has no memory.
    ///
    /// Then either `establish`, or `start` where the peer's description has no such line; until then nothing is sent.
    package func initiationChunk(now: Instant) -> [UInt8]? {
        if case .offered(_, let own) = state { return own.bytes }
        guard case .idle = state, let socket = SCTPEngine.shared.open(configuration, at: now) else { return nil }
        let isConnecting = SCTPEngine.shared.enter(at: now) {
            // No INIT shall be repeated while this one travels: that would double the RTO each time.
            socket.setRTO(initial: .seconds(3_600), minimum: .seconds(3_600), maximum: .seconds(3_600)) && socket.connect()
        }
        guard isConnecting,
            let packet = Mailboxes.empty(socket.number).packets.first, let own = Initiation(packet: packet)
        else {
            _ = SCTPEngine.shared.close(socket, at: now)
            return nil
        }
        state = .offered(socket, own)
        return own.bytes
    }

    /// Makes the association of both INIT chunks: DTLS is up, and the peer has ours. Data may be sent at once.
    ///
    /// - Returns: Whether it did. `false` for a chunk that is none, which is to be ignored: `start` begins the handshake.
    package func establish(withPeerInitiation chunk: [UInt8], now: Instant) -> Bool {
        guard let peer = Initiation(chunk: chunk), case .offered(let socket, let own) = state else { return false }
        state = .connecting(socket)
        handshakeEnd = now + configuration.timing.handshakeTimeout
        let timing = configuration.timing
        SCTPEngine.shared.enter(at: now) {
            // usrsctp takes the cookie's age for a round trip, and it has none: so the bound decides the first RTO.
            socket.setRTO(initial: timing.initialRTO, minimum: timing.initialRTO, maximum: timing.maximumRTO)
            socket.receive(peer.packet(port: configuration.port).span)
            for packet in Mailboxes.takePackets(socket.number) {
                guard let echo = own.cookieEcho(answering: packet, port: configuration.port) else { continue }
                socket.receive(echo.span)
            }
            socket.setRTO(initial: timing.initialRTO, minimum: timing.minimumRTO, maximum: timing.maximumRTO)
            // The COOKIE ACK is for no one.
            _ = Mailboxes.takePackets(socket.number)
        }
        perform(now: now) { _ in }
        return isConnected
    }
}
