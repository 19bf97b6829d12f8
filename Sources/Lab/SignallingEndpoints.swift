package import Endpoint
import Session
package import Wire

/// A client in the lab: its endpoint, and the signalling that must come before where the transport asks for one.
package final class SignallingClient: SimulatedEndpoint {
    package let endpoint: ClientEndpoint
    private var call: CallClient?
    private var stream: ClientStream?
    /// The server's answer has come and was taken; at once where there is nothing to signal.
    package private(set) var isSignalled: Bool
    /// Why there will be no call.
    package private(set) var refusal: String?

    /// - Parameter session: what a call asks for, as JSON.
    package init(_ endpoint: ClientEndpoint, session: String, now: Instant) {
        self.endpoint = endpoint
        call = endpoint.offer.map { CallClient(CallRequest(offer: $0, session: session), now: now) }
        isSignalled = call == nil
        stream = endpoint.usesStream ? ClientStream(now: now) : nil
    }

    package var deadline: Instant? { earliest(call?.deadline, endpoint.deadline, stream?.deadline) }

    package func receive(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, ecn: ECN, now: Instant) {
        guard !TCPSegment.isSegment(datagram) else { return stream?.receive(datagram, for: endpoint, now: now) ?? () }
        guard SignallingSegment.isSegment(datagram) else {
            return endpoint.receive(datagram, path: path, ecn: ecn, now: now)
        }
        switch call?.receive(Span<UInt8>(_unsafeBytes: datagram), now: now) {
        case .answered(let sdp): accept(sdp, path: path, now: now)
        case .refused(let reason): refusal = "the call was refused: \(reason)"
        case nil: break
        }
    }

    private func accept(_ answer: String, path: NetworkPath, now: Instant) {
        do {
            try endpoint.accept(answer: answer, path: path, now: now)
            isSignalled = true
        } catch {
            refusal = "the answer is no use: \(error)"
        }
    }

    package func handleTimeout(now: Instant) {
        if let deadline = call?.deadline, deadline <= now { call?.handleTimeout(now: now) }
        if let deadline = stream?.deadline, deadline <= now { stream?.handleTimeout(now: now) }
        if let deadline = endpoint.deadline, deadline <= now { endpoint.handleTimeout(now: now) }
    }

    package func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit? {
        if let count = call?.pollTransmit(into: buffer, now: now) {
            return Transmit(path: .clientSide, ecn: .notCapable, byteCount: count)
        }
        if let count = stream?.pollTransmit(into: buffer, from: endpoint, now: now) {
            return Transmit(path: .clientSide, ecn: .notCapable, byteCount: count)
        }
        return endpoint.pollTransmit(into: buffer, now: now)
    }
}

/// The server in the lab: its endpoint, and the HTTPS beside it that answers a client's call or takes its stream.
package final class SignallingServer: SimulatedEndpoint {
    package let endpoint: ServerEndpoint
    private var call: CallServer?
    private var stream: ServerStream?

    package init(_ endpoint: ServerEndpoint) { self.endpoint = endpoint }

    package var deadline: Instant? { earliest(call?.deadline, endpoint.deadline, stream?.deadline) }

    package func receive(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, ecn: ECN, now: Instant) {
        if TCPSegment.isSegment(datagram) {
            var stream = stream ?? ServerStream(now: now)
            stream.receive(datagram, for: endpoint, path: path, now: now)
            self.stream = stream
            return
        }
        guard SignallingSegment.isSegment(datagram) else {
            return endpoint.receive(datagram, path: path, ecn: ecn, now: now)
        }
        var call = call ?? CallServer()
        call.receive(Span<UInt8>(_unsafeBytes: datagram), now: now) { request in
            answer(request, path: path, now: now)
        }
        self.call = call
    }

    private func answer(_ request: CallRequest, path: NetworkPath, now: Instant) -> Result<CallAnswer, CallRefusal> {
        let proposal: SessionProposal
        do throws(EventError) {
            proposal = try SessionProposal(parsing: Array(request.session.utf8), limits: endpoint.configuration.sessionLimits)
        } catch {
            return .failure(.malformedOffer(code: error.code.text, message: error.message, param: error.param))
        }
        let offer = CallOffer(
            sdp: request.offer, proposal: proposal, localAddress: path.local, remoteAddress: path.remote)
        return endpoint.answerCall(offer, now: now)
    }

    package func handleTimeout(now: Instant) {
        handleCallTimeout(now: now)
        if let deadline = endpoint.deadline, deadline <= now { endpoint.handleTimeout(now: now) }
    }

    package func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit? {
        if let transmit = pollCallTransmit(into: buffer, now: now) ?? endpoint.pollTransmit(into: buffer, now: now) { return transmit }
        return stream?.pollTransmit(into: buffer, from: endpoint, now: now).map {
            Transmit(path: .serverSide, ecn: .notCapable, byteCount: $0)
        }
    }

    // MARK: Signalling alone, where several clients share the endpoint

    var callDeadline: Instant? { call?.deadline }

    func handleCallTimeout(now: Instant) {
        if let deadline = call?.deadline, deadline <= now { call?.handleTimeout(now: now) }
        if let deadline = stream?.deadline, deadline <= now { stream?.handleTimeout(now: now) }
    }

    func pollCallTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit? {
        call?.pollTransmit(into: buffer, now: now).map { Transmit(path: .serverSide, ecn: .notCapable, byteCount: $0) }
    }
}
