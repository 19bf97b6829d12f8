@testable import Lab
import Wire

/// Both ends of the model over links of 50 ms, which lose what a test says. Times are counted from 200 ms after the SYN, by when the
/// connection stands; ticks of the kernel's clock are multiples of 4 ms.
final class TCPPair {
    /// A segment as it left.
    struct Trace: Hashable {
        var at: Double
        var start: Int
        var byteCount: Int
        var acknowledged: Int
        var sacked: [Range<Int>]
        var end: Int { start + byteCount }
    }

    var client: TCPConnection
    var server: TCPConnection
    private(set) var now = Instant.zero
    /// The client's segments with payload, and the server's that only acknowledge.
    private(set) var sent: [Trace] = []
    private(set) var acknowledgements: [Trace] = []
    private(set) var arrivals: [(at: Double, byteCount: Int)] = []
    private var flights: [(arrival: Instant, toServer: Bool, bytes: [UInt8])] = []
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 2_048, alignment: 16)
    /// Which of the client's segments with payload are lost, by their number; and when everything is, either way.
    var loses: Set<Int> = []
    var outage: Range<Double> = 0..<0
    var losesAcknowledgements = false
    /// Acknowledgements that leave in this time take so much longer.
    var detour: (during: Range<Double>, extra: Duration) = (0..<0, .zero)
    /// What the server answers, and how long after it heard.
    var answer: (byteCount: Int, delay: Duration)?
    private var answers: [Instant] = []
    static let delay = Duration.milliseconds(50)

    init() {
        client = TCPConnection(.client, now: .zero)
        server = TCPConnection(.server, now: .zero)
        run(until: .zero + .milliseconds(200))
    }

    deinit { buffer.deallocate() }

    func run(until end: Instant) {
        while true {
            pump()
            let next = earliest(flights.map(\.arrival).min(), client.deadline, server.deadline, answers.first)
            guard let next, next <= end else { break }
            now = max(now, next)
            deliver()
            if let deadline = client.deadline, deadline <= now { client.handleTimeout(now: now) }
            if let deadline = server.deadline, deadline <= now { server.handleTimeout(now: now) }
            while let first = answers.first, first <= now {
                answers.removeFirst()
                server.write([UInt8](repeating: 9, count: answer?.byteCount ?? 0), now: now)
            }
        }
        now = end
        pump()
    }

    /// Until so many milliseconds after the beginning of time.
    func run(untilMilliseconds end: Int) { run(until: .zero + .milliseconds(200 + end)) }

    private func deliver() {
        let due = flights.filter { $0.arrival <= now }
        flights.removeAll { $0.arrival <= now }
        for flight in due {
            if flight.toServer { server.receive(flight.bytes.span, now: now) } else { client.receive(flight.bytes.span, now: now) }
        }
        let bytes = server.read()
        guard !bytes.isEmpty else { return }
        arrivals.append((milliseconds, bytes.count))
        if let answer { answers.append(now + answer.delay) }
    }

    private func pump() {
        while let count = client.pollTransmit(into: buffer) {
            let bytes = Array(buffer[..<count])
            guard let trace = trace(bytes) else { continue }
            if trace.byteCount > 0 { sent.append(trace) }
            if outage.contains(milliseconds) || (trace.byteCount > 0 && loses.contains(sent.count - 1)) { continue }
            flights.append((now + Self.delay, true, bytes))
        }
        while let count = server.pollTransmit(into: buffer) {
            let bytes = Array(buffer[..<count])
            guard let trace = trace(bytes) else { continue }
            if trace.byteCount == 0 { acknowledgements.append(trace) }
            if losesAcknowledgements || outage.contains(milliseconds) { continue }
            flights.append((now + Self.delay + (detour.during.contains(milliseconds) ? detour.extra : .zero), false, bytes))
        }
    }

    private func trace(_ bytes: [UInt8]) -> Trace? {
        guard let segment = try? TCPSegment(parsing: bytes.span) else { return nil }
        return Trace(
            at: milliseconds, start: segment.start, byteCount: segment.payload.count, acknowledged: segment.acknowledged,
            sacked: segment.sacked)
    }

    /// A message of 100 bytes each 20 ms, as speech comes.
    func speak(_ count: Int) {
        for _ in 0..<count {
            client.write([UInt8](repeating: 7, count: 100), now: now)
            run(until: now + .milliseconds(20))
        }
    }

    var milliseconds: Double { (now - (.zero + .milliseconds(200))).milliseconds }

    /// When the client sent these bytes, each time.
    func times(of start: Int) -> [Double] { sent.filter { $0.start <= start && start < $0.end }.map(\.at) }
}
