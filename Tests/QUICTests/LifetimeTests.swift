import QUIC
import Testing
import Wire

@Suite struct LifetimeTests {
    private func established() throws -> QUICPair {
        let pair = try QUICPair()
        #expect(pair.establish())
        pair.run(for: .milliseconds(500))
        return pair
    }

    @Test func `closing carries code and reason and both ends come to rest`() throws {
        let pair = try established()
        pair.client.close(code: 42, reason: "enough")
        pair.run(for: .seconds(10)) { $0.client.isClosed && $0.server?.isClosed == true }
        #expect(pair.clientEvents.contains(.closed(.local(code: 42))))
        #expect(pair.serverEvents.contains(.closed(.application(code: 42, reason: "enough"))))
        #expect(pair.client.isClosed && pair.server?.isClosed == true)
        #expect(pair.client.deadline == nil && pair.server?.deadline == nil)
    }

    @Test func `a lost close is repeated when the peer goes on`() throws {
        let pair = try established()
        var lost = false
        pair.drops = { direction, _, _ in
            guard direction == .up, !lost else { return false }
            lost = true
            return true
        }
        pair.client.close(code: 9, reason: "")
        // Within the closing period of three probe timeouts.
        try pair.server?.sendDatagram([1], id: 1)
        pair.run(for: .seconds(3))
        #expect(lost)
        #expect(pair.serverEvents.contains(.closed(.application(code: 9, reason: ""))))
    }

    @Test func `silence ends the connection at the idle timeout, and keep-alive prevents it`() throws {
        var configuration = QUICConfiguration()
        configuration.idleTimeout = .seconds(5)
        let silent = try QUICPair(clientConfiguration: configuration, serverConfiguration: configuration)
        #expect(silent.establish())
        silent.run(for: .seconds(20))
        #expect(silent.clientEvents.contains(.closed(.idleTimeout)))
        configuration.keepAlive = .seconds(2)
        let kept = try QUICPair(clientConfiguration: configuration, serverConfiguration: configuration)
        #expect(kept.establish())
        kept.run(for: .seconds(20))
        #expect(kept.isEstablished)
    }

    @Test func `keys are updated in the middle of a conversation`() throws {
        let pair = try established()
        #expect(pair.client.updateKeys(now: pair.now))
        for id in 0..<50 {
            try pair.client.sendDatagram([UInt8](repeating: 1, count: 50), id: UInt64(id))
            try pair.server?.sendDatagram([UInt8](repeating: 1, count: 50), id: UInt64(id))
            pair.run(for: .milliseconds(20))
        }
        pair.run(for: .seconds(1))
        #expect(pair.serverEvents.filter { if case .datagram = $0 { true } else { false } }.count == 50)
        #expect(pair.clientEvents.filter { if case .datagram = $0 { true } else { false } }.count == 50)
        #expect(pair.server?.updateKeys(now: pair.now) == true)
    }

    @Test func `a NAT rebinding in mid-connection is validated and survived`() throws {
        let pair = try established()
        let moved = PeerAddress(ipv4: 10, 0, 0, 1, port: 6000)
        pair.visibleClient = moved
        for id in 0..<20 {
            try pair.client.sendDatagram([UInt8](repeating: 1, count: 50), id: UInt64(id))
            pair.run(for: .milliseconds(20))
        }
        pair.run(for: .seconds(1))
        #expect(pair.serverEvents.contains { if case .pathChanged(let path) = $0 { path.remote == moved } else { false } })
        #expect(pair.server?.path.remote == moved)
        #expect(pair.serverEvents.filter { if case .datagram = $0 { true } else { false } }.count == 20)
        #expect(pair.isEstablished)
    }

    /// A path is validated in two steps where little has come from it; the second takes datagrams of 1,200 bytes.
    @Test(arguments: [300, 3_000, 9_000])
    func `a NAT rebinding is survived although no long datagram comes through for a while`(milliseconds: Int) throws {
        let pair = try established()
        pair.visibleClient = PeerAddress(ipv4: 10, 0, 0, 1, port: 6000)
        let end = pair.now + .milliseconds(milliseconds)
        pair.drops = { [unowned pair] direction, _, bytes in direction == .down && bytes.count >= 1_200 && pair.now < end }
        for id in 0..<(milliseconds / 20 + 250) {
            try pair.client.sendDatagram([UInt8](repeating: 1, count: 50), id: UInt64(id))
            pair.run(for: .milliseconds(20))
        }
        try pair.server?.sendDatagram([7], id: 1)
        pair.run(for: .seconds(1))
        #expect(pair.isEstablished)
        #expect(pair.clientEvents.contains(.datagram([7])))
        #expect(pair.server?.path.remote == pair.visibleClient)
    }

    /// While a path has failed nothing can be sent; the client's next packet begins another. Each stream says all it has in one go,
    /// so nothing written later could take it along.
    @Test func `what is written to streams while a path fails arrives`() throws {
        let pair = try established()
        pair.visibleClient = PeerAddress(ipv4: 10, 0, 0, 1, port: 6000)
        let end = pair.now + .seconds(10)
        pair.drops = { [unowned pair] direction, _, bytes in direction == .down && bytes.count >= 1_200 && pair.now < end }
        let server = try #require(pair.server)
        var streams: Set<StreamID> = []
        for tick in 0..<600 {
            if tick % 25 == 0 { try pair.client.sendDatagram([UInt8](repeating: 1, count: 50), id: UInt64(tick)) }
            if tick % 5 == 0 {
                let stream = try server.openStream(.unidirectional)
                try server.write([7], to: stream, isFinal: true)
                streams.insert(stream)
            }
            pair.run(for: .milliseconds(20))
        }
        pair.run(for: .seconds(10))
        let heard = pair.clientEvents.compactMap { if case .streamData(let stream, _, _) = $0 { stream } else { nil } }
        #expect(Set(heard) == streams)
        #expect(pair.isEstablished)
    }

