import Testing
import Wire

@testable import QUIC

@Suite struct `Early data` {
    private static let secret = [UInt8](repeating: 5, count: 32)

    private static func desk(_ binding: [UInt8] = [1], _ limits: EarlyDataLimits = EarlyDataLimits()) -> TicketDesk {
        TicketDesk(secret: secret, binding: binding, limits: limits)
    }

    /// The ticket of a first connection to a server with this desk.
    private static func ticket(from desk: TicketDesk) throws -> SessionTicket {
        let pair = try QUICPair(desk: desk)
        var ticket: SessionTicket?
        pair.run(for: .seconds(1)) { pair in
            for case .ticket(let given) in pair.clientEvents { ticket = given }
            return ticket != nil
        }
        #expect(pair.client.earlyData == .none)
        return try #require(ticket)
    }

    /// Sends on a stream and as datagrams before the server has been heard.
    @discardableResult
    private func speak(_ pair: QUICPair, datagrams: Int = 3) throws -> StreamID {
        let stream = try pair.client.openStream(.unidirectional)
        try pair.client.write(Array("begin".utf8), to: stream)
        for number in 0..<datagrams { try pair.client.sendDatagram([UInt8(number)], id: UInt64(number)) }
        return stream
    }

    private func datagrams(at events: [QUICEvent]) -> [UInt8] {
        events.compactMap { if case .datagram(let bytes) = $0 { bytes[0] } else { nil } }
    }

