import SDP
import Testing
import Wire

@Suite struct WebRTCDescriptionTests {
    @Test func `Chromium's offer is understood`() throws {
        let offer = try WebRTCDescription(parsing: Offers.chromium, kind: .offer)
        #expect(offer.ice == ICEParameters(ufrag: "tiHc", password: "7p2zrnKWKvqnEJO9jjMdsZcQ"))
        #expect(offer.canTrickle)
        #expect(!offer.hasAllCandidates)
        #expect(offer.setup == .actpass)
        #expect(offer.bundle == ["0", "1"])
        #expect(offer.fingerprints.count == 1)
        #expect(offer.fingerprints.first?.algorithm == "sha-256")
        #expect(offer.fingerprints.first?.digest.prefix(3) == [0x33, 0x28, 0x87])
        // UDP alone, the higher priority first: here IPv6.
        #expect(offer.candidates.count == 4)
        #expect(
            offer.usableAddresses == [
                PeerAddress(high: 0xFD00_0000_0000_0000, low: 2, port: 38_879), PeerAddress(ipv4: 192, 0, 2, 2, port: 43_275),
            ])
        let audio = try #require(offer.audio)
        #expect(audio.mid == "0")
        #expect(audio.direction == .sendrecv)
        #expect(audio.opus == 111)
        #expect(audio.opusParameters.usesInbandFEC)
        #expect(audio.opusParameters.minimumPacketTime == 10)
        #expect(audio.red == 63)
        #expect(!audio.prefersRED)
        #expect(!audio.hasNACK)
        #expect(audio.midExtensionID == 4)
        #expect(audio.ssrc == 4_154_382_818)
        #expect(audio.cname == "TQxKZ4rBMKUQlXb/")
        #expect(audio.msid == "479e221a-ffb1-4688-bdb1-c68495a02625 96ce6a32-934b-49eb-96e7-6be693be0173")
        let data = try #require(offer.data)
        #expect(data.mid == "1")
        #expect(data.sctpPort == 5_000)
        #expect(data.maxMessageSize == 262_144)
        #expect(data.sctpInit == nil)
        #expect(offer.sections == [.audio, .data])
    }

    @Test func `Firefox's offer is understood: fingerprint and options at the session, Opus 109, RTCP's own candidates unused`() throws {
        let offer = try WebRTCDescription(parsing: Offers.firefox, kind: .offer)
        #expect(offer.ice == ICEParameters(ufrag: "a65ea202", password: "5808b4f7132b30c42235a54d1acc5cc7"))
        #expect(offer.canTrickle)
        #expect(offer.hasAllCandidates)
        #expect(offer.fingerprints.count == 1)
        #expect(offer.usableAddresses.count == 2)
        #expect(offer.audio?.opus == 109)
        #expect(offer.audio?.opusParameters.isStereo == true)
        #expect(offer.audio?.opusParameters.maxPlaybackRate == 48_000)
        #expect(offer.audio?.red == nil)
        #expect(offer.audio?.midExtensionID == 3)
        #expect(offer.audio?.cname == "{b011782c-7235-466e-a5cb-36191de78423}")
        #expect(offer.data?.maxMessageSize == 1_073_741_823)
    }

    @Test func `aiortc's offer is understood: Opus 96, several fingerprints`() throws {
        let offer = try WebRTCDescription(parsing: Offers.aiortc, kind: .offer)
        #expect(offer.audio?.opus == 96)
        #expect(offer.fingerprints.map(\.algorithm) == ["sha-256", "sha-384"])
        #expect(offer.hasAllCandidates)
        #expect(!offer.canTrickle)
    }

    /// What a change of Chromium's offer comes to.
    private func refusal(_ offer: String, kind: WebRTCDescription.Kind = .offer) -> SDPRefusal.Code? {
        do throws(SDPRefusal) {
            _ = try WebRTCDescription(parsing: offer, kind: kind)
            return nil
        } catch {
            #expect(!error.message.isEmpty)
            return error.code
        }
    }

    @Test(arguments: [
        ("m=audio 43275", "m=audio 0", nil),
        ("UDP/TLS/RTP/SAVPF", "RTP/AVP", .unsupportedProtocol),
        ("UDP/DTLS/SCTP webrtc-datachannel", "DTLS/SCTP 5000", .unsupportedProtocol),
        ("a=rtpmap:111 opus/48000/2", "a=rtpmap:111 speex/8000", .noOpus),
        ("a=rtpmap:111 opus/48000/2", "a=rtpmap:112 opus/48000/2", .noOpus),
        ("a=group:BUNDLE 0 1", "a=group:BUNDLE 0", .noBundle),
        ("a=group:BUNDLE 0 1", "a=group:LS 0 1", .noBundle),
        ("a=mid:1", "a=mid:0", .noBundle),
        ("a=mid:1", "a=mid:2", .noBundle),
        ("a=mid:0", "a=mid:", .invalid),
        ("a=mid:0", "a=mid:a b", .invalid),
        ("a=rtcp-mux", "a=rtcp-mux-only", .noRTCPMux),
        ("a=ice-ufrag:tiHc", "a=ice-ufrag:tiH", .noICE),
        ("a=ice-ufrag:tiHc", "a=ice-ufrag:ti c", .noICE),
        ("a=ice-pwd:7p2zrnKWKvqnEJO9jjMdsZcQ", "a=ice-pwd:short", .noICE),
        ("a=fingerprint:sha-256 33", "a=fingerprint:sha-256 3", .invalid),
        ("a=fingerprint:sha-256 33", "a=fingerprint:sha-256 33:33", .invalid),
        ("a=fingerprint:sha-256 33", "a=fingerprint:sha-256 +3", .invalid),
        ("a=fingerprint:sha-256", "a=fingerprint:md5", .noFingerprint),
        ("a=setup:actpass", "a=setup:holdconn", .setupConflict),
        ("a=sctp-port:5000", "a=sctp-port:0", .invalid),
        ("a=sctp-port:5000", "a=sctp-port:65536", .invalid),
        ("a=sctp-port:5000", "a=sctpmap:5000 webrtc-datachannel 1024", .invalid),
        ("a=max-message-size:262144", "a=max-message-size:many", .invalid),
        ("a=sctp-port:5000", "a=sctp-port:5000\na=sctp-init:AQ=A", .invalid),
        ("a=sctp-port:5000", "a=sctp-port:5000\na=sctp-init:", .invalid),
        ("a=sctp-port:5000", "a=sctp-port:5000\na=sctp-init:AQAAFA==", nil),
        ("typ host generation", "type host generation", .invalid),
        ("a=candidate:2912586265 1", "a=candidate:2912586265 0", .invalid),
        ("udp 2122194687", "udp 4294967296", .invalid),
        ("192.0.2.2 43275 typ", "192.0.2.2 70000 typ", .invalid),
        ("192.0.2.2 43275 typ", "d4e0f1ab-3c2b.local 43275 typ", nil),
    ] as [(String, String, SDPRefusal.Code?)])
    func `each broken line is refused by its own code`(old: String, new: String, code: SDPRefusal.Code?) throws {
        let changed = Offers.chromium.replacing(old, with: new)
        #expect(changed != Offers.chromium)
        #expect(refusal(changed) == code)
    }

    @Test(arguments: [
        ("a=fingerprint", .noFingerprint), ("a=ice-ufrag", .noICE), ("a=ice-pwd", .noICE), ("a=rtcp-mux", .noRTCPMux),
        ("m=audio", .noRTCPMux), ("a=rtpmap:111", .noOpus), ("a=sctp-port", .invalid), ("a=group", .noBundle), ("a=mid:1", .noBundle),
        ("a=setup", nil), ("a=candidate", nil), ("a=max-message-size", nil), ("a=fmtp", nil), ("a=ssrc", nil), ("c=", nil),
    ] as [(String, SDPRefusal.Code?)])
    func `each missing line is refused by its own code, or not missed`(prefix: String, code: SDPRefusal.Code?) {
        var offer = Offers.without(prefix, in: Offers.chromium)
        // Without its m= line the section's attributes would be the session's.
        if prefix == "m=audio" { offer = Offers.without("a=rtcp-mux", in: Offers.chromium) }
        #expect(refusal(offer) == code)
    }

    @Test func `keys in the signalling are refused as such`() {
        let offer = Offers.without("a=fingerprint", in: Offers.chromium)
            .replacing("a=rtcp-mux", with: "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\na=rtcp-mux")
        #expect(refusal(offer) == .sdesKeys)
    }

    @Test func `neither audio nor data is refused`() {
        #expect(refusal("v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\n") == .noMedia)
        #expect(refusal("v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\nm=video 9 UDP/TLS/RTP/SAVPF 96\na=mid:0\n") == .noMedia)
    }

    @Test func `not UTF-8 is refused`() {
        #expect(throws: SDPRefusal.self) { try WebRTCDescription(parsing: [0x76, 0x3D, 0x30, 0x0A, 0xFF], kind: .offer) }
    }

    @Test func `RED counts where it stands first, and only over the same Opus`() throws {
        let first = Offers.chromium.replacing("SAVPF 111 63", with: "SAVPF 63 111")
        let audio = try #require(WebRTCDescription(parsing: first, kind: .offer).audio)
        #expect(audio.red == 63)
        #expect(audio.prefersRED)
        #expect(audio.opus == 111)
        for other in ["111/0", "9/9", "111", "x/y"] {
            let offer = Offers.chromium.replacing("63 111/111", with: "63 \(other)")
            #expect(try WebRTCDescription(parsing: offer, kind: .offer).audio?.red == nil)
        }
    }

    @Test(arguments: [("111 nack", true), ("* nack", true), ("111 nack pli", false), ("9 nack", false), ("111 transport-cc", false)])
    func `generic NACK is told from its kin`(feedback: String, hasNACK: Bool) throws {
        let offer = Offers.chromium.replacing("a=rtcp-fb:111 transport-cc", with: "a=rtcp-fb:\(feedback)")
        #expect(try WebRTCDescription(parsing: offer, kind: .offer).audio?.hasNACK == hasNACK)
    }

    @Test func `the tagged section speaks for the bundle`() throws {
        // Before the answer each section may have a transport of its own (RFC 9143 section 7.2.1).
        let swapped = Offers.chromium.replacing("BUNDLE 0 1", with: "BUNDLE 1 0")
        let head = try #require(swapped.firstRange(of: "m=application")).lowerBound
        let changed = swapped[..<head] + swapped[head...].replacing("tiHc", with: "other")
        let offer = try WebRTCDescription(parsing: String(changed), kind: .offer)
        #expect(offer.ice.ufrag == "other")
        #expect(offer.usableAddresses.last?.port == 55_270)
    }

    @Test func `a mid's extension beyond one byte's numbers is as if there were none`() throws {
        for (number, expected) in [("4", 4), ("14", 14), ("15", nil), ("0", nil), ("300", nil)] as [(String, UInt8?)] {
            let offer = Offers.chromium.replacing("extmap:4 ", with: "extmap:\(number) ")
            #expect(try WebRTCDescription(parsing: offer, kind: .offer).audio?.midExtensionID == expected)
        }
    }

    @Test func `candidates over the limit are left out`() throws {
        let line = "a=candidate:1 1 udp 1 192.0.2.2 43275 typ host\n"
        let offer = Offers.chromium.replacing("a=ice-options", with: String(repeating: line, count: 200) + "a=ice-options")
        #expect(try WebRTCDescription(parsing: offer, kind: .offer).candidates.count == SDPLimits.candidateCount)
    }

    @Test(arguments: Offers.all)
    func `no cut, missing line or changed byte does worse than be refused`(offer: String) throws {
        let bytes = Array(Offers.crlf(offer).utf8)
        func tryOut(_ bytes: [UInt8]) {
            guard let read = try? WebRTCDescription(parsing: bytes, kind: .offer) else { return }
            guard let text = try? answer(to: read, with: Samples.answer()) else {
                Issue.record("an offer that is taken can be answered")
                return
            }
            #expect((try? WebRTCDescription(parsing: text, kind: .answer)) != nil, "\(String(decoding: bytes, as: UTF8.self))")
        }
        // Every byte of one offer; of those that resemble it, every fourth.
        let step = offer == Offers.chromium ? 1 : 4
        for length in stride(from: 0, to: bytes.count, by: 4 * step) { tryOut(Array(bytes.prefix(length))) }
        let lines = offer.split(separator: "\n")
        for index in lines.indices {
            var fewer = lines
            fewer.remove(at: index)
            tryOut(Array(fewer.joined(separator: "\r\n").utf8))
        }
        for index in stride(from: 0, to: bytes.count, by: step) {
            var changed = bytes
            changed[index] = changed[index] ^ (index % 2 == 0 ? 0x01 : 0x10)
            tryOut(changed)
        }
    }
}
