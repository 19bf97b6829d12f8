import ICE
import Testing
import Wire

@Suite struct ICELiteAgentTests {
    private func makeProbe() -> LiteProbe {
        LiteProbe(ICELiteAgent(local: Checks.server, remote: Checks.client, now: .zero))
    }

    @Test func `a valid check is answered with the address it came from, and makes the path`() throws {
        let probe = makeProbe()
        let check = Checks.check(1)
        let outcome = probe.receive(check, from: Checks.home, at: 0)
        guard case .reply(let bytes, let isSelected) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(isSelected)
        #expect(probe.agent.selected == Checks.home)
        #expect(!probe.agent.isNominated)
        let reply = try Checks.message(bytes)
        #expect(reply.kind == .success)
        #expect(reply.transactionID == Checks.id(1))
        #expect(reply.attributes.mappedAddress == Checks.home)
        #expect(Checks.isAuthentic(bytes, Checks.server.password))
        #expect(reply.hasFingerprint)
    }

    @Test func `the path stays with the first valid check until another is nominated`() {
        let probe = makeProbe()
        _ = probe.receive(Checks.check(1), from: Checks.home, at: 0)
        let second = probe.receive(Checks.check(2), from: Checks.away, at: 1)
        guard case .reply(_, isSelected: false) = second else {
            Issue.record("\(second)")
            return
        }
        #expect(probe.agent.selected == Checks.home)
        _ = probe.receive(Checks.check(3, nominates: true), from: Checks.away, at: 2)
        #expect(probe.agent.selected == Checks.away)
        #expect(probe.agent.isNominated)
        _ = probe.receive(Checks.check(4), from: Checks.home, at: 3)
        #expect(probe.agent.selected == Checks.away)
        // A phone that comes home nominates again.
        _ = probe.receive(Checks.check(5, nominates: true), from: Checks.home, at: 4)
        #expect(probe.agent.selected == Checks.home)
    }

    @Test func `a wrong password gets 401 and changes nothing`() {
        let probe = makeProbe()
        let before = probe.agent.deadline
        let outcome = probe.receive(Checks.check(1, password: "wrongwrongwrongwrongwrong", nominates: true), from: Checks.away, at: 5)
        #expect(outcome.code == 401)
        #expect(probe.agent.selected == nil)
        #expect(probe.agent.deadline == before)
    }

    @Test func `a wrong ufrag gets 401`() {
        let probe = makeProbe()
        let other = ICECredentials(ufrag: "someoneelse", password: Checks.server.password)
        let outcome = probe.receive(Checks.check(1, to: other), from: Checks.away, at: 0)
        #expect(outcome.code == 401)
        #expect(probe.agent.selected == nil)
    }

    @Test func `a check without integrity or name gets 400`() {
        let probe = makeProbe()
        var naked = STUNMessage(kind: .request, transactionID: Checks.id(1))
        #expect(probe.receive(naked.bytes(password: nil), from: Checks.away, at: 0).code == 400)
        #expect(probe.receive(naked.bytes(password: Checks.server.password), from: Checks.away, at: 0).code == 400)
        naked.attributes.username = "nocolon"
        #expect(probe.receive(naked.bytes(password: Checks.server.password), from: Checks.away, at: 0).code == 400)
        #expect(probe.agent.selected == nil)
    }

    @Test func `a refusal is not much longer than what it refuses`() throws {
        let probe = makeProbe()
        let smallest = STUNMessage(kind: .request, transactionID: Checks.id(1)).bytes(password: nil)
        let refusal = try #require(probe.receive(smallest, from: Checks.away, at: 0).bytes)
        #expect(refusal.count <= smallest.count + 8)
        let check = Checks.check(1, password: "wrongwrongwrongwrongwrong")
        let other = try #require(probe.receive(check, from: Checks.away, at: 0).bytes)
        #expect(other.count < check.count)
    }

