internal import Endpoint
internal import Session

/// Answers every request: routes, cross-origin fields, errors as JSON. It knows no socket and no version of HTTP.
package struct HTTPService: Sendable {
    let desk: CallDesk
    /// `nil` where no streams are taken.
    let streams: StreamDesk?
    let offer: TransportOffer
    let limits: HTTPLimits

    package init(desk: CallDesk, streams: StreamDesk? = nil, offer: TransportOffer, limits: HTTPLimits = HTTPLimits()) {
        self.desk = desk
        self.streams = streams
        self.offer = offer
        self.limits = limits
    }

    package func answer(_ call: HTTPCall) async -> HTTPAnswer {
        do throws(HTTPError) {
            return opened(try await route(call), to: call)
        } catch {
            return refuse(call, error)
        }
    }

    /// An error before there is a whole request, with all that an error needs.
    func refuse(_ call: HTTPCall, _ error: HTTPError) -> HTTPAnswer { opened(error.answer, to: call) }

    private func opened(_ answer: HTTPAnswer, to call: HTTPCall) -> HTTPAnswer {
        var answer = answer
        // A preflight's `Vary` says more.
        let vary = answer["Vary"]
        HTTPCrossOrigin.open(&answer, to: call)
        if let vary { answer["Vary"] = vary }
        // Answers hold secrets and descriptions of one call.
        answer["Cache-Control"] = "no-store"
        return answer
    }

    private func route(_ call: HTTPCall) async throws(HTTPError) -> HTTPAnswer {
        guard let route = HTTPRoute(path: call.path) else {
            // A preflight that fails hides the error from the page: let it ask, and hear that there is nothing.
            if call.method == "OPTIONS" { return options(call, methods: ["OPTIONS"], fields: []) }
            throw .notFound
        }
        if call.method == "OPTIONS" { return options(call, methods: route.allowedMethods, fields: route.acceptFields) }
        guard route.allowedMethods.contains(call.method) else {
            throw .methodNotAllowed(call.method, allowed: route.allowedMethods)
        }
        switch route {
        case .health: return await health()
        case .transports: return HTTPAnswer(json: offer.document(for: call))
        case .clientSecrets: return try await mintClientSecret(call)
        case .calls(let path): return try await makeCall(call, path: path)
        case .call(let id): return call.method == "PATCH" ? try await patch(call, id: id) : try await hangUp(id)
        case .hangUp(let id): return try await hangUp(id)
        case .telephoneVerb(let verb):
            throw HTTPError(404, "unsupported_endpoint", "There are no calls by telephone here, so none to \(verb).")
        case .server: return options(call, methods: route.allowedMethods, fields: [])
        // Whoever could be taken in was: `openStream` comes before.
        case .realtime: throw .upgradeRequired
        }
    }

    private func options(_ call: HTTPCall, methods: [String], fields: [HTTPAnswer.Field]) -> HTTPAnswer {
        var answer = HTTPAnswer(status: 200)
        answer["Allow"] = methods.joined(separator: ", ")
        answer.fields += fields
        HTTPCrossOrigin.grant(&answer, to: call, methods: methods)
        return answer
    }

    /// 503 tells a load balancer to send nobody more.
    private func health() async -> HTTPAnswer {
        struct Body: Encodable {
            var status: String
            var connections: Int
            var sessions: Int
            var sessionsOpened: Int
            var framesDropped: Int

            private enum CodingKeys: String, CodingKey {
                case status, connections, sessions, sessionsOpened = "sessions_opened", framesDropped = "frames_dropped"
            }
        }
        guard let status = await desk.status() else { return HTTPError(CallRefusal.draining).answer }
        return HTTPAnswer(
            status: status.isDraining ? 503 : 200,
            json: Body(
                status: status.isDraining ? "draining" : "ok", connections: status.connections, sessions: status.sessions,
                sessionsOpened: status.counters.sessionsOpened, framesDropped: status.counters.framesDropped))
    }
}
