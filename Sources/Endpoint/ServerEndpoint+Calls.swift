internal import ICE
internal import Responder
internal import Session
internal import WebRTC
package import Wire

// WebRTC calls: HTTP brings the offer, and the answer names what connectivity checks must say to find the call.

extension ServerEndpoint {
    func openCall(_ offer: CallOffer, now: Instant) -> Result<CallAnswer, CallRefusal> {
        guard let settings = configuration.webRTC else { return .failure(.unsupported("This server speaks no WebRTC.")) }
        let source = offer.remoteAddress ?? PeerAddress(high: 0, low: 0, port: 0)
        guard hasRoom(for: source) else {
            counters.connectionsRefused += 1
            return .failure(.full(retryAfterSeconds: 1))
        }
        let candidates = candidates(settings, arrival: offer.localAddress)
        guard !candidates.isEmpty else {
            return .failure(.unsupported("The server knows no address of its own for media: start it with --advertise."))
        }
        let peer: WebRTCPeer
        do throws(WebRTCRefusal) {
            peer = try WebRTCPeer(
                answering: offer.sdp, with: settings.connection, credentials: ufrags.make(at: configuration.place, entropy: &entropy),
                candidates: candidates, wishes: MediaWishes(mode(of: offer)), entropy: entropy.fork(), now: now)
        } catch {
            return .failure(.malformedOffer(code: error.code, message: error.description, param: "sdp"))
        }
        let connection = ServedConnection(carrier: .webRTC(peer), source: source.host)
        connection.transport = .webRTC(peer)
        connection.call = Call(id: "rtc_" + identifier(), offer: offer)
        let slot = insert(connection, route: nil)
        if let call = connection.call { calls[call.id] = slot }
        serve(slot, connection, now: now)
        return .success(CallAnswer(callID: connection.call?.id ?? "", sdp: peer.answer, entityTag: peer.entityTag))
    }

    /// The mode that the proposed session names, or has where it is resumed: the answer offers what it needs.
    private func mode(of offer: CallOffer) -> ReliabilityMode {
        if let named = offer.proposal?.update.mode.value.flatMap({ ReliabilityMode(rawValue: $0) }) { return named }
        return offer.request.resume.flatMap { mode(ofSession: $0) } ?? configuration.session.mode
    }

    /// Our host candidates: those that are configured, or the address at which HTTP was reached.
    private func candidates(_ settings: WebRTCServerConfiguration, arrival: PeerAddress?) -> [PeerAddress] {
        if !settings.candidates.isEmpty { return settings.candidates }
        guard var address = arrival else { return [] }
        if settings.port != 0 { address.port = settings.port }
        return [address]
    }

    private func call(_ id: String) -> (slot: Int, connection: ServedConnection, peer: WebRTCPeer)? {
        guard let slot = calls[id], let connection = connections[slot], case .webRTC(let peer) = connection.carrier else { return nil }
        return (slot, connection, peer)
    }

    /// Candidates or a restart (RFC 9725 section 4.3).
    /// - Parameter ifMatch: `*` or a tag without its quotation marks, as `If-Match` named it.
    package func patchCall(id: String, fragment: String, ifMatch: String?, now: Instant) -> Result<CallPatchOutcome, CallRefusal> {
        guard let (slot, connection, peer) = call(id) else { return .failure(.unknownCall) }
        // Section 4.3.1: a request that changes the ICE session names it, or says that any will do.
        guard let ifMatch else { return .failure(.preconditionRequired) }
        guard ifMatch == "*" || ifMatch == peer.entityTag else { return .failure(.preconditionFailed) }
        do throws(WebRTCRefusal) {
            let outcome = try peer.patch(
                fragment: fragment, credentials: ufrags.make(at: configuration.place, entropy: &entropy))
            serve(slot, connection, now: now)
            switch outcome {
            case .candidates: return .success(.noContent)
            case .restarted(let fragment): return .success(.restarted(fragment: fragment, entityTag: peer.entityTag))
            }
        } catch {
            return .failure(.malformedOffer(code: error.code, message: error.description, param: nil))
        }
    }

    package func hangUpCall(id: String, now: Instant) -> Result<Void, CallRefusal> {
        guard let (slot, connection, _) = call(id) else { return .failure(.unknownCall) }
        connection.transport?.close(code: 0, reason: "the client hung up", now: now)
        serve(slot, connection, now: now)
        return .success(())
    }

    /// Whether there is such a call, for GET on its resource.
    package func hasCall(id: String) -> Bool { calls[id] != nil }
}

extension MediaWishes {
    fileprivate init(_ mode: ReliabilityMode) {
        self.init()
        red = mode == .red
        nack = mode == .nack || mode == .repair
        inbandFEC = mode == .fec
    }
}

/// A WebRTC call between its answer and its end.
struct Call {
    let id: String
    let offer: CallOffer
}
