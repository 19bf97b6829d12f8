import ICE
import Testing
import Wire

/// A controlling client before a lite server, a fixed delay apart, in virtual time.
private struct Pair {
    var client: ICEControllingAgent
    var server = ICELiteAgent(local: Checks.server, remote: Checks.client, now: .zero)
    var now = Instant.zero
    let delay: Duration
    /// Where the server sees the client.
    var home = Checks.home
    /// Checks sent so far; `isLost` is asked with the number of each.
    var sentCount = 0
    var isLost: (Int) -> Bool = { _ in false }
    var events: [ICEEvent] = []
    var firstSelected: Instant?
    private var toClient: [(at: Instant, bytes: [UInt8])] = []
    private var toServer: [(at: Instant, bytes: [UInt8])] = []

    init(delay: Duration, candidates: [PeerAddress] = [Checks.listening], seed: UInt64 = 1) {
        self.delay = delay
        client = ICEControllingAgent(
            local: Checks.client, remote: Checks.server, candidates: candidates, entropy: Entropy(seed: seed), now: .zero)
    }

    mutating func run(until end: Instant) {
        while true {
            flush()
            let next = [client.deadline, toClient.first?.at, toServer.first?.at].compactMap(\.self).min()
            guard let next, next <= end else { break }
            now = max(now, next)
            step()
        }
        now = end
        _ = server.handleTimeout(now: end)
    }

    private mutating func flush() {
        while let (bytes, to) = client.pollTransmit() {
            sentCount += 1
            if to == Checks.listening, !isLost(sentCount) { toServer.append((now + delay, bytes)) }
        }
        while let event = client.pollEvent() {
            events.append(event)
            if case .selected = event, firstSelected == nil { firstSelected = now }
        }
    }

    private mutating func step() {
        if let first = toServer.first, first.at <= now {
            toServer.removeFirst()
            if let reply = server.receive(first.bytes.span, from: home, now: now).bytes {
                toClient.append((now + delay, reply))
            }
        } else if let first = toClient.first, first.at <= now {
            toClient.removeFirst()
            client.receive(first.bytes.span, from: Checks.listening, now: now)
        } else {
            client.handleTimeout(now: now)
        }
    }
}

@Suite struct ICEControllingAgentTests {
    @Test func `one round trip makes the path, the next nominates it`() {
        var pair = Pair(delay: .milliseconds(20))
        pair.run(until: .zero + .milliseconds(39))
        #expect(pair.client.selected == nil)
        #expect(pair.client.presumed == Checks.listening)
        #expect(pair.server.selected == Checks.home)
        pair.run(until: .zero + .milliseconds(40))
        #expect(pair.events == [.selected(Checks.listening)])
        #expect(pair.client.roundTrip == .milliseconds(40))
        pair.run(until: .zero + .milliseconds(80))
        #expect(pair.client.isNominated)
        #expect(pair.server.isNominated)
        #expect(pair.sentCount == 2)
    }

    @Test func `a lost first check costs 50 ms`() {
        var pair = Pair(delay: .milliseconds(20))
        pair.isLost = { $0 == 1 }
        pair.run(until: .zero + .seconds(1))
        #expect(pair.firstSelected == .zero + .milliseconds(90))
    }

    @Test func `a round trip longer than the time between checks is measured rightly`() {
        var pair = Pair(delay: .milliseconds(300))
        pair.run(until: .zero + .seconds(2))
        #expect(pair.firstSelected == .zero + .milliseconds(600))
        #expect(pair.client.roundTrip == .milliseconds(600))
        #expect(pair.client.isNominated)
    }

    @Test func `a lost nomination is repeated`() {
        var pair = Pair(delay: .milliseconds(10))
        pair.isLost = { $0 == 2 }
        pair.run(until: .zero + .seconds(1))
        #expect(pair.server.isNominated)
        #expect(pair.client.isNominated)
        #expect(pair.sentCount == 3)
    }