    @Test func `an attribute that must be understood gets 420 with its type`() throws {
        let probe = makeProbe()
        // Built by hand: our writer has no such attribute.
        var check = STUNMessage(kind: .request, transactionID: Checks.id(1))
        check.attributes.username = "\(Checks.server.ufrag):x"
        check.attributes.errorCode = .badRequest
        var bytes = check.bytes(password: Checks.server.password)
        let index = try #require(bytes.indices.first { bytes[$0...].starts(with: [0x00, 0x09, 0x00, 0x04]) })
        bytes[index] = 0x7F
        bytes = try resigned(bytes)
        let outcome = probe.receive(bytes, from: Checks.home, at: 0)
        #expect(outcome.code == 420)
        let reply = try Checks.message(try #require(outcome.bytes))
        #expect(reply.attributes.unknownAttributes == [0x7F09])
        #expect(probe.agent.selected == nil)
    }

    /// `bytes` with integrity and fingerprint right for what they say now: the reader's own attributes stay, an unknown one
    /// would be dropped by writing, so the two last attributes are computed over the bytes themselves.
    private func resigned(_ bytes: [UInt8]) throws -> [UInt8] {
        let body = Array(bytes.dropLast(24 + 8))
        return STUNBytes.signed(body, password: Checks.server.password)
    }

    @Test func `a peer that thinks itself controlled is told to change`() throws {
        let probe = makeProbe()
        let outcome = probe.receive(Checks.check(1) { $0.attributes.role = .controlled(tieBreaker: 1) }, from: Checks.home, at: 0)
        #expect(outcome.code == 487)
        let bytes = try #require(outcome.bytes)
        #expect(Checks.isAuthentic(bytes, Checks.server.password))
        #expect(probe.agent.selected == nil)
    }

    @Test func `responses, indications, other methods and checks without fingerprint are ignored`() {
        let probe = makeProbe()
        for kind in [STUNMessage.Class.success, .error, .indication] {
            #expect(probe.receive(Checks.check(1) { $0.kind = kind }, from: Checks.home, at: 0) == .ignored(.notACheck))
        }
        #expect(probe.receive(Checks.check(1) { $0.method = 3 }, from: Checks.home, at: 0) == .ignored(.notACheck))
        var cut = Checks.check(1)
        cut.removeLast(8)
        cut[3] -= 8
        #expect(probe.receive(cut, from: Checks.home, at: 0) == .ignored(.noFingerprint))
        #expect(probe.agent.selected == nil)
    }

    @Test func `no shorter or changed check is taken`() {
        let check = Checks.check(1, nominates: true)
        for length in 0..<check.count {
            let probe = makeProbe()
            _ = probe.receive(Array(check.prefix(length)), from: Checks.away, at: 0)
            #expect(probe.agent.selected == nil, "\(length) bytes")
        }
        for index in check.indices {
            for bit in 0..<8 {
                let probe = makeProbe()
                var changed = check
                changed[index] ^= 1 << UInt8(bit)
                let outcome = probe.receive(changed, from: Checks.away, at: 0)
                #expect(!outcome.isReply, "byte \(index), bit \(bit)")
                #expect(probe.agent.selected == nil)
            }
        }
    }

    @Test func `a check overheard and repeated from elsewhere does not draw the media away`() {
        let probe = makeProbe()
        let check = Checks.check(1, nominates: true)
        _ = probe.receive(check, from: Checks.home, at: 0)
        #expect(probe.receive(check, from: Checks.away, at: 1) == .ignored(.replayed))
        #expect(probe.agent.selected == Checks.home)
        // The same from the same address is a retransmission.
        #expect(probe.receive(check, from: Checks.home, at: 1).isReply)
    }

    @Test func `a flood of valid checks keeps no more than the limit and the path`() {
        let probe = makeProbe()
        _ = probe.receive(Checks.check(0, nominates: true), from: Checks.home, at: 0)
        for number in 1..<2_000 as Range<UInt64> {
            let source = PeerAddress(ipv4: 0x0A00_0000 + UInt32(number), port: 9)
            #expect(probe.receive(Checks.check(number), from: source, at: 0).isReply)
        }
        #expect(probe.agent.selected == Checks.home)
    }

    @Test func `without a first check set-up ends`() {
        let probe = makeProbe()
        #expect(probe.agent.deadline == .zero + .seconds(30))
        #expect(probe.handleTimeout(at: 29.9) == nil)
        #expect(probe.handleTimeout(at: 30) == .neverConnected)
        #expect(probe.agent.deadline == nil)
        #expect(probe.receive(Checks.check(1), from: Checks.home, at: 31) == .ignored(.ended))
    }

    @Test func `consent ends 30 s after the last valid check, whatever else comes`() {
        let probe = makeProbe()
        _ = probe.receive(Checks.check(1), from: Checks.home, at: 1)
        _ = probe.receive(Checks.check(2), from: Checks.home, at: 10)
        for second in 11..<40 {
            _ = probe.receive(Checks.check(3, password: "wrongwrongwrongwrongwrong"), from: Checks.home, at: Double(second))
            #expect(probe.handleTimeout(at: Double(second)) == nil)
        }
        #expect(probe.agent.deadline == .zero + .seconds(40))
        #expect(probe.handleTimeout(at: 40) == .consentLost)
        #expect(probe.agent.selected == nil)
        #expect(probe.agent.end == .consentLost)
    }

    @Test func `after a restart the old path stays until the new credentials nominate one`() {
        let probe = makeProbe()
        _ = probe.receive(Checks.check(1, nominates: true), from: Checks.home, at: 0)
        let fresh = ICECredentials(ufrag: "BBBBserverufr", password: "anotherpasswordanotherpas")
        probe.restart(local: fresh, remote: Checks.client)
        #expect(probe.agent.local == fresh)
        // The old credentials still hold.
        #expect(probe.receive(Checks.check(2), from: Checks.home, at: 1).isReply)
        #expect(probe.receive(Checks.check(3, to: fresh), from: Checks.away, at: 2).isReply)
        #expect(probe.agent.selected == Checks.home)
        // The first check with the new ones ends the old.
        #expect(probe.receive(Checks.check(4, nominates: true), from: Checks.home, at: 3).code == 401)
        _ = probe.receive(Checks.check(5, to: fresh, nominates: true), from: Checks.away, at: 4)
        #expect(probe.agent.selected == Checks.away)
        #expect(probe.agent.isNominated)
    }

    @Test func `a restart does not wake an agent that is over`() {
        let probe = makeProbe()
        _ = probe.handleTimeout(at: 30)
        probe.restart(local: Checks.server, remote: Checks.client)
        #expect(probe.agent.deadline == nil)
        #expect(probe.receive(Checks.check(1), from: Checks.home, at: 31) == .ignored(.ended))
    }
}
