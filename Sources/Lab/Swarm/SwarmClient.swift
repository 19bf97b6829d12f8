import Endpoint
import QUIC
import RoQ
import Session
import WebRTC
import WebTransport
import Wire

/// One talker of a swarm. What it does, its seed decides; what it must hear in return is in its book.
///
/// ```
///  connecting --opened--> pausing <--> speaking --healed--> settling --all heard--> closing --> over
///      ^                     |            |
///      +------- reset -------+------------+
/// ```
final class SwarmClient {
    enum Phase {
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

    let transport: TrialTransport
    private(set) var attachment: SignallingClient
    private(set) var book = SwarmBook()
    private(set) var phase = Phase.connecting
    private(set) var sessionID: String?
    /// Books of sessions that a reset has ended, with their names.
    private(set) var pastBooks: [(sessionID: String?, book: SwarmBook)] = []
    private(set) var counts = SwarmCounts()

    private let credentials: TrialCredentials
    private let sendsManifest: Bool
    private var source: Xoshiro256
    /// The connection has met another NAT.
    private var wasRebound = false
    /// It has begun to connect from a new socket; for whoever keeps the addresses to take back.
    var hasNewSocket = false

    init(seed: UInt64, credentials: TrialCredentials, now: Instant) {
        var source = Xoshiro256(seed: seed)
        // A swarm moves datagrams: the model of TCP has one client a world.
        let transports = TrialTransport.allCases.filter { $0 != .webSocket }
        let transport = transports[source.below(transports.count)]
        let sendsManifest = source.below(5) > 0
        self.credentials = credentials
        self.transport = transport
        self.sendsManifest = sendsManifest
        attachment = Self.connect(transport, sendsManifest: sendsManifest, credentials: credentials, source: &source, now: now)
        self.source = source
        book.updates()
        counts.clients = 1
    }

    private static func connect(
        _ transport: TrialTransport, sendsManifest: Bool, credentials: TrialCredentials, source: inout Xoshiro256, now: Instant
    ) -> SignallingClient {
        var talker = ClientConfiguration()
        talker.mode = ReliabilityMode.allCases[source.below(ReliabilityMode.allCases.count)]
        talker.sendsManifest = sendsManifest
        talker.firstSequence = UInt16(truncatingIfNeeded: source.next())
        return SignallingClient(
            transport: transport, talker: talker, credentials: credentials, entropy: Entropy(seed: source.next()), now: now)
    }

    // MARK: Getters

    var isOver: Bool { if case .over = phase { true } else { false } }
    /// The server has answered an event: the handshake is behind both.
    var isConfirmed: Bool { sessionID != nil }
    var isConnecting: Bool { if case .connecting = phase { true } else { false } }

    var deadline: Instant? {
        switch phase {
        case .pausing(let until): earliest(until, attachment.deadline)
        case .speaking(let talk): earliest(talk.nextFrame, attachment.deadline)
        case .connecting, .settling, .closing: attachment.deadline
        case .over: nil
        }
    }

    // MARK: What happens to it

    /// The connection vanishes without a word, and another one begins.
    func reset(now: Instant) {
        guard !isOver else { return }
        counts.resets += 1
        reconnect(now: now)
    }

    /// The NAT before it takes it for another from now on.
    func rebound() { wasRebound = true }

    private func reconnect(now: Instant) {
        wasRebound = false
        hasNewSocket = true
        pastBooks.append((sessionID, book))
        (book, sessionID) = (SwarmBook(), nil)
        attachment = Self.connect(transport, sendsManifest: sendsManifest, credentials: credentials, source: &source, now: now)
        book.updates()
        phase = .connecting
    }

    func receive(_ datagram: UnsafeRawBufferPointer, ecn: ECN, now: Instant) {
        attachment.receive(datagram, path: .clientSide, ecn: ecn, now: now)
    }

    /// Does what is due.
    /// - Parameter isHealed: the networks will do no more harm: this prompt is the last.
    func handleTimeout(isHealed: Bool, now: Instant) {
        if let deadline = attachment.deadline, deadline <= now { attachment.handleTimeout(now: now) }
        hear(now: now)
        switch phase {
        case .pausing(let until) where until <= now: beginPrompt(now: now)
        case .speaking(let talk) where talk.nextFrame <= now: speak(talk, isHealed: isHealed, now: now)
        case .settling where book.isSettled:
            phase = .closing
            attachment.endpoint.close(now: now)
        default: break
        }
    }

