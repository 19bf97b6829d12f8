package import Session
package import Wire

/// Who answers in a session. A closed set: the core is not extended by protocols, but by cases.
///
/// Same contract as the session: `handle` or `handleTimeout`, then `poll` until `nil`, then wait for `deadline`.
package enum Responder: Sendable {
    /// Answers a committed prompt with its own frames.
    case echo(Echo = Echo())
    /// Returns each frame as it arrives. The session does that itself, without asking
    /// (`SessionConfiguration.returnsFrames`); a response asked of it is empty.
    case loopback(Loopback = Loopback())
    /// Answers every prompt with the same packets, after a set time.
    case script(Script)

    /// - Parameters:
    ///   - packets: Opus packets, in order.
    ///   - thinkTime: from the request to the first packet.
    package static func script(packets: [[UInt8]], thinkTime: Duration) -> Responder {
        .script(Script(packets: packets, thinkTime: thinkTime))
    }

    /// Whether the session must be configured with `returnsFrames`.
    package var returnsFrames: Bool {
        if case .loopback = self { true } else { false }
    }

    package mutating func handle(_ input: ResponderInput, now: Instant) {
        switch self {
        case .echo(var echo):
            echo.handle(input)
            self = .echo(echo)
        case .loopback(var loopback):
            loopback.handle(input)
            self = .loopback(loopback)
        case .script(var script):
            script.handle(input, now: now)
            self = .script(script)
        }
    }

    package mutating func poll() -> ResponderOutput? {
        switch self {
        case .echo(var echo):
            defer { self = .echo(echo) }
            return echo.outputs.popFirst()
        case .loopback(var loopback):
            defer { self = .loopback(loopback) }
            return loopback.outputs.popFirst()
        case .script(var script):
            defer { self = .script(script) }
            return script.outputs.popFirst()
        }
    }

    package var deadline: Instant? {
        if case .script(let script) = self { script.deadline } else { nil }
    }

    package mutating func handleTimeout(now: Instant) {
        guard case .script(var script) = self else { return }
        script.handleTimeout(now: now)
        self = .script(script)
    }
}

/// A session has one response at a time, and each gives two outputs: more never wait.
private let outputLimit = 16

package struct Echo: Sendable {
    fileprivate var outputs = BoundedQueue<ResponderOutput>(limit: outputLimit)

    package init() {}

    fileprivate mutating func handle(_ input: ResponderInput) {
        switch input {
        case .respond(let responseID, let prompt):
            if !prompt.isEmpty { outputs.append(.audio(responseID: responseID, packets: prompt)) }
            outputs.append(.done(responseID: responseID))
        case .cancel:
            outputs.removeAll()
        }
    }
}

package struct Loopback: Sendable {
    fileprivate var outputs = BoundedQueue<ResponderOutput>(limit: outputLimit)

    package init() {}

    fileprivate mutating func handle(_ input: ResponderInput) {
        switch input {
        case .respond(let responseID, _): outputs.append(.done(responseID: responseID))
        case .cancel: outputs.removeAll()
        }
    }
}

package struct Script: Sendable {
    private enum State {
        case idle
        case thinking(responseID: String, until: Instant)
    }

    private let packets: [[UInt8]]
    private let thinkTime: Duration
    private var state = State.idle
    fileprivate var outputs = BoundedQueue<ResponderOutput>(limit: outputLimit)

    package init(packets: [[UInt8]], thinkTime: Duration) {
        self.packets = packets
        self.thinkTime = thinkTime
    }

    fileprivate var deadline: Instant? {
        if case .thinking(_, let until) = state { until } else { nil }
    }

    fileprivate mutating func handle(_ input: ResponderInput, now: Instant) {
        switch input {
        case .respond(let responseID, _):
            state = .thinking(responseID: responseID, until: now.advanced(by: thinkTime))
            handleTimeout(now: now)
        case .cancel:
            state = .idle
            outputs.removeAll()
        }
    }

    fileprivate mutating func handleTimeout(now: Instant) {
        guard case .thinking(let responseID, let until) = state, until <= now else { return }
        state = .idle
        if !packets.isEmpty { outputs.append(.audio(responseID: responseID, packets: packets)) }
        outputs.append(.done(responseID: responseID))
    }
}
