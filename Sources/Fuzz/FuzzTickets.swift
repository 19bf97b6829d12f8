internal import Crypto
internal import QUIC
internal import Wire

/// The file of a client's tickets. Its checksums would stop nearly every mutation, so they are put right first.
func fuzzTickets(_ input: Span<UInt8>) throws(FuzzFinding) -> Bool {
    let clock = WallClock(unixSeconds: 1_790_000_000, now: Instant(nanoseconds: 5_000_000_000))
    guard let wallet = try? TicketWallet(parsing: withRightChecksums([UInt8](input)), clock) else { return false }
    try expect(wallet.tickets.allSatisfy { $0.expiry <= clock.now + .seconds(7 * 86_400) }, "no ticket is good for over a week")
    let again = try? TicketWallet(parsing: wallet.encoded(clock), clock)
    try expect(again == wallet, "a file survives the round trip")
    return !wallet.tickets.isEmpty
}

private func withRightChecksums(_ file: [UInt8]) -> [UInt8] {
    var file = file
    var start = 0
    while start + 4 <= file.count {
        let length = file[start..<(start + 4)].reduce(0) { $0 << 8 | Int($1) }
        start += 4
        guard length >= 32, start + length <= file.count else { break }
        let end = start + length
        file.replaceSubrange((end - 32)..<end, with: Array(SHA256.hash(data: file[start..<(end - 32)])))
        start = end
    }
    return file
}

/// TLS's messages as our own layer reads them: the whole input as a NewSessionTicket, and as a ClientHello.
func fuzzTicketMessages(_ input: Span<UInt8>) throws(FuzzFinding) -> Bool {
    let given = try? NewSessionTicket(parsing: input)
    if let given {
        try expect(given.lifetime <= .seconds(7 * 86_400), "no ticket is good for over a week")
        try expect(!given.ticket.isEmpty && given.ticket.count < input.count, "a ticket lies within its message")
    }
    let offer = TicketOffer(parsing: [UInt8](input))
    // One of 64 KiB would not fit into a second ClientHello beside the others.
    try expect(TicketOffer(parsing: hello(offer)) == offer, "an offer survives the round trip")
    return given != nil || offer != TicketOffer()
}

/// A ClientHello without its header (RFC 8446 section 4.1.2) that offers the same.
private func hello(_ offer: TicketOffer) -> [UInt8] {
    func counted(_ bytes: [UInt8]) -> [UInt8] { [UInt8(truncatingIfNeeded: bytes.count >> 8), UInt8(truncatingIfNeeded: bytes.count)] + bytes }
    var extensions: [UInt8] = []
    if !offer.protocols.isEmpty {
        extensions += [0, 16] + counted(counted(offer.protocols.flatMap { [UInt8($0.count)] + $0 }))
    }
    if !offer.tickets.isEmpty {
        extensions += [0, 41] + counted(counted(offer.tickets.flatMap { counted($0) + [0, 0, 0, 0] }) + [0, 0])
    }
    return [3, 3] + [UInt8](repeating: 0, count: 32) + [0] + counted([0x13, 0x01]) + [1, 0] + counted(extensions)
}

/// A client that comes back with a ticket that is not quite the one that it got, or remembers something else of the server, and sends
/// early.
///
/// The input is a list of changes: an offset into the ticket in two bytes, and what is added to the byte there. An offset over
/// half the numbers names a transport parameter by its last bits instead, and the next byte a power of two for it.
func fuzzResumption(_ input: Span<UInt8>) throws(FuzzFinding) -> Bool {
    let desk = TicketDesk(secret: [UInt8](repeating: 5, count: 32), binding: [1])
    let first = FuzzedVisit(desk: desk, ticket: nil)
    first.run()
    guard let good = first.ticket, let place = desk.memory.place(ofTicketIn: good.session) else {
        throw FuzzFinding(description: "broken: a client has the ticket that the server gave")
    }
    var session = good.session
    var parameters = good.parameters
    var reader = ByteReader(input)
    while let offset = try? reader.readUInt16(), let change = try? reader.readUInt8() {
        if offset < 0x8000 {
            session[place.lowerBound + Int(offset) % place.count] &+= change
        } else {
            parameters.change(Int(offset & 7), to: 1 << UInt64(change % 62))
        }
    }
    let changed = SessionTicket(
        serverName: good.serverName, alpn: good.alpn, trust: good.trust, expiry: good.expiry, session: session, parameters: parameters)
    let second = FuzzedVisit(desk: desk, ticket: changed)
    second.run()
    let outcome = second.client.earlyData
    if session != good.session { try expect(outcome != .accepted, "nobody makes a ticket") }
    if session != good.session || parameters == good.parameters {
        // Who sends early more than the server allows breaks its rules (RFC 9000 section 7.4.1), where it takes that.
        try expect(second.client.isEstablished && second.server?.isEstablished == true, "no ticket keeps a client out")
        try expect(second.heard == FuzzedVisit.said, "what was sent early is heard once")
    }
    let third = FuzzedVisit(desk: desk, ticket: nil)
    third.run()
    try expect(third.client.isEstablished && third.heard == FuzzedVisit.said, "the server goes on")
    return outcome == .accepted
}

