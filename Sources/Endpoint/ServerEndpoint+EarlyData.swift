internal import Session
internal import Wire

// Early data (0-RTT) may be a recording that somebody sends again (RFC 8446 section 8, RFC 9001 section 9.2; docs/early-data.md).
// So it makes a session and fills it with frames, which answers nobody; events, which can make the responder work, and the move
// of a session, which uses up its token, wait until the client has finished the handshake: a recording cannot.

extension ServerEndpoint {
    /// Keeps an event for the handshake's end, where the limits allow it.
    func hold(_ event: [UInt8], of connection: ServedConnection, now: Instant) {
        if !connection.held.append(event, configuration.limits) {
            connection.carrier.abandon(reason: "too many events before the handshake's end", now: now)
        }
    }

    /// The client is there: what waited for it takes its effect.
    func releaseEarlyData(at slot: Int, of connection: ServedConnection, now: Instant) {
        let held = connection.held
        connection.held = HeldEarlyData()
        for notice in held.notices { notices.append(notice) }
        if let resume = held.resume { self.resume(resume, at: slot, on: connection, now: now) }
        for event in held.events { handle(.event(event), at: slot, of: connection, now: now) }
    }
}