    private func text(of stream: StreamID, at events: [QUICEvent]) -> String {
        let bytes: [UInt8] = events.flatMap { event -> [UInt8] in
            if case .streamData(stream, let bytes, _) = event { bytes } else { [] }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func `a client that was here before is heard after one way`() throws {
        let desk = Self.desk()
        let pair = try QUICPair(desk: desk, ticket: Self.ticket(from: desk))
        #expect(pair.client.pollEvent() == .earlyData(alpn: "roq-14"))
        let stream = try speak(pair)
        pair.run(for: .milliseconds(26)) { datagrams(at: $0.serverEvents).count == 3 }
        #expect(pair.serverEvents.first == .earlyData(alpn: "roq-14"))
        #expect(datagrams(at: pair.serverEvents) == [0, 1, 2])
        #expect(text(of: stream, at: pair.serverEvents) == "begin")
        let established = pair.server?.isEstablished
        #expect(established == false)
        pair.run(for: .seconds(1))
        #expect(pair.client.earlyData == .accepted)
        let outcome = pair.server?.earlyData
        #expect(outcome == .accepted)
        #expect(datagrams(at: pair.serverEvents) == [0, 1, 2])
        #expect(text(of: stream, at: pair.serverEvents) == "begin")
        let acknowledged = pair.clientEvents.filter { if case .datagramAcknowledged = $0 { true } else { false } }
        #expect(acknowledged.count == 3)
    }

    @Test func `a server may answer before the handshake is complete`() throws {
        let desk = Self.desk()
        let pair = try QUICPair(desk: desk, ticket: Self.ticket(from: desk))
        try speak(pair)
        pair.run(for: .milliseconds(26)) { !$0.serverEvents.isEmpty }
        let server = try #require(pair.server)
        let stream = try server.openStream(.unidirectional)
        try server.write(Array("yes".utf8), to: stream)
        pair.run(for: .seconds(1)) { text(of: stream, at: $0.clientEvents) == "yes" }
        let established = server.isEstablished
        #expect(!established)
        #expect(text(of: stream, at: pair.clientEvents) == "yes")
    }

    @Test func `a server with another key refuses, and everything comes once`() throws {
        let ticket = try Self.ticket(from: Self.desk())
        try expectOnce(QUICPair(desk: TicketDesk(secret: [9], binding: [1]), ticket: ticket))
    }

    @Test func `a server whose promises have changed refuses, and everything comes once`() throws {
        let ticket = try Self.ticket(from: Self.desk())
        try expectOnce(QUICPair(desk: Self.desk([2]), ticket: ticket))
    }

    @Test func `a server without tickets refuses, and everything comes once`() throws {
        try expectOnce(QUICPair(ticket: Self.ticket(from: Self.desk())))
    }

    @Test func `a ticket of another protocol is no good`() throws {
        let desk = Self.desk()
        let ticket = try Self.ticket(from: desk)
        let lying = SessionTicket(
            serverName: ticket.serverName, alpn: "roq-13", trust: ticket.trust, expiry: ticket.expiry, session: ticket.session,
            parameters: ticket.parameters)
        let protocols = ["roq-14", "roq-13"]
        try expectOnce(QUICPair(clientALPN: ["roq-13"], serverALPN: protocols, desk: desk, ticket: lying))
        let pair = try QUICPair(clientALPN: protocols, serverALPN: protocols, desk: desk, ticket: ticket)
        pair.run { $0.client.isEstablished }
        #expect(pair.client.earlyData == .accepted)
    }

    @Test func `a server that was restarted resumes by its secret and takes no early data from before`() throws {
        let ticket = try Self.ticket(from: Self.desk())
        try expectOnce(QUICPair(desk: Self.desk(), ticket: ticket))
    }

    @Test func `a TLS session of nonsense leaves a plain handshake`() throws {
        let desk = Self.desk()
        let good = try Self.ticket(from: desk)
        for bytes in [[], [0], [UInt8](repeating: 0xFF, count: 300), Array(good.session.prefix(40))] {
            let nonsense = SessionTicket(
                serverName: good.serverName, alpn: good.alpn, trust: good.trust, expiry: good.expiry, session: bytes,
                parameters: good.parameters)
            let pair = try QUICPair(desk: desk, ticket: nonsense)
            pair.run { $0.client.isEstablished }
            #expect(pair.client.isEstablished)
            #expect(pair.client.earlyData == .none)
        }
    }

    @Test func `refused streams wait for the credit of a server that gives less than before`() throws {
        let ticket = try Self.ticket(from: Self.desk())
        var small = QUICConfiguration()
        small.limits.peerUnidirectionalStreams = 1
        let pair = try QUICPair(serverConfiguration: small, desk: Self.desk([2]), ticket: ticket)
        let streams = try (0..<3).map { number in
            let stream = try pair.client.openStream(.unidirectional)
            try pair.client.write(Array("stream \(number)".utf8), to: stream, isFinal: true)
            return stream
        }
        pair.run(for: .seconds(2))
        #expect(pair.client.earlyData == .rejected)
        let texts = streams.map { text(of: $0, at: pair.serverEvents) }
        #expect(texts == ["stream 0", "stream 1", "stream 2"])
    }

    @Test func `a Retry costs a round trip and no datagram`() throws {
        let desk = Self.desk()
        let pair = try QUICPair(desk: desk, ticket: Self.ticket(from: desk))
        pair.requiresRetry = true
        let stream = try speak(pair)
        pair.run(for: .seconds(2))
        #expect(datagrams(at: pair.serverEvents) == [0, 1, 2])
        #expect(text(of: stream, at: pair.serverEvents) == "begin")
    }

    @Test(arguments: 0..<6) func `whatever single packet is lost, streams arrive and datagrams have one fate`(lost: Int) throws {
        let desk = Self.desk()
        let pair = try QUICPair(desk: desk, ticket: Self.ticket(from: desk))
        pair.drops = { direction, number, _ in (direction == .up) == (lost < 3) && number == lost % 3 }
        let stream = try speak(pair)
        pair.run(for: .seconds(3))
        #expect(text(of: stream, at: pair.serverEvents) == "begin")
        let arrived = datagrams(at: pair.serverEvents)
        #expect(Set(arrived).count == arrived.count)
        let acknowledged = pair.clientEvents.compactMap { if case .datagramAcknowledged(let id) = $0 { UInt8(id) } else { nil } }
        let given = pair.clientEvents.compactMap { if case .datagramLost(let id) = $0 { UInt8(id) } else { nil } }
        #expect(Set(acknowledged).union(given) == [0, 1, 2])
        #expect(Set(acknowledged).isSubset(of: Set(arrived)))
    }

    @Test func `a client that hears nothing for long keeps alive only what is established`() throws {
        let desk = Self.desk()
        var configuration = QUICConfiguration()
        configuration.keepAlive = .milliseconds(500)
        let pair = try QUICPair(clientConfiguration: configuration, desk: desk, ticket: Self.ticket(from: desk))
        pair.drops = { direction, number, _ in direction == .down && number < 3 }
        let stream = try speak(pair)
        pair.run(for: .seconds(8)) { $0.client.isEstablished }
        #expect(pair.client.isEstablished)
        #expect(text(of: stream, at: pair.serverEvents) == "begin")
        let sent = pair.sentByClient.count
        pair.run(for: .seconds(3))
        #expect(pair.sentByClient.count > sent)
    }

    /// Another connection of a server with this desk sees packets that were sent to some other one.
    private func replay(_ flight: [[UInt8]], to desk: TicketDesk, at now: Instant = QUICPair.start) throws -> QUICPair {
        let pair = try QUICPair(at: now, desk: desk)
        pair.drops = { direction, _, _ in direction == .up }
        for packet in flight { pair.inject(packet, .up) }
        pair.run(for: .milliseconds(200))
        #expect(pair.server != nil)
        return pair
    }

    @Test func `the first flight is taken once, and so is its ticket`() throws {
        let desk = Self.desk()
        let ticket = try Self.ticket(from: desk)
        let pair = try QUICPair(desk: desk, ticket: ticket)
        try speak(pair)
        pair.run(for: .milliseconds(26))
        #expect(datagrams(at: pair.serverEvents) == [0, 1, 2])
        let events = try replay(pair.sentByClient, to: desk).serverEvents
        #expect(events.isEmpty)
        #expect(desk.replaysRefused == 1)
        // A client that uses it again has its connection, and no early data.
        try expectOnce(QUICPair(desk: desk, ticket: ticket))
        #expect(desk.replaysRefused == 2 && desk.strangersRefused == 0)
    }

    @Test func `servers that share a secret resume each other's connections, and no flight is taken by two`() throws {
        let (first, second) = (Self.desk(), Self.desk())
        let credentials = try ServerCredentials.selfSigned(.ed25519, unixSeconds: 1_790_000_000)
        let others = try ServerCredentials.selfSigned(.ed25519, unixSeconds: 1_790_000_000)
        let trust = ClientTrust.certificateSHA256(credentials.certificateSHA256)
        let visit = try QUICPair(trust: trust, credentials: credentials, desk: first)
        var given: SessionTicket?
        visit.run(for: .seconds(1)) { pair in
            for case .ticket(let ticket) in pair.clientEvents { given = ticket }
            return given != nil
        }
        let ticket = try #require(given)
        // The second server could not show the certificate that the client believes: it is not asked to.
        let pair = try QUICPair(trust: trust, credentials: others, desk: second, ticket: ticket)
        try expectOnce(pair)
        #expect(second.strangersRefused == 1 && second.replaysRefused == 0)
        // Recorded on its way to the first, where it is good, a flight is nothing to the second.
        let good = try QUICPair(trust: trust, credentials: credentials, desk: first, ticket: ticket)
        try speak(good)
        good.run(for: .milliseconds(26))
        #expect(datagrams(at: good.serverEvents) == [0, 1, 2])
        let events = try replay(good.sentByClient, to: second).serverEvents
        #expect(events.isEmpty)
        #expect(second.strangersRefused == 2)
    }

    @Test func `a full memory forgets the oldest ticket`() throws {
        var limits = EarlyDataLimits()
        limits.rememberedTickets = 1
        let desk = Self.desk([1], limits)
        let old = try Self.ticket(from: desk)
        let new = try Self.ticket(from: desk)
        #expect(desk.memory.count == 1)
        let pair = try QUICPair(desk: desk, ticket: new)
        try speak(pair)
        pair.run(for: .milliseconds(26))
        #expect(datagrams(at: pair.serverEvents) == [0, 1, 2])
        try expectOnce(QUICPair(desk: desk, ticket: old))
        #expect(desk.strangersRefused == 1)
    }

    /// What a client that miscounts its tickets' age has.
    private static func everlasting(_ ticket: SessionTicket) -> SessionTicket {
        SessionTicket(
            serverName: ticket.serverName, alpn: ticket.alpn, trust: ticket.trust, expiry: .distantFuture, session: ticket.session,
            parameters: ticket.parameters)
    }

    @Test(arguments: [-1, 0, 1]) func `a client does not offer a ticket that is too old`(secondsTooOld: Int) throws {
        let desk = Self.desk()
        let ticket = try Self.ticket(from: desk)
        #expect(ticket.expiry > QUICPair.start + EarlyDataLimits().ticketLifetime)
        #expect(ticket.expiry < QUICPair.start + EarlyDataLimits().ticketLifetime + .seconds(1))
        let pair = try QUICPair(at: ticket.expiry + .seconds(secondsTooOld), desk: desk, ticket: ticket)
        guard secondsTooOld >= 0 else {
            #expect(pair.client.pollEvent() == .earlyData(alpn: "roq-14"))
            return
        }
        #expect(pair.client.pollEvent() == nil)
        pair.run { $0.isEstablished }
        let stream = try speak(pair)
        pair.run(for: .seconds(1))
        #expect(pair.client.earlyData == .none)
        #expect(datagrams(at: pair.serverEvents) == [0, 1, 2])
        #expect(text(of: stream, at: pair.serverEvents) == "begin")
        #expect(desk.strangersRefused == 0)
    }

    @Test func `a server takes no early data for a ticket that is too old, and everything comes once`() throws {
        let desk = Self.desk()
        let tickets = try (0..<2).map { _ in Self.everlasting(try Self.ticket(from: desk)) }
        let lifetime = EarlyDataLimits().ticketLifetime
        let young = try QUICPair(at: QUICPair.start + lifetime + .seconds(-1), desk: desk, ticket: tickets[0])
        try speak(young)
        young.run(for: .seconds(1))
        #expect(young.client.earlyData == .accepted)
        try expectOnce(QUICPair(at: QUICPair.start + lifetime + .seconds(1), desk: desk, ticket: tickets[1]))
        #expect(desk.strangersRefused == 1)
    }

    @Test func `a recorded flight is no early data when its ticket has been forgotten`() throws {
        let desk = Self.desk()
        let pair = try QUICPair(desk: desk, ticket: Self.ticket(from: desk))
        try speak(pair)
        pair.run(for: .milliseconds(26))
        #expect(datagrams(at: pair.serverEvents) == [0, 1, 2])
        let late = QUICPair.start + EarlyDataLimits().ticketLifetime + .seconds(1)
        let events = try replay(pair.sentByClient, to: desk, at: late).serverEvents
        #expect(events.isEmpty)
        #expect(desk.memory.count == 0)
        #expect(desk.strangersRefused == 1)
    }

    /// The server refuses: what was sent early comes again, once.
    private func expectOnce(_ pair: QUICPair, location: SourceLocation = #_sourceLocation) throws {
        let stream = try speak(pair)
        try pair.client.write(Array(", and go on".utf8), to: stream, isFinal: true)
        pair.run(for: .seconds(2))
        #expect(pair.client.earlyData == .rejected, sourceLocation: location)
        #expect(datagrams(at: pair.serverEvents) == [0, 1, 2], sourceLocation: location)
        #expect(text(of: stream, at: pair.serverEvents) == "begin, and go on", sourceLocation: location)
        let fates = pair.clientEvents.compactMap { if case .datagramAcknowledged(let id) = $0 { id } else { nil } }
        #expect(fates.sorted() == [0, 1, 2], sourceLocation: location)
    }
}

@Suite struct `Session tickets as bytes` {
    private static let now = Instant(nanoseconds: 5_000_000_000)
    private static let clock = WallClock(unixSeconds: 1_790_000_000, now: now)
    private static let ticket = SessionTicket(
        serverName: "localhost", alpn: "h3", trust: .certificateSHA256([UInt8](0..<32)), expiry: now + .seconds(3_600),
        session: [1, 2, 3],
        parameters: RememberedParameters(
            initialMaxData: 1, initialMaxStreamDataBidiLocal: 2, initialMaxStreamDataBidiRemote: 3, initialMaxStreamDataUni: 4,
            initialMaxStreamsBidi: 5, initialMaxStreamsUni: 6, activeConnectionIDLimit: 7, maxDatagramFrameSize: 65535),
        application: [9, 9])

    @Test func `what is written is read`() throws {
        #expect(try SessionTicket(parsing: Self.ticket.encoded(Self.clock), Self.clock) == Self.ticket)
    }

    @Test func `every truncation and every changed byte is refused`() {
        let bytes = Self.ticket.encoded(Self.clock)
        for count in bytes.indices {
            let read = try? SessionTicket(parsing: Array(bytes.prefix(count)), Self.clock)
            #expect(read == nil)
        }
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 0x55
            let read = try? SessionTicket(parsing: changed, Self.clock)
            #expect(read == nil)
        }
    }

    @Test func `nonsense with a right checksum is refused without a trap`() {
        let whole = Self.ticket.encoded(Self.clock)
        let body = Array(whole.dropLast(32))
        let start = Array("parallax ticket 2\n".utf8).count
        for index in start..<body.count {
            for value in [0, 0x3F, 0x7F, 0xFF] as [UInt8] {
                var changed = body
                changed[index] = value
                // Some changes are another ticket; none may trap.
                _ = try? SessionTicket(parsing: changed + sha256(changed), Self.clock)
                _ = try? SessionTicket(parsing: Array(changed.prefix(index)) + sha256(Array(changed.prefix(index))), Self.clock)
            }
        }
        #expect(throws: ParseError.self) { try SessionTicket(parsing: [UInt8](repeating: 0, count: 70_000), Self.clock) }
    }

    @Test(arguments: [(0, 3_600), (3_599, 1), (3_600, 0), (9_000, 0)])
    func `a ticket ages by the wall clock while nobody looks`(secondsLater: Int64, secondsLeft: Int) throws {
        // Another process, whose own clock began elsewhere.
        let later = WallClock(unixSeconds: 1_790_000_000 + secondsLater, now: Instant(nanoseconds: 99_000_000_000_000))
        let read = try SessionTicket(parsing: Self.ticket.encoded(Self.clock), later)
        #expect(read.isExpired(at: later.now) == (secondsLeft == 0))
        #expect(!read.isExpired(at: later.now + .seconds(secondsLeft - 1)) || secondsLeft == 0)
        #expect(read.isExpired(at: later.now + .seconds(secondsLeft)))
    }

    @Test func `parts of a second are lost and not won`() throws {
        let clock = WallClock(unixSeconds: 1_790_000_000, now: Self.now + .milliseconds(300))
        let read = try SessionTicket(parsing: Self.ticket.encoded(clock), clock)
        #expect(read.expiry == Self.ticket.expiry + .milliseconds(-700))
        let past = WallClock(unixSeconds: 1_790_000_000, now: Self.now + .milliseconds(3_600_300))
        #expect(try SessionTicket(parsing: Self.ticket.encoded(past), past).isExpired(at: Self.ticket.expiry))
    }

    @Test func `a wallet as bytes keeps its tickets, and gives none that is too old`() throws {
        let wallet = TicketWallet([Self.ticket])
        let bytes = wallet.encoded(Self.clock)
        #expect(try TicketWallet(parsing: bytes, Self.clock) == wallet)
        #expect(try TicketWallet(parsing: [], Self.clock).tickets.isEmpty)
        for count in 1..<bytes.count {
            let read = try? TicketWallet(parsing: Array(bytes.prefix(count)), Self.clock)
            #expect(read == nil)
        }
        var copy = wallet
        let early = copy.take(for: ["h3"], now: Self.ticket.expiry + .nanoseconds(-1))
        #expect(early == Self.ticket && copy.tickets.isEmpty)
        copy = wallet
        let late = copy.take(for: ["h3"], now: Self.ticket.expiry)
        #expect(late == nil && copy.tickets.isEmpty)
    }
}
