import Endpoint
import Session
import WebSocket
import Wire

/// What a stream is offered at once: more waits in the endpoint, where its queues are bounded.
private let writeByteCount = 16_384

/// The client's stream for a transport that needs one: TCP and TLS to the server, in the lab's model.
struct ClientStream {
    private var stream: SecureStream
    private var hasToldEnd = false

    /// Begins to connect.
    init(now: Instant) { stream = SecureStream(.client, now: now) }

    var deadline: Instant? { stream.deadline }
    mutating func handleTimeout(now: Instant) { stream.handleTimeout(now: now) }

    mutating func receive(_ datagram: UnsafeRawBufferPointer, for endpoint: ClientEndpoint, now: Instant) {
        stream.receive(Span<UInt8>(_unsafeBytes: datagram), now: now)
        let bytes = stream.read()
        if !bytes.isEmpty { endpoint.receive(stream: bytes, now: now) }
        if stream.peerHasEnded, !hasToldEnd {
            hasToldEnd = true
            endpoint.streamEnded(now: now)
        }
    }

    mutating func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, from endpoint: ClientEndpoint, now: Instant) -> Int? {
        while stream.canWrite, let write = endpoint.pollWrite(writeByteCount, now: now) {
            if !write.bytes.isEmpty { stream.write(write.bytes) }
            if write.isEnd { stream.finish() }
        }
        return stream.pollTransmit(into: buffer, now: now)
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

    init(now: Instant) { stream = SecureStream(.server, now: now) }

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
        guard let upgrade = try? WebSocketUpgrade(fields: head.fields) else { return stream.finish() }
        let offer = StreamOffer(request: AttachRequest(secret: upgrade.secret), form: upgrade.form, remoteAddress: path.remote)
        guard case .success(let handle) = endpoint.acceptStream(offer, now: now) else { return stream.finish() }
        stream.write(upgrade.response)
        phase = .open(handle)
    }

    mutating func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, from endpoint: ServerEndpoint, now: Instant) -> Int? {
        // There is one stream in a trial: which one is ready need not be asked.
        while endpoint.pollReadyStream() != nil {}
        if case .open(let handle) = phase {
            while stream.canWrite, let write = endpoint.pollWrite(writeByteCount, of: handle, now: now) {
                if !write.bytes.isEmpty { stream.write(write.bytes) }
                if write.isEnd { stream.finish() }
            }
        }
        return stream.pollTransmit(into: buffer, now: now)
    }
}