    @Test func `consent is asked for every 4 to 6 s and keeps both sides`() {
        var pair = Pair(delay: .milliseconds(10))
        pair.run(until: .zero + .seconds(600))
        #expect(pair.events == [.selected(Checks.listening)])
        #expect(pair.server.selected == Checks.home)
        #expect((100...152).contains(pair.sentCount))
    }

    @Test func `a consent check from a new address takes a lite server along`() {
        var pair = Pair(delay: .milliseconds(10))
        pair.run(until: .zero + .seconds(20))
        pair.home = Checks.away
        pair.run(until: .zero + .seconds(27))
        #expect(pair.server.selected == Checks.away)
        #expect(pair.events == [.selected(Checks.listening)])
    }

    @Test func `the same seed gives the same times, another other ones`() {
        func count(seed: UInt64) -> [Instant?] {
            var pair = Pair(delay: .milliseconds(10), seed: seed)
            return (1...20).map { second in
                pair.run(until: .zero + .seconds(second * 5))
                return pair.client.deadline
            }
        }
        let first = count(seed: 1), again = count(seed: 1), other = count(seed: 2)
        #expect(first == again)
        #expect(first != other)
    }

    @Test func `without an answer set-up fails, after no more than twenty checks a second`() {
        var pair = Pair(delay: .milliseconds(10))
        pair.isLost = { _ in true }
        pair.run(until: .zero + .seconds(60))
        #expect(pair.events == [.failed])
        #expect(pair.sentCount == 600)
        #expect(pair.client.deadline == nil)
    }

    @Test func `consent is lost 30 s after the last answer`() {
        var pair = Pair(delay: .milliseconds(10))
        pair.run(until: .zero + .seconds(10))
        let sentBefore = pair.sentCount
        pair.isLost = { $0 > sentBefore }
        pair.run(until: .zero + .seconds(34))
        #expect(pair.client.selected == Checks.listening)
        pair.run(until: .zero + .seconds(60))
        #expect(pair.events == [.selected(Checks.listening), .consentLost])
        #expect(pair.client.selected == nil)
        #expect(pair.server.end == .consentLost)
    }

    @Test func `an outage shorter than consent changes nothing`() {
        var pair = Pair(delay: .milliseconds(10))
        pair.run(until: .zero + .seconds(10))
        let sentBefore = pair.sentCount
        pair.isLost = { $0 > sentBefore && $0 <= sentBefore + 3 }
        pair.run(until: .zero + .seconds(100))
        #expect(pair.events == [.selected(Checks.listening)])
    }

    @Test func `candidates take turns, and one that answers is enough`() {
        let silent = (1...3).map { PeerAddress(ipv4: 203, 0, 113, UInt8(100 + $0), port: 1) }
        var pair = Pair(delay: .milliseconds(10), candidates: silent + [Checks.listening])
        pair.run(until: .zero + .seconds(1))
        #expect(pair.firstSelected == .zero + .milliseconds(170))
        #expect(pair.client.selected == Checks.listening)
    }

    @Test func `no more candidates are checked than the limit, and none twice`() {
        let many = (0..<100).map { PeerAddress(ipv4: 10, 0, 0, UInt8($0 % 50), port: 1) }
        let pair = Pair(delay: .zero, candidates: many)
        #expect(pair.client.candidates.count == 16)
        #expect(Set(pair.client.candidates).count == 16)
    }

    /// A client whose first check is on its way, and that check.
    private func checking() throws -> (ClientProbe, [UInt8]) {
        let client = ClientProbe(
            ICEControllingAgent(
                local: Checks.client, remote: Checks.server, candidates: [Checks.listening], entropy: Entropy(seed: 1), now: .zero))
        client.handleTimeout(now: .zero)
        let check = try #require(client.pollTransmit())
        return (client, check.bytes)
    }

