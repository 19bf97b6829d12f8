internal import CVirtualClock
internal import SCTP
internal import Wire

/// What usrsctp may see of a packet: the filter before it, beside a second reader of the same rules.
func fuzzSCTPPacket(_ input: Span<UInt8>) throws(FuzzFinding) -> Bool {
    let packet = [UInt8](input)
    let summary = SCTPPacket.inspect(input)
    let chunks = chunks(of: packet)
    // CVE-2019-20503 and the extensions that no data channel has; docs of `SCTPPacket` say why.
    let isForbidden = chunks?.contains { chunk in
        switch chunk.type {
        case 0x0F, 0x80, 0x81, 0xC1: true
        case 1, 2: parameters(of: chunk.body).map { !Set([5, 6, 11]).isDisjoint(with: $0) } ?? true
        default: false
        }
    }
    try expect((summary != nil) == (isForbidden == false), "usrsctp sees whole chunks, and none of what no data channel has")
    try expect((summary?.hasData ?? false) == (summary != nil && chunks?.contains { $0.type == 0 } == true), "data is noticed")
    return summary != nil
}

/// The chunks of a packet that they fill; `nil` for any other.
private func chunks(of packet: [UInt8]) -> [(type: Int, body: ArraySlice<UInt8>)]? {
    guard (16...65_535).contains(packet.count) else { return nil }
    var chunks: [(type: Int, body: ArraySlice<UInt8>)] = []
    var rest = packet.dropFirst(12)
    while !rest.isEmpty {
        guard rest.count >= 4 else { return nil }
        let length = Int(rest[rest.startIndex + 2]) << 8 + Int(rest[rest.startIndex + 3])
        guard length >= 4, length <= rest.count else { return nil }
        chunks.append((Int(rest[rest.startIndex]), rest.prefix(length).dropFirst(4)))
        rest = rest.dropFirst((length + 3) / 4 * 4)
    }
    return chunks
}

/// The types of an INIT's parameters; `nil` where they are not whole.
private func parameters(of body: ArraySlice<UInt8>) -> [Int]? {
    guard body.count >= 16 else { return nil }
    var types: [Int] = []
    var rest = body.dropFirst(16)
    while rest.count >= 4 {
        let length = Int(rest[rest.startIndex + 2]) << 8 + Int(rest[rest.startIndex + 3])
        guard length >= 4, length <= rest.count else { return nil }
        types.append(Int(rest[rest.startIndex]) << 8 + Int(rest[rest.startIndex + 1]))
        rest = rest.dropFirst((length + 3) / 4 * 4)
    }
    return types
}

/// An association whose peer sends whatever it likes, and an honest one beside it.
///
/// The input is a list: a byte that says how a packet is addressed, a length in two bytes, and as many bytes of the packet behind
/// its common header, which is made here: or no packet would get past usrsctp's checksum and tag.
func fuzzSCTPAssociation(_ input: Span<UInt8>) throws(FuzzFinding) -> Bool {
    SCTPEngine.shared.beginTimeline()
    parallax_virtual_clock_seed(1)
    parallax_virtual_clock_set(0)
    defer { parallax_virtual_clock_clear() }
    let honest = SCTPTable()
    let attacked = SCTPTable()
    honest.connect()
    attacked.connect()
    try expect(honest.isConnected && attacked.isConnected, "two ends connect")

    var reader = ByteReader(input)
    var packetCount = 0
    while packetCount < 64, let kind = try? reader.readUInt8(), let length = try? reader.readUInt16() {
        let chunks = (try? reader.readBytes(min(Int(length), reader.remaining))) ?? []
        attacked.attack(chunks, tag: kind & 1 == 0 ? .right : .zero)
        if kind & 2 == 2 { attacked.pass(.milliseconds(Int64(kind >> 2) * 50)) }
        packetCount += 1
    }
    let isTaken = attacked.isConnected
    try attacked.drain()

    honest.pass(to: attacked.now)
    try honest.exchange()
    attacked.close()
    honest.close()
    return isTaken && packetCount > 0
}

/// Both ends of an association over a link that takes no time.
private final class SCTPTable {
    enum Tag { case right, zero }

    private let client = SCTPAssociation(isClient: true)
    private let server = SCTPAssociation(isClient: false)
    private(set) var now = Instant.zero
    /// What packets to the server carry as their verification tag, and to which it listens.
    private var tag: [UInt8] = [0, 0, 0, 0]
    private var clientMessages: [[UInt8]] = []
    private var serverMessages: [[UInt8]] = []

    var isConnected: Bool { client.isConnected && server.isConnected }

    func connect() {
        server.start(now: now)
        client.start(now: now)
        carry()
    }

    /// Hands the server a packet of the peer's: `chunks` behind a common header with its tag and its checksum.
    func attack(_ chunks: [UInt8], tag: Tag) {
        var packet: [UInt8] = [0x13, 0x88, 0x13, 0x88]
        packet += tag == .right ? self.tag : [0, 0, 0, 0]
        packet += [0, 0, 0, 0] + chunks
        CRC32C.seal(&packet)
        server.receive(packet, now: now)
        carry()
    }

    func pass(_ duration: Duration) { pass(to: now + duration) }

    func pass(to end: Instant) {
        while let due = earliest(client.deadline, server.deadline), due <= end {
            set(max(now, due))
            for association in [client, server] {
                if let deadline = association.deadline, deadline <= now { association.handleTimeout(now: now) }
            }
            carry()
        }
        set(max(now, end))
    }

    /// - Throws: where an end does not come to rest, or tells something after its end.
    func drain() throws(FuzzFinding) {
        carry()
        for association in [client, server] {
            try expect(association.pollTransmit() == nil && association.pollEvent() == nil, "draining an association ends")
        }
    }

    /// A message each way.
    func exchange() throws(FuzzFinding) {
        guard (try? client.send([1], stream: 0, protocolID: 53, now: now)) != nil,
            (try? server.send([2], stream: 0, protocolID: 53, now: now)) != nil
        else { throw FuzzFinding(description: "broken: an association that nobody attacks goes on") }
        carry()
        pass(.milliseconds(100))
        try expect(serverMessages == [[1]] && clientMessages == [[2]], "an association that nobody attacks is heard")
    }

    func close() {
        client.close(now: now)
        server.close(now: now)
        carry()
    }

    private func set(_ time: Instant) {
        now = time
        parallax_virtual_clock_set(Int64(now.nanoseconds))
    }

    private func carry() {
        // Two ends of which one talks nonsense may have much to say to each other, but not for ever at one instant.
        for _ in 0..<1_000 {
            var isQuiet = true
            while let packet = client.pollTransmit() {
                isQuiet = false
                if packet.count >= 8, packet[4..<8].contains(where: { $0 != 0 }) { tag = Array(packet[4..<8]) }
                server.receive(packet, now: now)
            }
            while let packet = server.pollTransmit() {
                isQuiet = false
                client.receive(packet, now: now)
            }
            while let event = client.pollEvent() { if case .message(_, _, let bytes) = event { clientMessages.append(bytes) } }
            while let event = server.pollEvent() { if case .message(_, _, let bytes) = event { serverMessages.append(bytes) } }
            if isQuiet { return }
        }
    }
}
