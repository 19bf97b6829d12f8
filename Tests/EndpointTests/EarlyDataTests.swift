import Endpoint
import QUIC
import SCTPLease
import Session
import Testing
import WebTransport
import Wire

/// Speech that leaves with a client's first packet, because it was here before.
@Suite(.ownsSCTP) struct EarlyDataTests {
    static let transports = ["webtransport", "roq"]
    private static let secret = [UInt8](repeating: 3, count: 32)

    private func house(_ configure: (inout ServerConfiguration) -> Void = { _ in }) throws -> House {
        try House { configuration in
            configuration.earlyData = EarlyDataConfiguration()
            configuration.earlyData?.secret = Self.secret
            configure(&configuration)
        }
    }

    /// A first visit to a server with the secret of these tests, in a house of its own, whose place `successor` takes. That one
    /// must have been made before: GnuTLS takes early data for no ticket that is older than the server.
    private func visit(_ transport: String, successor: House?) throws -> TicketWallet {
        let house = try house()
        let client = house.connect(try House.transport(transport), tickets: TicketWallet())
        house.run(for: .seconds(1)) { [unowned house] _ in !house.tickets(client).isEmpty }
        #expect(house.clients[client].earlyData == .none)
        let wallet = TicketWallet(house.tickets(client))
        #expect(wallet.tickets.count == 1)
        if let memory = house.server.ticketMemory { successor?.server.adopt(memory) }
        return wallet
    }

    /// Speaks from the first moment on, and hears an answer.
    private func talk(_ house: House, _ client: Int, frames: Int = 20) throws -> Receipt {
        house.speak(client, frames: frames)
        house.run(for: .seconds(10)) { $0.hasStopped(client) }
        #expect(house.hasStopped(client))
        return try #require(house.receipts(client).first)
    }

    @Test(arguments: transports, [ReliabilityMode.datagram, .repair, .stream, .red, .nack, .deadline])
    func `who was here before is heard live from the first frame on`(transport: String, mode: ReliabilityMode) throws {
        let house = try house()
        let client = house.connect(try House.transport(transport), tickets: try visit(transport, successor: house)) { $0.mode = mode }
        #expect(house.clients[client].isOpen)
        house.clients[client].capture(payload: House.payload(0), duration: .milliseconds(20), now: house.now)
        house.run(for: .milliseconds(20))
        for index in 1..<20 {
            house.clients[client].capture(payload: House.payload(index), duration: .milliseconds(20), now: house.now)
            house.run(for: .milliseconds(20))
        }
        house.clients[client].commit(now: house.now)
        house.clients[client].requestResponse(now: house.now)
        house.run { $0.hasStopped(client) }
        let receipt = try #require(house.receipts(client).first)
        #expect(receipt.verdict == .intact)
        #expect(receipt.liveFrames == 20 && receipt.duplicateFrames == 0)
        #expect(house.clients[client].earlyData == .accepted)
        #expect(house.server.counters.earlyDataAccepted == 1)
        // A new ticket for the next time.
        #expect(house.tickets(client).count == 1)
    }

    @Test(arguments: transports)
    func `a refusal costs a round trip, and nothing is lost or doubled`(transport: String) throws {
        for change in [
            { $0.earlyData?.secret = [9] }, { $0.earlyData = nil }, { $0.quic.limits.connectionReceiveWindow *= 2 },
            { $0.webTransport.limits.sessionUnidirectionalStreams += 1 },
        ] as [(inout ServerConfiguration) -> Void] {
            for mode in [ReliabilityMode.datagram, .repair, .streamPerFrame] {
                let house = try house(change)
                let wallet = try visit(transport, successor: house)
                let client = house.connect(try House.transport(transport), tickets: wallet) { $0.mode = mode }
                let receipt = try talk(house, client)
                #expect(receipt.verdict == .intact)
                #expect(receipt.duplicateFrames == 0)
                #expect(house.clients[client].earlyData == .rejected)
                #expect(house.server.counters.earlyDataAccepted == 0)
                #expect(house.server.counters.sessionsOpened == 1)
            }
        }
    }

    @Test(arguments: transports, 0..<8)
    func `whatever packet of the beginning is lost, a reliable prompt is intact`(transport: String, lost: Int) throws {
        let house = try house()
        let wallet = try visit(transport, successor: house)
        house.drops = { _, up, number, _ in up == (lost < 4) && number == lost % 4 }
        let client = house.connect(try House.transport(transport), tickets: wallet) { $0.mode = .repair }
        #expect(try talk(house, client).verdict == .intact)
        #expect(house.server.counters.sessionsOpened == 1)
    }

