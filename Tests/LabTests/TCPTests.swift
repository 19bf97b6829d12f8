@testable import Lab
import Testing
import Wire

@Suite struct TCPTests {
    @Test func `a connection opens in a round trip, and its end closes`() {
        let pair = TCPPair()
        #expect(pair.client.isOpen)
        #expect(pair.server.isOpen)
        pair.client.write([1, 2, 3], now: pair.now)
        pair.client.finish(now: pair.now)
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
        #expect(pair.arrivals.map(\.at) == (0..<100).map { Double($0) * 20 + 50 })
    }

    @Test func `a large write goes out in the initial window, and the rest as acknowledgements come`() {
        let pair = TCPPair()
        pair.client.write([UInt8](repeating: 1, count: 30_000), now: pair.now)
        pair.run(until: .zero + .milliseconds(200))
        #expect(pair.sent.count == 10)
        #expect(pair.sent[0].byteCount == 1_448)
        pair.run(until: .zero + .seconds(2))
        #expect(pair.arrivals.reduce(0) { $0 + $1.byteCount } == 30_000)
        #expect(pair.client.retransmittedCount == 0)
    }

    // MARK: Loss

    @Test func `a lost segment is given a quarter of a round trip for its successors to have overtaken it`() {
        let pair = TCPPair()
        pair.loses = [30]
        pair.speak(60)
        pair.run(until: .zero + .seconds(4))
        #expect(pair.client.retransmittedCount == 1)
        // Message 30 leaves at 600 ms, and a SACK of message 31 comes at 720: it took 100 ms. Message 30 is lost at 600 + 100 + 25,
        // and 2 ms later, by a timer of 7 ms that fires with the third tick.
        #expect(pair.times(of: 3_000) == [600, 732])
        #expect(pair.arrivals.contains { $0.at == 782 && $0.byteCount == 700 })
    }

    @Test func `with three segments SACKed behind a gap nothing is waited for`() {
        let pair = TCPPair()
        pair.speak(10)
        pair.loses = [10]
        // A message of four segments, the first of which is lost.
        pair.client.write([UInt8](repeating: 1, count: 4 * 1_448), now: pair.now)
        pair.run(untilMilliseconds: 1_000)
        #expect(pair.times(of: 1_000) == [200, 300])
    }

