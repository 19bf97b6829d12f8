@testable import Lab
import Testing
import Wire

/// Both ends of the model over links of 50 ms, one of which loses what the test names. Times are counted from the client's
/// first data.
private final class TCPPair {
    var client: TCPConnection
    var server: TCPConnection
    private(set) var now = Instant.zero
    /// Segments with payload from the client, by number: when each left, and whether it was a retransmission.
    private(set) var sent: [(at: Instant, start: Int, byteCount: Int)] = []
    private(set) var arrivals: [(at: Instant, byteCount: Int)] = []
    private var flights: [(arrival: Instant, toServer: Bool, bytes: [UInt8])] = []
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 2_048, alignment: 16)
    /// Which of the client's segments with payload are lost, by their number.
    var loses: Set<Int> = []
    var losesAcknowledgements = false
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
            let next = earliest(flights.map(\.arrival).min(), client.deadline, server.deadline)
            guard let next, next <= end else { break }
            now = max(now, next)
            let due = flights.filter { $0.arrival <= now }
            flights.removeAll { $0.arrival <= now }
            for flight in due {
                if flight.toServer { server.receive(flight.bytes.span, now: now) } else { client.receive(flight.bytes.span, now: now) }
            }
            if let deadline = client.deadline, deadline <= now { client.handleTimeout(now: now) }
            if let deadline = server.deadline, deadline <= now { server.handleTimeout(now: now) }
            let bytes = server.read()
            if !bytes.isEmpty { arrivals.append((now, bytes.count)) }
        }
        now = end
        pump()
    }

    private func pump() {
        while let count = client.pollTransmit(into: buffer, now: now) {
            let bytes = Array(buffer[..<count])
            guard let segment = try? TCPSegment(parsing: bytes.span) else { continue }
            if segment.end > segment.start {
                sent.append((now, segment.start, segment.payload.count))
                if loses.contains(sent.count - 1) { continue }
            }
            flights.append((now + Self.delay, true, bytes))
        }
        while let count = server.pollTransmit(into: buffer, now: now) {
            if losesAcknowledgements { continue }
            flights.append((now + Self.delay, false, Array(buffer[..<count])))
        }
    }

    /// A message of 100 bytes each 20 ms, as speech comes.
    func speak(_ count: Int) {
        for _ in 0..<count {
            client.write([UInt8](repeating: 7, count: 100))
            run(until: now + .milliseconds(20))
        }
    }

    func milliseconds(_ instant: Instant) -> Double { (instant - (.zero + .milliseconds(200))).milliseconds }
}

@Suite struct TCPTests {
    @Test func `a connection opens in a round trip, and its end closes`() {
        let pair = TCPPair()
        #expect(pair.client.isOpen)
        #expect(pair.server.isOpen)
        pair.client.write([1, 2, 3])
        pair.client.finish()
        pair.run(until: .zero + .seconds(1))
        #expect(pair.arrivals.map(\.byteCount) == [3])
        #expect(pair.server.peerHasEnded)
        #expect(pair.client.deadline == nil)
    }

    @Test func `on a clean path each message arrives after the path's delay, in a segment of its own`() {
        let pair = TCPPair()
        pair.speak(100)
        pair.run(until: .zero + .seconds(4))
        #expect(pair.sent.count == 100)
        #expect(pair.client.retransmittedCount == 0)
        #expect(pair.arrivals.map { pair.milliseconds($0.at) } == (0..<100).map { Double($0) * 20 + 50 })
    }

    @Test func `a lost segment with data behind it comes again after a round trip and its reordering window`() {
        let pair = TCPPair()
        pair.loses = [30]
        pair.speak(60)
        pair.run(until: .zero + .seconds(4))
        // Message 30 leaves at 600 ms. Message 31's SACK comes at 720: RACK then waits until 600 + 100 (its round trip) +
        // min(100 / 4, 100 / 8), which is past: it is lost at once.
        #expect(pair.client.retransmittedCount == 1)
        let again = pair.sent.first { $0.start == 3_000 && pair.milliseconds($0.at) > 600 }
        #expect(again.map { pair.milliseconds($0.at) } == 720)
        // So it arrives at 770, with the five that waited behind it and the one that left at 720.
        #expect(pair.arrivals.contains { pair.milliseconds($0.at) == 770 && $0.byteCount == 700 })
    }