    @Test(arguments: transports)
    func `early data that overtakes its first packet waits for it`(transport: String) throws {
        let house = try house()
        let wallet = try visit(transport, successor: house)
        var first: [UInt8]?
        house.drops = { _, up, number, bytes in
            guard up, number == 0 else { return false }
            first = bytes
            return true
        }
        let client = house.connect(try House.transport(transport), tickets: wallet)
        for index in 0..<3 {
            house.clients[client].capture(payload: House.payload(index), duration: .milliseconds(20), now: house.now)
            house.run(for: .milliseconds(20))
        }
        let port = house.path(client)
        let packet = try #require(first)
        packet.withUnsafeBytes {
            house.server.receive($0, path: NetworkPath(local: House.serverAddress, remote: port), ecn: .notCapable, now: house.now)
        }
        house.clients[client].commit(now: house.now)
        house.run(for: .seconds(5)) { !$0.receipts(client).isEmpty }
        #expect(house.receipts(client).first?.verdict == .intact)
        #expect(house.server.counters.strayInitialsKept > 0)
    }

    /// The datagrams of a client that has spoken, committed and asked for an answer before it has heard anything.
    private func firstFlight(_ house: House, _ transport: String) throws -> [[UInt8]] {
        let wallet = try visit(transport, successor: house)
        var flight: [[UInt8]] = []
        house.drops = { _, up, _, bytes in
            if up { flight.append(bytes) }
            return true
        }
        let client = house.connect(try House.transport(transport), tickets: wallet)
        house.clients[client].capture(payload: House.payload(0), duration: .milliseconds(20), now: house.now)
        house.clients[client].commit(now: house.now)
        house.clients[client].requestResponse(now: house.now)
        house.run(for: .milliseconds(10))
        house.clients[client].close(now: house.now)
        house.drops = { _, _, _, _ in false }
        return flight
    }

    @Test(arguments: transports)
    func `a recorded flight makes no answer, and its session vanishes unheard`(transport: String) throws {
        // This server never saw the original, and takes it for one.
        let house = try house()
        for packet in try firstFlight(house, transport) { house.inject(packet) }
        #expect(house.server.sessionCount == 1)
        #expect(house.server.counters.earlyDataAccepted == 1)
        let prompt = house.server.lastDecidedPrompt()
        #expect(prompt == nil)
        house.run(for: .seconds(20))
        #expect(house.server.sessionCount == 0 && house.server.connectionCount == 0)
        let told = house.serverNotices.filter {
            switch $0 {
            case .sessionOpened, .promptDecided, .sessionDetached, .sessionClosed: true
            default: false
            }
        }
        #expect(told.isEmpty)
    }

    @Test(arguments: transports)
    func `a recorded flight is no early data to another server of the same secret`(transport: String) throws {
        let first = try house()
        let flight = try firstFlight(first, transport)
        let second = try house()
        for packet in flight { second.inject(packet) }
        #expect(second.server.connectionCount == 1)
        #expect(second.server.counters.earlyDataAccepted == 0 && second.server.sessionCount == 0)
        for packet in flight { first.inject(packet) }
        #expect(first.server.counters.earlyDataAccepted == 1)
    }

    @Test(arguments: transports)
    func `with a ticket that is too old nothing is sent early, and nothing is lost`(transport: String) throws {
        let house = try house()
        let wallet = try visit(transport, successor: house)
        house.now = try #require(wallet.tickets.first).expiry
        let client = house.connect(try House.transport(transport), tickets: wallet) { $0.mode = .repair }
        #expect(!house.clients[client].isOpen)
        let receipt = try talk(house, client)
        #expect(receipt.verdict == .intact && receipt.duplicateFrames == 0)
        #expect(house.clients[client].earlyData == .none)
        #expect(house.server.counters.earlyDataAccepted == 0)
        #expect(house.tickets(client).count == 1)
    }

    @Test(arguments: transports)
    func `the same flight again is no early data`(transport: String) throws {
        let house = try house()
        let flight = try firstFlight(house, transport)
        for round in 1...3 {
            for packet in flight { house.inject(packet) }
            #expect(house.server.counters.earlyDataAccepted == 1, "round \(round)")
            house.run(for: .seconds(20))
            #expect(house.server.connectionCount == 0)
        }
        #expect(house.server.counters.sessionsOpened == 1)
    }

