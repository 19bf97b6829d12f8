import CVirtualClock
import DTLS
import Endpoint
import QUIC
import RoQ
import Session
import WebRTC
import WebSocket
import WebTransport
import Wire

/// A server endpoint and its clients in virtual time, joined by links with a fixed delay.
final class House {
    struct Flight {
        let arrival: Instant
        let bytes: [UInt8]
        let path: NetworkPath
        /// The client it goes to; `nil` for the server.
        let client: Int?
        /// Where it is no datagram.
        var stream: StreamPart?
    }

    enum StreamPart { case bytes, end }

    static let serverAddress = PeerAddress(ipv4: 10, 0, 0, 1, port: 4433)
    let server: ServerEndpoint
    private(set) var clients: [ClientEndpoint] = []
    private(set) var notices: [[EndpointNotice]] = []
    var serverNotices: [ServerNotice] = []
    var now = Instant(nanoseconds: 1_000_000_000) {
        didSet { parallax_virtual_clock_set(Int64(now.nanoseconds)) }
    }
    let delay: Duration
    /// What is posted with a WebRTC client's offer.
    var proposal: SessionProposal?
    /// By client: the names of WebRTC calls.
    private(set) var callIDs: [Int: String] = [:]
    /// Whether to drop a datagram: from client (index) or to it, by its number in that direction.
    var drops: (_ client: Int, _ up: Bool, _ number: Int, _ bytes: [UInt8]) -> Bool = { _, _, _, _ in false }
    /// Datagrams of the server's that no client claims: answers to strangers.
    private(set) var strays: [[UInt8]] = []
    /// Addresses of clients to and from which nothing passes, what is under way included.
    var dead: [PeerAddress] = []
    /// Addresses of clients to which nothing passes from now on.
    var deaf: [PeerAddress] = []
    private var flights: [Flight] = []
    /// By the local addresses of clients.
    private var owners: [PeerAddress: Int] = [:]
    private var rebound: [PeerAddress: UInt16] = [:]
    private var attachCount = 0
    private var rebindCount = 0
    /// Where a client goes that wants another connection; `nil` leaves it without.
    var refuge: ((House) -> ClientTransport?)?
    private var counts: [[Int]] = []
    /// By the local addresses of clients: their WebSockets.
    private var streams: [PeerAddress: HouseStream] = [:]
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 16)

    init(delay: Duration = .milliseconds(25), configure: (inout ServerConfiguration) -> Void = { _ in }) throws {
        self.delay = delay
        parallax_virtual_clock_set(Int64(now.nanoseconds))
        parallax_virtual_clock_seed(1)
        var configuration = ServerConfiguration(credentials: try .selfSigned(.ed25519, unixSeconds: 1_790_000_000))
        configuration.webRTC = WebRTCServerConfiguration(identity: try .selfSigned(.ed25519, unixSeconds: 1_790_000_000))
        configure(&configuration)
        server = ServerEndpoint(configuration: configuration, entropy: Entropy(seed: 1), now: now)
    }

    deinit {
        parallax_virtual_clock_clear()
        buffer.deallocate()
    }

    static let transports = ["webtransport", "roq", "webrtc"]
    /// How long TCP waits for an acknowledgement before it gives a stream up.
    static let streamPatience = Duration.seconds(4)

    private static var openAI: WebSocketClientConfiguration {
        var configuration = WebSocketClientConfiguration(authority: "localhost")
        configuration.form = .openAI
        return configuration
    }

    static func transport(_ name: String) throws -> ClientTransport {
        switch name {
        case "roq": .roq(RoQConfiguration())
        case "webrtc": .webRTC(WebRTCClientConfiguration(identity: try .selfSigned(.ed25519, unixSeconds: 1_790_000_000)))
        case "openai": .webSocket(openAI)
        case "websocket": .webSocket(WebSocketClientConfiguration(authority: "localhost"))
        default: .webTransport(WebTransportClientConfiguration(authority: "localhost"))
        }
    }

    @discardableResult
    func connect(
        _ transport: ClientTransport, reconnect: ReconnectPolicy? = nil, resume: ResumeRequest? = nil, tickets: TicketWallet? = nil,
        configure: (inout ClientConfiguration) -> Void = { _ in }
    ) -> Int {
        let index = clients.count
        var configuration = ClientConfiguration()
        configure(&configuration)
        let path = NetworkPath(local: address(of: index), remote: Self.serverAddress)
        clients.append(
            ClientEndpoint(
                transport: transport, serverName: "localhost", credentials: ClientCredentials(.insecure), quic: QUICConfiguration(),
                client: configuration, reconnect: reconnect, resume: resume, tickets: tickets, path: path, entropy: Entropy(seed: UInt64(100 + index)), now: now))
        owners[path.local] = index
        notices.append([])
        counts.append([0, 0])
        signal(index, path)
        return index
    }

    /// Moves a client's session to another connection, from another address.
    func attach(_ index: Int, _ transport: ClientTransport) {
        attachCount += 1
        let local = PeerAddress(ipv4: 10, 0, 2, 1, port: UInt16(2000 + attachCount))
        let path = NetworkPath(local: local, remote: Self.serverAddress)
        owners[local] = index
        streams[local] = nil
        clients[index].attach(over: transport, path: path, entropy: Entropy(seed: UInt64(500 + attachCount)), now: now)
        signal(index, path)
    }

    /// The NAT of a client forgets it: the server sees other addresses from now on, and the old ones lead nowhere.
    func rebind(_ index: Int) {
        rebindCount += 1
        for (local, owner) in owners where owner == index { rebound[local] = UInt16(20_000 + rebindCount) }
    }

    /// Where a client's first connection is.
    func path(_ client: Int) -> PeerAddress { address(of: client) }

    private func external(_ local: PeerAddress) -> PeerAddress {
        var address = local
        if let port = rebound[local] { address.port = port }
        return address
    }

    /// The offer and its answer cost no time here.
    private func signal(_ index: Int, _ path: NetworkPath) {
        guard let offer = clients[index].offer else { return }
        var call = CallOffer(sdp: offer, proposal: proposal, localAddress: Self.serverAddress, remoteAddress: path.local)
        call.request.resume = clients[index].resumeRequest
        switch server.answerCall(call, now: now) {
        case .success(let answer):
            callIDs[index] = answer.callID
            try? clients[index].accept(answer: answer.sdp, path: path, now: now)
        case .failure(.resumeRefused(let refusal)):
            clients[index].attachmentFailed(
                TransportClose(code: UInt64(refusal.status), reason: refusal.message, origin: .peer), now: now)
        case .failure: clients[index].close(now: now)
        }
    }

    private func address(of client: Int) -> PeerAddress {
        PeerAddress(ipv4: 10, 0, 1, UInt8(client / 200), port: UInt16(1000 + client % 200))
    }

    @discardableResult
    func run(for duration: Duration = .seconds(20), until condition: (House) -> Bool = { _ in false }) -> Bool {
        let end = now + duration
        while true {
            pump()
            if condition(self) { return true }
            var next = earliest(server.deadline, flights.map(\.arrival).min())
            for client in clients { next = earliest(next, client.deadline) }
            for stream in streams.values { next = earliest(next, stream.breaks) }
            guard let next, next <= end else {
                now = end
                return condition(self)
            }
            now = max(now, next)
            let due = flights.filter { $0.arrival <= now }
            flights.removeAll { $0.arrival <= now }
            for flight in due { deliver(flight) }
            if let deadline = server.deadline, deadline <= now { server.handleTimeout(now: now) }
            for client in clients { if let deadline = client.deadline, deadline <= now { client.handleTimeout(now: now) } }
            handleStreamTimeouts()
        }
    }

    /// A stranger's datagram for the server.
    func inject(_ bytes: [UInt8], from port: UInt16 = 9) {
        let path = NetworkPath(local: Self.serverAddress, remote: PeerAddress(ipv4: 10, 9, 9, 9, port: port))
        bytes.withUnsafeBytes { server.receive($0, path: path, ecn: .notCapable, now: now) }
    }

    private func pump() {
        for (index, client) in clients.enumerated() {
            while let transmit = client.pollTransmit(into: buffer, now: now) {
                for bytes in split(transmit) {
                    defer { counts[index][0] += 1 }
                    if dead.contains(transmit.path.local) || drops(index, true, counts[index][0], bytes) { continue }
                    let path = NetworkPath(local: Self.serverAddress, remote: external(transmit.path.local))
                    flights.append(Flight(arrival: now + delay, bytes: bytes, path: path, client: nil))
                }
            }
            pumpStreams(of: index)
            while let notice = client.pollNotice() {
                notices[index].append(notice)
                if notice == .attachmentWanted, let transport = refuge?(self) { attach(index, transport) }
            }
        }
        while let transmit = server.pollTransmit(into: buffer, now: now) {
            guard let (local, index) = owners.first(where: { external($0.key) == transmit.path.remote }) else {
                strays += split(transmit)
                continue
            }
            for bytes in split(transmit) {
                defer { counts[index][1] += 1 }
                if dead.contains(local) || deaf.contains(local) || drops(index, false, counts[index][1], bytes) { continue }
                let path = NetworkPath(local: local, remote: Self.serverAddress)
                flights.append(Flight(arrival: now + delay, bytes: bytes, path: path, client: index))
            }
        }
        pumpServerStreams()
        while let notice = server.pollNotice() { serverNotices.append(notice) }
    }

    private func split(_ transmit: Transmit) -> [[UInt8]] {
        let size = transmit.segmentByteCount ?? transmit.byteCount
        return stride(from: 0, to: transmit.byteCount, by: max(size, 1)).map {
            Array(buffer[$0..<min($0 + size, transmit.byteCount)])
        }
    }

    private func deliver(_ flight: Flight) {
        if flight.client != nil, deaf.contains(flight.path.local) { return }
        guard !dead.contains(flight.client == nil ? flight.path.remote : flight.path.local) else { return }
        if let part = flight.stream { return deliver(flight, part) }
        flight.bytes.withUnsafeBytes { bytes in
            if let client = flight.client {
                clients[client].receive(bytes, path: flight.path, ecn: .notCapable, now: now)
            } else {
                server.receive(bytes, path: flight.path, ecn: .notCapable, now: now)
            }
        }
    }

    // MARK: Streams

    /// Whole, in order, and as late as datagrams. Where nothing passes, TCP breaks after a while; behind a NAT that has forgotten
    /// it, at once, by the server's RST.
    private func pumpStreams(of index: Int) {
        for (local, owner) in owners where owner == index && clients[index].usesStream(local) {
            var stream = streams[local] ?? HouseStream(rebound: rebound[local])
            while let write = clients[index].pollWrite(16_384, from: local, now: now) {
                if rebound[local] != stream.rebound {
                    stream.breaks = stream.breaks ?? now + delay + delay
                } else if dead.contains(local) {
                    stream.breaks = stream.breaks ?? now + Self.streamPatience
                } else {
                    launch(write, from: NetworkPath(local: Self.serverAddress, remote: local), client: nil)
                }
            }
            streams[local] = stream
        }
        // A stream of which the client knows no more is closed.
        for (local, owner) in owners where owner == index && streams[local]?.isClosed == false && clients[index].hasEnded(local) {
            streams[local]?.isClosed = true
            guard !dead.contains(local), rebound[local] == streams[local]?.rebound else { continue }
            launch(StreamWrite(bytes: [], isEnd: true), from: NetworkPath(local: Self.serverAddress, remote: local), client: nil)
        }
    }

    private func launch(_ write: StreamWrite, from path: NetworkPath, client: Int?) {
        if !write.bytes.isEmpty { flights.append(Flight(arrival: now + delay, bytes: write.bytes, path: path, client: client, stream: .bytes)) }
        if write.isEnd { flights.append(Flight(arrival: now + delay, bytes: [], path: path, client: client, stream: .end)) }
    }

    private func pumpServerStreams() {
        while server.pollReadyStream() != nil {}
        for (local, stream) in streams {
            guard let handle = stream.handle, let index = owners[local] else { continue }
            while let write = server.pollWrite(16_384, of: handle, now: now) {
                guard !dead.contains(local), rebound[local] == stream.rebound else { continue }
                launch(write, from: NetworkPath(local: local, remote: Self.serverAddress), client: index)
            }
        }
    }

    private func handleStreamTimeouts() {
        for (local, stream) in streams {
            guard let time = stream.breaks, time <= now, let index = owners[local] else { continue }
            streams[local]?.breaks = nil
            clients[index].streamEnded(at: local, now: now)
        }
    }

    private func deliver(_ flight: Flight, _ part: StreamPart) {
        let local = flight.client == nil ? flight.path.remote : flight.path.local
        guard var stream = streams[local] else { return }
        switch (flight.client, part) {
        case (let client?, .bytes): clients[client].receive(stream: flight.bytes, at: local, now: now)
        case (let client?, .end): clients[client].streamEnded(at: local, now: now)
        case (nil, .bytes):
            if let handle = stream.handle { return server.receive(flight.bytes, on: handle, now: now) }
            stream.request += flight.bytes
            streams[local] = stream
            answerStream(stream, local)
        case (nil, .end): if let handle = stream.handle { server.streamEnded(handle, now: now) }
        }
    }

    /// What HTTP would do.
    private func answerStream(_ stream: HouseStream, _ local: PeerAddress) {
        guard let index = owners[local], let head = WebSocketHead(stream.request), let upgrade = try? WebSocketUpgrade(fields: head.fields)
        else { return }
        let offer = StreamOffer(request: AttachRequest(resume: ResumeRequest(head.query)), form: upgrade.form, remoteAddress: local)
        let back = NetworkPath(local: local, remote: Self.serverAddress)
        switch server.acceptStream(offer, now: now) {
        case .success(let handle):
            streams[local]?.handle = handle
            launch(StreamWrite(bytes: upgrade.response, isEnd: false), from: back, client: index)
        case .failure(.resumeRefused(let refusal)):
            launch(StreamWrite(bytes: Array("HTTP/1.1 \(refusal.status) Refused\r\n\r\n".utf8), isEnd: true), from: back, client: index)
        case .failure: launch(StreamWrite(bytes: [], isEnd: true), from: back, client: index)
        }
    }

    // MARK: Talking

    /// Speaks `count` frames in real time and commits them.
    func speak(_ client: Int, frames count: Int, respond: Bool = true) {
        speak(client, 0..<count)
        clients[client].commit(now: now)
        if respond { clients[client].requestResponse(now: now) }
    }

    /// Speaks these frames in real time.
    func speak(_ client: Int, _ frames: Range<Int>) {
        for index in frames {
            clients[client].capture(payload: Self.payload(index), duration: .milliseconds(20), now: now)
            run(for: .milliseconds(20))
        }
    }

    /// CELT packets of 20 ms: they carry no copy of the frame before, so what is lost is missing.
    static func payload(_ index: Int) -> [UInt8] { [0xF8] + (0..<60).map { UInt8(truncatingIfNeeded: index &* 7 &+ $0) } }

    func receipts(_ client: Int) -> [Receipt] {
        notices[client].compactMap { if case .realtime(.receipt(let receipt)) = $0 { receipt } else { nil } }
    }

    func answers(_ client: Int) -> [[UInt8]] {
        notices[client].compactMap { if case .realtime(.answerFrame(let frame)) = $0 { frame.payload } else { nil } }
    }

    func isOpen(_ client: Int) -> Bool { notices[client].contains(.opened) }

    func close(_ client: Int) -> TransportClose? {
        for case .closed(let close) in notices[client] { return close }
        return nil
    }

    /// The tickets that a client was given.
    func tickets(_ client: Int) -> [SessionTicket] {
        notices[client].compactMap { if case .ticket(let ticket) = $0 { ticket } else { nil } }
    }

    func hasStopped(_ client: Int) -> Bool { notices[client].contains(.realtime(.outputStopped)) }
}

/// A client's WebSocket on its way to the server.
private struct HouseStream {
    /// The NAT's port when it was opened.
    let rebound: UInt16?
    var request: [UInt8] = []
    var handle: StreamHandle?
    /// When TCP tells its client that it is broken.
    var breaks: Instant?
    /// The client has closed it.
    var isClosed = false
}
