import SCTPLease
import Session
import Testing
import WebRTC
import Wire

/// Strangers, and what they can do to a connection that is open.
@Suite(.ownsSCTP) struct HostilePeerTests {
    private func open() throws -> WebRTCPair {
        let pair = try WebRTCPair()
        #expect(pair.run { $0.clientEvents.contains(.opened) && $0.serverEvents.contains(.opened) })
        pair.run(for: .seconds(1))
        return pair
    }

    private func expectAlive(_ pair: WebRTCPair) throws {
        let count = pair.serverFrames.count
        try pair.speak(5, from: count, delivery: .datagram)
        pair.run(for: .milliseconds(200))
        #expect(pair.serverFrames.count == count + 5)
    }

    @Test func `garbage under every first byte changes nothing`() throws {
        let pair = try open()
        var random = Xoshiro256(seed: 3)
        for first in 0...255 as ClosedRange<UInt8> {
            for length in [1, 2, 4, 11, 12, 13, 20, 30, 64, 200, 1_400] {
                pair.inject([first] + (1..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) })
            }
        }
        pair.run(for: .milliseconds(100))
        try expectAlive(pair)
    }

    @Test func `every length from nothing to a header is safe`() throws {
        let pair = try open()
        for first in [0x00, 0x16, 0x80, 0x90] as [UInt8] {
            for length in 0...40 { pair.inject([UInt8](repeating: first, count: length)) }
        }
        try expectAlive(pair)
    }

    @Test func `packets that come twice count once`() throws {
        let pair = try open()
        var copies: [[UInt8]] = []
        pair.drops = { toServer, _, bytes in
            if toServer, bytes[0] >= 128 { copies.append(bytes) }
            return false
        }
        try pair.speak(10, delivery: .datagram)
        pair.run(for: .milliseconds(100))
        let count = pair.serverFrames.count
        for copy in copies { pair.inject(copy) }
        pair.run(for: .milliseconds(100))
        #expect(count == 10)
        #expect(pair.serverFrames.count == 10)
    }

    @Test func `no number leaves twice by SRTP, whatever the session hands down`() throws {
        let pair = try open()
        for sequence in [10, 12, 11, 10, 12] {
            var frame = WebRTCPair.frame(sequence)
            frame.payload[5] = UInt8.random(in: 0...255)
            try pair.server.send(frame: frame, delivery: .datagram, now: pair.now)
        }
        pair.run(for: .milliseconds(200))
        #expect(pair.clientFrames.map(\.sequence) == [10, 12, 11])
    }

    @Test func `mutations of real datagrams harm nobody`() throws {
        let pair = try open()
        var seen: [[UInt8]] = []
        pair.drops = { toServer, _, bytes in
            if toServer { seen.append(bytes) }
            return false
        }
        try pair.speak(3, delivery: .datagram)
        try pair.client.send(event: Array("x".utf8), now: pair.now)
        pair.run(for: .seconds(8))
        for bytes in seen.prefix(12) {
            for index in stride(from: 0, to: bytes.count, by: 3) {
                var mutated = bytes
                mutated[index] ^= 0x5A
                pair.inject(mutated)
            }
        }
        pair.run(for: .milliseconds(100))
        #expect(pair.serverEvents.allSatisfy { if case .closed = $0 { false } else { true } })
        try expectAlive(pair)
    }

    @Test func `a peer that falls silent is given up when its consent has run out`() throws {
        let pair = try open()
        pair.drops = { toServer, _, _ in toServer }
        #expect(pair.run(for: .seconds(60)) { $0.server.isClosed })
        guard case .closed(let close) = pair.serverEvents.last else {
            Issue.record("nobody was told")
            return
        }
        #expect(close.origin == .timeout)
    }
}
