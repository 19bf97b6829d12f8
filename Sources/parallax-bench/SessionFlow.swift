internal import DTLS
internal import Endpoint
internal import QUIC
internal import RoQ
internal import Server
internal import Session
internal import WebRTC
internal import WebTransport
internal import Wire

/// A session of ours as load: each frame that the server returns is an echo.
final class SessionFlow: LoadFlow {
    /// What a flow speaks; the words of `--transport`.
    enum Wire: String, CaseIterable {
        case webrtc, webtransport, roq
    }

    private let client: ClientEndpoint
    private let frameByteCount: Int
    private(set) var isReady = false
    /// Closing has begun on the wire: before that the connection waits until the server has what was sent.
    var isOver: Bool { client.isClosing }

    /// One certificate for all clients of WebRTC: making it is no part of a session.
    private static let identity = Result {
        try DTLSIdentity.selfSigned(.ecdsaP256, unixSeconds: Int(SystemClock.wallClockSeconds()))
    }

    /// - Parameter httpPort: where the server answers calls.
    /// - Throws: where WebRTC's call was not answered.
    init(
        _ wire: Wire, mode: ReliabilityMode, frameByteCount: Int, httpPort: UInt16?, path: NetworkPath, now: Instant
    ) throws {
        // One byte for the TOC, eight for the time.
        self.frameByteCount = max(9, frameByteCount)
        let transport: ClientTransport =
            switch wire {
            case .roq: .roq(RoQConfiguration())
            case .webrtc: .webRTC(WebRTCClientConfiguration(identity: try Self.identity.get()))
            case .webtransport: .webTransport(WebTransportClientConfiguration(authority: "localhost:\(path.remote.port)"))
            }
        var configuration = ClientConfiguration()
        configuration.mode = mode
        // Nothing is committed: no hash is wanted.
        configuration.sendsManifest = false
        configuration.keepsAnswerReceipts = false
        configuration.keepsSent = false
        client = ClientEndpoint(
            transport: transport, serverName: "localhost", credentials: ClientCredentials(.insecure),
            quic: QUICConfiguration(), client: configuration, path: path, entropy: .system, now: now)
        self.path = path
        guard let offer = client.offer else { return }
        let answer = try CallRequest(offer: offer).send(toPort: httpPort ?? 0)
        try client.accept(answer: answer, path: path, now: monotonicNow())
    }

    private let path: NetworkPath

    var deadline: Instant? { client.deadline }

    func offer(_ frameCount: Int, now: Instant) {
        for _ in 0..<frameCount {
            // An Opus packet of 20 ms by its first byte (SILK, narrowband); nobody decodes the rest.
            let payload = [UInt8](unsafeUninitializedCapacity: frameByteCount) { buffer, count in
                buffer.initialize(repeating: 0)
                buffer[0] = 0x08
                UnsafeMutableRawBufferPointer(buffer).storeBytes(of: now.nanoseconds, toByteOffset: 1, as: UInt64.self)
                count = frameByteCount
            }
            client.capture(payload: payload, duration: .milliseconds(20), now: now)
        }
    }

    func receive(_ datagram: UnsafeRawBufferPointer, echoes: inout EchoTally, now: Instant) {
        client.receive(datagram, path: path, ecn: .notCapable, now: now)
        readNotices(&echoes, now: now)
    }

    func handleTimeout(now: Instant) {
        client.handleTimeout(now: now)
        var none = EchoTally()
        readNotices(&none, now: now)
    }

    func pollTransmit(
        into buffer: UnsafeMutableRawBufferPointer, now: Instant
    ) -> (byteCount: Int, segmentByteCount: Int?)? {
        client.pollTransmit(into: buffer, now: now).map { ($0.byteCount, $0.segmentByteCount) }
    }

    func close(now: Instant) { client.close(now: now) }

    private func readNotices(_ echoes: inout EchoTally, now: Instant) {
        while let notice = client.pollNotice() {
            switch notice {
            case .realtime(.answerFrame(let frame)):
                guard frame.payload.count >= 9 else { continue }
                let offered = frame.payload.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 1, as: UInt64.self) }
                echoes.record(offeredAt: offered, now: now)
            case .realtime(.sessionUpdated): isReady = true
            case .opened, .realtime, .frameRefused, .draining, .attachmentWanted, .attachmentFailed, .ticket, .closed: break
            }
        }
    }
}