    /// Takes what the endpoint has noticed.
    func hear(now: Instant) {
        book.now = now
        if let refusal = attachment.refusal, !isOver { end("refused: \(refusal)") }
        while let notice = attachment.endpoint.pollNotice() {
            switch notice {
            case .opened: if isConnecting { phase = .pausing(until: now + milliseconds(0...300)) }
            case .realtime(let notice):
                if case .sessionCreated(let id) = notice { sessionID = id }
                book.hear(notice)
            case .frameRefused:
                if case .speaking(var talk) = phase {
                    talk.isReliable = false
                    phase = .speaking(talk)
                }
            case .draining, .attachmentWanted, .attachmentFailed, .ticket: break
            case .closed(let close):
                if case .closing = phase {
                    phase = .over
                } else if wasRebound, close.origin != .peer {
                    // No connection has to survive that; its client must come back.
                    counts.connectionsLost += 1
                    reconnect(now: now)
                    return
                } else { end("closed by \(close.origin.rawValue), \(close.code) \(close.reason)") }
            }
        }
        if case .closing = phase, attachment.endpoint.isClosed { phase = .over }
    }

    private func end(_ violation: String) {
        book.violate(violation)
        phase = .over
    }

    /// Says what it still waits for.
    func complain() {
        if !isOver { book.violate("\(transport.rawValue) did not finish: \(phase), \(book)") }
    }

    // MARK: What it does

    private func beginPrompt(now: Instant) {
        guard book.mayCommit else {
            phase = .pausing(until: now + .milliseconds(100))
            return
        }
        let frames = 5 + source.below(56)
        phase = .speaking(Talk(framesLeft: frames, nextFrame: now, modeChange: source.below(3) == 0 ? source.below(frames) : nil))
        speakNow(now: now)
    }

    private func speakNow(now: Instant) {
        if case .speaking(let talk) = phase { speak(talk, isHealed: false, now: now) }
    }

    private func speak(_ talk: Talk, isHealed: Bool, now: Instant) {
        var talk = talk
        let endpoint = attachment.endpoint
        if talk.modeChange == talk.framesLeft {
            counts.modeChanges += 1
            book.updates()
            endpoint.changeMode(ReliabilityMode.allCases[source.below(ReliabilityMode.allCases.count)], now: now)
        }
        talk.isReliable = talk.isReliable && endpoint.mode.isReliable
        endpoint.capture(payload: payload(), duration: .milliseconds(20), now: now)
        book.captured()
        talk.frames += 1
        talk.framesLeft -= 1
        talk.nextFrame = now + .milliseconds(20)
        phase = .speaking(talk)
        hear(now: now)
        guard case .speaking(let talk) = phase, talk.framesLeft == 0 else { return }
        endPrompt(talk, isHealed: isHealed, now: now)
    }

    private func endPrompt(_ talk: Talk, isHealed: Bool, now: Instant) {
        let endpoint = attachment.endpoint
        if source.below(8) == 0, !isHealed {
            endpoint.clear(now: now)
            book.clears(frames: talk.frames)
        } else {
            endpoint.commit(now: now)
            book.commits(SwarmBook.Prompt(frames: talk.frames, hasManifest: sendsManifest, isReliable: talk.isReliable))
            if book.mayAskForResponse, source.below(3) > 0 {
                endpoint.requestResponse(now: now)
                book.asksForResponse()
            } else if book.mayCancel, source.below(3) == 0 {
                endpoint.cancelResponse(now: now)
                book.cancels()
            }
        }
        phase = isHealed ? .settling : .pausing(until: now + milliseconds(0...1500))
    }

    /// One Opus packet: its first byte says 20 ms of wide-band SILK; nobody listens to the rest.
    private func payload() -> [UInt8] {
        var bytes: [UInt8] = [0x48]
        for _ in 0..<(20 + source.below(100)) { bytes.append(UInt8(truncatingIfNeeded: source.next())) }
        return bytes
    }

    private func milliseconds(_ range: ClosedRange<Int>) -> Duration { .milliseconds(range.lowerBound + source.below(range.count)) }
}

extension Xoshiro256 {
    /// A number in 0 ..< `bound`.
    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(1, bound))) }
}
