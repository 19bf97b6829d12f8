internal import DTLS
internal import Endpoint
internal import Lab
internal import QUIC
internal import RoQ
internal import Server
internal import Session
internal import WebRTC
internal import WebSocket
internal import WebTransport
internal import Wire

extension SessionWays {
    /// How a trial's client comes by its connections, each on a port of its own.
    /// - Parameters:
    ///   - remote: the server's address.
    ///   - local: the trial's own address.
    init(to remote: PeerAddress, from local: PeerAddress, mode: ReliabilityMode, identity: DTLSIdentity, policy: ReconnectPolicy) throws {
        self.init(target: try TalkTarget("https://\(remote)"), trust: .insecure, silence: policy.silence) { transport, local in
            switch transport {
            case .webtransport: return .webTransport(WebTransportClientConfiguration(authority: "\(remote)"))
            case .roq: return .roq(RoQConfiguration())
            case .webrtc:
                var configuration = WebRTCClientConfiguration(identity: identity)
                configuration.candidates = [local]
                return .webRTC(configuration)
            case .websocket: return .webSocket(WebSocketClientConfiguration(authority: "\(remote)"))
            }
        }
        self.local = local
        firstTime = TrialSettings.setupPatience
        callTime = policy.patience
        // Frames are captured at their ticks, and not a millisecond later.
        limits.timerStep = .microseconds(50)
        callSession = { CallSession(mode: mode).json(resume: $0) }
    }
}

extension TalkTransport {
    init(_ transport: TrialTransport) {
        switch transport {
        case .webTransport: self = .webtransport
        case .roq: self = .roq
        case .webRTC: self = .webrtc
        case .webSocket: self = .websocket
        }
    }
}
