import Endpoint
import QUIC
import SCTPLease
import Session
import Testing
import WebTransport
import Wire

/// Sessions that go on over another connection, after a loss and on purpose.
@Suite(.ownsSCTP) struct ResumeTests {
    private static let transports = House.transports + ["websocket"]
    private static let ways = transports.flatMap { from in transports.map { (from: from, to: $0) } }
    /// A way that touches WebSocket can do no other mode.
    private static func modes(_ way: (from: String, to: String), _ modes: [ReliabilityMode]) -> [ReliabilityMode] {
        way.from == "websocket" || way.to == "websocket" ? [.stream] : modes
    }

    private func resumes(_ house: House, _ client: Int) -> [[String]] {
        house.notices[client].compactMap { if case .realtime(.sessionResumed(let transports)) = $0 { transports } else { nil } }
    }

    private func errorCodes(_ house: House, _ client: Int) -> [String] {
        house.notices[client].compactMap { if case .realtime(.error(let error)) = $0 { error.code.text } else { nil } }
    }

    @Test(arguments: ways)
    func `a session moves on purpose in mid-prompt, and the prompt is intact in every mode`(way: (from: String, to: String)) throws {
        for mode in Self.modes(way, [.datagram, .streamPerFrame, .repair]) {
            let house = try House()
            let client = house.connect(try House.transport(way.from), reconnect: ReconnectPolicy()) { $0.mode = mode }
            house.run { $0.isOpen(client) }
            house.run(for: .milliseconds(200))
            house.speak(client, 0..<30)
            house.attach(client, try House.transport(way.to))
            house.speak(client, 30..<60)
            house.clients[client].commit(now: house.now)
            house.clients[client].requestResponse(now: house.now)
            #expect(house.run(for: .seconds(10)) { $0.hasStopped(client) }, "\(way) \(mode)")
            let receipt = try #require(house.receipts(client).first)
            #expect(receipt.verdict == .intact, "\(way) \(mode)")
            #expect(receipt.transports == [way.from, way.to])
            #expect(receipt.transport == way.to)
            #expect(resumes(house, client) == [[way.from, way.to]])
            house.run(for: .seconds(2)) { $0.answers(client).count == 60 }
            #expect(house.answers(client).count == 60)
            #expect(house.server.connectionCount == 1, "the former connection is closed")
            #expect(house.server.sessionCount == 1)
            #expect(errorCodes(house, client).isEmpty)
        }
    }