extension RememberedParameters {
    /// Changes one of those that a client's early data depends on.
    fileprivate mutating func change(_ number: Int, to value: UInt64) {
        switch number {
        case 0: initialMaxData = value
        case 1: initialMaxStreamDataBidiLocal = value
        case 2: initialMaxStreamDataBidiRemote = value
        case 3: initialMaxStreamDataUni = value
        case 4: initialMaxStreamsBidi = min(value, 1 << 60)
        case 5: initialMaxStreamsUni = min(value, 1 << 60)
        case 6: activeConnectionIDLimit = max(value, 2)
        default: maxDatagramFrameSize = value
        }
    }
}

extension TicketMemory {
    /// Where a TLS session, as GnuTLS packs it, has one of these tickets: behind its length in 32 bits.
    fileprivate func place(ofTicketIn session: [UInt8]) -> Range<Int>? {
        for start in session.indices.dropFirst(4) {
            let length = session[(start - 4)..<start].reduce(0) { $0 << 8 | Int($1) }
            guard length > 0, length <= session.count - start, holds(Array(session[start..<(start + length)])) else { continue }
            return start..<(start + length)
        }
        return nil
    }
}

/// One connection to a server with a desk, over a link that takes no time and loses nothing.
private final class FuzzedVisit {
    static let path = NetworkPath(
        local: PeerAddress(ipv4: 10, 0, 0, 1, port: 5000), remote: PeerAddress(ipv4: 10, 0, 0, 2, port: 4433))
    /// Made once: generating a key is not what this is about.
    private static let credentials = Result { () throws(CredentialsError) in
        try ServerCredentials.selfSigned(.ed25519, unixSeconds: 1_790_000_000)
    }

    static let said: [UInt8] = Array(0..<200)

    let client: QUICConnection
    private(set) var server: QUICConnection?
    private(set) var ticket: SessionTicket?
    private(set) var heard: [UInt8] = []
    private let desk: TicketDesk
    private var now = Instant(nanoseconds: 1_000_000_000)

    init(desk: TicketDesk, ticket: SessionTicket?) {
        self.desk = desk
        client = QUICConnection.client(
            serverName: "localhost", alpn: ["roq-14"], credentials: ClientCredentials(.insecure), configuration: QUICConfiguration(),
            ticket: ticket, takesTickets: true, path: Self.path, entropy: Entropy(seed: 1), now: now)
    }

    /// Sends on a stream as early as may be, and runs until nothing more happens soon.
    func run() {
        let end = now + .seconds(30)
        var hasSent = false
        while now < end, !client.isClosed {
            if !hasSent, let stream = try? client.openStream(.unidirectional) {
                hasSent = (try? client.write(Self.said, to: stream, isFinal: true)) != nil
            }
            if exchange() { continue }
            if client.isEstablished, server?.isEstablished == true, ticket != nil, heard.count >= Self.said.count { break }
            guard let due = earliest(client.deadline, server?.deadline) else { break }
            now = max(now, due)
            if let deadline = client.deadline, deadline <= now { client.handleTimeout(now: now) }
            if let server, let deadline = server.deadline, deadline <= now { server.handleTimeout(now: now) }
        }
    }

    /// - Returns: whether anything was said.
    private func exchange() -> Bool {
        var wasQuiet = true
        while let event = client.pollEvent() {
            wasQuiet = false
            if case .ticket(let given) = event { ticket = given }
        }
        while let server, let event = server.pollEvent() {
            wasQuiet = false
            guard case .streamData(let stream, let bytes, _) = event else { continue }
            heard += bytes
            server.consumed(bytes.count, on: stream)
        }
        for packet in packets(of: client) {
            wasQuiet = false
            packet.withUnsafeBytes { bytes in
                if server == nil { accept(bytes) }
                server?.receive(bytes, path: NetworkPath(local: Self.path.remote, remote: Self.path.local), ecn: .notCapable, now: now)
            }
        }
        if let server {
            for packet in packets(of: server) {
                wasQuiet = false
                _ = packet.withUnsafeBytes { client.receive($0, path: Self.path, ecn: .notCapable, now: now) }
            }
        }
        return !wasQuiet
    }

    private func packets(of connection: QUICConnection) -> [[UInt8]] {
        withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 16) { buffer in
            var packets: [[UInt8]] = []
            while let transmit = connection.pollTransmit(into: buffer, now: now) {
                let size = transmit.segmentByteCount ?? transmit.byteCount
                for start in stride(from: 0, to: transmit.byteCount, by: max(1, size)) {
                    packets.append(Array(buffer[start..<min(start + size, transmit.byteCount)]))
                }
            }
            return packets
        }
    }

    private func accept(_ bytes: UnsafeRawBufferPointer) {
        let secret = [UInt8](repeating: 7, count: 32)
        let replies = StatelessReplies(resetSecret: secret, tokenSecret: secret)
        guard let header = replies.acceptableInitial(bytes), let credentials = try? Self.credentials.get() else { return }
        let issuer = ConnectionIDIssuer(
            layout: ConnectionIDLayout(), place: ServerPlace(server: 3, shard: 1), resetSecret: secret, entropy: Entropy(seed: 2))
        server = QUICConnection.server(
            header: header, originalDestination: header.destination, isAfterRetry: false, alpn: ["roq-14"], credentials: credentials,
            tickets: desk, configuration: QUICConfiguration(), issuer: issuer,
            path: NetworkPath(local: Self.path.remote, remote: Self.path.local), now: now)
    }
}
