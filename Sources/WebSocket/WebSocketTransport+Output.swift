internal import Framing
internal import Session
package import Wire

// Bytes for the stream below, and the times at which something is due.

/// Bytes for the stream below.
package struct StreamWrite: Hashable, Sendable {
    package var bytes: [UInt8]
    /// Nothing follows: the stream ends behind them.
    package var isEnd: Bool

    package init(bytes: [UInt8], isEnd: Bool) {
        self.bytes = bytes
        self.isEnd = isEnd
    }
}

extension WebSocketTransport {
    /// Whether `pollWrite` has something to give.
    package var hasOutput: Bool {
        switch state {
        case .ended(let isTold): !isTold
        case .closing(let until, let peerHasClosed):
            hasBytes || isDone(until, peerHasClosed)
        case .upgrading, .requested, .open: hasBytes
        }
    }

    private var hasBytes: Bool { !urgent.isEmpty || owedPong != nil || owedClose != nil || !outbox.isEmpty || owesPing }
    private var owesPing: Bool { if case .open = state { nextPing <= now } else { false } }

    /// The next bytes for the stream; `nil` when there are none now. Ask only as long as the stream takes them: what is not
    /// taken yet waits here, within limits.
    /// - Parameter byteCount: how much is wanted; the last message may go over it.
    package func pollWrite(_ byteCount: Int, now: Instant) -> StreamWrite? {
        self.now = max(self.now, now)
        if case .ended(let isTold) = state {
            state = .ended(isTold: true)
            return isTold ? nil : StreamWrite(bytes: [], isEnd: true)
        }
        var bytes = urgent
        urgent = []
        writeControl(into: &bytes)
        while bytes.count < byteCount, let item = outbox.popFirst() { write(item, into: &bytes) }
        if outbox.isEmpty, let (code, reason) = owedClose {
            owedClose = nil
            WebSocketFrame.writeClose(code, reason, mask: mask(), into: &bytes)
        }
        waitingSince = outbox.isEmpty ? nil : now
        if case .closing(let until, let peerHasClosed) = state, isDone(until, peerHasClosed) {
            state = .ended(isTold: true)
            return StreamWrite(bytes: bytes, isEnd: true)
        }
        return bytes.isEmpty ? nil : StreamWrite(bytes: bytes, isEnd: false)
    }

    /// Section 7.1.1: the server ends the stream first, so that the client's port is free at once.
    private func isDone(_ until: Instant, _ peerHasClosed: Bool) -> Bool {
        guard owedClose == nil, outbox.isEmpty else { return now >= until }
        return streamHasEnded || now >= until || peerHasClosed && role == .server
    }

    private func writeControl(into bytes: inout [UInt8]) {
        if let payload = owedPong {
            owedPong = nil
            WebSocketFrame.write(.pong, payload.span, mask: mask(), into: &bytes)
        }
        guard owesPing else { return }
        nextPing = now + limits.pingInterval
        var payload: [UInt8] = []
        payload.append(bigEndian: now.nanoseconds)
        WebSocketFrame.write(.ping, payload.span, mask: mask(), into: &bytes)
    }

    private func write(_ item: Outbox.Item, into bytes: inout [UInt8]) {
        switch item {
        case .text(let event): WebSocketFrame.write(.text, event.span, mask: mask(), into: &bytes)
        case .binary(let packet): WebSocketFrame.write(.binary, packet.span, mask: mask(), into: &bytes)
        case .audio(let frame, let responseID):
            var packets = [frame.payload]
            while answer.joinsFrames, packets.count < limits.framesPerDelta, case .audio(let next, responseID) = outbox.first {
                packets.append(next.payload)
                _ = outbox.popFirst()
            }
            let event = answer.delta(packets, from: frame.sequence, of: responseID)
            WebSocketFrame.write(.text, event.span, mask: mask(), into: &bytes)
        }
    }

    private func mask() -> UInt32? { role == .client ? UInt32(truncatingIfNeeded: entropy.next()) : nil }

    /// When `handleTimeout` is wanted.
    package var deadline: Instant? {
        switch state {
        case .upgrading, .requested, .ended: nil
        case .open:
            // A ping that is due is output, and waits for the stream to take it.
            earliest(isBehind ? now : nil, nextPing > now ? nextPing : nil, lastReceived + limits.silenceTime, stallDeadline)
        case .closing(let until, _): until
        }
    }

    private var stallDeadline: Instant? { outbox.isEmpty ? nil : waitingSince.map { $0 + limits.stallTime } }

    package func handleTimeout(now: Instant) {
        begin(now)
        switch state {
        case .upgrading, .requested, .ended: return
        case .closing(let until, _):
            if until <= now { over(TransportClose(code: 0, reason: "", origin: .timeout)) }
        case .open:
            if lastReceived + limits.silenceTime <= now {
                over(TransportClose(code: 0, reason: "nothing came for \(limits.silenceTime.components.seconds) s", origin: .timeout))
            } else if let stallDeadline, stallDeadline <= now {
                over(TransportClose(code: 0, reason: "the peer does not read what is sent to it", origin: .timeout))
            }
        }
    }
}
