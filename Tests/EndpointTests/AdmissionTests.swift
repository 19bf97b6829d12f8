import Endpoint
import QUIC
import SCTPLease
import Session
import Testing
import WebTransport
import Wire

@Suite(.ownsSCTP) struct AdmissionTests {
    @Test(arguments: ["webtransport", "roq"]) func `a wrong secret gets no session and a right one does`(transport: String) throws {
        let house = try House { $0.secret = "open sesame" }
        let wrong = house.connect(try client(transport, secret: "open barley")) { $0.secret = "open barley" }
        let right = house.connect(try client(transport, secret: "open sesame")) { $0.secret = "open sesame" }
        house.run(for: .seconds(2))
        #expect(house.close(wrong) != nil)
        #expect(house.close(right) == nil)
        #expect(house.server.counters.sessionsRefused == 1)
        #expect(house.server.counters.sessionsOpened == 1)
    }

    private func client(_ name: String, secret: String) throws -> ClientTransport {
        guard case .webTransport(var configuration) = try House.transport(name) else { return try House.transport(name) }
        configuration.secret = secret
        return .webTransport(configuration)
    }

    @Test func `with Retry always a connection costs two round trips`() throws {
        let house = try House(delay: .milliseconds(25)) { $0.retry = .always }
        let start = house.now
        let client = house.connect(try House.transport("roq"))
        #expect(house.run { $0.isOpen(client) })
        #expect(house.now - start == .milliseconds(100))
        #expect(house.server.counters.retriesSent == 1)
    }

    @Test func `half-open connections are limited for each source and in all`() throws {
        let house = try House { $0.limits.halfOpenConnectionsPerSource = 5; $0.retry = .never }
        // The answers are lost, so every handshake stays half open.
        house.drops = { _, up, _, _ in !up }
        for _ in 0..<10 { house.connect(try House.transport("roq")) }
        house.run(for: .milliseconds(100))
        #expect(house.server.connectionCount == 5)
        #expect(house.server.counters.connectionsRefused >= 5)
        house.run(for: .seconds(30))
        #expect(house.server.connectionCount == 0)
    }

    @Test func `a version that nobody speaks gets a Version Negotiation, and a short one gets nothing`() throws {
        let house = try House()
        var packet: [UInt8] = [0xC0, 0x1A, 0x2A, 0x3A, 0x4A, 8] + [UInt8](repeating: 1, count: 8) + [8] + [UInt8](repeating: 2, count: 8)
        house.inject(packet)
        house.run(for: .milliseconds(10))
        #expect(house.strays.isEmpty)
        packet += [UInt8](repeating: 0, count: 1200 - packet.count)
        house.inject(packet)
        house.run(for: .milliseconds(10))
        let answer = try #require(house.strays.first)
        // Version 0, and the connection IDs the other way round (RFC 9000 section 17.2.1).
        #expect(Array(answer[1..<5]) == [0, 0, 0, 0])
        #expect(Array(answer[6..<14]) == [UInt8](repeating: 2, count: 8))
        #expect(Array(answer.suffix(4)) == [0, 0, 0, 1])
    }

    @Test func `a packet of a connection that nobody knows is answered by a shorter reset`() throws {
        let house = try House()
        house.inject([0x40] + [UInt8](repeating: 5, count: 60))
        house.run(for: .milliseconds(10))
        let reset = try #require(house.strays.first)
        #expect(reset.count < 61 && reset.count >= 21)
        #expect(reset[0] & 0xC0 == 0x40)
    }

    @Test func `answers to strangers are limited`() throws {
        let house = try House { $0.limits.statelessReplies = 10 }
        for index in 0..<1000 { house.inject([0x40] + [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: 60)) }
        house.run(for: .milliseconds(10))
        #expect(house.strays.count == 10)
    }

    @Test(arguments: [0, 3, 20, 63, 128, 191] as [UInt8])
    func `other protocols' first bytes are counted and left alone`(first: UInt8) throws {
        let house = try House()
        house.inject([first] + [UInt8](repeating: 0, count: 1300))
        house.inject([])
        house.run(for: .milliseconds(10))
        #expect(house.strays.isEmpty)
        #expect(house.server.counters.datagramsUnclaimed == 1)
    }