    private func answer(to check: [UInt8], password: String, change: (inout STUNMessage) -> Void = { _ in }) throws -> [UInt8] {
        var reply = STUNMessage(kind: .success, transactionID: try Checks.message(check).transactionID)
        reply.attributes.mappedAddress = Checks.home
        change(&reply)
        return reply.bytes(password: password)
    }

    @Test func `the first check says who controls and carries the server's name`() throws {
        let (_, bytes) = try checking()
        let check = try Checks.message(bytes)
        #expect(check.attributes.username == "\(Checks.server.ufrag):\(Checks.client.ufrag)")
        #expect(Checks.isAuthentic(bytes, Checks.server.password))
        #expect(!check.attributes.usesCandidate)
        guard case .controlling = check.attributes.role else {
            Issue.record("not controlling")
            return
        }
    }

    @Test func `answers with a wrong password, transaction or source are not believed`() throws {
        let (client, check) = try checking()
        let wrong = try answer(to: check, password: "wrongwrongwrongwrongwrong")
        let other = try answer(to: check, password: Checks.server.password) { $0.transactionID = Checks.id(99) }
        let right = try answer(to: check, password: Checks.server.password)
        let empty = try answer(to: check, password: Checks.server.password) { $0.attributes.mappedAddress = nil }
        #expect(client.receive(wrong, from: Checks.listening, now: .zero) == .notAuthentic)
        #expect(client.receive(other, from: Checks.listening, now: .zero) == .notAuthentic)
        #expect(client.receive(right, from: Checks.away, now: .zero) == .notAuthentic)
        #expect(client.agent.selected == nil)
        #expect(client.receive(right, from: Checks.listening, now: .zero) == nil)
        #expect(client.agent.selected == Checks.listening)
        // Once is enough.
        #expect(client.receive(right, from: Checks.listening, now: .zero) == .notAuthentic)
        let (second, _) = try checking()
        #expect(second.receive(empty, from: Checks.listening, now: .zero) == .notAuthentic)
        #expect(second.agent.selected == nil)
    }

    @Test func `no shorter or changed answer is believed`() throws {
        let (client, check) = try checking()
        let right = try answer(to: check, password: Checks.server.password)
        for length in 0..<right.count {
            let client = ClientProbe(client.agent)
            client.receive(Array(right.prefix(length)), from: Checks.listening, now: .zero)
            #expect(client.agent.selected == nil)
        }
        for index in right.indices {
            for bit in 0..<8 {
                let client = ClientProbe(client.agent)
                var changed = right
                changed[index] ^= 1 << UInt8(bit)
                client.receive(changed, from: Checks.listening, now: .zero)
                #expect(client.agent.selected == nil, "byte \(index), bit \(bit)")
            }
        }
    }

    @Test func `a full peer's check is answered, and its address checked in turn`() throws {
        let (client, _) = try checking()
        let check = Checks.check(1, to: Checks.client) { $0.attributes.role = .controlled(tieBreaker: 3) }
        let outcome = client.receive(check, from: Checks.away, now: .zero)
        #expect(outcome == nil)
        let reply = try #require(client.pollTransmit())
        #expect(reply.to == Checks.away)
        let message = try Checks.message(reply.bytes)
        #expect(message.kind == .success)
        #expect(message.attributes.mappedAddress == Checks.away)
        let triggered = try #require(client.pollTransmit())
        #expect(triggered.to == Checks.away)
        #expect(client.agent.candidates == [Checks.listening, Checks.away])
    }

    @Test func `a stranger's check gets no answer and adds no candidate`() throws {
        let (client, _) = try checking()
        let check = Checks.check(1, to: Checks.client, password: "wrongwrongwrongwrongwrong")
        #expect(client.receive(check, from: Checks.away, now: .zero) == .notAuthentic)
        #expect(client.pollTransmit() == nil)
        #expect(client.agent.candidates == [Checks.listening])
    }

