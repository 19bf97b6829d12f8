import QUIC
import Testing
import Wire

@Suite struct TransferTests {
    private func pair(
        client: (inout QUICConfiguration) -> Void = { _ in }, server: (inout QUICConfiguration) -> Void = { _ in }
    ) throws -> QUICPair {
        var clientConfiguration = QUICConfiguration()
        var serverConfiguration = QUICConfiguration()
        client(&clientConfiguration)
        server(&serverConfiguration)
        let pair = try QUICPair(clientConfiguration: clientConfiguration, serverConfiguration: serverConfiguration)
        #expect(pair.establish())
        return pair
    }

    @Test(arguments: CongestionControl.allCases)
    func `a megabyte crosses a lossy link whole, in both directions`(control: CongestionControl) throws {
        let pair = try pair(client: { $0.congestionControl = control }, server: { $0.congestionControl = control })
        pair.drops = { _, number, _ in number % 20 == 7 }
        let content = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        let up = try pair.client.openStream(.unidirectional)
        guard let server = pair.server else { return }
        let down = try server.openStream(.bidirectional)
        var (upOffset, downOffset) = (0, 0)
        pair.run(for: .seconds(120)) { pair in
            feed(pair.client, up, content, &upOffset)
            feed(server, down, content, &downOffset)
            return pair.received(on: up, by: pair.serverEvents).isFinal && pair.received(on: down, by: pair.clientEvents).isFinal
        }
        #expect(pair.received(on: up, by: pair.serverEvents).bytes == content)
        #expect(pair.received(on: down, by: pair.clientEvents).bytes == content)
    }

    private func feed(_ connection: QUICConnection, _ stream: StreamID, _ content: [UInt8], _ offset: inout Int) {
        while offset < content.count {
            let end = min(offset + 50_000, content.count)
            do {
                try connection.write(Array(content[offset..<end]), to: stream, isFinal: end == content.count)
                offset = end
            } catch { return }
        }
    }

    @Test func `every datagram is acknowledged or lost, and the lost are those that the link dropped`() throws {
        let pair = try pair()
        // Long enough for the handshake's own packets to be over.
        pair.run(for: .seconds(1))
        var dropped: Set<Int> = []
        var index = 0
        pair.drops = { direction, number, bytes in
            guard direction == .up, bytes.count > 100 else { return false }
            defer { index += 1 }
            if index % 7 == 3 { dropped.insert(index); return true }
            return false
        }
        for id in 0..<200 {
            try pair.client.sendDatagram([UInt8](repeating: UInt8(id), count: 120), id: UInt64(id))
            pair.run(for: .milliseconds(20))
        }
        // Datagrams alone arm no probe timeout: something reliable must follow to reveal a lost tail.
        try pair.client.write([1], to: pair.client.openStream(.unidirectional), isFinal: true)
        pair.run(for: .seconds(3))
        let arrived = Set(pair.serverEvents.compactMap { if case .datagram(let bytes) = $0 { Int(bytes[0]) } else { nil } })
        let lost = Set(pair.clientEvents.compactMap { if case .datagramLost(let id) = $0 { Int(id) } else { nil } })
        let acknowledged = Set(pair.clientEvents.compactMap { if case .datagramAcknowledged(let id) = $0 { Int(id) } else { nil } })
        #expect(Set(0..<200).subtracting(arrived) == dropped)
        #expect(lost == dropped)
        #expect(acknowledged == arrived)
        #expect(dropped.count > 20)
    }

    @Test func `a datagram lost in one packet with stream bytes is reported although a probe has sent those again`() throws {
        let pair = try pair()
        pair.run(for: .seconds(1))
        let stream = try pair.client.openStream(.unidirectional)
        var losses = 1
        pair.drops = { direction, _, _ in
            guard direction == .up, losses > 0 else { return false }
            losses -= 1
            return true
        }
        try pair.client.sendDatagram([1, 2, 3], id: 7)
        try pair.client.write([4, 5, 6], to: stream)
        pair.run(for: .seconds(2))
        #expect(pair.received(on: stream, by: pair.serverEvents).bytes == [4, 5, 6])
        for id in 8..<20 {
            try pair.client.sendDatagram([1], id: UInt64(id))
            pair.run(for: .milliseconds(500))
        }
        #expect(pair.clientEvents.filter { $0 == .datagramLost(id: 7) }.count == 1)
    }

