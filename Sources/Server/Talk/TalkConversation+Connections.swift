package import Endpoint
internal import Session
package import WebRTC
package import Wire

// The talker's connections, which `SessionLines` opens: the first one, one to go on with after a loss, and one to move to.

extension TalkConversation {
    /// Over what to go on after a loss: as before, or where the session was to move anyway.
    var refuge: TalkTransport? {
        if let move = report.move, move.isUnderWay { return move.transport }
        return client.flatMap { TalkTransport(rawValue: $0.capabilities.transport) }
    }

    package func takeOpening() -> TalkTransport? {
        guard case .wanted(let transport) = opening else { return nil }
        opening = .underWay
        return transport
    }

    package func attach(over transport: ClientTransport, path: NetworkPath, now: Instant) -> Bool {
        switch state {
        case .closing, .ended: return false
        default: settled()
        }
        let client = client ?? makeClient(transport, path, now)
        if self.client == nil {
            self.client = client
        } else if !client.attach(over: transport, path: path, entropy: .system, now: now) {
            report.move?.fail("the server lets no session go on over another connection")
            turned(now: now)
            return false
        }
        if client.offer == nil { begun(now: now) }
        return true
    }

    /// What the driver was asked for has a socket, or never will. It may have been asked for more meanwhile.
    private func settled() { if case .underWay = opening { opening = .none } }

    /// The connection is in the client's hands.
    private func begun(now: Instant) {
        if case .opening = state { state = .connecting(since: began) }
        // With a ticket the connection is open at once.
        turned(now: now)
    }

    package func accept(answer: String, path: NetworkPath, now: Instant) throws(WebRTCRefusal) {
        // An attempt that was given up meanwhile wants nothing any more.
        guard isNewest(path.local) else { return }
        try client?.accept(answer: answer, path: path, now: now)
        begun(now: now)
    }

    package func failed(at local: PeerAddress?, _ error: any Error, now: Instant) {
        guard local.map(isNewest) ?? true else { return }
        settled()
        switch state {
        case .closing, .ended: break
        case .opening where client?.local == local:
            openingFailure = error
            client?.close(now: now)
            state = .ended
        default:
            client?.attachmentFailed(TransportClose(opening: error), now: now)
            turned(now: now)
        }
    }
}
