package import Wire

/// What a controlling agent tells.
package enum ICEEvent: Hashable, Sendable {
    /// This address answered: media goes there from now on. Comes again when the path changes.
    case selected(PeerAddress)
    /// No candidate answered in the time that set-up may take.
    case failed
    /// The path that was selected gave no sign for `ICELimits.consentTime`: media must stop at once (RFC 7675 section 5.1).
    case consentLost
}

/// The client's side: a full agent with one host candidate, its one socket (RFC 8445). It begins as the controlling one.
///
///     checking ──receive──▶ connected(nominating) ──receive──▶ connected(nominated)
///        │ setupTime                │ consentTime                  │ consentTime
///        ▼                          ▼                              ▼
///     ended ◀───────────────────────┴──────────────────────────────┘
///
/// **Pace.** While nothing has answered, one fresh check goes out every 50 ms, to each candidate in turn, with no doubling:
/// as many as browsers send, so that a lost check costs 50 ms. RFC 8445 section 14.3 would have the first retransmission wait
/// half a second, for the sake of agents with hundreds of pairs; here are sixteen at most, and a check is 120 bytes.
///
/// **Nomination** is regular (section 8.1.1): the first pair that answers is taken, media may use it at once (section 12.1), and a
/// second check nominates it. A lite server sends to where the first valid check came from, so nothing waits for the second.
package struct ICEControllingAgent: Sendable {
    package let limits: ICELimits
    package private(set) var local: ICECredentials
    package private(set) var remote: ICECredentials
    /// Remote candidates in the order of their first checks.
    package private(set) var candidates: [PeerAddress] = []

    private var entropy: Entropy
    private var state: State
    private var role: STUNRole
    private var roleChangeCount = 0
    /// The path from before a restart: media stays on it until a new one answers.
    private var former: PeerAddress?
    private var transactions: [Transaction] = []
    private var nextCandidate = 0
    private var outbox: BoundedQueue<Outgoing>
    private var events: BoundedQueue<ICEEvent>

    private enum State: Hashable, Sendable {
        case checking(next: Instant, until: Instant)
        case connected(Path, next: Instant, consentUntil: Instant)
        case ended
    }

    private struct Path: Hashable, Sendable {
        var address: PeerAddress
        var isNominated: Bool
        var roundTrip: Duration
    }

    /// A check whose answer may still come.
    private struct Transaction: Hashable, Sendable {
        var id: STUNTransactionID
        var address: PeerAddress
        var nominates: Bool
        var sentAt: Instant
    }

    private struct Outgoing: Sendable {
        var bytes: [UInt8]
        var address: PeerAddress
    }

    /// - Parameters:
    ///   - candidates: in the order in which they are tried; those over `ICELimits.candidates` are not.
    ///   - entropy: of transaction IDs, the tie-breaker and the spread of consent checks.
    package init(
        local: ICECredentials, remote: ICECredentials, candidates: [PeerAddress], limits: ICELimits = ICELimits(),
        entropy: Entropy, now: Instant
    ) {
        self.local = local
        self.remote = remote
        self.limits = limits
        self.entropy = entropy
        role = .controlling(tieBreaker: self.entropy.next())
        state = .checking(next: now, until: now + limits.setupTime)
        outbox = BoundedQueue(limit: limits.candidates)
        events = BoundedQueue(limit: 16)
        for candidate in candidates { add(candidate) }
    }

    /// Where media goes: the address that answered. During a restart it is the old one until a new one answers.
    package var selected: PeerAddress? {
        if case .connected(let path, _, _) = state { path.address } else { former }
    }

    /// Where to send before anything has answered: the selected address, or the first candidate. What is sent there before
    /// an answer is at the sender's risk (RFC 8827 has browsers wait for consent).
    package var presumed: PeerAddress? { selected ?? candidates.first }

    /// Whether a nominating check was answered.
    package var isNominated: Bool {
        if case .connected(let path, _, _) = state { path.isNominated } else { false }
    }

    /// The time between the newest answered check and its answer.
    package var roundTrip: Duration? {
        if case .connected(let path, _, _) = state { path.roundTrip } else { nil }
    }

    /// A further remote candidate, from a trickled description. Known ones and those over the limit are not added.
    package mutating func add(_ candidate: PeerAddress) {
        guard candidates.count < limits.candidates, !candidates.contains(candidate) else { return }
        candidates.append(candidate)
    }

    /// New credentials (RFC 8445 section 9): every candidate is checked again, media goes on where it went.
    package mutating func restart(local: ICECredentials, remote: ICECredentials, candidates: [PeerAddress], now: Instant) {
        former = selected
        self.local = local
        self.remote = remote
        self.candidates = []
        transactions = []
        outbox.removeAll()
        nextCandidate = 0
        for candidate in candidates { add(candidate) }
        state = .checking(next: now, until: now + limits.setupTime)
    }

    package mutating func pollEvent() -> ICEEvent? { events.popFirst() }

    package mutating func pollTransmit() -> (bytes: [UInt8], to: PeerAddress)? {
        outbox.popFirst().map { ($0.bytes, $0.address) }
    }

    /// Nothing comes back: checks the selected path out of turn, and nominates it once more. A peer that hears it from
    /// another address follows there (a lite agent by the newest nomination; RFC 8445 section 7.3.1.3 makes it a candidate).
    package mutating func checkOutOfTurn(now: Instant) {
        guard case .connected(let path, _, _) = state else { return }
        sendCheck(to: path.address, nominates: isControlling, now: now)
    }

    /// When `handleTimeout` has something to do; `nil` when it is over. The first is at once.
    package var deadline: Instant? {
        switch state {
        case .checking(let next, let until), .connected(_, let next, let until): min(next, until)
        case .ended: nil
        }
    }

    package mutating func handleTimeout(now: Instant) {
        switch state {
        case .checking(let next, let until):
            if until <= now { return finish(former == nil ? .failed : .consentLost) }
            guard next <= now else { return }
            state = .checking(next: now + limits.checkInterval, until: until)
            checkNextCandidate(now: now)
        case .connected(let path, let next, let until):
            if until <= now { return finish(.consentLost) }
            guard next <= now else { return }
            // Again and again, or a lite agent would answer from a new address of ours and still send to the old one.
            sendCheck(to: path.address, nominates: isControlling, now: now)
            state = .connected(path, next: now + pause(after: path), consentUntil: until)
        case .ended: return
        }
    }

    /// Takes in one datagram whose first byte says STUN.
    /// - Returns: Why nothing came of it; `nil` when it was of use.
    @discardableResult
    package mutating func receive(_ datagram: Span<UInt8>, from source: PeerAddress, now: Instant) -> ICEIgnored? {
        if case .ended = state { return .ended }
        let message: STUNMessage
        do throws(ParseError) {
            message = try STUNMessage(parsing: datagram)
        } catch {
            return .notSTUN(error)
        }
        guard message.hasFingerprint else { return .noFingerprint }
        guard message.method == STUN.binding else { return .notACheck }
        switch message.kind {
        case .request: return receiveCheck(message, datagram, from: source, now: now)
        case .success, .error: return receiveAnswer(message, datagram, from: source, now: now)
        case .indication: return .notACheck
        }
    }
}