    @Test func `of two that want to control, the greater tie-breaker does`() throws {
        let (client, _) = try checking()
        let weak = Checks.check(1, to: Checks.client) { $0.attributes.role = .controlling(tieBreaker: 0) }
        client.receive(weak, from: Checks.listening, now: .zero)
        let refusal = try Checks.message(try #require(client.pollTransmit()).bytes)
        #expect(refusal.attributes.errorCode == .roleConflict)
        let strong = Checks.check(2, to: Checks.client) { $0.attributes.role = .controlling(tieBreaker: .max) }
        client.receive(strong, from: Checks.listening, now: .zero)
        let reply = try Checks.message(try #require(client.pollTransmit()).bytes)
        #expect(reply.kind == .success)
        client.handleTimeout(now: .zero + .milliseconds(50))
        let next = try Checks.message(try #require(client.pollTransmit()).bytes)
        guard case .controlled = next.attributes.role else {
            Issue.record("still controlling")
            return
        }
    }

    @Test func `a peer that answers 487 for ever changes our part four times, no more`() throws {
        var (client, check) = try checking()
        var repliesTaken = 0
        for _ in 0..<20 {
            let refusal = try answer(to: check, password: Checks.server.password) {
                $0.kind = .error
                $0.attributes.errorCode = .roleConflict
            }
            client.receive(refusal, from: Checks.listening, now: .zero)
            guard let next = client.pollTransmit() else { break }
            repliesTaken += 1
            check = next.bytes
        }
        #expect(repliesTaken == 4)
    }

    @Test func `a refusal of a consent check changes nothing until consent runs out`() throws {
        var pair = Pair(delay: .milliseconds(10))
        pair.run(until: .zero + .seconds(3))
        let client = ClientProbe(pair.client)
        let consentCheck = try #require(client.agent.deadline)
        client.handleTimeout(now: consentCheck)
        let check = try #require(client.pollTransmit()).bytes
        let refusal = try answer(to: check, password: Checks.server.password) {
            $0.kind = .error
            $0.attributes.errorCode = .badRequest
        }
        client.receive(refusal, from: Checks.listening, now: consentCheck)
        #expect(client.agent.selected == Checks.listening)
        // The last consent was the answer to the nomination, at 40 ms.
        client.handleTimeout(now: .zero + .milliseconds(30_040))
        #expect(client.pollEvent() == .consentLost)
        #expect(client.agent.selected == nil)
        #expect(client.agent.deadline == nil)
    }

    @Test func `a restart keeps the path until the new credentials are answered`() {
        var pair = Pair(delay: .milliseconds(10))
        pair.run(until: .zero + .seconds(3))
        let fresh = ICECredentials(ufrag: "BBBBserverufr", password: "anotherpasswordanotherpas")
        let own = ICECredentials(ufrag: "client22", password: "clientpasswordnumbertwo22")
        pair.server.restart(local: fresh, remote: own)
        pair.client.restart(local: own, remote: fresh, candidates: [Checks.listening], now: pair.now)
        #expect(pair.client.selected == Checks.listening)
        #expect(!pair.server.isNominated)
        pair.run(until: .zero + .seconds(4))
        #expect(pair.events == [.selected(Checks.listening), .selected(Checks.listening)])
        #expect(pair.client.isNominated)
        #expect(pair.server.isNominated)
    }

    @Test func `a flood of authentic checks fills no queue beyond its limit`() throws {
        let (client, _) = try checking()
        for number in 0..<1_000 as Range<UInt64> {
            let check = Checks.check(number, to: Checks.client) { $0.attributes.role = .controlled(tieBreaker: 1) }
            client.receive(check, from: PeerAddress(ipv4: 0x0A00_0000 + UInt32(number), port: 1), now: .zero)
        }
        var count = 0
        while client.pollTransmit() != nil { count += 1 }
        #expect(count == 16)
        #expect(client.agent.candidates.count == 16)
    }
}