    @Test(arguments: ["h3", "roq-14"]) func `a connection that asks for no session is closed in time`(alpn: String) throws {
        var configuration = ServerConfiguration(credentials: try .selfSigned(.ed25519, unixSeconds: 1_790_000_000))
        configuration.limits.sessionRequestTime = .seconds(3)
        var now = Instant(nanoseconds: 1_000_000_000)
        let server = ServerEndpoint(configuration: configuration, entropy: Entropy(seed: 1), now: now)
        let path = NetworkPath(local: PeerAddress(ipv4: 10, 0, 0, 2, port: 9), remote: House.serverAddress)
        // Bare QUIC: it keeps the connection alive and says nothing.
        var quic = QUICConfiguration()
        quic.keepAlive = .seconds(1)
        let client = QUICConnection.client(
            serverName: "localhost", alpn: [alpn], credentials: ClientCredentials(.insecure), configuration: quic, path: path,
            entropy: Entropy(seed: 2), now: now)
        var ended: QUICClose?
        for _ in 0..<1000 {
            exchange(client, server, path, now)
            while let event = client.pollEvent() { if case .closed(let close) = event { ended = close } }
            now = now + .milliseconds(10)
            client.handleTimeout(now: now)
            server.handleTimeout(now: now)
        }
        #expect(ended == .application(code: 0, reason: "no session was asked for in time"))
        #expect(server.counters.sessionsOpened == 0)
        #expect(server.isIdle)
    }

    @Test func `a peer that gives no credit for the last bytes does not keep its connection`() throws {
        var configuration = ServerConfiguration(credentials: try .selfSigned(.ed25519, unixSeconds: 1_790_000_000))
        configuration.limits.closeTime = .seconds(2)
        var now = Instant(nanoseconds: 1_000_000_000)
        let server = ServerEndpoint(configuration: configuration, entropy: Entropy(seed: 1), now: now)
        let path = NetworkPath(local: PeerAddress(ipv4: 10, 0, 0, 2, port: 9), remote: House.serverAddress)
        // Bare QUIC that stays awake and lets the server's stream of events send 10 bytes.
        var quic = QUICConfiguration()
        quic.keepAlive = .seconds(1)
        quic.limits.streamReceiveWindow = 10
        let client = QUICConnection.client(
            serverName: "localhost", alpn: ["roq-14"], credentials: ClientCredentials(.insecure), configuration: quic, path: path,
            entropy: Entropy(seed: 2), now: now)
        let firstEvent: [UInt8] = [1, 14, 0x80, 112] + [UInt8](repeating: 0, count: 10) + Array("{}".utf8)
        var opened: UInt64 = 0
        for round in 0..<1000 {
            exchange(client, server, path, now)
            while let event = client.pollEvent() {
                if case .established = event { try client.write(firstEvent, to: client.openStream(.unidirectional)) }
            }
            opened = max(opened, UInt64(server.counters.sessionsOpened))
            if round == 100 { server.close(now: now) }
            if round == 250 { #expect(!server.isIdle) }
            now = now + .milliseconds(10)
            client.handleTimeout(now: now)
            server.handleTimeout(now: now)
        }
        #expect(opened == 1)
        #expect(server.isIdle)
    }

    private func exchange(_ client: QUICConnection, _ server: ServerEndpoint, _ path: NetworkPath, _ now: Instant) {
        withUnsafeTemporaryAllocation(byteCount: 1500, alignment: 1) { buffer in
            let back = NetworkPath(local: path.remote, remote: path.local)
            while let transmit = client.pollTransmit(into: buffer, now: now) {
                server.receive(UnsafeRawBufferPointer(rebasing: buffer[..<transmit.byteCount]), path: back, ecn: .notCapable, now: now)
            }
            while let transmit = server.pollTransmit(into: buffer, now: now) {
                client.receive(UnsafeRawBufferPointer(rebasing: buffer[..<transmit.byteCount]), path: path, ecn: .notCapable, now: now)
            }
        }
    }

    @Test(arguments: House.transports) func `closing the server tells every client and comes to rest`(transport: String) throws {
        let house = try House()
        let clients = try (0..<3).map { _ in house.connect(try House.transport(transport)) }
        house.run { house in clients.allSatisfy { house.isOpen($0) } }
        house.run(for: .seconds(1))
        house.server.drain(now: house.now)
        house.run(for: .milliseconds(100))
        house.server.close(now: house.now)
        #expect(house.run(for: .seconds(30)) { $0.server.isIdle })
        // The last goodbyes are still on their way.
        house.run(for: .milliseconds(100))
        for client in clients { #expect(house.close(client)?.origin == .peer) }
    }

    @Test(arguments: House.transports) func `a client's close ends its session and frees its place`(transport: String) throws {
        let house = try House()
        for round in 0..<5 {
            let client = house.connect(try House.transport(transport))
            house.run { $0.isOpen(client) }
            house.run(for: .milliseconds(500))
            house.clients[client].close(code: 0, reason: "done", now: house.now)
            #expect(house.run(for: .seconds(20)) { $0.server.isIdle })
            #expect(house.server.counters.sessionsClosed == round + 1)
        }
    }

    @Test func `the parts of a ClientHello in the wrong order do not fail the handshake`() throws {
        // Whatever order the first datagrams come in, and whichever of them is lost, the client gets in.
        for lost in 0..<4 {
            let house = try House()
            let client = house.connect(try House.transport("webtransport"))
            house.drops = { _, up, number, _ in up && number == lost }
            #expect(house.run(for: .seconds(15)) { $0.isOpen(client) })
        }
    }
}
