internal import Responder
internal import Session
internal import Wire

/// A session and its responder, in step with one another. It outlives the connections that carry it.
final class ServedSession {
    /// The connection that carries it.
    enum Attachment {
        case none
        case attached(slot: Int)
        /// Waits for another one, at this place of the session table.
        case detached(place: Int)
    }

    struct SpareToken {
        let generation: UInt32
        /// The how manieth showing of it was taken last; a later one may be taken again.
        let attempt: UInt32
    }

    var session: Session
    var responder: Responder
    /// What tokens call it.
    let number: UInt64
    /// Of the token that resumes it; each is used once.
    var generation: UInt32 = 0
    /// The token before that one, while its owner may not know of the next; `nil` once he has said something since.
    var spare: SpareToken?
    var attachment = Attachment.none

    init(session: Session, responder: Responder, number: UInt64) {
        self.session = session
        self.responder = responder
        self.number = number
    }

    var deadline: Instant? { earliest(sessionDeadline(&session), responder.deadline) }

    func handleTimeout(now: Instant) {
        if let deadline = responder.deadline, deadline <= now { responder.handleTimeout(now: now) }
        if let deadline = session.deadline, deadline <= now { session.handleTimeout(now: now) }
    }
}

/// Reads the deadline in place: a plain read of the class's property would copy the session, and with it retain and
/// release each of its arrays, once a datagram.
private func sessionDeadline(_ session: inout Session) -> Instant? { session.deadline }
