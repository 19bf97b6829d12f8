package import Endpoint
package import WebRTC
package import WebSocket
package import Wire

/// A client's conversation in one session, without its sockets: `SessionLines` opens them, and names each by its local address.
///
/// Each call may change what `takeOpening` and `deadline` say.
package protocol SessionConversation: AnyObject, SendableMetatype {
    /// `nil` until the first connection has a socket.
    var client: ClientEndpoint? { get }
    /// Hears what the client has noticed.
    func turned(now: Instant)
    /// When `handleTimeout` is wanted; `nil` while nothing is awaited.
    var deadline: Instant? { get }
    func handleTimeout(now: Instant)
    /// The present connection has nothing to send now.
    func drained()
    /// The peer's machine says that nothing listens on the port (ICMP port unreachable).
    func peerRefused(now: Instant)

    /// The connection that is to be opened now, the first or another; says so once. `attach` or `failed` follows.
    func takeOpening() -> TalkTransport?
    /// A connection's socket stands.
    /// - Returns: `false` where the conversation needs no connection any more.
    func attach(over transport: ClientTransport, path: NetworkPath, now: Instant) -> Bool
    /// The call that the connection at `path` needed is answered.
    /// - Throws: why the answer is no use; `failed` follows.
    func accept(answer: String, path: NetworkPath, now: Instant) throws(WebRTCRefusal)
    /// An opening has come to nothing.
    /// - Parameter local: `nil` where there was no socket.
    func failed(at local: PeerAddress?, _ error: any Error, now: Instant)
}

extension SessionConversation {
    package func peerRefused(now: Instant) {}

    /// Whether a connection is the one that the client has begun last.
    package func isNewest(_ local: PeerAddress) -> Bool { client.map { local == $0.nextLocal ?? $0.local } ?? false }

    package func receive(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, ecn: ECN, now: Instant) {
        client?.receive(datagram, path: path, ecn: ecn, now: now)
        turned(now: now)
    }

    package func receive(stream bytes: [UInt8], at local: PeerAddress, now: Instant) {
        client?.receive(stream: bytes, at: local, now: now)
        turned(now: now)
    }

    /// The server has ended the stream, or it broke.
    package func streamEnded(at local: PeerAddress, now: Instant) {
        client?.streamEnded(at: local, now: now)
        turned(now: now)
    }

    package func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, from local: PeerAddress, now: Instant) -> Transmit? {
        if let transmit = client?.pollTransmit(into: buffer, from: local, now: now) { return transmit }
        if client?.local == local { drained() }
        return nil
    }

    package func pollWrite(_ byteCount: Int, from local: PeerAddress, now: Instant) -> StreamWrite? {
        if let write = client?.pollWrite(byteCount, from: local, now: now) { return write }
        if client?.local == local { drained() }
        return nil
    }
}
