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

    /// The token that is good from now on; those before it are used.
    func token(of session: ServedSession) -> String {
        tokens.token(for: .init(session: session.number, generation: session.generation))
    }

    /// The session that a token resumes.
    func session(for token: String) throws(ResumeRefusal) -> ServedSession {
        guard let claim = tokens.claim(in: token) else { throw .foreign }
        guard let session = sessions[claim.session] else { throw .expired }
        guard claim.generation == session.generation else { throw .used }
        return session
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