    @Test(arguments: transports)
    func `a session that returns is heard early, and moves when the handshake is complete`(transport: String) throws {
        let house = try house { $0.session.keepsAccounts = true }
        let client = house.connect(try House.transport(transport), reconnect: ReconnectPolicy(), tickets: TicketWallet()) {
            $0.mode = .repair
        }
        house.run { !$0.tickets(client).isEmpty }
        house.run(for: .milliseconds(200))
        for index in 0..<10 {
            house.clients[client].capture(payload: House.payload(index), duration: .milliseconds(20), now: house.now)
            house.run(for: .milliseconds(20))
        }
        house.dead = [house.path(client)]
        house.refuge = { _ in try? House.transport(transport) }
        // Something that nobody answers, and so the loss is noticed.
        house.run { $0.notices[client].contains(.attachmentWanted) }
        let returned = house.now
        house.clients[client].capture(payload: House.payload(10), duration: .milliseconds(20), now: house.now)
        house.run(for: .milliseconds(30))
        #expect(house.server.counters.earlyDataAccepted == 1)
        #expect(house.server.counters.sessionsResumed == 0)
        house.clients[client].commit(now: house.now)
        house.clients[client].requestResponse(now: house.now)
        house.run(for: .seconds(10)) { $0.hasStopped(client) }
        #expect(house.clients[client].earlyData == .accepted)
        #expect(house.server.counters.sessionsResumed == 1)
        #expect(house.receipts(client).map(\.verdict) == [.intact])
        let account = try #require(house.server.lastDecidedPrompt())
        let arrival = try #require(account.arrivals.last ?? nil)
        #expect(arrival - returned < .milliseconds(50), "less than a round trip")
    }

    @Test(arguments: transports)
    func `a token in early data is not used up before the handshake is complete`(transport: String) throws {
        let house = try house()
        let client = house.connect(try House.transport(transport), reconnect: ReconnectPolicy(), tickets: TicketWallet())
        house.run { !$0.tickets(client).isEmpty }
        house.run(for: .milliseconds(200))
        // A second connection whose flight arrives and who never hears of it.
        house.drops = { [unowned house] _, up, _, bytes in !up && house.clients[client].nextLocal != nil }
        house.attach(client, try House.transport(transport))
        house.run(for: .milliseconds(300))
        #expect(house.server.counters.earlyDataAccepted == 1)
        #expect(house.server.counters.sessionsResumed == 0)
        house.clients[client].attachmentFailed(TransportClose(code: 0, reason: "given up", origin: .local), now: house.now)
        house.drops = { _, _, _, _ in false }
        // The first connection still has the session, and another takes it over.
        house.attach(client, try House.transport(transport))
        house.run(for: .seconds(5)) { $0.server.counters.sessionsResumed == 1 }
        #expect(house.server.counters.sessionsResumed == 1)
        house.run(for: .seconds(15))
        #expect(house.server.sessionCount == 1)
    }

    @Test(arguments: transports)
    func `an attempt that is given up in early data takes nothing along`(transport: String) throws {
        let house = try house()
        let client = house.connect(try House.transport(transport), reconnect: ReconnectPolicy(), tickets: TicketWallet()) {
            $0.mode = .repair
        }
        house.run { !$0.tickets(client).isEmpty }
        house.run(for: .milliseconds(200))
        house.refuge = { _ in try? House.transport(transport) }
        // The server hears the attempt, and nobody hears the server until the attempt is given up.
        house.dead = [house.path(client)]
        house.drops = { _, up, _, _ in !up }
        house.clients[client].capture(payload: House.payload(0), duration: .milliseconds(20), now: house.now)
        house.run { $0.server.counters.earlyDataAccepted == 1 }
        house.run(for: .milliseconds(4_100))
        house.drops = { _, _, _, _ in false }
        house.clients[client].capture(payload: House.payload(1), duration: .milliseconds(20), now: house.now)
        house.clients[client].commit(now: house.now)
        house.clients[client].requestResponse(now: house.now)
        house.run(for: .seconds(20)) { $0.hasStopped(client) }
        #expect(house.receipts(client).map(\.verdict) == [.intact])
        #expect(house.close(client) == nil)
        #expect(house.server.sessionCount == 1)
    }

    @Test func `a flood of early events ends its connection`() throws {
        let house = try house { $0.limits.earlyEvents = 2 }
        let wallet = try visit("roq", successor: house)
        house.drops = { _, up, _, _ in !up }
        let client = house.connect(try House.transport("roq"), tickets: wallet)
        for _ in 0..<10 { house.clients[client].clear(now: house.now) }
        house.run(for: .seconds(20))
        #expect(house.server.sessionCount == 0 && house.server.connectionCount == 0)
    }

    @Test func `a ticket of a server with another name or trust is left alone`() throws {
        let house = try house()
        let good = try #require(try visit("roq", successor: house).tickets.first)
        for (name, trust) in [("elsewhere", good.trust), (good.serverName, ClientTrust.system)] {
            let foreign = SessionTicket(
                serverName: name, alpn: good.alpn, trust: trust, expiry: good.expiry, session: good.session,
                parameters: good.parameters)
            let client = house.connect(try House.transport("roq"), tickets: TicketWallet([foreign]))
            #expect(!house.clients[client].isOpen)
            house.run { $0.isOpen(client) }
            #expect(house.clients[client].earlyData == .none)
        }
    }
}
