import Endpoint
import SCTPLease
import Session
import Testing
import Wire

/// How long a client waits before it gives a connection up, and an attempt to open another.
@Suite(.ownsSCTP) struct PatienceTests {
    private func wishes(_ house: House, _ client: Int) -> Int { house.notices[client].count { $0 == .attachmentWanted } }

    private func opened(_ house: House, over transport: String, _ policy: ReconnectPolicy = ReconnectPolicy()) throws -> Int {
        let client = house.connect(try House.transport(transport), reconnect: policy) { $0.mode = .stream }
        house.run { $0.isOpen(client) }
        house.run(for: .seconds(5))
        return client
    }

    @Test(arguments: House.transports)
    func `a second attempt has twice the time of the first`(transport: String) throws {
        let house = try House()
        let client = try opened(house, over: transport)
        let policy = ReconnectPolicy()
        house.dead = [house.path(client)]
        house.speak(client, 0..<5)
        #expect(house.run(for: .seconds(30)) { wishes($0, client) == 1 })
        for attempt in 0..<2 {
            house.attach(client, try House.transport(transport))
            house.dead.append(try #require(house.clients[client].nextLocal))
            let began = house.now
            #expect(house.run(for: .seconds(60)) { wishes($0, client) == attempt + 2 })
            #expect(house.now - began == policy.attempt * (1 << attempt) + policy.pause, "\(attempt)")
        }
    }

    @Test(arguments: House.transports, [(delay: 25, silence: 4_000), (delay: 1_000, silence: 10_000)])
    func `silence is five round trips, and four seconds at least`(transport: String, times: (delay: Int, silence: Int)) throws {
        let house = try House(delay: .milliseconds(times.delay))
        let client = try opened(house, over: transport)
        house.run(for: .seconds(10))
        house.dead = [house.path(client)]
        let began = house.now
        house.speak(client, 0..<1)
        #expect(house.run(for: .seconds(30)) { wishes($0, client) == 1 })
        let silence = house.now - began
        // It counts from the first packet without an answer, which may have been there before; the round trip is measured.
        #expect(silence < .milliseconds(times.silence * 11 / 10) && silence > .milliseconds(times.silence - 2 * times.delay - 1_100), "\(silence)")
    }

    /// The server may speak to an attempt that was given up: the client took too long to hear that it was granted.
    @Test(arguments: House.transports)
    func `what comes for an attempt that was given up is no sign of the present connection`(transport: String) throws {
        let house = try House()
        let client = try opened(house, over: transport)
        let former = NetworkPath(local: PeerAddress(ipv4: 10, 0, 2, 1, port: 2000), remote: House.serverAddress)
        house.dead = [house.path(client)]
        let began = house.now
        for index in 0..<300 where wishes(house, client) == 0 {
            house.speak(client, index..<index + 1)
            [0x80, 111, 0, 1].withUnsafeBytes { house.clients[client].receive($0, path: former, ecn: .notCapable, now: house.now) }
        }
        #expect(wishes(house, client) == 1)
        #expect(house.now - began < ReconnectPolicy().silence + .milliseconds(100), "\(house.now - began)")
    }

    /// A driver may know sooner than the endpoint that a way is closed, and be wrong.
    @Test(arguments: House.transports + ["websocket"], [true, false])
    func `of two connections that open beside one another one begins the session`(transport: String, isFirstSooner: Bool) throws {
        let house = try House()
        let client = house.connect(try House.transport(transport), reconnect: ReconnectPolicy()) { $0.mode = .stream }
        let first = house.path(client)
        house.deaf = isFirstSooner ? [] : [first]
        house.run(for: .milliseconds(10))
        house.attach(client, try House.transport(transport))
        let second = try #require(house.clients[client].nextLocal)
        house.deaf = [isFirstSooner ? second : first]
        #expect(house.run { $0.isOpen(client) })
        house.deaf = []
        house.speak(client, frames: 60)
        #expect(house.run(for: .seconds(20)) { $0.hasStopped(client) })
        // A session that a stream began and left without a word waits for its client in vain.
        house.run(for: SessionLimits().detachedDuration + .seconds(5))
        #expect(house.notices[client].count { if case .realtime(.sessionCreated) = $0 { true } else { false } } == 1)
        #expect(house.server.sessionCount == 1)
        #expect(house.receipts(client).map(\.verdict) == [.intact])
        #expect(house.close(client) == nil)
    }

    /// Between its opening and the server's first word a connection may break off: no token resumes a session then. Over WebSocket both
    /// come in one flight.
    @Test(arguments: House.transports)
    func `a connection that breaks off before the server's first word costs an attempt, and no event or reliable frame`(transport: String) throws {
        let house = try House()
        let client = house.connect(try House.transport(transport), reconnect: ReconnectPolicy()) {
            $0.mode = .stream
            $0.secret = "ek"
        }
        house.refuge = { _ in try? House.transport(transport) }
        let first = house.path(client)
        var isDead = false
        // Dead as soon as it is open.
        #expect(house.run(for: .seconds(5)) { house in
            if house.isOpen(client), !isDead { (house.dead, isDead) = ([first], true) }
            return isDead
        })
        #expect(!house.clients[client].hasBegun)
        house.speak(client, 0..<60)
        house.clients[client].commit(now: house.now)
        house.clients[client].requestResponse(now: house.now)
        #expect(house.run(for: .seconds(60)) { $0.hasStopped(client) })
        #expect(house.receipts(client).map(\.verdict) == [.intact])
        #expect(house.notices[client].count { if case .realtime(.sessionCreated) = $0 { true } else { false } } == 1)
        #expect(house.close(client) == nil)
    }
}
