internal import Responder
internal import Session
internal import Wire

// Sessions and their connections: who gets a session, who gets his own again, and what becomes of one whose connection is gone.

extension ServerEndpoint {
    /// A peer asks for a session: it gets a new one or its own, or hears why not.
    func admit(_ request: AttachRequest, at slot: Int, on connection: ServedConnection, now: Instant) {
        connection.requestDeadline = nil
        guard !isDraining else { return refuse(connection, status: 503, "the server is going away", now: now) }
        let request = connection.call?.offer.request ?? request
        if let resume = request.resume { return self.resume(resume, at: slot, on: connection, now: now) }
        let proposal: SessionProposal?
        if let call = connection.call {
            // HTTP has seen to it that this call may come in.
            proposal = call.offer.proposal
        } else if case .success(let wished) = authorize(request.secret, now: now) {
            proposal = wished
        } else {
            return refuse(connection, status: 401, "the secret is missing or wrong", now: now)
        }
        connection.transport?.accept(now: now)
        let served = makeSession(model: request.model ?? proposal?.model, now: now)
        served.attachment = .attached(slot: slot)
        served.session.updatePathDelay(connection.carrier.minimumRTT / 2)
        let capabilities = connection.transport?.capabilities ?? .undecided
        served.session.attach(capabilities, offer: offer(for: served), wishes: proposal?.update ?? SessionUpdate(), now: now)
        connection.transport?.receives(served.session.delivery, now: now)
        connection.transport?.adopt(served.session.object.audio)
        connection.conversation = .active(served)
        let notice = ServerNotice.sessionOpened(
            id: served.session.id, transport: capabilities.transport, peer: connection.carrier.remote)
        if connection.isInEarlyData { connection.held.notices.append(notice) } else { notices.append(notice) }
    }

    private func makeSession(model: String?, now: Instant) -> ServedSession {
        counters.sessionsOpened += 1
        var settings = configuration.session
        settings.returnsFrames = configuration.responder.returnsFrames
        if let model { settings.model = model }
        let session = Session(
            id: "sess_" + identifier(), configuration: settings, limits: configuration.sessionLimits, seed: entropy.next(), now: now)
        let served = ServedSession(session: session, responder: configuration.responder, number: sessions.makeNumber())
        sessions.insert(served)
        return served
    }

    private func offer(for served: ServedSession) -> ResumeOffer {
        sessions.offer(for: served, detachedDuration: configuration.sessionLimits.detachedDuration)
    }

    private func refuse(_ connection: ServedConnection, status: Int, _ reason: String, now: Instant) {
        counters.sessionsRefused += 1
        notices.append(.sessionRefused(peer: connection.carrier.remote, reason: reason))
        guard case .resuming = connection.conversation else {
            connection.transport?.refuse(status: status, message: reason, now: now)
            return
        }
        // The transport has its answer already.
        connection.conversation = .ended
        connection.requestDeadline = now + configuration.limits.closeTime
        connection.transport?.close(code: UInt32(clamping: status), reason: "\(status) \(reason)", now: now)
    }

    // MARK: Resume

    /// The token stands for the secret: only who had the session was told it.
    func resume(_ request: ResumeRequest, at slot: Int, on connection: ServedConnection, now: Instant) {
        let served: ServedSession
        do throws(ResumeRefusal) {
            // Early data uses no token up: its connection may never come about.
            served = connection.isInEarlyData ? try sessions.session(for: request) : try sessions.take(request)
        } catch {
            return refuse(connection, status: error.status, "\(error.code.text): \(error.message)", now: now)
        }
        connection.transport?.accept(now: now)
        guard !connection.isInEarlyData else {
            connection.held.resume = request
            connection.conversation = .resuming(served)
            return
        }
        sessions.leave(served)
        if case .attached(let former) = served.attachment { supersede(former, now: now) }
        served.attachment = .attached(slot: slot)
        counters.sessionsResumed += 1
        served.session.updatePathDelay(connection.carrier.minimumRTT / 2)
        let capabilities = connection.transport?.capabilities ?? .undecided
        served.session.resume(
            capabilities, offer: offer(for: served), lastEventID: request.lastEventID, answerSequence: request.answerSequence, now: now)
        connection.transport?.receives(served.session.delivery, now: now)
        connection.transport?.adopt(served.session.object.audio)
        if capabilities.audioInEvents { connection.transport?.goOn(at: served.session.audioPlace) }
        connection.conversation = .active(served)
        notices.append(.sessionResumed(id: served.session.id, transport: capabilities.transport, peer: connection.carrier.remote))
    }

