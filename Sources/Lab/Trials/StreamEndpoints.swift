import Endpoint
import Session
import WebSocket
import Wire

/// What a stream is offered at once: more waits in the endpoint, where its queues are bounded.
private let writeByteCount = 16_384

/// A client's stream to the server for a connection that needs one: TCP and TLS, in the lab's model.
struct ClientStream {
    /// Our end, by which the endpoint names the connection.
    let local: PeerAddress
    private var stream: SecureStream
    private var hasToldEnd = false

    /// Begins to connect.
    /// - Parameter patience: `nil` where nobody would reconnect.
    init(local: PeerAddress, patience: TCPConnection.Patience?, clock: KernelClock, now: Instant) {
        self.local = local
        stream = SecureStream(.client, patience: patience, clock: clock, now: now)
    }

    var deadline: Instant? { stream.deadline }
    /// Nothing is left to send of what it was given.
    var isDone: Bool { stream.isDone }

    mutating func handleTimeout(for endpoint: ClientEndpoint, now: Instant) {
        stream.handleTimeout(now: now)
        tellEnd(endpoint, now: now)
    }

    mutating func receive(_ datagram: UnsafeRawBufferPointer, for endpoint: ClientEndpoint, now: Instant) {
        stream.receive(Span<UInt8>(_unsafeBytes: datagram), now: now)
        let bytes = stream.read()
        if !bytes.isEmpty { endpoint.receive(stream: bytes, at: local, now: now) }
        tellEnd(endpoint, now: now)
    }

    private mutating func tellEnd(_ endpoint: ClientEndpoint, now: Instant) {
        guard stream.peerHasEnded, !hasToldEnd else { return }
        hasToldEnd = true
        endpoint.streamEnded(at: local, now: now)
    }

    mutating func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, from endpoint: ClientEndpoint, now: Instant) -> Int? {
        while stream.canWrite || endpoint.hasEnded(local), let write = endpoint.pollWrite(writeByteCount, from: local, now: now) {
            if !write.bytes.isEmpty { stream.write(write.bytes, now: now) }
            if write.isEnd { stream.finish(now: now) }
        }
        return stream.pollTransmit(into: buffer)
    }
}

/// The server's end of it: reads the request that HTTP would have read, and hands the stream to the endpoint.
struct ServerStream {
    private enum Phase {
        case request(received: [UInt8])
        case open(StreamHandle)
        case refused
    }

    private var stream: SecureStream
    private var phase = Phase.request(received: [])
    private var hasToldEnd = false

    init(clock: KernelClock, now: Instant) { stream = SecureStream(.server, clock: clock, now: now) }

    var deadline: Instant? { stream.deadline }
    mutating func handleTimeout(now: Instant) { stream.handleTimeout(now: now) }

    mutating func receive(_ datagram: UnsafeRawBufferPointer, for endpoint: ServerEndpoint, path: NetworkPath, now: Instant) {
        stream.receive(Span<UInt8>(_unsafeBytes: datagram), now: now)
        let bytes = stream.read()
        switch phase {
        case .request(let received) where !bytes.isEmpty: readRequest(received + bytes, endpoint, path: path, now: now)
        case .open(let handle) where !bytes.isEmpty: endpoint.receive(bytes, on: handle, now: now)
        case .request, .open, .refused: break
        }
        if stream.peerHasEnded, !hasToldEnd, case .open(let handle) = phase {
            hasToldEnd = true
            endpoint.streamEnded(handle, now: now)
        }
    }

    private mutating func readRequest(_ received: [UInt8], _ endpoint: ServerEndpoint, path: NetworkPath, now: Instant) {
        phase = .request(received: received)
        guard let head = WebSocketHead(received) else { return }
        phase = .refused
        guard let upgrade = try? WebSocketUpgrade(fields: head.fields) else { return stream.finish(now: now) }
        let request = AttachRequest(secret: upgrade.secret, resume: ResumeRequest(head.query))
        let offer = StreamOffer(request: request, form: upgrade.form, remoteAddress: path.remote)
        switch endpoint.acceptStream(offer, now: now) {
        case .success(let handle):
            stream.write(upgrade.response, now: now)
            phase = .open(handle)
        case .failure(let refusal):
            let (head, body) = CallExchange.text(refusal)
            stream.write([head, body], now: now)
            stream.finish(now: now)
        }
    }

    mutating func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, from endpoint: ServerEndpoint, now: Instant) -> Int? {
        if case .open(let handle) = phase {
            while stream.canWrite || endpoint.hasEnded(handle), let write = endpoint.pollWrite(writeByteCount, of: handle, now: now) {
                if !write.bytes.isEmpty { stream.write(write.bytes, now: now) }
                if write.isEnd { stream.finish(now: now) }
            }
        }
        return stream.pollTransmit(into: buffer)
    }
}
