package import Endpoint
internal import NIOCore
package import QUIC
package import Session
package import Wire

/// How the client of a session comes by its connections: where to and from where, what to speak there, and how long it waits.
package struct SessionWays: Sendable {
    package var target: TalkTarget
    /// Whom streams and calls trust.
    package var trust: ClientTrust
    /// The address to connect from, with port 0 for any; the kernel chooses where it is `nil`.
    package var local: PeerAddress?
    /// How long TCP, or a call, may take for the first connection. How long it may take for each later one, the client says.
    package var firstTime = Duration.seconds(10)
    /// How long a later call is waited for at most, if the client has not given it up by then.
    package var callTime = ReconnectPolicy().patience
    /// After so long without a sign of the peer's a stream counts as broken: the session then has another way to go on. `nil` leaves
    /// it to the kernel.
    package var silence: Duration?
    package var limits = DriverLimits()
    /// What a call shows as its bearer.
    package var secret: String?
    /// What a call shall be, as JSON. Where it is `nil` the offer is posted alone, and the query names a session that goes on.
    package var callSession: (@Sendable (_ resume: ResumeRequest?) -> String)?
    /// - Parameter local: the address of the socket, which WebRTC names as its candidate.
    package var makeTransport: @Sendable (_ transport: TalkTransport, _ local: PeerAddress) throws -> ClientTransport

    package init(
        target: TalkTarget, trust: ClientTrust, silence: Duration? = nil,
        makeTransport: @escaping @Sendable (_ transport: TalkTransport, _ local: PeerAddress) throws -> ClientTransport
    ) {
        self.target = target
        self.trust = trust
        self.silence = silence
        self.makeTransport = makeTransport
    }

    /// Places a call.
    /// - Returns: the answer's SDP, or a `SignallingFailure`.
    func call(_ offer: String, resume: ResumeRequest?, within time: Duration, on loop: any EventLoop) -> EventLoopFuture<String> {
        var limits = SignallingClient.Limits()
        limits.time = time
        let signalling = SignallingClient(target: target, trust: trust, limits: limits, local: local)
        let session = callSession?(resume)
        var path = target.callPath
        if session == nil, let resume { path += (path.contains("?") ? "&" : "?") + resume.query }
        return loop.makeFutureWithTask { [path, secret] in
            try await signalling.call(offer: offer, session: session, path: path, bearer: secret).sdp
        }
    }
}
