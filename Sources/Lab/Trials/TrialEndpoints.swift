import DTLS
import Endpoint
import Opus
import QUIC
import Responder
import RoQ
import Session
import WebRTC
import WebSocket
import WebTransport
import Wire

/// The transports of a trial, by the names that plans and rows have for them.
package enum TrialTransport: String, CaseIterable, Sendable {
    case webTransport = "webtransport"
    case roq
    case webRTC = "webrtc"
    case webSocket = "websocket"

    /// Whether a C library in it asks the operating system what time it is.
    var needsClock: Bool { self == .webRTC }

    /// The modes that it can carry.
    var modes: [ReliabilityMode] { self == .webSocket ? [.stream] : ReliabilityMode.allCases }
}

/// What the ends of a trial are known by. Signatures of one length, so that sizes repeat from run to run; no client
/// checks the date.
struct TrialCredentials: Sendable {
    let quic: ServerCredentials
    let dtls: DTLSIdentity

    private static let unixSeconds = 1_767_225_600

    init() throws(SweepError) {
        do {
            quic = try .selfSigned(.ed25519, unixSeconds: Self.unixSeconds)
            dtls = try .selfSigned(.ed25519, unixSeconds: Self.unixSeconds)
        } catch {
            throw .credentials(String(describing: error))
        }
    }
}

extension SignallingServer {
    /// The server of a trial: it answers with the first second of the clip.
    /// - Parameter earlyDataSecret: makes its tickets; it gives none where there is no secret.
    convenience init(_ plan: TrialPlan, clip: Clip, credentials: TrialCredentials, earlyDataSecret: [UInt8]? = nil) {
        var configuration = ServerConfiguration(credentials: credentials.quic)
        let answerFrames = Int(TrialSettings.answerDuration.nanoseconds / max(1, clip.frameDuration.nanoseconds))
        configuration.responder = .script(
            packets: Array(clip.frames.prefix(answerFrames)), thinkTime: TrialSettings.thinkTime)
        configuration.session.keepsAccounts = true
        configuration.webRTC = WebRTCServerConfiguration(identity: credentials.dtls)
        if let earlyDataSecret {
            var early = EarlyDataConfiguration()
            early.secret = earlyDataSecret
            configuration.earlyData = early
        }
        self.init(
            ServerEndpoint(configuration: configuration, entropy: Entropy(seed: plan.seed.server), now: .zero),
            clock: KernelClock(seed: plan.seed.value))
    }
}

extension SignallingClient {
    /// The client of a trial, which begins to connect. It goes on with its session when it loses its connection.
    convenience init(
        _ plan: TrialPlan, transport: TrialTransport, talker: ClientConfiguration, credentials: TrialCredentials,
        tickets: TicketWallet? = nil
    ) {
        self.init(
            transport: transport, talker: talker, credentials: credentials, reconnect: ReconnectPolicy(), tickets: tickets,
            entropy: Entropy(seed: plan.seed.client), clock: KernelClock(seed: plan.seed.value), now: .zero)
    }
}

extension TrialTransport {
    /// - Parameters:
    ///   - form: what WebSocket's messages hold.
    ///   - local: a call's offer names it, as that of a client on a socket does.
    func client(_ credentials: TrialCredentials, form: WebSocketForm = .rtp, local: PeerAddress) -> ClientTransport {
        switch self {
        case .webTransport: return .webTransport(WebTransportClientConfiguration(authority: "localhost"))
        case .roq: return .roq(RoQConfiguration())
        case .webRTC: return .webRTC(Self.call(credentials, local: local))
        case .webSocket:
            var configuration = WebSocketClientConfiguration(authority: "localhost")
            configuration.form = form
            return .webSocket(configuration)
        }
    }

    private static func call(_ credentials: TrialCredentials, local: PeerAddress) -> WebRTCClientConfiguration {
        var configuration = WebRTCClientConfiguration(identity: credentials.dtls)
        configuration.candidates = [local]
        return configuration
    }
}
