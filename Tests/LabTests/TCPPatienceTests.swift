@testable import Lab
import Testing
import Wire

/// How a client's end of the model finds out that nobody is there.
@Suite struct TCPPatienceTests {
    private static let patience = TCPConnection.Patience(
        userTimeout: .seconds(4), probeIdle: .seconds(2), probeInterval: .seconds(1))

    /// A client whose handshake took 100 ms and which hears only what a test hands it.
    private struct Lonely: ~Copyable {
        var tcp: TCPConnection
        private(set) var now = Instant.zero + .milliseconds(100)
        /// When segments left, and whether they were probes.
        private(set) var sent: [(milliseconds: Double, isProbe: Bool)] = []
        private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 2_048, alignment: 16)

        init(_ patience: TCPConnection.Patience?, clock: KernelClock = KernelClock()) {
            tcp = TCPConnection(.client, patience: patience, clock: clock, now: .zero)
            drain()
            hear(TCPSegment(flags: [.syn, .acknowledges], start: 0, acknowledged: 0))
            sent = []
        }

        deinit { buffer.deallocate() }

        mutating func hear(_ segment: TCPSegment) {
            tcp.receive(segment.bytes().span, now: now)
            drain()
        }

        mutating func drain() {
            while let count = tcp.pollTransmit(into: buffer) {
                let bytes = Array(buffer[..<count])
                let isProbe = (try? TCPSegment(parsing: bytes.span))?.flags.contains(.probe) ?? false
                sent.append(((now - .zero).milliseconds, isProbe))
            }
        }

        mutating func run(until end: Instant) {
            drain()
            while let next = tcp.deadline, next <= end {
                now = max(now, next)
                tcp.handleTimeout(now: now)
                drain()
            }
            now = end
        }
    }

    @Test func `what is sent again for the user timeout without an answer breaks the connection`() {
        var client = Lonely(Self.patience)
        client.tcp.write([1, 2, 3], now: client.now)
        // 200 ms and a round trip, then a probe; the timer runs from it: 100 + 300, and 300 later. What is left after the timeout at 2.5 s
        // is measured in steps of 256 ms.
        client.run(until: .zero + .milliseconds(4_600))
        let isWaiting = !client.tcp.peerHasEnded
        #expect(isWaiting)
        client.run(until: .zero + .milliseconds(4_956))
        let isBroken = client.tcp.peerHasEnded
        #expect(isBroken)
        #expect(client.tcp.deadline == nil)
    }

    @Test(arguments: [0, 30, 100, 200]) func `it is the timer of retransmissions that finds out, as coarse as the time is long that was left`(
        milliseconds: Int
    ) {
        var clock = KernelClock()
        clock.phase = .milliseconds(milliseconds)
        var client = Lonely(Self.patience, clock: clock)
        client.tcp.write([1, 2, 3], now: client.now)
        var end: Instant?
        while let next = client.tcp.deadline {
            client.run(until: next)
            if client.tcp.peerHasEnded { end = next }
        }
        // After the timeout 1.8 s behind the first, 2.2 s are left: multiples of 64 ticks of 4 ms.
        let ticks = ((end ?? .zero) - .zero + clock.phase).nanoseconds / KernelClock.tick.nanoseconds
        #expect(ticks.isMultiple(of: 64) && end != nil)
    }

    @Test func `where round trips are long it waits for so many of them`() {
        var patience = Self.patience
        patience.roundTrips = 100
        var client = Lonely(patience)
        client.tcp.write([1, 2, 3], now: client.now)
        // The opening's round trip was 100 ms.
        client.run(until: .zero + .milliseconds(10_600))
        let isWaiting = !client.tcp.peerHasEnded
        #expect(isWaiting)
        client.run(until: .zero + .milliseconds(10_800))
        let isBroken = client.tcp.peerHasEnded
        #expect(isBroken)
    }

    @Test func `without patience it goes on as Linux does`() {
        var client = Lonely(nil)
        client.tcp.write([1, 2, 3], now: client.now)
        client.run(until: .zero + .seconds(60))
        let isWaiting = !client.tcp.peerHasEnded
        #expect(isWaiting)
        #expect(client.sent.allSatisfy { !$0.isProbe })
    }

    @Test func `an idle connection is probed, and broken when nobody answers`() {
        var client = Lonely(Self.patience)
        client.tcp.write([1], now: client.now)
        client.drain()
        client.hear(TCPSegment(flags: .acknowledges, start: 0, acknowledged: 1))
        client.run(until: .zero + .seconds(60))
        #expect(client.sent.filter(\.isProbe).map(\.milliseconds) == [2_100, 3_100])
        let isBroken = client.tcp.peerHasEnded
        #expect(isBroken)
    }

    @Test func `an answer to a probe is a sign of life`() {
        var client = Lonely(Self.patience)
        client.tcp.write([1], now: client.now)
        client.drain()
        for _ in 0..<10 {
            client.hear(TCPSegment(flags: .acknowledges, start: 0, acknowledged: 1))
            client.run(until: client.now + .milliseconds(2_500))
        }
        #expect(client.sent.count(where: \.isProbe) == 10)
        let isOpen = client.tcp.isOpen
        #expect(isOpen)
    }

    @Test func `a server answers a probe at once`() {
        var server = TCPConnection(.server, now: .zero)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 2_048, alignment: 16)
        defer { buffer.deallocate() }
        for segment in [
            TCPSegment(flags: .syn, start: 0, acknowledged: 0), TCPSegment(flags: .acknowledges, start: 0, acknowledged: 0),
        ] {
            server.receive(segment.bytes().span, now: .zero)
            while server.pollTransmit(into: buffer) != nil {}
        }
        server.receive(TCPSegment(flags: [.acknowledges, .probe], start: 0, acknowledged: 0).bytes().span, now: .zero)
        let answer = server.pollTransmit(into: buffer)
        #expect(answer == TCPSegment.headerByteCount)
        let another = server.pollTransmit(into: buffer)
        #expect(another == nil)
    }

    @Test func `a RST ends it at once, and weighs what one does`() throws {
        var client = Lonely(Self.patience)
        let reset = TCPSegment(flags: .reset, start: 0, acknowledged: 0)
        // A header of 20 bytes, 12 longer than UDP's.
        #expect(reset.bytes().count == 12)
        #expect(try TCPSegment(parsing: reset.bytes().span) == reset)
        client.hear(reset)
        let isBroken = client.tcp.peerHasEnded
        #expect(isBroken)
        client.tcp.write([1], now: client.now)
        client.run(until: .zero + .seconds(9))
        #expect(client.sent.isEmpty)
    }
}
