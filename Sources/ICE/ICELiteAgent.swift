package import Wire

/// What a lite agent makes of one datagram.
package enum ICELiteOutcome: Hashable, Sendable {
    /// Send these bytes to where the check came from. With `isSelected`, media goes there from now on, too.
    case reply([UInt8], isSelected: Bool)
    /// Send this refusal to where the request came from; nothing else changed.
    case replyError([UInt8], STUNErrorCode)
    case ignored(ICEIgnored)
}

/// Why a datagram was not answered.
package enum ICEIgnored: Hashable, Sendable {
    /// Not STUN: no cookie, lengths that do not fit, a wrong fingerprint.
    case notSTUN(ParseError)
    /// STUN without FINGERPRINT; ICE always has it (RFC 8445 section 7.1).
    case noFingerprint
    /// A response that nothing asked for, an indication, or another method.
    case notACheck
    /// An answer whose integrity or source is wrong.
    case notAuthentic
    /// The same check came before from elsewhere: somebody repeats what he overheard.
    case replayed
    /// The agent is over.
    case ended
}

/// Why an agent is over.
package enum ICEEnd: Hashable, Sendable {
    /// No valid check, or no answer, came in the time that set-up may take.
    case neverConnected
    /// There was a path, and for `ICELimits.consentTime` no sign of consent (RFC 7675).
    case consentLost
}

