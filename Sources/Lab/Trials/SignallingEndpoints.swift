package import Endpoint
import QUIC
package import Session
import WebSocket
package import Wire

/// A client in the lab: its endpoint, and for each of its connections the signalling or the stream that it needs beside its
/// datagrams. Every connection has a local address of its own.
package final class SignallingClient: SimulatedEndpoint {
    /// What a connection needs.
    private enum Line {
        case call(CallClient, NetworkPath)
        case stream(ClientStream, NetworkPath)

        var path: NetworkPath {
            switch self {
            case .call(_, let path), .stream(_, let path): path
            }
        }

        var deadline: Instant? {
            switch self {
            case .call(let call, _): call.deadline
            case .stream(let stream, _): stream.deadline
            }
        }
    }

    package let endpoint: ClientEndpoint
    private let credentials: TrialCredentials
    /// What its WebSockets carry.
    private let form: WebSocketForm
    private let reconnect: ReconnectPolicy?
    private let session: CallSession
    private let clock: KernelClock
    private var lines: [Line] = []
    /// Of the connections after the first.
    private var spareEntropy: Entropy
    private var attachCount = 0
    /// The server's answer to the first call has come and was taken; at once where there is nothing to signal.
    package private(set) var isSignalled: Bool
    /// Why there is no session.
    package private(set) var refusal: String?

    /// A client that begins to connect, from `NetworkPath.clientSide`.
    /// - Parameters:
    ///   - reconnect: `nil` ends the session with its connection.
    ///   - clock: the kernel's, which has TCP's timers.
    init(
        transport: TrialTransport, form: WebSocketForm = .rtp, talker: ClientConfiguration, credentials: TrialCredentials,
        reconnect: ReconnectPolicy? = nil, tickets: TicketWallet? = nil, entropy: Entropy, clock: KernelClock = KernelClock(), now: Instant
    ) {
        endpoint = ClientEndpoint(
            transport: transport.client(credentials, form: form, local: NetworkPath.clientSide.local), serverName: "localhost",
            credentials: ClientCredentials(.insecure),
            quic: QUICConfiguration(), client: talker, reconnect: reconnect, tickets: tickets, path: .clientSide,
            entropy: entropy, now: now)
        self.credentials = credentials
        self.form = form
        self.reconnect = reconnect
        self.clock = clock
        session = CallSession(mode: talker.mode)
        isSignalled = endpoint.offer == nil
        // Another source than the endpoint's, and known before it draws.
        var source = entropy
        spareEntropy = Entropy(seed: ~source.next())
        open(.clientSide, now: now)
    }

    // MARK: Connections

    /// Begins to move the session to another connection, from an address of its own.
    /// - Returns: that address; `nil` where the server resumes nothing, or the session is over.
    @discardableResult
    func attach(over transport: TrialTransport, now: Instant) -> PeerAddress? {
        attachCount += 1
        let path = NetworkPath.clientSide(connection: attachCount)
        let entropy = spareEntropy.fork()
        let wire = transport.client(credentials, form: form, local: path.local)
        guard endpoint.attach(over: wire, path: path, entropy: entropy, now: now) else { return nil }
        open(path, now: now)
        return path.local
    }

    /// Opens what the newest connection needs.
    private func open(_ path: NetworkPath, now: Instant) {
        forgetLines()
        if endpoint.usesStream(path.local) {
            let patience = reconnect.map(TCPConnection.Patience.init)
            lines.append(.stream(ClientStream(local: path.local, patience: patience, clock: clock, now: now), path))
        } else if let offer = endpoint.offer {
            let resume = attachCount > 0 ? endpoint.resumeRequest : nil
            let request = CallRequest(offer: offer, session: session.json(resume: resume))
            lines.append(.call(CallClient(request, clock: clock, now: now), path))
        }
    }

    /// Lets go of what no connection needs any more.
    private func forgetLines() {
        lines.removeAll { line in
            guard !endpoint.uses(line.path.local) else { return false }
            return if case .stream(let stream, _) = line { stream.isDone } else { true }
        }
        if lines.count >= SignallingLimits.lines { lines.removeFirst() }
    }

    private func index(of local: PeerAddress) -> Int? { lines.firstIndex { $0.path.local == local } }

    // MARK: The verbs of an endpoint

    package var deadline: Instant? {
        var deadline = endpoint.deadline
        for line in lines { deadline = earliest(deadline, line.deadline) }
        return deadline
    }

    package func receive(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, ecn: ECN, now: Instant) {
        if TCPSegment.isSegment(datagram) {
            guard let index = index(of: path.local), case .stream(var stream, _) = lines[index] else { return }
            stream.receive(datagram, for: endpoint, now: now)
            lines[index] = .stream(stream, path)
        } else if TCPSegment.isCall(datagram) {
            guard let index = index(of: path.local), case .call(var call, _) = lines[index] else { return }
            let outcome = call.receive(Span<UInt8>(_unsafeBytes: datagram), now: now)
            lines[index] = .call(call, path)
            if let outcome { take(outcome, path: path, now: now) }
        } else {
            endpoint.receive(datagram, path: path, ecn: ecn, now: now)
        }
    }

    private func take(_ outcome: CallClient.Outcome, path: NetworkPath, now: Instant) {
        // An attempt that was given up meanwhile.
        guard path.local == (endpoint.nextLocal ?? endpoint.local) else { return }
        switch outcome {
        case .answered(let sdp):
            do {
                try endpoint.accept(answer: sdp, path: path, now: now)
                isSignalled = true
            } catch {
                fail("the answer is no use: \(error)", status: 0, now: now)
            }
        case .refused(let status, let reason): fail("the call was refused: \(reason)", status: status, now: now)
        }
    }

    private func fail(_ reason: String, status: Int, now: Instant) {
        guard attachCount > 0 else { return refusal = reason }
        endpoint.attachmentFailed(TransportClose(code: UInt64(max(0, status)), reason: reason, origin: .peer), now: now)
    }

    package func handleTimeout(now: Instant) {
        for index in lines.indices {
            guard let deadline = lines[index].deadline, deadline <= now else { continue }
            switch lines[index] {
            case .call(var call, let path):
                call.handleTimeout(now: now)
                lines[index] = .call(call, path)
            case .stream(var stream, let path):
                stream.handleTimeout(for: endpoint, now: now)
                lines[index] = .stream(stream, path)
            }
        }
        if let deadline = endpoint.deadline, deadline <= now { endpoint.handleTimeout(now: now) }
    }

    package func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit? {
        for index in lines.indices {
            let count: Int?
            let path = lines[index].path
            switch lines[index] {
            case .call(var call, _):
                guard endpoint.uses(path.local) else { continue }
                count = call.pollTransmit(into: buffer)
                lines[index] = .call(call, path)
            case .stream(var stream, _):
                count = stream.pollTransmit(into: buffer, from: endpoint, now: now)
                lines[index] = .stream(stream, path)
            }
            if let count { return Transmit(path: path, ecn: .notCapable, byteCount: count) }
        }
        return endpoint.pollTransmit(into: buffer, now: now)
    }
}

