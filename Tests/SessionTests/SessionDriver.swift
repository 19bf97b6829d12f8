import Session
import Testing
import Wire

/// A session and its clock: hands in what a test says, drains, and sorts what comes out.
struct SessionDriver {
    var session: Session
    var now = Instant(nanoseconds: 1_000_000_000)
    /// The events since the last `take`, as JSON.
    var events: [JSONValue] = []
    var frames: [MediaFrame] = []
    var deliveries: [Delivery] = []
    var requests: [ResponderInput] = []
    var closes: [String] = []
    var expectations: [UInt16] = []
    var talkEnds = 0
    var eventBytes: [[UInt8]] = []

    static let capabilities = Capabilities(transport: "roq", modes: [.datagram, .streamPerFrame, .stream])

    init(
        _ configuration: SessionConfiguration = SessionConfiguration(), limits: SessionLimits = SessionLimits(),
        seed: UInt64 = 1, attached: Bool = true
    ) {
        session = Session(id: "sess_test", configuration: configuration, limits: limits, seed: seed, now: now)
        if attached {
            session.attach(Self.capabilities, now: now)
            drain()
            forget()
        }
    }

    mutating func drain() {
        while let output = session.pollOutput() {
            switch output {
            case .event(let bytes):
                eventBytes.append(bytes)
                events.append((try? JSON.decode(JSONValue.self, from: bytes, depthLimit: 32)) ?? .null)
            case .frame(let frame, let delivery):
                frames.append(frame)
                deliveries.append(delivery)
            case .expect(_, let last): expectations.append(last)
            case .talkEnded: talkEnds += 1
            case .responder(let input): requests.append(input)
            case .close(_, let reason): closes.append(reason)
            }
        }
    }

    /// The event that changes `parallax.reliability`, given as JSON.
    static func update(_ reliability: String) -> String {
        #"{"type":"session.update","session":{"type":"realtime","parallax":{"reliability":\#(reliability)}}}"#
    }

    /// Another connection goes on with the session.
    mutating func resume(
        _ capabilities: Capabilities = SessionDriver.capabilities, lastEventID: String? = nil, answerSequence: UInt16? = nil
    ) {
        session.resume(capabilities, offer: nil, lastEventID: lastEventID, answerSequence: answerSequence, now: now)
        drain()
    }

    mutating func forget() { (events, frames, deliveries, requests, closes, expectations, eventBytes) = ([], [], [], [], [], [], []) }

    mutating func send(_ json: String) {
        session.receive(event: Array(json.utf8), now: now)
        drain()
    }

    mutating func send(_ event: ClientEvent) {
        session.receive(event: OutgoingEvent(event, eventID: "e1").encoded(), now: now)
        drain()
    }

    mutating func send(_ frame: MediaFrame) {
        session.receive(frame: frame, now: now)
        drain()
    }

    mutating func give(_ output: ResponderOutput) {
        session.receive(output, now: now)
        drain()
    }

    /// Frames of 20 ms, each at its time; those in `lost` are left out.
    mutating func speak(_ sequences: Range<Int>, lost: Set<Int> = []) {
        for sequence in sequences {
            if !lost.contains(sequence) { send(Self.frame(sequence)) }
            advance(by: .milliseconds(20))
        }
    }

    /// Runs the clock, and every deadline on the way.
    mutating func advance(by duration: Duration) {
        let target = now.advanced(by: duration)
        while let deadline = session.deadline, deadline <= target {
            now = max(now, deadline)
            session.handleTimeout(now: now)
            drain()
        }
        now = target
    }

    var types: [String] { events.map { $0["type"]?.text ?? "?" } }

    func event(_ type: String) -> JSONValue? { events.last { $0["type"]?.text == type } }

    /// The code of the only error, where there is exactly one.
    var errorCode: String? {
        let errors = events.filter { $0["type"]?.text == "error" }
        return errors.count == 1 ? errors[0]["error"]?["code"]?.text : nil
    }

    var receipt: Receipt? {
        for bytes in eventBytes.reversed() {
            if case .audioIntegrityCompleted(let receipt) = try? ServerEvent(parsing: bytes, limits: SessionLimits()) { return receipt }
        }
        return nil
    }

    // MARK: Frames and manifests

    /// One CELT packet of 20 ms, different for every sequence number.
    static func payload(_ sequence: Int) -> [UInt8] {
        [0xF8, UInt8(truncatingIfNeeded: sequence), UInt8(truncatingIfNeeded: sequence >> 8), 0xAA]
    }

    static func frame(_ sequence: Int) -> MediaFrame {
        MediaFrame(
            sequence: UInt16(truncatingIfNeeded: sequence),
            timestamp: MediaTime(ticks: UInt32(truncatingIfNeeded: sequence &* 960)), marker: false,
            payload: payload(sequence))
    }

    static func manifest(_ sequences: Range<Int>) -> Manifest {
        var hash = FrameHash()
        for sequence in sequences { hash.update(payload(sequence)) }
        return Manifest(
            firstSequence: UInt16(truncatingIfNeeded: sequences.lowerBound), frames: sequences.count, sha256: hash.hexadecimal())
    }
}

extension JSONValue {
    subscript(key: String) -> JSONValue? {
        if case .object(let fields) = self { fields[key] } else { nil }
    }
    var text: String? {
        if case .string(let text) = self { text } else { nil }
    }
    var integer: Int? {
        if case .integer(let value) = self { Int(value) } else { nil }
    }
}