/// The server's side: ICE-lite (RFC 8445 section 2.5). It answers checks and never sends any.
///
///     waiting ──receive──▶ connected ──receive──▶ connected …
///        │ setupTime           │ consentTime
///        ▼ handleTimeout       ▼ handleTimeout
///     ended(neverConnected)  ended(consentLost)
///
/// Every address is the stranger's claim until a check with right integrity came from it, so nothing but such a check
/// changes the path or the time. A lite agent sends no consent checks of its own (RFC 7675 section 5.1 leaves that to full
/// agents); the peer's go on as long as the peer does, and their absence is taken for consent lost.
package struct ICELiteAgent: Sendable {
    package let limits: ICELimits
    /// Our credentials, as the newest description has them.
    package private(set) var local: ICECredentials
    /// The peer's, as the newest description has them. A lite agent never needs them: it checks with its own password.
    package private(set) var remote: ICECredentials?
    /// Credentials from before a restart; answered until the first check with the new ones.
    private var former: ICECredentials?
    private var state: State
    private var recent: [RememberedCheck] = []
    private var nextRecent = 0

    private enum State: Hashable, Sendable {
        case waiting(until: Instant)
        case connected(path: Path, consentUntil: Instant)
        case ended(ICEEnd)
    }

    private struct Path: Hashable, Sendable {
        var address: PeerAddress
        /// Whether the peer chose it by USE-CANDIDATE, with the newest credentials.
        var isNominated: Bool
        /// Whether it was chosen with credentials from before a restart: only a nomination replaces it then.
        var isFormer = false
    }

    private struct RememberedCheck: Hashable, Sendable {
        var id: STUNTransactionID
        var source: PeerAddress
    }

    package init(local: ICECredentials, remote: ICECredentials? = nil, limits: ICELimits = ICELimits(), now: Instant) {
        self.local = local
        self.remote = remote
        self.limits = limits
        state = .waiting(until: now + limits.setupTime)
    }

    /// Where media goes: where the first valid check came from, until the peer nominates a path; then where the newest
    /// nomination came from. The newest, not the one of highest priority: a peer that moves to another network nominates
    /// a path of lower priority, and means it.
    package var selected: PeerAddress? {
        if case .connected(let path, _) = state { path.address } else { nil }
    }

    /// Whether the peer has nominated the selected path.
    package var isNominated: Bool {
        if case .connected(let path, _) = state { path.isNominated } else { false }
    }

    package var end: ICEEnd? {
        if case .ended(let end) = state { end } else { nil }
    }

    /// When `handleTimeout` has something to do; `nil` when it is over.
    package var deadline: Instant? {
        switch state {
        case .waiting(let until), .connected(_, let until): until
        case .ended: nil
        }
    }

    /// - Returns: Why the agent is over, when it is over now. Media must stop at once (RFC 7675 section 5.1).
    package mutating func handleTimeout(now: Instant) -> ICEEnd? {
        guard let deadline, deadline <= now else { return nil }
        let end: ICEEnd = if case .waiting = state { .neverConnected } else { .consentLost }
        state = .ended(end)
        return end
    }

    /// New credentials for both sides (RFC 8445 section 9). The old path stays until the peer nominates one with the new ones,
    /// the old credentials are answered until the first check with the new ones. An agent that is over stays so.
    package mutating func restart(local: ICECredentials, remote: ICECredentials?) {
        former = self.local
        self.local = local
        self.remote = remote
        guard case .connected(var path, let consentUntil) = state else { return }
        path.isNominated = false
        path.isFormer = true
        state = .connected(path: path, consentUntil: consentUntil)
    }

    /// Takes in one datagram whose first byte says STUN.
    package mutating func receive(_ datagram: Span<UInt8>, from source: PeerAddress, now: Instant) -> ICELiteOutcome {
        if case .ended = state { return .ignored(.ended) }
        let check: STUNMessage
        do throws(ParseError) {
            check = try STUNMessage(parsing: datagram)
        } catch {
            return .ignored(.notSTUN(error))
        }
        guard check.hasFingerprint else { return .ignored(.noFingerprint) }
        guard check.kind == .request, check.method == STUN.binding else { return .ignored(.notACheck) }
        // RFC 8489 section 9.1.3, in its order: both attributes, the name, the code; only then what is asked.
        guard check.integrityOffset != nil, let ufrag = check.receiverUfrag else {
            return refuse(check, .badRequest, password: nil)
        }
        let isCurrent = ufrag == local.ufrag
        guard let credentials = isCurrent ? local : former, credentials.ufrag == ufrag,
            check.hasIntegrity(password: credentials.password, in: datagram)
        else { return refuse(check, .unauthenticated, password: nil) }
        guard check.attributes.notUnderstood.isEmpty else {
            return refuse(check, .unknownAttribute, password: credentials.password)
        }
        // A lite agent is always the controlled one (RFC 8445 section 6.1.1): a peer that thinks so of itself must change.
        if case .controlled = check.attributes.role {
            return refuse(check, .roleConflict, password: credentials.password)
        }
        guard remember(check.transactionID, from: source) else { return .ignored(.replayed) }
        if isCurrent { former = nil }
        let isSelected = admit(source, isCurrent: isCurrent, nominates: check.attributes.usesCandidate, now: now)
        return .reply(success(check, source: source, password: credentials.password), isSelected: isSelected)
    }

    /// An authentic check came from `source`: consent is fresh, and perhaps the path is new.
    /// - Returns: Whether media goes to `source` now.
    private mutating func admit(_ source: PeerAddress, isCurrent: Bool, nominates: Bool, now: Instant) -> Bool {
        var path: Path
        switch state {
        case .waiting: path = Path(address: source, isNominated: nominates && isCurrent, isFormer: !isCurrent)
        case .connected(let known, _): path = known
        case .ended: return false
        }
        if nominates, isCurrent || path.isFormer {
            path = Path(address: source, isNominated: isCurrent, isFormer: !isCurrent)
        }
        state = .connected(path: path, consentUntil: now + limits.consentTime)
        return path.address == source
    }

    /// Remembers a check that was found authentic.
    /// - Returns: `false` when the same one is remembered from another address. From the same it is a retransmission.
    private mutating func remember(_ id: STUNTransactionID, from source: PeerAddress) -> Bool {
        if let known = recent.first(where: { $0.id == id }) { return known.source == source }
        let check = RememberedCheck(id: id, source: source)
        if recent.count < limits.rememberedChecks {
            recent.append(check)
        } else if !recent.isEmpty {
            recent[nextRecent] = check
            nextRecent = (nextRecent + 1) % recent.count
        }
        return true
    }

    private func success(_ check: STUNMessage, source: PeerAddress, password: String) -> [UInt8] {
        STUNMessage.success(for: check, source: source, password: password)
    }

    private func refuse(_ check: STUNMessage, _ code: STUNErrorCode, password: String?) -> ICELiteOutcome {
        .replyError(STUNMessage.refusal(of: check, code, password: password), code)
    }
}

extension STUNMessage {
    /// The answer to a check from `source` (RFC 8445 section 7.3).
    static func success(for check: STUNMessage, source: PeerAddress, password: String) -> [UInt8] {
        var reply = STUNMessage(kind: .success, transactionID: check.transactionID)
        reply.attributes.mappedAddress = source
        return reply.bytes(password: password)
    }

    /// The refusal of a check (RFC 8489 sections 6.3.1 and 9.1.3): without a password where the check proved none.
    static func refusal(of check: STUNMessage, _ code: STUNErrorCode, password: String?) -> [UInt8] {
        var reply = STUNMessage(kind: .error, method: check.method, transactionID: check.transactionID)
        reply.attributes.errorCode = code
        if code == .unknownAttribute { reply.attributes.unknownAttributes = check.attributes.notUnderstood }
        return reply.bytes(password: password)
    }
}