    @Test func `an oversize datagram is an error to the caller and the next one still goes`() throws {
        let pair = try pair()
        let maximum = pair.client.maximumDatagramPayload
        #expect(maximum > 1000)
        #expect(throws: QUICRefusal.datagramTooLarge(maximum: maximum)) {
            try pair.client.sendDatagram([UInt8](repeating: 0, count: maximum + 1), id: 1)
        }
        try pair.client.sendDatagram([UInt8](repeating: 2, count: maximum), id: 2)
        try pair.client.sendDatagram([3], id: 3)
        pair.run(for: .seconds(1))
        let sizes = pair.serverEvents.compactMap { if case .datagram(let bytes) = $0 { bytes.count } else { nil } }
        #expect(sizes == [maximum, 1])
    }

    @Test func `a peer without datagrams is told apart from a full queue`() throws {
        let deaf = try pair(server: { $0.limits.maximumDatagramFrame = 0 })
        #expect(throws: QUICRefusal.datagramsUnsupported) { try deaf.client.sendDatagram([1], id: 1) }
        let full = try pair(client: { $0.limits.datagramSendQueue = 3 })
        for id in 0..<3 { try full.client.sendDatagram([1], id: UInt64(id)) }
        #expect(throws: QUICRefusal.datagramQueueFull) { try full.client.sendDatagram([1], id: 3) }
    }

    @Test func `a reader that does not consume stops the writer, and consuming wakes it`() throws {
        let pair = try pair(client: { $0.limits.streamSendBuffer = 100_000 }, server: { $0.limits.streamReceiveWindow = 60_000 })
        pair.consumes = false
        let stream = try pair.client.openStream(.unidirectional)
        try pair.client.write([UInt8](repeating: 1, count: 100_000), to: stream)
        #expect(throws: QUICRefusal.bufferFull) { try pair.client.write([1], to: stream) }
        pair.run(for: .seconds(5))
        let arrived = pair.received(on: stream, by: pair.serverEvents).bytes.count
        #expect(arrived == 60_000)
        pair.server?.consumed(arrived, on: stream)
        pair.run(for: .seconds(5))
        #expect(pair.received(on: stream, by: pair.serverEvents).bytes.count == 100_000)
        #expect(pair.clientEvents.contains(.writable(stream)))
    }

    @Test func `more streams than the peer allows wait for credit, and closed streams give it back`() throws {
        let pair = try pair(server: { $0.limits.peerUnidirectionalStreams = 3 })
        for _ in 0..<3 { try pair.client.write([1], to: pair.client.openStream(.unidirectional), isFinal: true) }
        #expect(throws: QUICRefusal.noStreamCredit) { try pair.client.openStream(.unidirectional) }
        pair.run(for: .seconds(1))
        #expect(pair.clientEvents.contains(.streamsAvailable(.unidirectional)))
        // A thousand more, one after another.
        for _ in 0..<1000 {
            try pair.client.write([1], to: pair.client.openStream(.unidirectional), isFinal: true)
            pair.run(for: .milliseconds(200))
        }
        let opened = Set(pair.serverEvents.compactMap { if case .streamData(let id, _, _) = $0 { id } else { nil } })
        #expect(opened.count == 1003)
    }

    @Test func `reset and stop-sending reach the other side with their codes`() throws {
        let pair = try pair()
        guard let server = pair.server else { return }
        let first = try pair.client.openStream(.unidirectional)
        let second = try pair.client.openStream(.bidirectional)
        try pair.client.write([1, 2, 3], to: first)
        try pair.client.write([1, 2, 3], to: second)
        pair.run(for: .milliseconds(100))
        pair.client.reset(first, code: 77)
        server.stopSending(second, code: 88)
        pair.run(for: .milliseconds(200))
        #expect(pair.serverEvents.contains(.streamReset(first, code: 77)))
        // The next write finds out.
        try pair.client.write([4], to: second)
        pair.run(for: .milliseconds(200))
        #expect(pair.clientEvents.contains(.stopSending(second, code: nil)))
        #expect(throws: QUICRefusal.noSuchStream) { try pair.client.write([5], to: second) }
    }

    @Test func `writing to a stream that is over or was never opened is refused`() throws {
        let pair = try pair()
        let stream = try pair.client.openStream(.unidirectional)
        try pair.client.write([1], to: stream, isFinal: true)
        #expect(throws: QUICRefusal.noSuchStream) { try pair.client.write([2], to: stream) }
        #expect(throws: QUICRefusal.noSuchStream) { try pair.client.write([2], to: StreamID(400)) }
        pair.client.consumed(10, on: StreamID(400))
        pair.client.reset(StreamID(400), code: 1)
    }
}
