package import Session
package import WebSocket
package import Wire

// Byte streams: whoever holds the sockets has accepted them, read the request that opens them, and moves their bytes.

/// One accepted stream, by which bytes find their connection. A handle outlives its connection harmlessly.
package struct StreamHandle: Hashable, Sendable {
    let slot: Int
    let serial: UInt64
}

/// A request for WebSocket, as HTTP brought it.
package struct StreamOffer: Sendable {
    package var request: AttachRequest
    package var form: WebSocketForm
    /// Who asks, for the limits on what one source may keep open.
    package var remoteAddress: PeerAddress?

    package init(request: AttachRequest, form: WebSocketForm, remoteAddress: PeerAddress? = nil) {
        self.request = request
        self.form = form
        self.remoteAddress = remoteAddress
    }
}

extension ServerEndpoint {
    /// Takes a stream in, or says why not while there is still an HTTP status to say it with. Its first bytes may be handed over
    /// when the answer to the request is written.
    package func acceptStream(_ offer: StreamOffer, now: Instant) -> Result<StreamHandle, CallRefusal> {
        guard let settings = configuration.webSocket else { return .failure(.unsupported("This server speaks no WebSocket.")) }
        guard !isDraining else { return .failure(.draining) }
        if let resume = offer.request.resume {
            // The token stands for the secret.
            if let refusal = resumeRefusal(of: resume) { return .failure(.resumeRefused(refusal)) }
        } else if case .failure(let refusal) = authorize(offer.request.secret, now: now) {
            return .failure(refusal)
        }
        let source = offer.remoteAddress ?? PeerAddress(high: 0, low: 0, port: 0)
        guard hasRoom(for: source) else {
            counters.connectionsRefused += 1
            return .failure(.full(retryAfterSeconds: 1))
        }
        let transport = WebSocketTransport(
            serving: offer.request, form: offer.form, remote: source, configuration: settings, entropy: entropy.fork(), now: now)
        let connection = ServedConnection(carrier: .webSocket(transport), source: source.host)
        connection.transport = .webSocket(transport)
        streamSerial += 1
        connection.streamSerial = streamSerial
        let slot = insert(connection, route: nil)
        serve(slot, connection, now: now)
        return .success(StreamHandle(slot: slot, serial: streamSerial))
    }

    /// Takes bytes of a stream.
    package func receive(_ bytes: [UInt8], on handle: StreamHandle, now: Instant) {
        guard let (connection, transport) = stream(handle) else { return }
        transport.receive(bytes, now: now)
        serve(handle.slot, connection, now: now)
    }

    /// The peer has ended its half of the stream, or the stream broke.
    package func streamEnded(_ handle: StreamHandle, now: Instant) {
        guard let (connection, transport) = stream(handle) else { return }
        transport.streamEnded(now: now)
        serve(handle.slot, connection, now: now)
    }

    /// The next stream that has something to write. Drain `pollTransmit` before: it finds them.
    package func pollReadyStream() -> StreamHandle? {
        guard let handle = readyStreams.popLast() else { return nil }
        stream(handle)?.0.isStreamReady = false
        return handle
    }

    /// Bytes for a stream; `nil` when there are none now. Ask only as long as the stream takes them: `pollReadyStream` does not
    /// name it again for what was not taken.
    package func pollWrite(_ byteCount: Int, of handle: StreamHandle, now: Instant) -> StreamWrite? {
        guard let (connection, transport) = stream(handle) else { return nil }
        let write = transport.pollWrite(byteCount, now: now)
        if transport.isClosed {
            forget(handle.slot, connection)
        } else {
            deadlines.set(connection.deadline, for: handle.slot)
        }
        return write
    }

    /// Whether the stream is given up, whatever it still has to take: its end must not wait for a peer that does not read.
    package func hasEnded(_ handle: StreamHandle) -> Bool { stream(handle)?.1.isOver ?? true }

    private func stream(_ handle: StreamHandle) -> (ServedConnection, WebSocketTransport)? {
        guard connections.indices.contains(handle.slot), let connection = connections[handle.slot],
            connection.streamSerial == handle.serial, case .webSocket(let transport) = connection.carrier
        else { return nil }
        return (connection, transport)
    }
}
