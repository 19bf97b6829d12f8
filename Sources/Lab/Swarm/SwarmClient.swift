import Endpoint
import Session
import WebSocket
import Wire

/// One talker of a swarm. What it does, its seed decides; what it must hear in return is in its book.
///
/// ```
///  pausing <--> speaking --healed--> settling --all heard--> closing --> over
/// ```
///
/// A lost connection changes nothing of this: the talker talks on, the endpoint keeps what was said, and the session goes on over
/// another connection; one that is lost before the server has said a word begins there, which the talker never hears of
/// (`SwarmClient+Talk.swift` has the talk).
final class SwarmClient {
    enum Phase {
        /// The connection is opening; who waits for it does not talk yet.
        case connecting
        case pausing(until: Instant)
        case speaking(Talk)
        /// Everything is said; answers are awaited.
        case settling
        case closing
        case over
    }

    /// The prompt that is being captured.
    struct Talk {
        var framesLeft: Int
        var nextFrame: Instant
        var frames = 0
        /// How many frames from the end the mode changes.
        var modeChange: Int?
        var isReliable = true
    }

    /// What a client is from one session to the next.
    struct Habits {
        let transport: TrialTransport
        let form: WebSocketForm
        let sendsManifest: Bool
        /// Begins to talk before the connection is there.
        let talksEarly: Bool

        init(_ source: inout Xoshiro256) {
            transport = TrialTransport.allCases[source.below(TrialTransport.allCases.count)]
            form = source.below(2) == 0 ? .openAI : .rtp
            sendsManifest = source.below(5) > 0
            talksEarly = source.below(4) == 0
        }
    }

    let habits: Habits
    let attachment: SignallingClient
    var book = SwarmBook()
    var phase = Phase.connecting
    var counts = SwarmCounts()
    var source: Xoshiro256

    init(seed: UInt64, credentials: TrialCredentials, now: Instant) {
        var source = Xoshiro256(seed: seed)
        habits = Habits(&source)
        attachment = Self.connect(habits, credentials: credentials, source: &source, now: now)
        self.source = source
        counts.clients = 1
        book.updates()
        phase = habits.talksEarly ? .pausing(until: now) : .connecting
    }

    private static func connect(
        _ habits: Habits, credentials: TrialCredentials, source: inout Xoshiro256, now: Instant
    ) -> SignallingClient {
        var talker = ClientConfiguration()
        let modes = habits.transport.modes
        talker.mode = modes[source.below(modes.count)]
        talker.sendsManifest = habits.sendsManifest
        talker.firstSequence = UInt16(truncatingIfNeeded: source.next())
        return SignallingClient(
            transport: habits.transport, form: habits.form, talker: talker, credentials: credentials,
            reconnect: ReconnectPolicy(), entropy: Entropy(seed: source.next()), now: now)
    }

    // MARK: Getters

    var endpoint: ClientEndpoint { attachment.endpoint }
    var isOver: Bool { if case .over = phase { true } else { false } }
    /// The server has answered an event: the handshake is behind both.
    var isConfirmed: Bool { book.sessionID != nil }

    var deadline: Instant? {
        let deadline = attachment.deadline
        return switch phase {
        case .pausing(let until): earliest(until, deadline)
        case .speaking(let talk): earliest(talk.nextFrame, deadline)
        case .connecting, .settling, .closing: deadline
        case .over: nil
        }
    }

    // MARK: What befalls it

    /// Its connections are cut, or have another address.
    /// - Parameter isNoticed: it is told, and does not wait for the silence to tell it.
    func suffer(isNoticed: Bool, now: Instant) {
        if isNoticed { move(over: habits.transport, now: now) }
    }

    /// Moves its session on purpose.
    /// - Returns: over what, where it could.
    func moveSomewhere(now: Instant) -> TrialTransport? {
        let transport = TrialTransport.allCases[source.below(TrialTransport.allCases.count)]
        guard isConfirmed, move(over: transport, now: now) else { return nil }
        counts.switches += 1
        return transport
    }

    @discardableResult
    private func move(over transport: TrialTransport, now: Instant) -> Bool {
        guard !isOver, attachment.attach(over: transport, now: now) != nil else { return false }
        book.moves()
        return true
    }

    // MARK: What it hears

    func receive(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, ecn: ECN, now: Instant) {
        attachment.receive(datagram, path: path, ecn: ecn, now: now)
    }

    /// Takes what the endpoint has noticed.
    func hear(now: Instant) {
        book.now = now
        if let refusal = attachment.refusal, !isOver { end("refused: \(refusal)") }
        while let notice = endpoint.pollNotice() {
            switch notice {
            case .opened: if case .connecting = phase { phase = .pausing(until: now + milliseconds(0...300)) }
            case .realtime(let notice): book.hear(notice)
            case .frameRefused:
                if case .speaking(var talk) = phase {
                    talk.isReliable = false
                    phase = .speaking(talk)
                }
            case .attachmentWanted:
                // Mostly as before; sometimes another way is tried.
                move(over: source.below(3) > 0 ? habits.transport : TrialTransport.allCases[source.below(4)], now: now)
            case .draining, .attachmentFailed, .ticket: break
            case .closed(let close):
                if case .closing = phase { phase = .over } else { end("closed by \(close.origin.rawValue), \(close.code) \(close.reason)") }
            }
        }
        if case .closing = phase, endpoint.isClosed { phase = .over }
    }

    private func end(_ violation: String) {
        book.violate(violation)
        phase = .over
    }

    /// Says what it still waits for.
    func complain() {
        if !isOver { book.violate("\(habits.transport.rawValue) did not finish: \(phase), \(book.outstanding)") }
    }

    func milliseconds(_ range: ClosedRange<Int>) -> Duration { .milliseconds(range.lowerBound + source.below(range.count)) }
}

extension Xoshiro256 {
    /// A number in 0 ..< `bound`.
    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(1, bound))) }
}
