import Endpoint
import SCTPLease
import Session
import Testing
import Wire

/// A token whose use was granted while the answer got lost: its owner may show it again, and nobody else.
@Suite(.ownsSCTP) struct ResumeRetryTests {
    private static let transports = House.transports + ["websocket"]

    /// A session whose first connection is dead, and whose second died when the server had just taken its token.
    private func stranded(_ transport: String) throws -> (house: House, client: Int, token: String) {
        let house = try House()
        let client = house.connect(try House.transport(transport), reconnect: ReconnectPolicy()) { $0.mode = .stream }
        house.run { $0.isOpen(client) }
        house.run(for: .milliseconds(200))
        house.speak(client, 0..<20)
        let token = try #require(house.clients[client].token)
        house.dead = [house.path(client)]
        house.speak(client, 20..<22)
        #expect(house.run(for: .seconds(30)) { $0.notices[client].contains(.attachmentWanted) })
        house.attach(client, try House.transport(transport))
        let second = try #require(house.clients[client].nextLocal)
        #expect(house.run(for: .seconds(5)) { house in
            house.serverNotices.contains { if case .sessionResumed = $0 { true } else { false } }
        })
        house.dead.append(second)
        #expect(house.clients[client].token == token, "it has heard of no other")
        return (house, client, token)
    }

    private func resumes(_ house: House, _ client: Int) -> Int {
        house.notices[client].count { if case .realtime(.sessionResumed) = $0 { true } else { false } }
    }

    @Test(arguments: transports)
    func `an answer to a resume that is lost costs another attempt, and not the session`(transport: String) throws {
        let (house, client, _) = try stranded(transport)
        house.refuge = { _ in try? House.transport(transport) }
        house.speak(client, 22..<40)
        house.clients[client].commit(now: house.now)
        #expect(house.run(for: .seconds(30)) { !$0.receipts(client).isEmpty })
        #expect(house.receipts(client).first?.verdict == .intact)
        #expect(house.receipts(client).first?.expectedFrames == 40)
        #expect(resumes(house, client) == 1)
        #expect(house.close(client) == nil)
        #expect(house.server.sessionCount == 1)
    }

    /// What is given up was granted, and its end is no goodbye.
    @Test(arguments: House.transports)
    func `an attempt that a client gives up does not end its session`(transport: String) throws {
        let house = try House()
        let client = house.connect(try House.transport("roq"), reconnect: ReconnectPolicy()) { $0.mode = .stream }
        house.run { $0.isOpen(client) }
        house.run(for: .milliseconds(200))
        house.speak(client, 0..<20)
        house.refuge = { _ in try? House.transport("roq") }
        house.attach(client, try House.transport(transport))
        let next = try #require(house.clients[client].nextLocal)
        #expect(house.run(for: .seconds(5)) { house in
            house.serverNotices.contains { if case .sessionResumed = $0 { true } else { false } }
        })
        // Only its own word gets through, to the end.
        house.deaf = [next]
        house.speak(client, 20..<300)
        house.deaf = []
        house.clients[client].commit(now: house.now)
        #expect(house.run(for: .seconds(30)) { !$0.receipts(client).isEmpty })
        #expect(house.receipts(client).first?.verdict == .intact)
        #expect(house.close(client) == nil)
    }

    @Test(arguments: transports)
    func `whoever saw the token on its way is refused, and the session goes on`(transport: String) throws {
        let (house, client, token) = try stranded(transport)
        // With the token alone, with a proof that is made up, and with the proof of another session.
        let other = house.connect(try House.transport("roq"), reconnect: ReconnectPolicy())
        house.run { $0.isOpen(other) }
        house.run(for: .milliseconds(200))
        let retries = [nil, ResumeRetry(attempt: 9, of: token, key: "0123456789abcdef0123456789abcdef"), ResumeRetry(attempt: 9, proof: "")]
        for retry in retries {
            let thief = house.connect(try House.transport(transport), resume: ResumeRequest(token: token, retry: retry))
            #expect(house.run(for: .seconds(5)) { $0.close(thief) != nil })
            let close = try #require(house.close(thief))
            let (status, code) = retry == nil ? ("409", "resume_token_used") : ("404", "resume_token_invalid")
            #expect("\(close.code)" == status || close.reason.contains(status) || close.reason.contains(code), "\(close)")
        }
        #expect(house.server.sessionCount == 2)
        house.refuge = { _ in try? House.transport(transport) }
        #expect(house.run(for: .seconds(30)) { resumes($0, client) == 1 })
    }

    @Test func `a proof that was seen is worth nothing a second time`() throws {
        let (house, client, token) = try stranded("roq")
        house.attach(client, try House.transport("roq"))
        let request = try #require(house.clients[client].resumeRequest)
        #expect(request.token == token && request.retry?.attempt == 1)
        #expect(house.run(for: .seconds(5)) { resumes($0, client) == 1 })
        // Nothing but frames has come since: the token is not given up yet, its proof is.
        let thief = house.connect(try House.transport("roq"), resume: request)
        #expect(house.run(for: .seconds(5)) { $0.close(thief) != nil })
        #expect(try #require(house.close(thief)).reason.contains("resume_token_used"))
        house.speak(client, 22..<24)
        house.clients[client].commit(now: house.now)
        #expect(house.run(for: .seconds(5)) { !$0.receipts(client).isEmpty })
    }

    @Test func `once the client has spoken on the new connection, its former token is used up even for itself`() throws {
        let house = try House()
        let client = house.connect(try House.transport("roq"), reconnect: ReconnectPolicy()) { $0.mode = .stream }
        house.run { $0.isOpen(client) }
        house.run(for: .milliseconds(200))
        house.speak(client, 0..<10)
        house.attach(client, try House.transport("webtransport"))
        let request = try #require(house.clients[client].resumeRequest)
        #expect(request.retry == nil)
        house.run(for: .milliseconds(500))
        house.clients[client].commit(now: house.now)
        house.run(for: .milliseconds(500))
        let key = try #require(house.clients[client].resumeKey)
        let late = house.connect(
            try House.transport("roq"), resume: ResumeRequest(token: request.token, retry: ResumeRetry(attempt: 7, of: request.token, key: key)))
        #expect(house.run(for: .seconds(5)) { $0.close(late) != nil })
        #expect(try #require(house.close(late)).reason.contains("resume_token_used"))
    }

    @Test func `a session goes through many connections of which every other answer is lost`() throws {
        let house = try House()
        let client = house.connect(try House.transport("webtransport"), reconnect: ReconnectPolicy()) { $0.mode = .stream }
        house.run { $0.isOpen(client) }
        house.run(for: .milliseconds(200))
        var turns = 0
        house.refuge = { _ in try? House.transport(turns % 2 == 0 ? "roq" : "webtransport") }
        for turn in 0..<4 {
            turns = turn
            house.speak(client, (turn * 10)..<(turn * 10 + 10))
            let taken = house.serverNotices.count
            house.dead.append(house.clients[client].local)
            house.speak(client, (turn * 10 + 10)..<(turn * 10 + 11))
            // The first attempt dies once the server has taken it.
            #expect(house.run(for: .seconds(30)) { house in
                house.serverNotices.dropFirst(taken).contains { if case .sessionResumed = $0 { true } else { false } }
            })
            if let next = house.clients[client].nextLocal { house.dead.append(next) }
            #expect(house.run(for: .seconds(30)) { resumes($0, client) == turn + 1 })
            house.clients[client].commit(now: house.now)
            #expect(house.run(for: .seconds(10)) { $0.receipts(client).count == turn + 1 })
            #expect(house.receipts(client).last?.verdict == .intact)
        }
    }
}
