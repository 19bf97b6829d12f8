package import Endpoint
package import QUIC
package import Wire

/// How a conversation comes by another connection in mid-session: where to, and what to speak there.
package struct TalkWays: Sendable {
    package var target: TalkTarget
    /// Whom streams and calls trust.
    package var trust: ClientTrust
    /// After so long without a sign of the peer's a stream counts as broken: the session then has another way to go on. `nil` leaves
    /// it to the kernel.
    package var silence: Duration?
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

    /// Where calls are asked for.
    package var signalling: SignallingClient { SignallingClient(target: target, trust: trust) }
}
