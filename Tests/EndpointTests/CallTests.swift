import Endpoint
import SCTPLease
import Session
import Testing
import WebRTC
import Wire

/// WebRTC calls as HTTP asks for them.
@Suite(.ownsSCTP) struct CallTests {
    private func offer() throws -> String {
        let house = try House()
        let client = house.connect(try House.transport("webrtc"))
        return try #require(house.clients[client].offer)
    }

    private func refusal(_ result: Result<CallAnswer, CallRefusal>) -> CallRefusal? {
        guard case .failure(let refusal) = result else { return nil }
        return refusal
    }

    @Test func `an offer without the server's secret is not answered`() throws {
        let sdp = try offer()
        let house = try House { $0.secret = "open sesame" }
        var call = CallOffer(sdp: sdp, request: AttachRequest(secret: "open barley"), localAddress: House.serverAddress)
        guard case .unauthorized = refusal(house.server.answerCall(call, now: house.now)) else {
            Issue.record("a wrong secret got in")
            return
        }
        call.request.secret = "open sesame"
        #expect(refusal(house.server.answerCall(call, now: house.now)) == nil)
    }

    @Test(arguments: ["", "hello", "v=0\r\n"]) func `an offer that is none is refused with a code`(sdp: String) throws {
        let house = try House()
        guard case .malformedOffer(let code, let message, let param) = refusal(
            house.server.answerCall(CallOffer(sdp: sdp, localAddress: House.serverAddress), now: house.now))
        else {
            Issue.record("it was answered")
            return
        }
        #expect(code.contains("sdp"))
        #expect(message.contains("expected"))
        #expect(param == "sdp")
        #expect(house.server.isIdle)
    }

    @Test func `a call that nobody follows up is forgotten`() throws {
        let sdp = try offer()
        let house = try House()
        guard case .success(let answer) = house.server.answerCall(CallOffer(sdp: sdp, localAddress: House.serverAddress), now: house.now)
        else {
            Issue.record("it was not answered")
            return
        }
        #expect(house.server.hasCall(id: answer.callID))
        #expect(house.run(for: .seconds(60)) { $0.server.isIdle })
        #expect(!house.server.hasCall(id: answer.callID))
    }

    @Test func `one source opens only so many calls at once`() throws {
        let sdp = try offer()
        let house = try House { $0.limits.halfOpenConnectionsPerSource = 3 }
        let call = CallOffer(sdp: sdp, localAddress: House.serverAddress, remoteAddress: PeerAddress(ipv4: 10, 1, 1, 1, port: 5))
        for _ in 0..<3 { #expect(refusal(house.server.answerCall(call, now: house.now)) == nil) }
        #expect(refusal(house.server.answerCall(call, now: house.now)) == .full(retryAfterSeconds: 1))
    }

    @Test func `hanging up by HTTP ends the session`() throws {
        let sdp = try offer()
        let house = try House()
        #expect(house.server.hangUpCall(id: "rtc_none", now: house.now).failure == .unknownCall)
        guard case .success(let answer) = house.server.answerCall(CallOffer(sdp: sdp, localAddress: House.serverAddress), now: house.now)
        else { return }
        #expect(house.server.hangUpCall(id: answer.callID, now: house.now).failure == nil)
        #expect(house.run(for: .seconds(1)) { $0.server.isIdle })
    }

    @Test func `ICE restarts by PATCH, and the call goes on from another address`() throws {
        let house = try House()
        let client = house.connect(try House.transport("webrtc"))
        #expect(house.run { $0.isOpen(client) })
        house.run(for: .seconds(1))
        let id = try #require(house.callIDs[client])
        func patch(_ fragment: String, _ ifMatch: String?) -> Result<CallPatchOutcome, CallRefusal> {
            house.server.patchCall(id: id, fragment: fragment, ifMatch: ifMatch, now: house.now)
        }
        let trickle = "a=candidate:1 1 udp 2130706431 10.0.1.0 1000 typ host\r\na=end-of-candidates\r\n"
        #expect(patch(trickle, nil).failure == .preconditionRequired)
        #expect(patch(trickle, "stale").failure == .preconditionFailed)
        #expect(try patch(trickle, "*").get() == .noContent)
        guard case .malformedOffer = patch("nonsense", "*").failure else {
            Issue.record("nonsense was taken")
            return
        }
        let restart = "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n"
        guard case .restarted(let fragment, let tag) = try patch(restart, "*").get() else {
            Issue.record("there was no restart")
            return
        }
        #expect(fragment.contains("a=ice-ufrag:\(tag)"))
        // The client knows nothing of it and checks with the old name, which holds until the new one is used.
        house.run(for: .seconds(12))
        #expect(house.close(client) == nil)
    }

    @Test(arguments: [("stream", 0), ("teleport", 1)])
    func `the session that was posted with the offer begins as it asks, or hears why not`(mode: String, errors: Int) throws {
        let house = try House()
        var proposal = SessionProposal()
        proposal.update.mode = .value(mode)
        house.proposal = proposal
        let client = house.connect(try House.transport("webrtc"))
        house.run(for: .seconds(2))
        let updates = house.notices[client].filter { if case .realtime(.sessionUpdated) = $0 { true } else { false } }
        // The client's own, and none that nobody asked for.
        #expect(updates.count == 1)
        let refusals = house.notices[client].filter { if case .realtime(.error) = $0 { true } else { false } }
        #expect(refusals.count == errors)
    }
}

extension Result {
    fileprivate var failure: Failure? {
        guard case .failure(let failure) = self else { return nil }
        return failure
    }
}
