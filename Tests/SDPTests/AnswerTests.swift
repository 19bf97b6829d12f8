import SDP
import Testing
import Wire

/// Our own side in these tests.
enum Samples {
    static func local(isLite: Bool = true) -> LocalDescription {
        LocalDescription(
            sessionID: 4_711, ice: ICEParameters(ufrag: "AAAAserverufr", password: "serverpasswordserverpass", isLite: isLite),
            candidates: [PeerAddress(ipv4: 203, 0, 113, 1, port: 4_433), PeerAddress(high: 0x2001_0DB8 << 32, low: 1, port: 4_433)],
            fingerprint: Fingerprint(digest: [UInt8](0..<32)), ssrc: 77, cname: "parallax")
    }

    static func answer(red: Bool = false, nack: Bool = false) -> AnswerParameters {
        var parameters = AnswerParameters(local: local())
        parameters.wantsRED = red
        parameters.wantsNACK = nack
        return parameters
    }
}

@Suite struct AnswerTests {
    private func reply(_ offer: String, _ parameters: AnswerParameters = Samples.answer()) throws -> String {
        try answer(to: WebRTCDescription(parsing: offer, kind: .offer), with: parameters)
    }

    private func lines(_ text: String) -> [Substring] { text.split(separator: "\r\n") }

