internal import DTLS
package import ICE
internal import SCTP
internal import SDP
package import Session
package import Wire

// Offer and answer: what has to be agreed on before the first datagram.

extension WebRTCPeer {
    /// The server's end of a call, which an offer begins.
    ///
    /// It is an ICE-lite agent and the passive side of DTLS, so that the client's first check and its ClientHello may travel
    /// together.
    /// - Parameters:
    ///   - credentials: what connectivity checks must name.
    ///   - candidates: where the client can send them.
    ///   - wishes: what the answer asks the client for.
    /// - Throws: `WebRTCRefusal` for an offer that cannot be answered.
    package convenience init(
        answering offer: String, with configuration: WebRTCConfiguration, credentials: ICECredentials,
        candidates: [PeerAddress], wishes: MediaWishes, entropy: Entropy, now: Instant
    ) throws(WebRTCRefusal) {
        self.init(
            configuration: configuration, isServer: true, credentials: credentials, firstDelivery: .datagram, entropy: entropy)
        do throws(SDPRefusal) {
            let remote = try WebRTCDescription(parsing: offer, kind: .offer)
            let local = localDescription(
                isLite: true, candidates: candidates, wantsInbandFEC: wishes.inbandFEC,
                sctpInit: remote.data?.sctpInit == nil ? nil : initiation(now: now))
            var parameters = AnswerParameters(local: local)
            parameters.wantsRED = wishes.red
            parameters.wantsNACK = wishes.nack
            answer = try SDP.answer(to: remote, with: parameters)
            // The answer leaves to us what the offer leaves open.
            agree(to: remote, dtlsRole: remote.setup == .passive ? .client : .server, now: now)
        } catch {
            throw WebRTCRefusal(error)
        }
        keep(.lite(ICELiteAgent(local: credentials, remote: agreement?.remote, limits: configuration.ice, now: now)))
        routeChanges.append(.named(ufrag: credentials.ufrag))
        try startSecurity()
    }

    /// The client's end: `offer` is what must be posted, and `accept(answer:)` what begins the connection.
    /// - Parameter delivery: how its frames will be carried first; the connection says `opened` when that can begin.
    package convenience init(offeringWith settings: WebRTCClientConfiguration, delivery: Delivery, entropy: Entropy, now: Instant) {
        var entropy = entropy
        self.init(
            configuration: settings.connection, isServer: false, credentials: ICECredentials(entropy: &entropy),
            firstDelivery: delivery, entropy: entropy)
        var parameters = OfferParameters(
            local: localDescription(isLite: false, candidates: settings.candidates, wantsInbandFEC: true, sctpInit: initiation(now: now)))
        parameters.prefersRED = if case .redundant = delivery { true } else { false }
        offer = SDP.offer(parameters)
    }

    /// Client: the server's answer has come; connectivity checks begin.
    /// - Parameter path: from here to the server. Its remote address is checked when the answer names no candidate.
    /// - Throws: `WebRTCRefusal` for an answer that is no use; the peer is then closed.
    package func accept(answer: String, path: NetworkPath, now: Instant) throws(WebRTCRefusal) {
        guard case .offering = state else { return }
        do throws(SDPRefusal) {
            let remote = try WebRTCDescription(parsing: answer, kind: .answer)
            try remote.check(answering: WebRTCDescription(parsing: offer, kind: .offer))
            agree(to: remote, dtlsRole: remote.setup == .active ? .server : .client, now: now)
        } catch {
            abandon(reason: error.message, now: now)
            throw WebRTCRefusal(error)
        }
        guard var agreement else { return }
        if agreement.candidates.isEmpty { agreement.candidates = [path.remote] }
        self.agreement = agreement
        self.answer = answer
        self.path = NetworkPath(local: path.local, remote: agreement.candidates.first ?? path.remote)
        state = .connecting
        keep(
            .full(
                ICEControllingAgent(
                    local: localCredentials, remote: agreement.remote, candidates: agreement.candidates,
                    limits: configuration.ice, entropy: entropy.fork(), now: now)))
        try startSecurity()
        // A lite server takes the first check for consent, so the handshake may travel with it; a full agent would drop what
        // comes before its own checks are done.
        if agreement.isRemoteLite { dtls?.start(now: now) }
        handleTimeout(now: now)
    }

    /// Where an answer wants the first datagrams: what a driver must know before it opens a socket.
    /// - Throws: `WebRTCRefusal` for what is no answer, or names no address.
    package static func firstCandidate(ofAnswer answer: String) throws(WebRTCRefusal) -> PeerAddress {
        let addresses: [PeerAddress]
        do throws(SDPRefusal) {
            addresses = try WebRTCDescription(parsing: answer, kind: .answer).usableAddresses
        } catch {
            throw WebRTCRefusal(error)
        }
        guard let first = addresses.first else {
            throw WebRTCRefusal(code: "sdp_without_candidates", description: "the answer names no address for media")
        }
        return first
    }

