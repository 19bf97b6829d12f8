import Session
import WebSocket
import Wire

/// Both ends over a stream that takes everything at once; the server's half of the opening handshake is done here.
final class WebSocketPair {
    let client: WebSocketTransport
    private(set) var server: WebSocketTransport?
    private(set) var clientEvents: [TransportEvent] = []
    private(set) var serverEvents: [TransportEvent] = []
    private(set) var clientStreamEnded = false
    private(set) var serverStreamEnded = false
    var now = Instant(nanoseconds: 1_000_000_000)
    /// Whether the client's stream takes what the server has to write.
    var clientReads = true
    private var request: [UInt8] = []
    private let limits: WebSocketLimits

    init(_ form: WebSocketForm, limits: WebSocketLimits = WebSocketLimits()) {
        var configuration = WebSocketClientConfiguration(authority: "localhost")
        configuration.form = form
        configuration.limits = limits
        self.limits = limits
        client = WebSocketTransport(
            connectingWith: configuration, remote: PeerAddress(ipv4: 127, 0, 0, 1, port: 443), entropy: Entropy(seed: 1), now: now)
        pump()
    }

    /// Moves bytes until neither has more.
    func pump() {
        while step() {}
    }

    private func step() -> Bool {
        var moved = false
        while let write = client.pollWrite(65_536, now: now) {
            moved = true
            deliver(write)
        }
        if let server, clientReads {
            while let write = server.pollWrite(65_536, now: now) {
                moved = true
                if !write.bytes.isEmpty { client.receive(write.bytes, now: now) }
                if write.isEnd {
                    serverStreamEnded = true
                    client.streamEnded(now: now)
                }
            }
        }
        while let event = client.pollEvent() {
            moved = true
            clientEvents.append(event)
        }
        while let event = server?.pollEvent() {
            moved = true
            serverEvents.append(event)
            if case .requested = event { server?.accept() }
        }
        return moved
    }

    private func deliver(_ write: StreamWrite) {
        if let server {
            if !write.bytes.isEmpty { server.receive(write.bytes, now: now) }
            if write.isEnd {
                clientStreamEnded = true
                server.streamEnded(now: now)
            }
            return
        }
        request += write.bytes
        guard let head = WebSocketHead(request), let upgrade = try? WebSocketUpgrade(fields: head.fields) else { return }
        var configuration = WebSocketServerConfiguration()
        configuration.limits = limits
        server = WebSocketTransport(
            serving: AttachRequest(secret: upgrade.secret), form: upgrade.form, remote: PeerAddress(ipv4: 127, 0, 0, 1, port: 9),
            configuration: configuration, entropy: Entropy(seed: 2), now: now)
        client.receive(upgrade.response, now: now)
    }

    func pass(_ time: Duration) {
        let end = now + time
        pump()
        while true {
            guard let next = earliest(client.deadline, server?.deadline), next <= end else { break }
            now = max(now, next)
            if let deadline = client.deadline, deadline <= now { client.handleTimeout(now: now) }
            if let server, let deadline = server.deadline, deadline <= now { server.handleTimeout(now: now) }
            pump()
        }
        now = end
        pump()
    }

    /// A text message of a stranger's to the server.
    func say(_ json: String) {
        try? client.send(event: Array(json.utf8))
        pump()
    }

    var frames: [MediaFrame] { serverEvents.compactMap { if case .frame(let frame) = $0 { frame } else { nil } } }
    var answerFrames: [MediaFrame] { clientEvents.compactMap { if case .frame(let frame) = $0 { frame } else { nil } } }
    var texts: [String] {
        clientEvents.compactMap { if case .event(let bytes) = $0 { String(decoding: bytes, as: UTF8.self) } else { nil } }
    }
    static func close(in events: [TransportEvent]) -> TransportClose? {
        for case .closed(let close) in events { return close }
        return nil
    }
}