    /// The server lets go of the former connection half a second after a move; WebRTC has no word to say why.
    @Test(arguments: House.transports, House.transports)
    func `the end of the former connection may come before the word that the session has moved`(from: String, to: String) throws {
        let house = try House()
        let client = house.connect(try House.transport(from), reconnect: ReconnectPolicy()) { $0.mode = .stream }
        house.run { $0.isOpen(client) }
        house.run(for: .milliseconds(200))
        house.refuge = { _ in try? House.transport(to) }
        house.speak(client, 0..<30)
        house.attach(client, try House.transport(to))
        let next = try #require(house.clients[client].nextLocal)
        #expect(house.run(for: .seconds(5)) { house in
            house.serverNotices.contains { if case .sessionResumed = $0 { true } else { false } }
        })
        house.deaf = [next]
        house.speak(client, 30..<80)
        house.deaf = []
        house.clients[client].commit(now: house.now)
        #expect(house.run(for: .seconds(20)) { !$0.receipts(client).isEmpty })
        #expect(house.receipts(client).first?.verdict == .intact)
        #expect(house.close(client) == nil)
    }

    @Test(arguments: ways)
    func `after a loss in mid-prompt the session goes on, and a reliable prompt is intact`(way: (from: String, to: String)) throws {
        for mode in Self.modes(way, [.streamPerFrame, .stream, .repair]) {
            let house = try House()
            let client = house.connect(try House.transport(way.from), reconnect: ReconnectPolicy()) { $0.mode = mode }
            house.run { $0.isOpen(client) }
            house.run(for: .milliseconds(200))
            house.refuge = { _ in try? House.transport(way.to) }
            house.speak(client, 0..<30)
            // Nothing passes on the first path any more.
            house.dead = [house.path(client)]
            house.speak(client, 30..<60)
            house.clients[client].commit(now: house.now)
            house.clients[client].requestResponse(now: house.now)
            #expect(house.run(for: .seconds(30)) { $0.hasStopped(client) }, "\(way) \(mode)")
            let receipt = try #require(house.receipts(client).first)
            #expect(receipt.verdict == .intact, "\(way) \(mode)")
            #expect(receipt.transports == [way.from, way.to])
            #expect(house.receipts(client).count == 1)
            #expect(resumes(house, client).count == 1)
            #expect(house.close(client) == nil)
        }
    }

    @Test(arguments: transports)
    func `frames captured while nothing is open leave as soon as it is, whatever the mode`(transport: String) throws {
        let house = try House()
        let client = house.connect(try House.transport(transport), reconnect: ReconnectPolicy()) { if transport == "websocket" { $0.mode = .stream } }
        house.run { $0.isOpen(client) }
        house.run(for: .milliseconds(200))
        house.refuge = { _ in nil }
        house.dead = [house.path(client)]
        // Only who writes to a stream learns that it is dead.
        if transport == "websocket" { house.clients[client].changeMode(.stream, now: house.now) }
        #expect(house.run(for: .seconds(60)) { $0.notices[client].contains(.attachmentWanted) })
        house.speak(client, 0..<20)
        house.attach(client, try House.transport(transport))
        house.speak(client, 20..<40)
        house.clients[client].commit(now: house.now)
        #expect(house.run(for: .seconds(10)) { !$0.receipts(client).isEmpty })
        #expect(house.receipts(client).first?.verdict == .intact)
    }

    @Test(arguments: House.transports)
    func `a session whose client is lost waits, is counted, and then ends`(transport: String) throws {
        let house = try House { $0.sessionLimits.detachedDuration = .seconds(7) }
        let client = house.connect(try House.transport(transport))
        house.run { $0.isOpen(client) }
        house.run(for: .milliseconds(200))
        house.dead = [house.path(client)]
        #expect(house.run(for: .seconds(60)) { $0.server.detachedSessionCount == 1 })
        #expect(house.server.sessionCount == 1 && house.server.status.sessions == 1)
        let lost = house.now
        #expect(house.run(for: .seconds(60)) { $0.server.sessionCount == 0 })
        #expect(house.now - lost == .seconds(7))
        #expect(house.serverNotices.contains { if case .sessionDetached = $0 { true } else { false } })
        #expect(house.serverNotices.contains { if case .sessionClosed(_, let close) = $0 { close.reason == "no connection" } else { false } })
        #expect(house.run(for: .seconds(60)) { $0.server.isIdle })
    }

    @Test func `only so many sessions wait; one more ends with its connection`() throws {
        let house = try House { $0.limits.detachedSessions = 1 }
        let clients = try (0..<2).map { _ in house.connect(try House.transport("roq")) }
        house.run { house in clients.allSatisfy { house.isOpen($0) } }
        house.run(for: .milliseconds(200))
        house.dead = clients.map { house.path($0) }
        #expect(house.run(for: .seconds(40)) { $0.server.connectionCount == 0 })
        #expect(house.server.detachedSessionCount == 1)
        #expect(house.server.sessionCount == 1)
    }

    @Test func `a client that says goodbye takes its session along`() throws {
        for transport in House.transports {
            let house = try House()
            let client = house.connect(try House.transport(transport))
            house.run { $0.isOpen(client) }
            house.run(for: .milliseconds(200))
            house.clients[client].close(now: house.now)
            house.run(for: .seconds(1))
            #expect(house.server.sessionCount == 0, "\(transport)")
        }
    }

    /// The server may have given the session to an attempt of which the client has not heard that it is through.
    @Test(arguments: transports)
    func `an attempt that is given up does not take the session along`(transport: String) throws {
        let house = try House()
        let client = house.connect(try House.transport("roq"), reconnect: ReconnectPolicy()) { $0.mode = .stream }
        house.run { $0.isOpen(client) }
        house.run(for: .milliseconds(200))
        house.speak(client, 0..<10)
        house.attach(client, try House.transport(transport))
        #expect(house.run(for: .seconds(5)) { house in
            house.serverNotices.contains { if case .sessionResumed = $0 { true } else { false } }
        })
        house.attach(client, try House.transport("webtransport"))
        house.speak(client, 10..<30)
        house.clients[client].commit(now: house.now)
        #expect(house.run(for: .seconds(30)) { !$0.receipts(client).isEmpty })
        #expect(house.receipts(client).first?.verdict == .intact)
        #expect(house.close(client) == nil)
        #expect(errorCodes(house, client).isEmpty)
        #expect(house.server.sessionCount == 1)
    }

    // MARK: The first connection

    @Test(arguments: House.transports)
    func `a first connection that does not open is tried again, and what was said meanwhile arrives`(transport: String) throws {
        let house = try House()
        let client = house.connect(try House.transport(transport), reconnect: ReconnectPolicy()) { $0.mode = .streamPerFrame }
        house.dead = [house.path(client)]
        house.refuge = { _ in try? House.transport(transport) }
        house.speak(client, 0..<40)
        house.clients[client].commit(now: house.now)
        let began = house.now
        #expect(house.run(for: .seconds(30)) { !$0.receipts(client).isEmpty })
        #expect(house.now - began < .seconds(10))
        #expect(house.receipts(client).first?.verdict == .intact)
        #expect(house.receipts(client).first?.expectedFrames == 40)
        house.clients[client].close(now: house.now)
        #expect(house.run(for: .seconds(60)) { $0.server.isIdle })
    }

    @Test func `a first connection that never opens is given up after the policy's time`() throws {
        let house = try House()
        var policy = ReconnectPolicy()
        policy.opening = .seconds(12)
        let began = house.now
        let client = house.connect(try House.transport("roq"), reconnect: policy)
        house.dead = [house.path(client)]
        house.refuge = { _ in nil }
        #expect(house.run(for: .seconds(60)) { $0.close(client) != nil })
        #expect(house.now - began == .seconds(12))
        #expect(house.close(client)?.origin == .timeout)
    }

    // MARK: Tokens

    /// Resumes by hand, as a stranger does it.
    private func resume(_ house: House, _ transport: String, token: String) throws -> Int {
        switch transport {
        case "webtransport":
            var configuration = WebTransportClientConfiguration(authority: "localhost")
            configuration.path = "/v1/realtime?resume=\(token)"
            return house.connect(.webTransport(configuration))
        default: return house.connect(try House.transport(transport), resume: ResumeRequest(token: token))
        }
    }

    @Test(arguments: transports)
    func `a used, a foreign and an expired token are refused, each by its code, and nothing else suffers`(transport: String) throws {
        let house = try House { $0.sessionLimits.detachedDuration = .seconds(1) }
        let client = house.connect(try House.transport("webtransport"), reconnect: ReconnectPolicy())
        house.run { $0.isOpen(client) }
        house.run(for: .milliseconds(200))
        house.speak(client, 0..<10)
        let used = try #require(house.clients[client].token)
        house.attach(client, try House.transport("roq"))
        house.run(for: .seconds(1))
        let token = try #require(house.clients[client].token)
        #expect(token != used)
        for (wrong, status, code) in [(used, 409, "resume_token_used"), ("rt_" + String(repeating: "0", count: 56), 404, "resume_token_invalid")] {
            let thief = try resume(house, transport, token: wrong)
            #expect(house.run(for: .seconds(5)) { $0.close(thief) != nil })
            let close = try #require(house.close(thief))
            #expect(close.code == UInt64(status) || close.reason.contains("\(status)") || close.reason.contains(code), "\(close)")
        }
        house.speak(client, 10..<20)
        house.clients[client].commit(now: house.now)
        #expect(house.run(for: .seconds(5)) { !$0.receipts(client).isEmpty })
        #expect(house.receipts(client).first?.verdict == .intact)
        house.clients[client].close(now: house.now)
        house.run(for: .seconds(2))
        let late = try resume(house, transport, token: token)
        #expect(house.run(for: .seconds(5)) { $0.close(late) != nil })
        let close = try #require(house.close(late))
        #expect(close.code == 410 || close.reason.contains("410") || close.reason.contains("resume_token_expired"), "\(close)")
    }

    @Test func `a token stands for the server's secret`() throws {
        let house = try House { $0.secret = "open sesame" }
        let client = house.connect(try House.transport("roq"), reconnect: ReconnectPolicy()) { $0.secret = "open sesame" }
        house.run { $0.isOpen(client) }
        house.run(for: .milliseconds(200))
        house.attach(client, try House.transport("webrtc"))
        house.run(for: .seconds(2))
        #expect(resumes(house, client) == [["roq", "webrtc"]])
    }

    @Test func `a client whose session is gone is told why`() throws {
        let house = try House { $0.sessionLimits.detachedDuration = .seconds(1) }
        let client = house.connect(try House.transport("webtransport"), reconnect: ReconnectPolicy())
        house.run { $0.isOpen(client) }
        house.run(for: .milliseconds(200))
        house.dead = [house.path(client)]
        #expect(house.run(for: .seconds(60)) { $0.server.isIdle })
        house.refuge = { _ in try? House.transport("webtransport") }
        house.attach(client, try House.transport("webtransport"))
        #expect(house.run(for: .seconds(90)) { $0.close(client) != nil })
        #expect(errorCodes(house, client) == ["resume_token_expired"])
    }

    // MARK: Rebinding

    @Test(arguments: House.transports, [ReliabilityMode.streamPerFrame, .stream, .repair])
    func `a NAT that forgets its client in mid-prompt costs nothing but time`(transport: String, mode: ReliabilityMode) throws {
        let house = try House()
        let client = house.connect(try House.transport(transport), reconnect: ReconnectPolicy()) { $0.mode = mode }
        house.run { $0.isOpen(client) }
        house.run(for: .milliseconds(500))
        house.speak(client, 0..<30)
        house.rebind(client)
        house.speak(client, 30..<100)
        house.clients[client].commit(now: house.now)
        house.clients[client].requestResponse(now: house.now)
        #expect(house.run(for: .seconds(15)) { $0.hasStopped(client) })
        #expect(house.receipts(client).first?.verdict == .intact)
        #expect(resumes(house, client).isEmpty, "it went on over the same connection")
    }

    /// TCP knows no other address, and the server's kernel says so.
    @Test func `over WebSocket a NAT that forgets its client costs a resume, and the prompt is intact`() throws {
        let house = try House()
        let client = house.connect(try House.transport("websocket"), reconnect: ReconnectPolicy()) { $0.mode = .stream }
        house.run { $0.isOpen(client) }
        house.run(for: .milliseconds(500))
        house.refuge = { _ in try? House.transport("websocket") }
        house.speak(client, 0..<30)
        house.rebind(client)
        house.speak(client, 30..<100)
        house.clients[client].commit(now: house.now)
        house.clients[client].requestResponse(now: house.now)
        #expect(house.run(for: .seconds(15)) { $0.hasStopped(client) })
        #expect(house.receipts(client).first?.verdict == .intact)
        #expect(resumes(house, client) == [["websocket", "websocket"]])
    }
}