    @Test func `the answer to Chromium, line by line`() throws {
        let text = try reply(Offers.chromium, Samples.answer(red: true, nack: true))
        let fingerprint = "a=fingerprint:" + Fingerprint(digest: [UInt8](0..<32)).value
        #expect(
            lines(text) == [
                "v=0",
                "o=- 4711 1 IN IP4 127.0.0.1",
                "s=-",
                "t=0 0",
                "a=group:BUNDLE 0 1",
                "a=ice-lite",
                "m=audio 4433 UDP/TLS/RTP/SAVPF 63 111",
                "c=IN IP4 203.0.113.1",
                "a=mid:0",
                "a=sendrecv",
                "a=rtcp-mux",
                "a=rtpmap:111 opus/48000/2",
                "a=fmtp:111 minptime=10;useinbandfec=1",
                "a=rtcp-fb:111 nack",
                "a=rtpmap:63 red/48000/2",
                "a=fmtp:63 111/111",
                "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid",
                "a=msid:parallax audio",
                "a=ssrc:77 cname:parallax",
                "a=ice-ufrag:AAAAserverufr",
                "a=ice-pwd:serverpasswordserverpass",
                fingerprint[...],
                "a=setup:passive",
                "a=candidate:1 1 udp 2130706431 203.0.113.1 4433 typ host",
                "a=candidate:2 1 udp 2130706175 2001:db8:0:0:0:0:0:1 4433 typ host",
                "a=end-of-candidates",
                "m=application 4433 UDP/DTLS/SCTP webrtc-datachannel",
                "c=IN IP4 203.0.113.1",
                "a=mid:1",
                "a=sctp-port:5000",
                "a=max-message-size:262144",
                "a=ice-ufrag:AAAAserverufr",
                "a=ice-pwd:serverpasswordserverpass",
                fingerprint[...],
                "a=setup:passive",
            ])
        #expect(text.hasSuffix("\r\n"))
    }

    @Test func `RED stands before Opus only where it is wanted, NACK is there only where it is`() throws {
        let plain = try reply(Offers.chromium)
        #expect(lines(plain).contains("m=audio 4433 UDP/TLS/RTP/SAVPF 111 63"))
        #expect(lines(plain).contains("a=rtpmap:63 red/48000/2"))
        #expect(!plain.contains("rtcp-fb"))
        let firefox = try reply(Offers.firefox, Samples.answer(red: true, nack: true))
        #expect(lines(firefox).contains("m=audio 4433 UDP/TLS/RTP/SAVPF 109"))
        #expect(lines(firefox).contains("a=rtcp-fb:109 nack"))
        #expect(!firefox.contains("red/48000"))
    }

    @Test(arguments: Offers.all)
    func `what we answer is read back as we meant it`(offer: String) throws {
        let read = try WebRTCDescription(parsing: reply(offer, Samples.answer(red: true, nack: true)), kind: .answer)
        let offered = try WebRTCDescription(parsing: offer, kind: .offer)
        let local = Samples.local()
        #expect(read.ice == local.ice)
        #expect(read.fingerprints == [local.fingerprint])
        #expect(read.usableAddresses == local.candidates)
        #expect(read.hasAllCandidates)
        #expect(read.setup == .passive)
        #expect(read.bundle == offered.bundle)
        #expect(read.audio?.opus == offered.audio?.opus)
        #expect(read.audio?.red == offered.audio?.red)
        #expect(read.audio?.prefersRED == (offered.audio?.red != nil))
        #expect(read.audio?.midExtensionID == offered.audio?.midExtensionID)
        #expect(read.audio?.ssrc == 77)
        #expect(read.audio?.cname == "parallax")
        #expect(read.audio?.hasNACK == true)
        #expect(read.data?.sctpPort == 5_000)
    }

    @Test func `without the mid's extension in the offer there is none in the answer`() throws {
        let offer = Offers.without("a=extmap:4", in: Offers.chromium)
        #expect(try !reply(offer).contains("extmap"))
    }

    @Test(arguments: [("sendrecv", "sendrecv"), ("sendonly", "recvonly"), ("recvonly", "sendonly"), ("inactive", "inactive")])
    func `the direction is mirrored, and a source named only where we send`(offered: String, answered: String) throws {
        let text = try reply(Offers.chromium.replacing("a=sendrecv", with: "a=\(offered)"))
        #expect(lines(text).contains("a=\(answered)"))
        #expect(text.contains("a=msid") == answered.hasPrefix("send"))
        #expect(text.contains("a=ssrc") == answered.hasPrefix("send"))
    }

    @Test(arguments: [
        ("actpass", SetupRole.passive, "passive"), ("actpass", .active, "active"), ("active", .active, "passive"),
        ("passive", .passive, "active"), ("actpass", .actpass, "passive"),
    ])
    func `the roles of DTLS fit together`(offered: String, wanted: SetupRole, answered: String) throws {
        var parameters = Samples.answer()
        parameters.setup = wanted
        let text = try reply(Offers.chromium.replacing("setup:actpass", with: "setup:\(offered)"), parameters)
        #expect(lines(text).filter { $0.hasPrefix("a=setup") } == Array(repeating: "a=setup:\(answered)"[...], count: 2))
    }

    @Test func `video and second microphones are rejected in their places`() throws {
        let video = "m=video 9 UDP/TLS/RTP/SAVPF 96 97\na=mid:v\na=ice-ufrag:tiHc\n"
        let second = "m=audio 9 UDP/TLS/RTP/SAVPF 111\na=mid:second\na=rtcp-mux\n"
        let head = try #require(Offers.chromium.firstRange(of: "m=audio")).lowerBound
        let sections: [String] = [String(Offers.chromium[..<head]), video, String(Offers.chromium[head...]), second]
        let offer = sections.joined().replacing("BUNDLE 0 1", with: "BUNDLE v 0 1 second")
        let text = try reply(offer)
        let media = lines(text).filter { $0.hasPrefix("m=") }
        #expect(
            media == [
                "m=video 0 UDP/TLS/RTP/SAVPF 96 97", "m=audio 4433 UDP/TLS/RTP/SAVPF 111 63",
                "m=application 4433 UDP/DTLS/SCTP webrtc-datachannel", "m=audio 0 UDP/TLS/RTP/SAVPF 111",
            ])
        // Rejected sections leave the bundle (RFC 9143 section 7.3.3).
        #expect(lines(text).contains("a=group:BUNDLE 0 1"))
        #expect(lines(text).contains("a=mid:v"))
    }

    @Test func `a lone section needs neither bundle nor mid`() throws {
        let head = try #require(Offers.chromium.firstRange(of: "m=application")).lowerBound
        var offer = String(Offers.chromium[..<head])
        for line in ["a=group", "a=mid", "a=extmap:4"] { offer = Offers.without(line, in: offer) }
        let text = try reply(offer)
        #expect(!text.contains("BUNDLE"))
        #expect(!text.contains("a=mid"))
        #expect(text.contains("a=candidate"))
        #expect(lines(text).filter { $0.hasPrefix("m=") }.count == 1)
    }

    @Test func `SCTP's parameters are told only to who told his`() throws {
        var parameters = Samples.answer()
        parameters.local.sctpInit = [1, 0, 0, 20]
        #expect(try !reply(Offers.chromium, parameters).contains("sctp-init"))
        let offer = Offers.chromium.replacing("a=sctp-port:5000", with: "a=sctp-port:5000\na=sctp-init:AQAAFA==")
        #expect(try WebRTCDescription(parsing: offer, kind: .offer).data?.sctpInit == [1, 0, 0, 20])
        #expect(try lines(reply(offer, parameters)).contains("a=sctp-init:AQAAFA=="))
    }

    @Test func `an answer cannot be answered`() throws {
        let text = try reply(Offers.chromium)
        let read = try WebRTCDescription(parsing: text, kind: .answer)
        #expect(throws: SDPRefusal.self) { try answer(to: read, with: Samples.answer()) }
    }

    @Test func `an answer that leaves the role open is refused`() throws {
        let text = try reply(Offers.chromium).replacing("setup:passive", with: "setup:actpass")
        #expect(throws: SDPRefusal.self) { try WebRTCDescription(parsing: text, kind: .answer) }
    }
}

