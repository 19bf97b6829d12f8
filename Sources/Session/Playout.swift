internal import Wire

/// Plays answers out in real time: numbers their packets, gives them media time, and says when each is due.
///
/// Answers play one after another. Media time follows the clock between them, as RTP asks of silence.
struct Playout: Sendable {
    enum Step: Hashable {
        case started(responseID: String)
        case frame(MediaFrame)
        /// The answer has played; the manifest names the frames that it sent.
        case stopped(responseID: String, Manifest)
    }

    /// An answer that was stopped in the midst of it, and what it had sent.
    struct Cleared: Hashable {
        var responseID: String
        var manifest: Manifest
    }

    private struct Answer {
        var part: PartLocator
        var responseID: String { part.responseID }
        var packets: [[UInt8]] = []
        var next = 0
        /// No more packets will be added.
        var isWhole = false
        var isStarted = false
        /// The number of its first frame, and the hash of those that were sent.
        var firstSequence: UInt16 = 0
        var hash = FrameHash()

        /// What was sent of it.
        func manifest() -> Manifest {
            var hash = hash
            return Manifest(firstSequence: firstSequence, frames: next, sha256: hash.hexadecimal())
        }
    }

    /// Where an answer lies among the frames of the session.
    struct Place: Hashable {
        var part: PartLocator
        var firstSequence: UInt16
    }

    private let limit: Int
    private let origin: Instant
    private var answers: [Answer] = []
    /// The newest answers that were heard, or begun; the oldest first.
    private(set) var places: [Place] = []
    /// More answers than a frame log reaches back.
    private static let placeLimit = 16
    private var sequence: UInt16 = 0
    private var timestamp = MediaTime(ticks: 0)
    /// When the packet before has played, and the next is due.
    private var due: Instant
    private var isTalking = false
    /// A response that goes on although its audio was cleared.
    private var mutedID: String?
    private(set) var droppedPackets = 0
    /// Whether packets are due as soon as they are there.
    var playsAhead = false

    init(limit: Int, now: Instant) {
        self.limit = limit
        origin = now
        due = now
    }

    /// The answer whose audio plays, or will.
    var currentResponseID: String? { answers.first?.responseID }

    /// The number of the next frame.
    var nextSequence: UInt16 { sequence }
    /// The parts of the answers that are not played to their end.
    var parts: [PartLocator] { answers.map(\.part) }
    /// The answer that has begun and not ended.
    var startedResponseID: String? { answers.first(where: \.isStarted)?.responseID }

    /// When `step` has something to give.
    var deadline: Instant? {
        guard let answer = answers.first else { return nil }
        return answer.next < answer.packets.count || answer.isWhole ? due : nil
    }

    /// Takes no more audio of this response.
    mutating func mute(_ responseID: String) { mutedID = responseID }

    mutating func append(_ packets: [[UInt8]], of part: PartLocator, now: Instant) {
        guard part.responseID != mutedID else { return }
        let waiting = answers.reduce(0) { $0 + $1.packets.count - $1.next }
        let taken = packets.prefix(max(0, limit - waiting))
        droppedPackets += packets.count - taken.count
        if answers.isEmpty || deadline == nil { pause(until: now) }
        if let index = answers.firstIndex(where: { $0.part == part }) {
            answers[index].packets.append(contentsOf: taken)
        } else {
            answers.append(Answer(part: part, packets: Array(taken)))
        }
    }

    mutating func finish(_ responseID: String) {
        if let index = answers.firstIndex(where: { $0.responseID == responseID }) { answers[index].isWhole = true }
    }

    /// Stops everything at once.
    /// - Returns: the responses whose audio had started.
    mutating func clear() -> [Cleared] {
        defer {
            answers = []
            isTalking = false
        }
        return answers.filter(\.isStarted).map { Cleared(responseID: $0.responseID, manifest: $0.manifest()) }
    }

    /// Nobody was there to hear it for a while: what waits is due from now on, in real time.
    mutating func resume(now: Instant) { due = max(due, now) }

    /// The next thing that is due at `now`.
    mutating func step(now: Instant) -> Step? {
        guard let deadline, playsAhead || deadline <= now, let answer = answers.first else { return nil }
        if !answer.isStarted {
            answers[0].isStarted = true
            if answer.next < answer.packets.count { return .started(responseID: answer.responseID) }
        }
        guard answer.next < answer.packets.count else {
            answers.removeFirst()
            if answers.isEmpty { isTalking = false }
            return answer.packets.isEmpty ? step(now: now) : .stopped(responseID: answer.responseID, answer.manifest())
        }
        let packet = answer.packets[answer.next]
        if answer.next == 0 { begin(answer.part) }
        answers[0].hash.update(packet)
        answers[0].next += 1
        let duration = OpusPacket.duration(of: packet) ?? OpusPacket.usualDuration
        let frame = MediaFrame(sequence: sequence, timestamp: timestamp, marker: !isTalking, payload: packet)
        isTalking = true
        sequence &+= 1
        timestamp = timestamp.advanced(by: duration)
        due = due.advanced(by: duration)
        return .frame(frame)
    }

    /// The first frame of an answer is the next.
    private mutating func begin(_ part: PartLocator) {
        answers[0].firstSequence = sequence
        if places.count >= Self.placeLimit { places.removeFirst() }
        places.append(Place(part: part, firstSequence: sequence))
    }

    /// Nothing was left to play: what comes now is due now, and media time catches up with the clock.
    private mutating func pause(until now: Instant) {
        guard now > due || answers.isEmpty else { return }
        due = max(due, now)
        let elapsed = MediaTime(ticks: 0).advanced(by: due.since(origin))
        if elapsed.since(timestamp) > .zero { timestamp = elapsed }
        isTalking = false
    }
}
