package import Endpoint
package import Wire

/// How a conversation comes by another connection in mid-session: where to, and what to speak there.
package struct TalkWays: Sendable {
    package var target: TalkTarget
    /// Where calls are asked for.
    package var signalling: SignallingClient
    /// - Parameter local: the address of the socket, which WebRTC names as its candidate.
    package var makeTransport: @Sendable (_ transport: TalkTransport, _ local: PeerAddress) throws -> ClientTransport

    package init(
        target: TalkTarget, signalling: SignallingClient,
        makeTransport: @escaping @Sendable (_ transport: TalkTransport, _ local: PeerAddress) throws -> ClientTransport
    ) {
        self.target = target
        self.signalling = signalling
        self.makeTransport = makeTransport
    }
}