    private func startSecurity() throws(WebRTCRefusal) {
        guard let agreement else { return }
        do throws(DTLSFailure) {
            dtls = try DTLSSession(
                role: agreement.dtlsRole, identity: configuration.identity, peerFingerprints: agreement.fingerprints,
                configuration: configuration.dtls)
        } catch {
            throw WebRTCRefusal(code: "dtls", description: error.description)
        }
    }

    private func agree(to remote: WebRTCDescription, dtlsRole: DTLSRole, now: Instant) {
        agreement = Agreement(remote, dtlsRole: dtlsRole)
        guard let audio = agreement?.audio else { return }
        sender = MediaSender(
            ssrc: ssrc, payloadType: audio.payloadType, redPayloadType: audio.redPayloadType,
            limits: configuration.limits.sentPackets)
        receiver = MediaReceiver(
            payloadType: audio.payloadType, redPayloadType: audio.redPayloadType, limits: configuration.limits.missing,
            reorderAllowance: configuration.reorderAllowance)
        // The server's session begins later.
        if !isServer { receiver?.askForLost(within: patience, now: now) }
    }

    private func localDescription(isLite: Bool, candidates: [PeerAddress], wantsInbandFEC: Bool, sctpInit: [UInt8]?) -> LocalDescription {
        let fingerprint = configuration.identity.fingerprint
        var local = LocalDescription(
            sessionID: UInt64(ssrc),
            ice: ICEParameters(ufrag: localCredentials.ufrag, password: localCredentials.password, isLite: isLite),
            candidates: candidates, fingerprint: Fingerprint(algorithm: fingerprint.algorithm, digest: fingerprint.digest),
            ssrc: ssrc, cname: canonicalName)
        local.opus.usesInbandFEC = wantsInbandFEC
        local.maxMessageSize = UInt64(configuration.sctp.limits.messageByteCount)
        local.sctpInit = sctpInit
        return local
    }

    /// Our SCTP INIT chunk for the description; the association exists from then on and sends nothing before DTLS is up.
    private func initiation(now: Instant) -> [UInt8]? {
        guard configuration.negotiatesSCTP else { return nil }
        let association = SCTPAssociation(configuration: configuration.sctp, isClient: !isServer)
        self.association = association
        return association.initiationChunk(now: now)
    }

    // MARK: Trickle and restart

    /// What became of a fragment.
    package enum PatchOutcome: Hashable, Sendable {
        /// The candidates were taken: a lite agent needs none.
        case candidates
        /// ICE has begun anew; the fragment names our new credentials.
        case restarted(fragment: String)
    }

    /// The opaque name of the present ICE session (RFC 9725 section 4.3.1).
    package var entityTag: String { localCredentials.ufrag }

    /// Server: takes the body of a PATCH (RFC 8840 section 9).
    /// - Parameter credentials: for a restart, which a new ufrag or password of the client's asks for.
    package func patch(fragment: String, credentials: @autoclosure () -> ICECredentials) throws(WebRTCRefusal) -> PatchOutcome {
        let patch: TrickleFragment
        do throws(SDPRefusal) {
            patch = try TrickleFragment(parsing: fragment)
        } catch {
            throw WebRTCRefusal(error)
        }
        guard case .lite(var lite) = agent, let ufrag = patch.ufrag, let password = patch.password else { return .candidates }
        let remote = ICECredentials(ufrag: ufrag, password: password)
        guard remote != lite.remote else { return .candidates }
        let local = credentials()
        routeChanges.append(.named(ufrag: local.ufrag))
        if let former = formerUfrag { routeChanges.append(.unnamed(ufrag: former)) }
        formerUfrag = localCredentials.ufrag
        localCredentials = local
        lite.restart(local: local, remote: remote)
        keep(.lite(lite))
        return .restarted(fragment: TrickleFragment(ufrag: local.ufrag, password: local.password, mid: patch.mid).text)
    }
}

extension WebRTCRefusal {
    fileprivate init(_ refusal: SDPRefusal) { self.init(code: refusal.code.rawValue, description: refusal.message) }
}

extension Agreement {
    fileprivate init(_ remote: WebRTCDescription, dtlsRole: DTLSRole) {
        self.init(
            remote: ICECredentials(ufrag: remote.ice.ufrag, password: remote.ice.password), isRemoteLite: remote.ice.isLite,
            candidates: remote.usableAddresses,
            fingerprints: remote.fingerprints.map { CertificateFingerprint(algorithm: $0.algorithm, digest: $0.digest) },
            dtlsRole: dtlsRole, audio: remote.audio.map { Audio(payloadType: $0.opus, redPayloadType: $0.red) },
            data: remote.data.map { Data(initiation: $0.sctpInit) })
    }
}