/// The server in the lab: its endpoint, and the HTTPS beside it that answers its clients' calls and takes their streams, each
/// known by its client's address.
package final class SignallingServer: SimulatedEndpoint {
    private enum Line {
        case call(CallServer)
        case stream(ServerStream)

        var deadline: Instant? {
            switch self {
            case .call(let call): call.deadline
            case .stream(let stream): stream.deadline
            }
        }
    }

    package let endpoint: ServerEndpoint
    /// In the order in which they came.
    private var lines: [(remote: PeerAddress, local: PeerAddress, line: Line)] = []
    /// Whose segments belong to no connection.
    private var strangers = BoundedQueue<NetworkPath>(limit: SignallingLimits.lines)

    private let clock: KernelClock

    /// - Parameter clock: the kernel's, which has TCP's timers.
    package init(_ endpoint: ServerEndpoint, clock: KernelClock = KernelClock()) {
        self.endpoint = endpoint
        self.clock = clock
    }

    package var deadline: Instant? { earliest(lineDeadline, endpoint.deadline) }

    package func receive(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, ecn: ECN, now: Instant) {
        if TCPSegment.isSegment(datagram) {
            receive(segment: datagram, path: path, now: now)
        } else if TCPSegment.isCall(datagram) {
            receive(signalling: datagram, path: path, now: now)
        } else {
            endpoint.receive(datagram, path: path, ecn: ecn, now: now)
        }
    }

    private func receive(segment datagram: UnsafeRawBufferPointer, path: NetworkPath, now: Instant) {
        let segment = try? TCPSegment(parsing: Span<UInt8>(_unsafeBytes: datagram))
        guard let index = index(of: path) ?? (segment?.flags == .syn ? insert(.stream(ServerStream(clock: clock, now: now)), path) : nil) else {
            if segment?.flags.contains(.reset) == false { strangers.append(path) }
            return
        }
        guard case .stream(var stream) = lines[index].line else { return }
        stream.receive(datagram, for: endpoint, path: path, now: now)
        lines[index].line = .stream(stream)
    }

    private func receive(signalling datagram: UnsafeRawBufferPointer, path: NetworkPath, now: Instant) {
        let index = index(of: path) ?? insert(.call(CallServer(clock: clock)), path)
        guard case .call(var call) = lines[index].line else { return }
        call.receive(Span<UInt8>(_unsafeBytes: datagram), now: now) { request in answer(request, path: path, now: now) }
        lines[index].line = .call(call)
    }

    private func index(of path: NetworkPath) -> Int? { lines.firstIndex { $0.remote == path.remote } }

    private func insert(_ line: Line, _ path: NetworkPath) -> Int {
        if lines.count >= SignallingLimits.lines { lines.removeFirst() }
        lines.append((path.remote, path.local, line))
        return lines.count - 1
    }

    private func answer(_ request: CallRequest, path: NetworkPath, now: Instant) -> Result<CallAnswer, CallRefusal> {
        let proposal: SessionProposal
        do throws(EventError) {
            proposal = try SessionProposal(parsing: Array(request.session.utf8), limits: endpoint.configuration.sessionLimits)
        } catch {
            return .failure(.malformedOffer(code: error.code.text, message: error.message, param: error.param))
        }
        let offer = CallOffer(
            sdp: request.offer, request: AttachRequest(resume: proposal.resume), proposal: proposal, localAddress: path.local,
            remoteAddress: path.remote)
        return endpoint.answerCall(offer, now: now)
    }

    package func handleTimeout(now: Instant) {
        handleLineTimeouts(now: now)
        if let deadline = endpoint.deadline, deadline <= now { endpoint.handleTimeout(now: now) }
    }

    package func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit? {
        // Calls before the endpoint, streams behind it: it has to have said what they may write.
        pollCallTransmit(into: buffer, now: now) ?? endpoint.pollTransmit(into: buffer, now: now) ?? pollStreamTransmit(into: buffer, now: now)
    }

    // MARK: Signalling and streams alone, where several clients share the endpoint

    var lineDeadline: Instant? {
        var deadline: Instant?
        for line in lines { deadline = earliest(deadline, line.line.deadline) }
        return deadline
    }

    func handleLineTimeouts(now: Instant) {
        for index in lines.indices {
            guard let deadline = lines[index].line.deadline, deadline <= now else { continue }
            switch lines[index].line {
            case .call(var call):
                call.handleTimeout(now: now)
                lines[index].line = .call(call)
            case .stream(var stream):
                stream.handleTimeout(now: now)
                lines[index].line = .stream(stream)
            }
        }
    }

    func pollCallTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit? {
        for index in lines.indices {
            guard case .call(var call) = lines[index].line else { continue }
            let count = call.pollTransmit(into: buffer)
            lines[index].line = .call(call)
            if let count { return transmit(count, of: index) }
        }
        return nil
    }

    /// Drain the endpoint's own `pollTransmit` before: it finds what streams may write.
    func pollStreamTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit? {
        // Each stream is asked in any case.
        while endpoint.pollReadyStream() != nil {}
        for index in lines.indices {
            guard case .stream(var stream) = lines[index].line else { continue }
            let count = stream.pollTransmit(into: buffer, from: endpoint, now: now)
            lines[index].line = .stream(stream)
            if let count { return transmit(count, of: index) }
        }
        guard let path = strangers.popFirst() else { return nil }
        // As a kernel answers a segment of a connection that it does not know.
        let reset = TCPSegment(flags: .reset, start: 0, acknowledged: 0).bytes()
        buffer.copyBytes(from: reset)
        return Transmit(path: path, ecn: .notCapable, byteCount: reset.count)
    }

    private func transmit(_ count: Int, of index: Int) -> Transmit {
        let path = NetworkPath(local: lines[index].local, remote: lines[index].remote)
        return Transmit(path: path, ecn: .notCapable, byteCount: count)
    }
}

/// What signalling may hold, on either side.
enum SignallingLimits {
    /// Calls and streams of one client; the oldest is forgotten first.
    static let lines = 16
}

/// The session that a call asks for.
package struct CallSession: Hashable, Sendable {
    package var mode: ReliabilityMode

    package init(mode: ReliabilityMode) { self.mode = mode }

    /// - Parameter resume: the session that is to go on instead.
    package func json(resume: ResumeRequest?) -> String {
        let reliability = #""reliability":{"mode":"\#(mode.rawValue)"}"#
        guard let resume else { return #"{"type":"realtime","parallax":{\#(reliability)}}"# }
        return #"{"type":"realtime","parallax":{"resume":\#(String(decoding: JSON.encode(resume), as: UTF8.self))}}"#
    }
}

extension TCPConnection.Patience {
    /// How a client's sockets are set that minds its connections: silence counts from the first retransmission, or is found out by
    /// probes.
    init(_ policy: ReconnectPolicy) {
        self.init(
            userTimeout: policy.silence, roundTrips: ReconnectPolicy.silentRoundTrips, probeIdle: policy.silence / 2, probeInterval: policy.silence / 4)
    }
}