    @Test func `a client migrates to another path on purpose`() throws {
        let pair = try established()
        let path = NetworkPath(local: PeerAddress(ipv4: 10, 0, 0, 9, port: 7000), remote: QUICPair.serverAddress)
        pair.visibleClient = path.local
        #expect(pair.client.migrate(to: path, now: pair.now))
        try pair.client.sendDatagram([1, 2, 3], id: 1)
        pair.run(for: .seconds(1))
        #expect(pair.serverEvents.contains(.datagram([1, 2, 3])))
    }

    @Test func `a client keeps no list of its connection IDs, however often they change`() throws {
        let pair = try established()
        for port in 7001..<7004 as Range<UInt16> {
            let path = NetworkPath(local: PeerAddress(ipv4: 10, 0, 0, 9, port: port), remote: QUICPair.serverAddress)
            pair.visibleClient = path.local
            #expect(pair.client.migrate(to: path, now: pair.now))
            pair.run(for: .seconds(2))
        }
        #expect(pair.client.pollRouteChange() == nil)
        #expect(pair.server?.pollRouteChange() != nil)
    }

    @Test func `a server that forgot the connection resets it without state`() throws {
        let pair = try established()
        var entropy = Entropy(seed: 3)
        var answered = false
        pair.drops = { direction, _, bytes in
            guard direction == .up, case .short(let destination)? = try? QUICPacketHeader(parsing: bytes.span, shortIDByteCount: ConnectionIDLayout.byteCount)
            else { return false }
            let reset = pair.replies.reset(destination: destination, byteCount: bytes.count, entropy: &entropy)
            if !reset.isEmpty { pair.inject(reset, .down); answered = true }
            return true
        }
        try pair.client.sendDatagram([UInt8](repeating: 0, count: 100), id: 1)
        pair.run(for: .seconds(2))
        #expect(answered)
        #expect(pair.clientEvents.contains(.closed(.statelessReset)))
    }

    @Test(arguments: 0...64) func `short datagrams and garbage of every length change nothing`(length: Int) throws {
        let pair = try established()
        for first in [0x00, 0x40, 0x7F, 0x80, 0xC0, 0xFF] as [UInt8] {
            let garbage = [first] + (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 37) }
            pair.inject(garbage, .up)
            pair.inject(garbage, .down)
        }
        pair.inject([], .up)
        pair.run(for: .milliseconds(200))
        try pair.client.sendDatagram([5], id: 1)
        pair.run(for: .milliseconds(200))
        #expect(pair.serverEvents.contains(.datagram([5])))
    }

    @Test func `a flipped byte anywhere in a packet is dropped, and the connection goes on`() throws {
        let pair = try established()
        var captured: [UInt8] = []
        pair.drops = { direction, _, bytes in
            if direction == .up && captured.isEmpty { captured = bytes; return true }
            return false
        }
        try pair.client.sendDatagram([UInt8](repeating: 6, count: 60), id: 1)
        pair.run(for: .milliseconds(1))
        #expect(captured.count > 60)
        for index in captured.indices {
            var mangled = captured
            mangled[index] ^= 0x55
            pair.inject(mangled, .up)
        }
        pair.run(for: .seconds(1))
        #expect(!pair.serverEvents.contains { if case .datagram = $0 { true } else { false } })
        try pair.client.sendDatagram([5], id: 2)
        pair.run(for: .milliseconds(200))
        #expect(pair.serverEvents.contains(.datagram([5])))
    }

    /// ngtcp2 starts no loss timer for packets of datagrams alone.
    @Test(arguments: [QUICPair.Direction.up, .down])
    func `a window of which every datagram was lost does not stop the connection, while the peer goes on talking`(
        direction: QUICPair.Direction
    ) throws {
        let pair = try QUICPair()
        #expect(pair.establish())
        pair.run(for: .milliseconds(200))
        let sender = direction == .up ? pair.client : try #require(pair.server)
        let peer = direction == .up ? try #require(pair.server) : pair.client
        // A stream that stays open, as that of events does.
        let stream = try sender.openStream(.unidirectional)
        try sender.write([1], to: stream, isFinal: false)
        pair.run(for: .milliseconds(200))
        pair.drops = { way, _, _ in way == direction }
        for id in 0..<400 {
            try? sender.sendDatagram([UInt8](repeating: 2, count: 200), id: UInt64(id))
            if id % 5 == 0 { try peer.sendDatagram([3], id: UInt64(id)) }
            pair.run(for: .milliseconds(10))
        }
        pair.drops = { _, _, _ in false }
        try sender.write([4], to: stream, isFinal: true)
        let events = { direction == .up ? pair.serverEvents : pair.clientEvents }
        #expect(pair.run(for: .seconds(20)) { $0.received(on: stream, by: events()).isFinal })
    }
}
