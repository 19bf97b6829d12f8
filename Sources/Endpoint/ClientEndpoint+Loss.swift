internal import QUIC
internal import Session
internal import Wire

// A connection that is gone, or gives no sign: when another is wanted, and when the session is given up.

extension ClientEndpoint {
    /// The first connection is not there yet, and what is said waits: another attempt loses nothing.
    var isOpening: Bool { !current.isOpen }
    var isLost: Bool { if case .lost = link { true } else { false } }

    /// When a connection that does not open is given up for another attempt. QUIC doubles its timer with each lost handshake, so a fresh
    /// one is through sooner; a first call and a first stream have longer.
    func attemptEnd(of connection: ClientConnection) -> Instant {
        if case .quic = connection.carrier { return connection.began + attemptTime }
        return connection.began + streamAttemptTime
    }

    private var attemptTime: Duration { (policy ?? ReconnectPolicy()).attemptTime(after: failedAttempts) }

    /// How long a driver may take until a stream stands, and its handshakes.
    package var streamAttemptTime: Duration {
        hasBegun ? attemptTime : max(attemptTime, (policy ?? ReconnectPolicy()).firstCall)
    }

    /// When a connection on which nothing comes back counts as lost.
    func silenceEnd(_ policy: ReconnectPolicy) -> Instant? {
        current.unanswered.map { $0 + policy.silence(roundTrip: current.carrier.minimumRTT) }
    }

    /// When a session without a connection is given up.
    func patienceEnd(_ policy: ReconnectPolicy, since: Instant) -> Instant {
        isOpening ? current.began + policy.opening : since + policy.patience
    }

    /// The connection has ended. A server that says goodbye ends the session, too; but once it was asked to move the session, its
    /// goodbye may only mean that it has, which not every transport has a code for.
    func closed(_ close: TransportClose, now: Instant) {
        guard !isOver else { return }
        let mayReturn = close.origin == .timeout || close.origin == .transportError
            || close.origin == .peer && (client.mayHaveMoved || close.code == UInt64(CloseCode.superseded) || close.code == UInt64(CloseCode.slowPeer))
        guard policy != nil, mayReturn, mayGoOn, !isOpening || mayTryAgain(after: close) else { return finish(close) }
        if case .lost(let since, _, let retry) = link {
            link = .lost(since: since, close, retry: retry)
        } else {
            lose(close, now: now)
        }
    }

    /// Nobody answered the first connection: silence, or the end of a stream. Whatever else ends it would end another, too.
    private func mayTryAgain(after close: TransportClose) -> Bool {
        close.origin == .timeout || close.origin == .transportError && usesStream
    }

    func finish(_ close: TransportClose) {
        isOver = true
        next = nil
        notices.append(.closed(close))
    }

    private func lose(_ close: TransportClose, now: Instant) {
        link = .lost(since: now, close, retry: nil)
        client.interrupt()
        if let next {
            if next.isOpen { client.reopened(audioInEvents: next.attachment.capabilities.audioInEvents) }
        } else {
            notices.append(.attachmentWanted)
        }
    }

    /// The present connection was only silent. One whose attachment has ended is not, even if its packets still come.
    func revive(now: Instant) {
        guard isLost, !isOpening, !current.isOver, !current.carrier.isClosing, next?.isOpen != true else { return }
        giveUpAttempt(reason: "the former connection lives", now: now)
        link = .steady
        client.goOn()
    }

    /// Looks after what is due.
    func mind(now: Instant) {
        guard let policy, let due = ownDeadline, due <= now else { return }
        if let next, attemptEnd(of: next) <= now {
            giveUpAttempt(reason: "the attempt took too long", now: now)
            attemptFailed(TransportClose(code: 0, reason: "the attempt took too long", origin: .timeout), now: now)
        }
        switch link {
        case .steady where isOpening:
            guard attemptEnd(of: current) <= now else { return }
            lose(TransportClose(code: 0, reason: "the connection does not open", origin: .timeout), now: now)
        case .steady:
            guard current.isOpen, mayGoOn, let end = silenceEnd(policy), end <= now else { return }
            lose(TransportClose(code: 0, reason: "the server gives no sign", origin: .timeout), now: now)
        case .lost(let since, let close, let retry):
            if patienceEnd(policy, since: since) <= now {
                giveUpAttempt(reason: close.reason, now: now)
                current.carrier.abandon(reason: close.reason, now: now)
                finish(close)
            } else if let retry, retry <= now {
                link = .lost(since: since, close, retry: nil)
                notices.append(.attachmentWanted)
            }
        }
    }

    func attemptFailed(_ close: TransportClose, now: Instant) {
        client.resumeAbandoned()
        failedAttempts += 1
        if case .lost(let since, let first, _) = link {
            client.interrupt()
            if !hasBegun, close.origin == .peer { return finish(close) }
            if let refusal = ResumeRefusal(close) {
                notices.append(.realtime(.error(EventError(code: refusal.code, message: refusal.message))))
                return finish(close)
            }
            link = .lost(since: since, first, retry: now + (policy?.pause ?? .zero))
        } else {
            notices.append(.attachmentFailed(close))
        }
    }

    /// - Parameter endsSession: whether the server is to end the session where the attempt has it already.
    func giveUpAttempt(reason: String, endsSession: Bool = false, now: Instant) {
        guard let attempt = next else { return }
        next = nil
        client.resumeAbandoned()
        if endsSession || attempt.resume == nil {
            attempt.close(code: 0, reason: reason, now: now)
        } else {
            attempt.giveUp(reason: reason, now: now)
        }
        former.append(attempt)
        if former.count > Self.formerLimit { former.removeFirst() }
    }
}

extension ResumeRefusal {
    /// The status that HTTP gave, or that a transport without one has at the beginning of its reason.
    fileprivate init?(_ close: TransportClose) {
        guard close.origin == .peer else { return nil }
        self.init(status: close.reason.split(separator: " ").first.flatMap { UInt64($0) } ?? close.code)
    }
}
