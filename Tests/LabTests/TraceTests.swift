@testable import Lab
import Testing
import Wire

@Suite struct TraceTests {
    private static func trace(_ stamps: [UInt32], queueByteCount: Int = 150_000) throws(DeliveryTraceError) -> DeliveryTrace {
        let text = Array(stamps.map { "\($0)\n" }.joined().utf8)
        return try DeliveryTrace(text.span, queueByteCount: queueByteCount)
    }

    /// When packets of these sizes, headers included, leave a link with this trace; `nil` for a dropped one.
    private static func departures(
        _ trace: DeliveryTrace, _ packets: [(milliseconds: Double, byteCount: Int)]
    ) -> [UInt64?] {
        var queue = TraceQueue(trace, seed: 1)
        return packets.map { packet in
            let now = Instant(nanoseconds: UInt64(packet.milliseconds * 1_000_000))
            return queue.enqueue(byteCount: packet.byteCount, now: now).map { $0.end.nanoseconds / 1_000_000 }
        }
    }

    @Test func `a packet leaves at the next opportunity, and one that comes at its instant is too late for it`() throws {
        let trace = try Self.trace([5, 10, 20])
        #expect(Self.departures(trace, [(0, 100), (5, 100), (10.5, 100), (20, 100)]) == [5, 10, 20, 25])
    }

    @Test func `an opportunity carries 1 500 bytes of whatever waits, and what it does not use is lost`() throws {
        let trace = try Self.trace([5, 10, 20])
        // Fifteen packets of 100 bytes fill the first opportunity; the sixteenth waits for the second.
        #expect(Self.departures(trace, (0..<16).map { _ in (1, 100) }) == Array(repeating: 5, count: 15) + [10])
        // 1 000 bytes go at 5; of the second packet 500 there, and 500 at 10, with 1 000 of the third.
        #expect(Self.departures(trace, [(1, 1000), (2, 1000), (3, 1000), (4, 100)]) == [5, 10, 10, 20])
        // Nobody waited at 5 and 10: the packet that comes later has only what comes later.
        #expect(Self.departures(trace, [(11, 1500), (12, 1)]) == [20, 25])
    }

    @Test func `a packet larger than an opportunity takes as many as it needs`() throws {
        let trace = try Self.trace([5, 5, 7, 30])
        #expect(Self.departures(trace, [(0, 3000), (0, 1501), (0, 100)]) == [5, 30, 30])
    }

    @Test func `stamps at one millisecond are opportunities of their own`() throws {
        let trace = try Self.trace([3, 3, 3, 9])
        #expect(Self.departures(trace, (0..<5).map { _ in (0, 1500) }) == [3, 3, 3, 9, 12])
    }

    @Test func `at its end a trace begins again, its last stamp being the first of the next round`() throws {
        let trace = try Self.trace([0, 4, 10])
        // Rounds begin at 0, 10, 20: a stamp of 0 and the last stamp before it fall on the same millisecond.
        #expect(Self.departures(trace, [(4, 1500), (4, 1500), (4, 1500), (4, 1500)]) == [10, 10, 14, 20])
        #expect(Self.departures(trace, [(1_000_001, 100)]) == [1_000_004])
        #expect(Self.departures(trace, [(9.999, 100), (10, 1400), (10, 200)]) == [10, 14, 20])
    }

    @Test func `a full queue drops, and a packet under way has left it`() throws {
        let trace = try Self.trace([10, 20, 30], queueByteCount: 3000)
        let fates = Self.departures(trace, [(0, 1500), (1, 1500), (2, 28), (10, 1500), (10, 1), (11, 1)])
        // At 10 the first has left. The second, whose turn comes at 20, still waits.
        #expect(fates == [10, 20, nil, 30, nil, nil])
    }

    @Test func `where it begins is the seed's choice if a profile says so`() throws {
        var trace = try Self.trace((1...1000).map { $0 * 10 })
        trace.start = .anywhere
        var starts: Set<UInt64> = []
        for seed: UInt64 in 0..<50 {
            var queue = TraceQueue(trace, seed: seed)
            let sending = queue.enqueue(byteCount: 100, now: .zero)
            let end = try #require(sending).end
            #expect((1...10_000_000).contains(end.nanoseconds))
            starts.insert(end.nanoseconds)
        }
        #expect(starts.count > 5)
    }

    @Test func `a link with a trace adds delay after the opportunity`() throws {
        var profile = LinkProfile(delay: .milliseconds(25), bitsPerSecond: 1, queueLimit: .zero)
        profile.trace = try Self.trace([10, 20])
        var link = Link(profile, seed: 1)
        #expect(link.send(byteCount: 972, now: .zero) == .delivered(at: .zero + .milliseconds(35)))
        #expect(link.send(byteCount: 972, now: .zero) == .delivered(at: .zero + .milliseconds(45)))
        #expect(profile.trace?.meanBitsPerSecond == 1_200_000)
    }

    @Test(arguments: [
        ("", DeliveryTraceError.empty), ("0\n", .noTime), ("5\n\n7\n", .notAStamp(line: 2)), ("5\n4\n", .falls(line: 2)),
        ("5\r\n", .notAStamp(line: 1)), ("-5\n", .notAStamp(line: 1)), ("5 \n", .notAStamp(line: 1)),
        ("1.5\n", .notAStamp(line: 1)), ("99999999999999999999\n", .overLimit(line: 1)), ("\u{FEFF}5\n", .notAStamp(line: 1)),
    ])
    func `what is no trace is refused with its line`(text: String, expected: DeliveryTraceError) {
        let bytes = Array(text.utf8)
        #expect(throws: expected) { try DeliveryTrace(bytes.span) }
    }

    @Test func `a last line without an end is a stamp, and no mangled byte traps`() throws {
        let text = Array("10\n20\n305".utf8)
        #expect(try DeliveryTrace(text.span).stamps == [10, 20, 305])
        for index in text.indices {
            for byte: UInt8 in 0...255 {
                var mangled = text
                mangled[index] = byte
                guard let trace = try? DeliveryTrace(mangled.span) else { continue }
                var queue = TraceQueue(trace, seed: 1)
                _ = queue.enqueue(byteCount: 1500, now: .zero + .seconds(100))
            }
        }
    }
}