// MARK: Our checks

extension ICEControllingAgent {
    private var isControlling: Bool {
        if case .controlling = role { true } else { false }
    }

    private mutating func finish(_ event: ICEEvent) {
        state = .ended
        former = nil
        transactions = []
        outbox.removeAll()
        events.append(event)
    }

    /// The candidates take turns, beginning with the first.
    private mutating func checkNextCandidate(now: Instant) {
        guard !candidates.isEmpty else { return }
        let index = nextCandidate % candidates.count
        nextCandidate = index + 1
        sendCheck(to: candidates[index], nominates: false, now: now)
    }

    /// How long after a check on `path` the next one follows.
    private mutating func pause(after path: Path) -> Duration {
        // A nomination is repeated until it is answered, but not before it can be.
        guard path.isNominated || !isControlling else { return max(limits.checkInterval, path.roundTrip + limits.checkInterval) }
        // RFC 7675 section 5.1: between 0.8 and 1.2 of the interval, so that many agents do not beat in step.
        let spread = limits.consentInterval.nanoseconds / 5 * 2
        guard spread > 0 else { return limits.consentInterval }
        let offset = Int64(truncatingIfNeeded: entropy.next() % UInt64(spread))
        return .nanoseconds(limits.consentInterval.nanoseconds - spread / 2 + offset)
    }

    /// RFC 8445 section 7.2.2. Each is a transaction of its own, so an answer tells its round trip whichever was lost.
    private mutating func sendCheck(to address: PeerAddress, nominates: Bool, now: Instant) {
        var check = STUNMessage(kind: .request, transactionID: STUNTransactionID(entropy: &entropy))
        check.attributes.username = "\(remote.ufrag):\(local.ufrag)"
        check.attributes.priority = ICEPriority.peerReflexive
        check.attributes.role = role
        check.attributes.usesCandidate = nominates
        if transactions.count >= limits.transactions { transactions.removeFirst() }
        transactions.append(Transaction(id: check.transactionID, address: address, nominates: nominates, sentAt: now))
        outbox.append(Outgoing(bytes: check.bytes(password: remote.password), address: address))
    }

    private mutating func receiveAnswer(
        _ answer: STUNMessage, _ datagram: Span<UInt8>, from source: PeerAddress, now: Instant
    ) -> ICEIgnored? {
        // Section 7.2.5.2.1: an answer from elsewhere than the check went to proves nothing of either.
        guard let index = transactions.firstIndex(where: { $0.id == answer.transactionID }),
            transactions[index].address == source, answer.hasIntegrity(password: remote.password, in: datagram)
        else { return .notAuthentic }
        let transaction = transactions.remove(at: index)
        guard answer.kind == .success else {
            receiveRefusal(answer.attributes.errorCode, of: transaction, now: now)
            return nil
        }
        guard answer.attributes.notUnderstood.isEmpty, answer.attributes.mappedAddress != nil else { return .notAuthentic }
        consent(to: transaction, now: now)
        return nil
    }

