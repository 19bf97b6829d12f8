internal import Session
internal import Wire

// The input is a list of steps, one a line. A line that begins with a letter below is a step of its own; every other one is
// an event as it stands, so that an input of JSON lines is one, too.

/// A session met by a client that sends whatever it likes: events, frames, and time passing.
func fuzzSession(_ input: Span<UInt8>) throws(FuzzFinding) -> Bool {
    let limits = SessionLimits()
    var now = Instant.zero
    var session = Session(id: "sess_1", configuration: SessionConfiguration(), limits: limits, seed: 1, now: now)
    session.attach(Capabilities(transport: "roq", modes: ReliabilityMode.allCases), now: now)
    var client = Client()
    try client.drain(&session, now: now)
    let steps = [UInt8](input).split(separator: 0x0A)
    for step in steps {
        switch step.first {
        case UInt8(ascii: "F"):
            if let frame = frame(step.dropFirst()) { session.receive(frame: frame, now: now) }
        case UInt8(ascii: "T"):
            let milliseconds = step.dropFirst().prefix(2).reduce(0) { $0 << 8 | Int64($1) }
            now = now.advanced(by: .milliseconds(milliseconds))
            session.handleTimeout(now: now)
        case UInt8(ascii: "D"):
            if let deadline = session.deadline { now = max(now, deadline) }
            session.handleTimeout(now: now)
            try expect(session.deadline.map { $0 > now } ?? true, "a deadline that was met is over")
        default:
            session.receive(event: Array(step), now: now)
        }
        try client.drain(&session, now: now)
    }
    // Only its age and a flood of events end a session; a malformed event never does.
    if session.phase == .ended {
        try expect(now.since(.zero) >= limits.sessionDuration || steps.count > limits.eventsDropped, "the session goes on")
    }
    try expect(session.counters.eventsRefused == client.errorCount, "every refusal is told")
    return client.errorCount == 0
}

/// The far end of the session: reads what comes out, and answers as a responder that is done at once.
private struct Client {
    var errorCount = 0

    mutating func drain(_ session: inout Session, now: Instant) throws(FuzzFinding) {
        var isDrained = false
        for _ in 0..<100_000 {
            guard let output = session.pollOutput() else {
                isDrained = true
                break
            }
            switch output {
            case .event(let bytes):
                guard let event = try? ServerEvent(parsing: bytes, limits: Self.limits) else {
                    throw FuzzFinding(description: "broken: what the session writes, the client reads")
                }
                if case .error = event { errorCount += 1 }
            case .responder(.respond(let id, let prompt)):
                session.receive(.audio(responseID: id, packets: prompt), now: now)
                session.receive(.transcript(responseID: id, delta: "yes"), now: now)
                session.receive(.done(responseID: id), now: now)
            case .responder(.cancel), .frame, .talkEnded, .expect, .close:
                break
            }
        }
        try expect(isDrained, "draining a session ends")
    }

    /// An error may carry a piece of the event that it refuses, so it may be longer than an event.
    private static let limits = {
        var limits = SessionLimits()
        limits.eventBytes *= 16
        return limits
    }()
}

/// Sequence, timestamp and marker in seven bytes, then the payload.
private func frame(_ bytes: ArraySlice<UInt8>) -> MediaFrame? {
    let bytes = Array(bytes)
    var reader = ByteReader(bytes.span)
    guard let sequence = try? reader.readUInt16(), let ticks = try? reader.readUInt32(), let marker = try? reader.readUInt8()
    else { return nil }
    return MediaFrame(
        sequence: sequence, timestamp: MediaTime(ticks: ticks), marker: marker & 1 == 1, payload: [UInt8](reader.readRest()))
}

/// A client met by a server that sends whatever it likes, and both kinds of events through their readers and writers.
func fuzzClient(_ input: Span<UInt8>) throws(FuzzFinding) -> Bool {
    var client = RealtimeClient(ClientConfiguration())
    client.opened(now: .zero)
    let limits = SessionLimits()
    var isTaken = true
    for line in [UInt8](input).split(separator: 0x0A).map(Array.init) {
        client.receive(event: line, now: .zero)
        while client.pollNotice() != nil {}
        while client.pollOutput() != nil {}

        let fromServer = try? ServerEvent(parsing: line, limits: limits)
        // An unknown event is read and never written.
        let isKnown = if case .other = fromServer { false } else { fromServer != nil }
        if isKnown, let fromServer {
            let written = fromServer.encoded(eventID: "event_1")
            // What a session left out is written as its default, so it is the second writing that must equal the first.
            let again = try? ServerEvent(parsing: written, limits: limits).encoded(eventID: "event_1")
            try expect(again == written, "a server's event survives the round trip")
        }
        let fromClient = try? IncomingEvent(parsing: line, limits: limits).event.get()
        if let fromClient {
            let written = OutgoingEvent(fromClient).encoded()
            let again = try? IncomingEvent(parsing: written, limits: limits).event.get()
            try expect(again == fromClient, "a client's event survives the round trip")
        }
        if fromServer == nil && fromClient == nil { isTaken = false }
    }
    return isTaken
}
