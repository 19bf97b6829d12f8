internal import Session
internal import Wire

/// The sessions of an endpoint by their numbers. Who has a connection leads from it to its session; this table is for those
/// that come back on another, and for those that wait.
struct SessionTable {
    private var sessions: [UInt64: ServedSession] = [:]
    private var tokens: ResumeTokens
    private var nextNumber: UInt64 = 1
    /// Those without a connection, by places in `deadlines`.
    private var detached: [ServedSession?] = []
    private var freePlaces: [Int] = []
    private var deadlines = DeadlineHeap()

    init(entropy: inout Entropy) { tokens = ResumeTokens(entropy: &entropy) }

    var count: Int { sessions.count }
    var detachedCount: Int { detached.count - freePlaces.count }
    /// When the first of the waiting sessions has something to do.
    var deadline: Instant? { deadlines.earliest }
    var all: some Sequence<ServedSession> { sessions.values }

    mutating func makeNumber() -> UInt64 {
        defer { nextNumber += 1 }
        return nextNumber
    }

    mutating func insert(_ session: ServedSession) { sessions[session.number] = session }

    mutating func remove(_ session: ServedSession) {
        leave(session)
        sessions[session.number] = nil
    }

    // MARK: Tokens

    /// What resumes a session from now on.
    func offer(for session: ServedSession, detachedDuration: Duration) -> ResumeOffer {
        ResumeOffer(
            token: tokens.token(for: .init(session: session.number, generation: session.generation)),
            key: tokens.key(ofSession: session.number), detachedMilliseconds: Int(detachedDuration.nanoseconds / 1_000_000))
    }

    /// The session that a request resumes. Nothing changes by asking.
    func session(for request: ResumeRequest) throws(ResumeRefusal) -> ServedSession { try find(request).session }

    /// Takes the token of a request: from now on it is used.
    ///
    /// The client may never hear of it, and then has no other. So whoever proves that it is his may show it again, until an event
    /// of his by the new connection says that he has heard.
    func take(_ request: ResumeRequest) throws(ResumeRefusal) -> ServedSession {
        let (session, generation) = try find(request)
        session.spare = ServedSession.SpareToken(generation: generation, attempt: request.retry?.attempt ?? 0)
        if generation == session.generation { session.generation += 1 }
        return session
    }

    private func find(_ request: ResumeRequest) throws(ResumeRefusal) -> (session: ServedSession, generation: UInt32) {
        guard let claim = tokens.claim(in: request.token) else { throw .foreign }
        guard let session = sessions[claim.session] else { throw .expired }
        if let retry = request.retry, !retry.proves(request.token, key: tokens.key(ofSession: session.number)) { throw .foreign }
        if claim.generation == session.generation { return (session, claim.generation) }
        guard let spare = session.spare, spare.generation == claim.generation, let retry = request.retry, retry.attempt > spare.attempt
        else { throw .used }
        return (session, claim.generation)
    }

    // MARK: Waiting sessions

    /// The session has lost its connection.
    mutating func wait(_ session: ServedSession) {
        let place = freePlaces.popLast() ?? detached.count
        if place == detached.count { detached.append(session) } else { detached[place] = session }
        session.attachment = .detached(place: place)
        schedule(session)
    }

    /// After every change of a waiting session.
    mutating func schedule(_ session: ServedSession) {
        guard case .detached(let place) = session.attachment else { return }
        deadlines.set(session.deadline, for: place)
    }

    /// It has a connection again, or its end has come.
    mutating func leave(_ session: ServedSession) {
        guard case .detached(let place) = session.attachment else { return }
        deadlines.set(nil, for: place)
        detached[place] = nil
        freePlaces.append(place)
        session.attachment = .none
    }

    /// The next waiting session whose deadline has come.
    func due(at now: Instant) -> ServedSession? { deadlines.due(at: now).flatMap { detached[$0] } }
}