@Suite struct AnswerCheckTests {
    @Test(arguments: Offers.all, [true, false])
    func `our answers pass, with RED and without`(offer: String, red: Bool) throws {
        let offered = try WebRTCDescription(parsing: offer, kind: .offer)
        let text = try answer(to: offered, with: Samples.answer(red: red))
        try WebRTCDescription(parsing: text, kind: .answer).check(answering: offered)
    }

    @Test(arguments: [
        ("111", "112", SDPRefusal.Code.mismatch), ("63", "64", .mismatch), ("m=application 4433", "m=application 0", nil),
        ("a=mid:0", "a=mid:9", .mismatch), ("m=application 4433", "m=video 0 x 1\r\nm=application 4433", .mismatch),
    ] as [(String, String, SDPRefusal.Code?)])
    func `an answer that does not fit its offer is refused`(old: String, new: String, expected: SDPRefusal.Code?) throws {
        let offered = try WebRTCDescription(parsing: Offers.chromium, kind: .offer)
        var text = try answer(to: offered, with: Samples.answer(red: true)).replacing(old, with: new)
        if old == "a=mid:0" { text = text.replacing("BUNDLE 0", with: "BUNDLE 9") }
        let answered = try WebRTCDescription(parsing: text, kind: .answer)
        #expect(code(answered, offered) == expected)
    }

    @Test func `equal roles and two lite sides are refused`() throws {
        var offered = try WebRTCDescription(parsing: Offers.chromium, kind: .offer)
        let text = try answer(to: offered, with: Samples.answer())
        let answered = try WebRTCDescription(parsing: text, kind: .answer)
        offered.setup = .passive
        #expect(code(answered, offered) == .setupConflict)
        offered.setup = .actpass
        offered.ice.isLite = true
        #expect(code(answered, offered) == .mismatch)
    }

    private func code(_ answered: WebRTCDescription, _ offered: WebRTCDescription) -> SDPRefusal.Code? {
        do throws(SDPRefusal) {
            try answered.check(answering: offered)
            return nil
        } catch { return error.code }
    }
}

@Suite struct OfferTests {
    @Test func `our offer is read back as we meant it, and answered`() throws {
        var parameters = OfferParameters(local: Samples.local(isLite: false))
        parameters.local.sctpInit = [1, 2, 3, 4, 5]
        let text = offer(parameters)
        let read = try WebRTCDescription(parsing: text, kind: .offer)
        #expect(!read.ice.isLite)
        #expect(read.setup == .actpass)
        #expect(read.bundle == ["0", "1"])
        #expect(read.audio?.opus == 111)
        #expect(read.audio?.red == 63)
        #expect(read.audio?.prefersRED == false)
        #expect(read.audio?.hasNACK == true)
        #expect(read.audio?.midExtensionID == nil)
        #expect(read.data?.sctpInit == [1, 2, 3, 4, 5])
        let reply = try WebRTCDescription(parsing: answer(to: read, with: Samples.answer(red: true, nack: true)), kind: .answer)
        #expect(reply.audio?.prefersRED == true)
        #expect(reply.setup == .passive)
        #expect(reply.ice.isLite)
    }

    @Test func `what is not offered is not there`() throws {
        var parameters = OfferParameters(local: Samples.local(isLite: false))
        parameters.hasData = false
        parameters.offersRED = false
        parameters.offersNACK = false
        let read = try WebRTCDescription(parsing: offer(parameters), kind: .offer)
        #expect(read.data == nil)
        #expect(read.audio?.red == nil)
        #expect(read.audio?.hasNACK == false)
        parameters.hasData = true
        parameters.hasAudio = false
        let data = try WebRTCDescription(parsing: offer(parameters), kind: .offer)
        #expect(data.audio == nil)
        #expect(data.data?.mid == "0")
        #expect(data.usableAddresses.count == 2)
    }

    @Test func `RED that is preferred stands first`() throws {
        var parameters = OfferParameters(local: Samples.local(isLite: false))
        parameters.prefersRED = true
        parameters.midExtensionID = 4
        let read = try WebRTCDescription(parsing: offer(parameters), kind: .offer)
        #expect(read.audio?.prefersRED == true)
        #expect(read.audio?.midExtensionID == 4)
    }
}
