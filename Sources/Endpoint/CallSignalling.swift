package import Session
package import Wire

/// A WebRTC call that a client asks for by HTTP.
package struct CallOffer: Sendable {
    /// The offer as the body or the part `sdp` held it; nothing but its size was looked at.
    package var sdp: String
    package var request: AttachRequest
    /// The session that the client asks for; the session takes it before the client's own first event.
    package var proposal: SessionProposal?
    /// Where the HTTP request arrived: its IP is the host candidate unless one is configured.
    package var localAddress: PeerAddress?
    /// Who asked, for the limits on what one source may keep open.
    package var remoteAddress: PeerAddress?

    package init(
        sdp: String, request: AttachRequest = AttachRequest(), proposal: SessionProposal? = nil,
        localAddress: PeerAddress? = nil, remoteAddress: PeerAddress? = nil
    ) {
        self.sdp = sdp
        self.request = request
        self.proposal = proposal
        self.localAddress = localAddress
        self.remoteAddress = remoteAddress
    }
}

/// What a call was answered with.
package struct CallAnswer: Hashable, Sendable {
    /// `rtc_…`, the last segment of the resource's path.
    package var callID: String
    package var sdp: String
    /// The opaque tag of the ICE session (RFC 9725 section 4.3.1), without quotation marks.
    package var entityTag: String

    package init(callID: String, sdp: String, entityTag: String) {
        self.callID = callID
        self.sdp = sdp
        self.entityTag = entityTag
    }
}

/// What became of a PATCH (RFC 9725 section 4.3).
package enum CallPatchOutcome: Hashable, Sendable {
    /// The candidates were taken.
    case noContent
    /// ICE was restarted: our new credentials and candidates, and the tag of the new ICE session.
    case restarted(fragment: String, entityTag: String)
}

/// Why a call was not answered, changed or ended. HTTP turns each into its status.
package enum CallRefusal: Error, Hashable, Sendable {
    /// 400.
    case malformedOffer(code: String, message: String, param: String?)
    /// 401.
    case unauthorized(String)
    /// 503 with `Retry-After`.
    case full(retryAfterSeconds: Int)
    /// 503: the server is going away.
    case draining
    /// 404.
    case unknownCall
    /// 412: the tag is not the one of the present ICE session.
    case preconditionFailed
    /// 428: a request that changes the ICE session must name it.
    case preconditionRequired
    /// 404, 409 or 410: the token of a resume.
    case resumeRefused(ResumeRefusal)
    /// 422: understood, and not offered.
    case unsupported(String)
}

/// A secret for a client's page, and what is told with it.
package struct MintedSecret: Sendable {
    package var value: String
    package var expiresAtUnixSeconds: Int
    /// What a session opened by it begins with.
    package var session: SessionObject
}

/// How a server is, for `/healthz`.
package struct ServerStatus: Hashable, Sendable {
    package var isDraining: Bool
    package var connections: Int
    package var sessions: Int
    package var counters: ServerCounters

    package init(isDraining: Bool, connections: Int, sessions: Int, counters: ServerCounters) {
        self.isDraining = isDraining
        self.connections = connections
        self.sessions = sessions
        self.counters = counters
    }
}

// What HTTP asks of the endpoint. Like everything of it: on its own thread, with the time handed in.
extension ServerEndpoint {
    /// Answers a call: checks who asks, then opens it.
    package func answerCall(_ offer: CallOffer, now: Instant) -> Result<CallAnswer, CallRefusal> {
        guard !isDraining else { return .failure(.draining) }
        var offer = offer
        if let resume = offer.request.resume {
            if let refusal = resumeRefusal(of: resume) { return .failure(.resumeRefused(refusal)) }
            return openCall(offer, now: now)
        }
        switch authorize(offer.request.secret, now: now) {
        case .failure(let refusal): return .failure(refusal)
        case .success(let proposal):
            // What the call itself asks for stands above what its secret was made for.
            offer.proposal = offer.proposal ?? proposal
            offer.request.model = offer.request.model ?? offer.proposal?.model ?? proposal?.model
        }
        return openCall(offer, now: now)
    }

    // MARK: Secrets

    /// Whether a bearer gets in, and with which wishes of whoever made the secret.
    ///
    /// A token that looks like a client secret must be one, also where everybody gets in: its wishes would be lost silently.
    func authorize(_ token: String?, now: Instant) -> Result<SessionProposal?, CallRefusal> {
        if configuration.secret != nil, isServerSecret(token) { return .success(nil) }
        switch clientSecrets.standing(of: token ?? "", now: now) {
        case .valid(let proposal): return .success(proposal)
        case .invalid: return .failure(.unauthorized("The client secret has expired or is unknown: ask for a new one."))
        case .foreign: break
        }
        return isServerSecret(token) ? .success(nil) : .failure(.unauthorized("The secret is missing or wrong."))
    }

    /// Makes a secret for a client's page. Only the server's own secret may ask.
    package func mintClientSecret(
        bearer: String?, proposal: SessionProposal?, lifetimeSeconds: Int?, unixSeconds: Int, now: Instant
    ) -> Result<MintedSecret, CallRefusal> {
        guard !isDraining else { return .failure(.draining) }
        guard isServerSecret(bearer) else { return .failure(.unauthorized("The secret is missing or wrong.")) }
        var object: SessionObject
        do throws(EventError) {
            object = try previewSession(proposal)
        } catch {
            return .failure(.malformedOffer(code: error.code.text, message: error.message, param: error.param))
        }
        do throws(ClientSecrets.Refusal) {
            let (value, lifetime) = try clientSecrets.mint(
                for: proposal, lifetimeSeconds: lifetimeSeconds, now: now, entropy: &entropy)
            object.expiresAt = unixSeconds + lifetime
            return .success(MintedSecret(value: value, expiresAtUnixSeconds: unixSeconds + lifetime, session: object))
        } catch {
            switch error {
            case .full(let wait): return .failure(.full(retryAfterSeconds: Int(max(1, wait.nanoseconds / 1_000_000_000 + 1))))
            case .lifetimeOutOfRange(let range):
                return .failure(
                    .malformedOffer(
                        code: "invalid_value", message: "The lifetime lies between \(range.lowerBound) and \(range.upperBound) seconds.",
                        param: "expires_after.seconds"))
            }
        }
    }

    private func previewSession(_ proposal: SessionProposal?) throws(EventError) -> SessionObject {
        // Which transport the session will use is open yet: every mode may be asked for.
        let capabilities = Capabilities(transport: "any transport", modes: ReliabilityMode.allCases)
        return try (proposal ?? SessionProposal()).object(
            id: "sess_" + identifier(), configuration: configuration.session, capabilities: capabilities,
            limits: configuration.sessionLimits)
    }

    // MARK: Health

    package var status: ServerStatus {
        ServerStatus(
            isDraining: isDraining, connections: connectionCount, sessions: sessionCount,
            counters: counters)
    }
}