    /// An authentic answer: the pair is valid, and the first valid one is the path.
    private mutating func consent(to transaction: Transaction, now: Instant) {
        let consentUntil = now + limits.consentTime
        switch state {
        case .checking:
            former = nil
            let path = Path(address: transaction.address, isNominated: false, roundTrip: now - transaction.sentAt)
            // The nomination goes at once; under the peer's control there is none to make.
            state = .connected(path, next: isControlling ? now : now + pause(after: path), consentUntil: consentUntil)
            events.append(.selected(path.address))
            if isControlling { handleTimeout(now: now) }
        case .connected(var path, var next, _):
            // An answer from another candidate comes too late to be of use.
            guard transaction.address == path.address else { return }
            path.roundTrip = now - transaction.sentAt
            if transaction.nominates, !path.isNominated {
                path.isNominated = true
                next = now + pause(after: path)
            }
            state = .connected(path, next: next, consentUntil: consentUntil)
        case .ended: return
        }
    }

    private mutating func receiveRefusal(_ code: STUNErrorCode?, of transaction: Transaction, now: Instant) {
        // Any other refusal may pass: the peer may learn of a restart after the check. The time limits end it.
        guard code == .roleConflict else { return }
        // RFC 8445 section 7.2.5.1: change the part we play, with another tie-breaker, and check again.
        if changeRole() { sendCheck(to: transaction.address, nominates: false, now: now) }
    }

    /// - Returns: `false` when it was changed too often.
    private mutating func changeRole() -> Bool {
        guard roleChangeCount < limits.roleChanges else { return false }
        roleChangeCount += 1
        let tieBreaker = entropy.next()
        role = isControlling ? .controlled(tieBreaker: tieBreaker) : .controlling(tieBreaker: tieBreaker)
        return true
    }
}

// MARK: The peer's checks

extension ICEControllingAgent {
    private mutating func receiveCheck(
        _ check: STUNMessage, _ datagram: Span<UInt8>, from source: PeerAddress, now: Instant
    ) -> ICEIgnored? {
        // A stranger gets no refusal from a client, only silence.
        guard check.receiverUfrag == local.ufrag, check.hasIntegrity(password: local.password, in: datagram) else {
            return .notAuthentic
        }
        guard check.attributes.notUnderstood.isEmpty else {
            answer(STUNMessage.refusal(of: check, .unknownAttribute, password: local.password), to: source)
            return nil
        }
        guard settleRole(with: check.attributes.role) else {
            answer(STUNMessage.refusal(of: check, .roleConflict, password: local.password), to: source)
            return nil
        }
        answer(STUNMessage.success(for: check, source: source, password: local.password), to: source)
        learn(from: check, source: source, now: now)
        return nil
    }

    private mutating func answer(_ bytes: [UInt8], to source: PeerAddress) {
        outbox.append(Outgoing(bytes: bytes, address: source))
    }

    /// RFC 8445 section 7.3.1.1: of two that claim the same part, the greater tie-breaker controls.
    /// - Returns: `false` when the peer must change.
    private mutating func settleRole(with peer: STUNRole?) -> Bool {
        switch (role, peer) {
        case (.controlling(let own), .controlling(let other)):
            if own >= other { return false }
        case (.controlled(let own), .controlled(let other)):
            if own < other { return false }
        default: return true
        }
        return changeRole()
    }

    /// Section 7.3.1.3: an address that no description named is a candidate, too; 7.3.1.4: it is checked at once.
    private mutating func learn(from check: STUNMessage, source: PeerAddress, now: Instant) {
        add(source)
        switch state {
        case .checking:
            guard candidates.contains(source), !transactions.contains(where: { $0.address == source }) else { return }
            sendCheck(to: source, nominates: false, now: now)
        case .connected(var path, let next, let consentUntil):
            // Under the peer's control its nomination decides (section 7.3.1.5), once that path answers us, too.
            guard !isControlling, check.attributes.usesCandidate else { return }
            if path.address == source {
                path.isNominated = true
                state = .connected(path, next: next, consentUntil: consentUntil)
            } else if candidates.contains(source) {
                state = .checking(next: now, until: consentUntil)
                former = path.address
                candidates = [source]
            }
        case .ended: return
        }
    }
}

/// Priorities of candidates (RFC 8445 section 5.1.2.1).
package enum ICEPriority {
    /// A host candidate of the one component: type preference 126.
    package static let host: UInt32 = 126 << 24 | 65_535 << 8 | 255
    /// What a check's PRIORITY says: the same with the type preference 110 (section 7.1.1).
    package static let peerReflexive: UInt32 = 110 << 24 | 65_535 << 8 | 255
}