    /// Another connection has taken the session over. Frames that are under way on this one are still taken, for a while.
    private func supersede(_ slot: Int, now: Instant) {
        guard let former = connections[slot], case .active(let served) = former.conversation else { return }
        former.conversation = .superseded(served)
        former.requestDeadline = now + configuration.limits.supersededTime
        deadlines.set(former.deadline, for: slot)
    }

    /// The time of a superseded connection is over.
    func closeSuperseded(_ connection: ServedConnection, now: Instant) {
        connection.conversation = .ended
        connection.requestDeadline = now + configuration.limits.closeTime
        connection.transport?.close(code: CloseCode.superseded, reason: "the session goes on over another connection", now: now)
    }

    /// Whether a resume would be granted now: HTTP says so before it answers a call.
    func resumeRefusal(of request: ResumeRequest) -> ResumeRefusal? {
        do throws(ResumeRefusal) {
            _ = try sessions.session(for: request)
            return nil
        } catch {
            return error
        }
    }

    /// The mode of the session that a request resumes; `nil` for one that resumes none.
    func mode(ofSession request: ResumeRequest) -> ReliabilityMode? { try? sessions.session(for: request).session.mode }

    // MARK: The end of a connection, and of a session

    /// The attachment is over. Who said goodbye takes the session along; whoever was lost finds it again for a while.
    func end(_ connection: ServedConnection, _ close: TransportClose, now: Instant) {
        // The transport lingers until the peer has the last bytes; a peer that gives no credit for them does not keep it.
        switch connection.conversation {
        case .none, .ended: return
        case .superseded, .resuming:
            connection.conversation = .ended
            connection.requestDeadline = now + configuration.limits.closeTime
        case .active(let served):
            connection.conversation = .ended
            connection.requestDeadline = now + configuration.limits.closeTime
            served.attachment = .none
            // A handshake that was never finished, repeated by a stranger perhaps: nobody has heard of this session.
            if connection.isInEarlyData {
                sessions.remove(served)
                counters.sessionsClosed += 1
            } else if mayReturn(from: close, served), sessions.detachedCount < configuration.limits.detachedSessions {
                served.session.detach(now: now)
                sessions.wait(served)
                notices.append(.sessionDetached(id: served.session.id, close))
                converse(served, now: now)
            } else {
                end(served, close)
            }
        }
    }

    private func mayReturn(from close: TransportClose, _ served: ServedSession) -> Bool {
        if case .ended = served.session.phase { return false }
        guard !isDraining else { return false }
        return switch close.origin {
        case .timeout, .transportError: true
        case .local: close.code == UInt64(CloseCode.slowPeer)
        // A client that gives up an attempt of which it does not know that it was granted.
        case .peer: close.code == UInt64(CloseCode.superseded)
        }
    }

    /// The session is over.
    private func end(_ served: ServedSession, _ close: TransportClose) {
        sessions.remove(served)
        counters.sessionsClosed += 1
        notices.append(.framesAccounted(sessionID: served.session.id, served.session.frameAccount))
        notices.append(.sessionClosed(id: served.session.id, close))
    }

    // MARK: Waiting sessions

    func handleDetachedTimeouts(now: Instant) {
        while let served = sessions.due(at: now) {
            served.handleTimeout(now: now)
            converse(served, now: now)
        }
    }

    /// Session → responder → session, while nobody listens: what is for the client waits in the session.
    private func converse(_ served: ServedSession, now: Instant) {
        repeat {
            while let output = served.session.pollOutput() {
                switch output {
                case .responder(let input): served.responder.handle(input, now: now)
                case .close(let code, let reason): end(served, TransportClose(code: code, reason: reason, origin: .timeout))
                case .frame, .event, .talkEnded, .expect: break
                }
            }
            guard let output = served.responder.poll() else { break }
            served.session.receive(output, now: now)
        } while true
        note(served)
        sessions.schedule(served)
    }

    /// The receipts since the last time, for logs.
    func note(_ served: ServedSession) {
        while let receipt = served.session.pollReceipt() {
            notices.append(.promptDecided(sessionID: served.session.id, receipt))
        }
        if let account = served.session.lastDecidedPrompt, configuration.session.keepsAccounts { lastAccount = account }
    }

    /// Ends every waiting session.
    func endDetachedSessions() {
        for served in sessions.all.sorted(by: { $0.number < $1.number }) {
            guard case .detached = served.attachment else { continue }
            end(served, TransportClose(code: 0, reason: "the server is going away", origin: .local))
        }
    }
}
