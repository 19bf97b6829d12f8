internal import Session
package import WebSocket
package import Wire

// Byte streams: a connection over WebSocket has one to the server, TLS and all, which its driver holds. Of several connections
// each is named by its local address, as `attach` was told it; `nil` stands for the present one.
//
// An endpoint sees what a stream brings, not what its far end acknowledges. So the driver has TCP tell silence from loss: it sets
// `TCP_USER_TIMEOUT` and keep-alive probes by the `ReconnectPolicy`, and calls `streamEnded` when the stream breaks.

extension ClientEndpoint {
    /// Whether the present connection wants a stream instead of datagrams.
    package var usesStream: Bool { stream(of: nil) != nil }

    /// Whether the connection at this address does.
    package func usesStream(_ local: PeerAddress) -> Bool { stream(of: local) != nil }

    /// Takes bytes of a stream.
    package func receive(stream bytes: [UInt8], at local: PeerAddress? = nil, now: Instant) {
        guard let (connection, transport) = stream(of: local) else { return }
        transport.receive(bytes, now: now)
        if connection === current { revive(now: now) }
        serve(now: now)
    }

    /// The server has ended a stream, or it broke.
    package func streamEnded(at local: PeerAddress? = nil, now: Instant) {
        guard let (_, transport) = stream(of: local) else { return }
        transport.streamEnded(now: now)
        serve(now: now)
    }

    /// Bytes for a stream; `nil` when there are none now. Ask only as long as the stream takes them, or `hasEnded` says that it is
    /// of no more use.
    package func pollWrite(_ byteCount: Int, from local: PeerAddress? = nil, now: Instant) -> StreamWrite? {
        stream(of: local)?.transport.pollWrite(byteCount, now: now)
    }

    /// Whether nothing waits for this stream any more, open or not.
    package func hasEnded(_ local: PeerAddress) -> Bool { stream(of: local)?.transport.isOver ?? true }

    private func stream(of local: PeerAddress?) -> (connection: ClientConnection, transport: WebSocketTransport)? {
        let connection = local.map { local in connections.first { $0.local == local } } ?? current
        guard let connection, case .webSocket(let transport) = connection.carrier else { return nil }
        return (connection, transport)
    }
}