    @Test func `a lost tail is probed, and then waited for longer each time`() {
        let pair = TCPPair()
        pair.loses = [10, 11, 12, 13]
        pair.speak(11)
        pair.run(until: .zero + .seconds(8))
        let times = pair.sent.filter { $0.start == 1_000 }.map { pair.milliseconds($0.at) }
        // Message 10 leaves at 200 ms, the only one out after the acknowledgement of message 9 at 280. Its probe would leave two
        // round trips and 200 ms later, but no later than the RTO: a smoothed 100 ms and 200 ms after it was sent.
        #expect(times.count == 5)
        #expect(abs(times[1] - 500) < 5)
        // Then the timer, 300 ms and twice as long each time.
        #expect(abs(times[2] - times[1] - 300) < 5)
        #expect(abs(times[3] - times[2] - 600) < 10)
        #expect(abs(times[4] - times[3] - 1_200) < 20)
        #expect(pair.arrivals.reduce(0) { $0 + $1.byteCount } == 1_100)
    }

    @Test func `a burst is sent again within the window that is left, and everything arrives in order, once`() {
        let pair = TCPPair()
        pair.loses = Set(40..<50)
        pair.speak(100)
        pair.run(until: .zero + .seconds(6))
        #expect(pair.arrivals.reduce(0) { $0 + $1.byteCount } == 10_000)
        // The ten, and perhaps one of them twice.
        #expect((10...11).contains(pair.client.retransmittedCount))
    }

    @Test func `a large write goes out in the initial window, and the rest as acknowledgements come`() {
        let pair = TCPPair()
        pair.client.write([UInt8](repeating: 1, count: 30_000))
        pair.run(until: .zero + .milliseconds(200))
        #expect(pair.sent.count == 10)
        #expect(pair.sent[0].byteCount == 1_448)
        pair.run(until: .zero + .seconds(2))
        #expect(pair.arrivals.reduce(0) { $0 + $1.byteCount } == 30_000)
        #expect(pair.client.retransmittedCount == 0)
    }

    @Test func `acknowledgements that are lost cost nothing while others come`() {
        let pair = TCPPair()
        pair.speak(20)
        pair.losesAcknowledgements = true
        pair.speak(3)
        pair.losesAcknowledgements = false
        pair.speak(20)
        pair.run(until: .zero + .seconds(3))
        #expect(pair.client.retransmittedCount == 0)
        #expect(pair.arrivals.count == 43)
    }

    @Test func `under random loss both ways every byte arrives in order`() {
        for seed in UInt64(1)...20 {
            let pair = TCPPair()
            var random = Xoshiro256(seed: seed)
            pair.loses = Set((0..<400).filter { _ in random.nextUnit() < 0.2 })
            pair.speak(200)
            pair.run(until: .zero + .seconds(120))
            #expect(pair.arrivals.reduce(0) { $0 + $1.byteCount } == 20_000)
            #expect(pair.client.deadline == nil)
        }
    }

    @Test func `a segment survives its bytes, and no mangled one traps`() throws {
        var segment = TCPSegment(flags: .acknowledges, start: 5, acknowledged: 9)
        segment.sacked = [20..<30, 40..<50]
        segment.payload = [1, 2, 3]
        let bytes = segment.bytes()
        #expect(bytes.count == 24 + 20 + 3)
        #expect(try TCPSegment(parsing: bytes.span) == segment)
        for index in bytes.indices {
            for value in [0, 1, 0x7F, 0x80, 0xFF] as [UInt8] {
                var mutated = bytes
                mutated[index] = value
                _ = try? TCPSegment(parsing: mutated.span)
            }
            _ = try? TCPSegment(parsing: Array(bytes.prefix(index)).span)
        }
    }
}
