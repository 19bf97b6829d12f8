package import Endpoint
package import Session

/// What the routes ask of the endpoint, as functions, so that they are tried without one.
package struct CallDesk: Sendable {
    package var answer: @Sendable (CallOffer) async -> Result<CallAnswer, CallRefusal>
    /// A call's id, the SDP fragment, and what `If-Match` names.
    package var patch: @Sendable (_ id: String, _ fragment: String, _ ifMatch: String?) async -> Result<CallPatchOutcome, CallRefusal>
    package var hangUp: @Sendable (_ id: String) async -> Result<Void, CallRefusal>
    package var mint:
        @Sendable (_ bearer: String?, _ proposal: SessionProposal?, _ lifetimeSeconds: Int?) async -> Result<MintedSecret, CallRefusal>
    /// `nil` when the endpoint is gone.
    package var status: @Sendable () async -> ServerStatus?

    package init(
        answer: @escaping @Sendable (CallOffer) async -> Result<CallAnswer, CallRefusal>,
        patch: @escaping @Sendable (String, String, String?) async -> Result<CallPatchOutcome, CallRefusal>,
        hangUp: @escaping @Sendable (String) async -> Result<Void, CallRefusal>,
        mint: @escaping @Sendable (String?, SessionProposal?, Int?) async -> Result<MintedSecret, CallRefusal>,
        status: @escaping @Sendable () async -> ServerStatus?
    ) {
        self.answer = answer
        self.patch = patch
        self.hangUp = hangUp
        self.mint = mint
        self.status = status
    }
}

extension CallDesk {
    /// Asks the endpoint behind a socket, on its loop. When the loop is gone the server is going away.
    init(_ driver: DatagramDriver<ServerEndpoint>) {
        self.init(
            answer: { offer in
                await driver.reply { endpoint, now in endpoint.answerCall(offer, now: now) } ?? .failure(.draining)
            },
            patch: { id, fragment, ifMatch in
                await driver.reply { endpoint, now in endpoint.patchCall(id: id, fragment: fragment, ifMatch: ifMatch, now: now) }
                    ?? .failure(.draining)
            },
            hangUp: { id in
                await driver.reply { endpoint, now in endpoint.hangUpCall(id: id, now: now) } ?? .failure(.draining)
            },
            mint: { bearer, proposal, lifetimeSeconds in
                let unixSeconds = Int(SystemClock.wallClockSeconds())
                return await driver.reply { endpoint, now in
                    endpoint.mintClientSecret(
                        bearer: bearer, proposal: proposal, lifetimeSeconds: lifetimeSeconds, unixSeconds: unixSeconds, now: now)
                } ?? .failure(.draining)
            },
            status: { await driver.reply { endpoint, _ in endpoint.status } })
    }
}