    @Test func `what is sent again takes along the small segments behind it that are missing, too`() {
        let pair = TCPPair()
        pair.loses = Set(40..<50)
        pair.speak(100)
        pair.run(until: .zero + .seconds(6))
        #expect(pair.arrivals.reduce(0) { $0 + $1.byteCount } == 10_000)
        let again = pair.sent.filter { $0.start <= 4_000 && $0.end > 4_000 && $0.at > 800 }
        #expect(again.map { $0.byteCount }.max() == 1_000)
        #expect(pair.client.retransmittedCount <= 2)
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

    // MARK: Timeouts

    @Test func `a lost tail is probed, and then waited for twice as long each time`() {
        let pair = TCPPair()
        pair.loses = [10, 11, 12, 13]
        pair.speak(11)
        pair.run(until: .zero + .seconds(8))
        let times = pair.times(of: 1_000)
        // The acknowledgement of message 9 comes at 280 ms. The probe of the only one out may leave two round trips and 200 ms
        // later, but no later than the timeout: 300 ms after that acknowledgement.
        #expect(times.count == 5)
        let waits = zip(times.dropFirst(), times).map { $0 - $1 }
        // Timers of more than 252 ms fire up to 36 ms late, of more than 2 s up to 260.
        #expect((380...416).contains(waits[0]))
        #expect((300...336).contains(waits[1]))
        #expect((600...636).contains(waits[2]))
        #expect((1_200...1_236).contains(waits[3]))
        #expect(pair.arrivals.reduce(0) { $0 + $1.byteCount } == 1_100)
    }

    @Test func `while new messages leave they put off the timer, until the window is full`() {
        let pair = TCPPair()
        pair.speak(50)
        pair.outage = 1_000..<3_000
        pair.speak(100)
        pair.run(untilMilliseconds: 6_000)
        let lost = pair.sent.filter { $0.at >= 1_000 && $0.at < 3_000 }
        // Five are under way when it begins, and a window that has grown to thirteen has room for eight more.
        #expect(lost.prefix(8).map(\.at) == (0..<8).map { 1_000 + Double($0) * 20 })
        // The probe, 300 ms after the first that is not acknowledged left, takes along what has been written since.
        #expect((1_260...1_296).contains(lost[8].at))
        #expect((lost[8].start, lost[8].byteCount % 100) == (5_800, 0))
        // Then the timeout, and twice as long each time: with everything that fits behind the first one.
        #expect(lost.dropFirst(9).map(\.start) == [4_800, 4_800])
        #expect(lost.dropFirst(9).map(\.byteCount) == [1_000, 1_000])
        #expect((300...336).contains(lost[9].at - lost[8].at))
        #expect((600...636).contains(lost[10].at - lost[9].at))
        #expect(pair.arrivals.reduce(0) { $0 + $1.byteCount } == 15_000)
    }

    @Test func `after an outage everything that waits comes at once, not segment by segment`() {
        let pair = TCPPair()
        pair.speak(50)
        pair.outage = 1_000..<2_000
        pair.speak(100)
        pair.run(untilMilliseconds: 6_000)
        let after = pair.arrivals.filter { $0.at > 2_000 }
        let first = after.first?.at ?? 0
        // Sixty messages are five segments: slow start brings them within three round trips and a half of the first.
        #expect(after.prefix { $0.at <= first + 350 }.reduce(0) { $0 + $1.byteCount } > 6_000)
    }

    @Test func `a timeout that was not needed is taken back`() {
        let pair = TCPPair()
        pair.speak(50)
        // Acknowledgements take 600 ms longer for a while: the timeout comes before them, and F-RTO knows them for what they are.
        pair.detour = (1_000..<1_300, .milliseconds(600))
        pair.speak(100)
        pair.run(untilMilliseconds: 6_000)
        #expect(pair.client.retransmittedCount <= 2)
        #expect(pair.arrivals.reduce(0) { $0 + $1.byteCount } == 15_000)
        // The window is what it was: nothing waits for room.
        #expect(pair.sent.filter { $0.at > 2_000 }.allSatisfy { $0.byteCount == 100 })
    }

    // MARK: Acknowledgements

    @Test func `an end that only hears acknowledges sixteen segments one by one, and small ones that are read at once always`() {
        let pair = TCPPair()
        pair.speak(30)
        pair.run(untilMilliseconds: 1_000)
        #expect(pair.acknowledgements.dropFirst().map(\.acknowledged) == (1...30).map { $0 * 100 })
    }

    @Test func `an end that answers soon acknowledges with its answers, or every second segment, or after 40 ms`() {
        let pair = TCPPair()
        pair.answer = (50, .milliseconds(5))
        pair.speak(1)
        pair.run(untilMilliseconds: 100)
        pair.answer = nil
        let before = pair.acknowledgements.count
        pair.speak(4)
        pair.run(untilMilliseconds: 400)
        #expect(pair.acknowledgements.dropFirst(before).map(\.acknowledged) == [300, 500])
        pair.speak(1)
        pair.run(untilMilliseconds: 600)
        let last = pair.acknowledgements.last
        #expect(last?.acknowledged == 600)
        // It came at 450; a timer of 40 ms fires with the eleventh tick.
        #expect(last?.at == 492)
    }

    @Test func `what comes twice is said to (RFC 2883)`() {
        let pair = TCPPair()
        pair.speak(5)
        pair.losesAcknowledgements = true
        pair.speak(1)
        pair.run(untilMilliseconds: 300)
        pair.losesAcknowledgements = false
        pair.run(untilMilliseconds: 1_000)
        #expect(pair.acknowledgements.last?.sacked == [500..<600])
        #expect(pair.acknowledgements.last?.acknowledged == 600)
    }

    // MARK: Everything

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
        var segment = TCPSegment(.call, flags: .acknowledges, start: 5, acknowledged: 9)
        (segment.timestamp, segment.echo) = (77, 66)
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
                var (client, server) = (TCPPair().client, TCPPair().server)
                client.receive(mutated.span, now: .zero + .seconds(1))
                server.receive(mutated.span, now: .zero + .seconds(1))
            }
            _ = try? TCPSegment(parsing: Array(bytes.prefix(index)).span)
        }
    }
}
