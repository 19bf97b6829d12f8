import DTLS
import Endpoint
import NIOPosix
import QUIC
import RoQ
import Server
import WebRTC
import WebSocket
import WebTransport

// Tests on real sockets share one process, and its two or so threads for tasks, with those that reckon in virtual time for a minute.

/// Runs what waits for sockets or for tasks on a thread that may wait: the threads that run tasks are few.
func blocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await NIOThreadPool.singleton.runIfActive(body)
}

extension SignallingClient.Limits {
    /// The server's HTTP may not get a thread for long.
    static let patient = {
        var limits = SignallingClient.Limits()
        limits.time = .seconds(120)
        return limits
    }()
}

extension TalkScript {
    /// For tests in which nothing but the clip is of interest.
    static func patient(_ frames: [[UInt8]]) -> TalkScript {
        var script = TalkScript(frames: frames)
        script.limits.connect = .seconds(120)
        return script
    }
}

extension SessionWays {
    /// To a server on this machine, in any transport's plainest form.
    static func testing(host: String = "127.0.0.1", port: UInt16, trust: ClientTrust) throws -> SessionWays {
        let target = try TalkTarget("https://\(host):\(port)")
        let identity = try DTLSIdentity.selfSigned(.ecdsaP256, unixSeconds: Int(SystemClock.wallClockSeconds()))
        return SessionWays(target: target, trust: trust) { transport, local in
            switch transport {
            case .webtransport: return .webTransport(WebTransportClientConfiguration(authority: target.authority))
            case .roq: return .roq(RoQConfiguration())
            case .webrtc:
                var configuration = WebRTCClientConfiguration(identity: identity)
                configuration.candidates = [local]
                return .webRTC(configuration)
            case .websocket: return .webSocket(WebSocketClientConfiguration(authority: target.authority))
            }
        }
    }
}
