import SDP
import Testing
import Wire

@Suite struct SessionDescriptionTests {
    @Test(arguments: Offers.all)
    func `a description survives the round trip, whatever ends its lines`(offer: String) throws {
        let lf = try SessionDescription(parsing: offer)
        let crlf = try SessionDescription(parsing: Offers.crlf(offer))
        #expect(lf == crlf)
        #expect(lf.media.count == 2)
        #expect(try SessionDescription(parsing: lf.text).text == lf.text)
        // Only the place of c= and t= may differ from what the browser wrote.
        #expect(lf.text.split(separator: "\r\n").sorted() == offer.split(separator: "\n").sorted())
    }

    @Test(arguments: [
        ("", nil, "v=0 on the first line"),
        ("o=- 1 1 IN IP4 0.0.0.0\n", 1, "v=0 on the first line"),
        ("v=1\n", 1, "v=0 on the first line"),
        ("v=0\no=- 1\n", 2, "o= with six fields"),
        ("v=0\nhello\n", 2, "a small letter and an equals sign"),
        ("v=0\n\no=- 1 1 IN IP4 0.0.0.0\n", 2, "a small letter and an equals sign"),
        ("v=0\nm=audio 9 UDP/TLS/RTP/SAVPF 111\n", 2, "o=, s= and t= before the first m="),
        ("v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\nm=audio 9 x\n", 5, "m=<media> <port> <proto> <fmt> …"),
        ("v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\nm=audio 70000 x 1\n", 5, "a port from 0 to 65535"),
        ("v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\nm=audio -1 x 1\n", 5, "a port from 0 to 65535"),
        ("v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\nm=au@dio 9 x 1\n", 5, "tokens after m="),
        ("v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\na=:x\n", 5, "the name of an attribute"),
        ("v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\na=x:\u{0}\n", 5, "no control characters inside a line"),
        ("v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\na=x\ry\n", 5, "no control characters inside a line"),
        ("v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\nq=x\n", 5, "another line at this place"),
        ("v=0\no=- 1 1 IN IP4 0.0.0.0\no=- 1 1 IN IP4 0.0.0.0\n", 3, "another line at this place"),
        ("v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\n", nil, "the lines v=, o=, s= and t="),
    ] as [(String, Int?, String)])
    func `what is no SDP is refused with its line`(text: String, line: Int?, expected: String) {
        do throws(SDPRefusal) {
            _ = try SessionDescription(parsing: text)
            Issue.record("taken")
        } catch {
            #expect(error.code == .invalid)
            #expect(error.line == line)
            #expect(error.expected == expected)
        }
    }

    @Test func `every limit is a refusal of its own`() {
        let head = "v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\n"
        func code(_ text: String) -> SDPRefusal.Code? {
            do throws(SDPRefusal) {
                _ = try SessionDescription(parsing: text)
                return nil
            } catch { return error.code }
        }
        #expect(code(head + "a=" + String(repeating: "x", count: 4_094)) == nil)
        #expect(code(head + "a=" + String(repeating: "x", count: 4_095)) == .tooLarge)
        #expect(code(head + String(repeating: "a=x\n", count: 2_044)) == nil)
        #expect(code(head + String(repeating: "a=x\n", count: 2_045)) == .tooLarge)
        #expect(code(head + String(repeating: "m=audio 9 x 1\n", count: 32)) == nil)
        #expect(code(head + String(repeating: "m=audio 9 x 1\n", count: 33)) == .tooLarge)
        #expect(code(head + String(repeating: "\n", count: 65_536)) == .tooLarge)
        #expect(code(String(repeating: "v=0\n", count: 20_000)) == .tooLarge)
    }

    @Test func `empty lines at the end are no lines`() throws {
        let text = Offers.chromium + "\r\n\n\r\n"
        #expect(try SessionDescription(parsing: text) == SessionDescription(parsing: Offers.chromium))
    }
}

@Suite struct IPLiteralTests {
    @Test(arguments: [
        ("192.0.2.1", PeerAddress(ipv4: 192, 0, 2, 1, port: 9)),
        ("0.0.0.0", PeerAddress(ipv4: 0, port: 9)),
        ("::", PeerAddress(high: 0, low: 0, port: 9)),
        ("::1", PeerAddress(high: 0, low: 1, port: 9)),
        ("fd00::2", PeerAddress(high: 0xFD00_0000_0000_0000, low: 2, port: 9)),
        ("2001:db8:1:2:3:4:5:6", PeerAddress(high: 0x2001_0DB8_0001_0002, low: 0x0003_0004_0005_0006, port: 9)),
        ("1:2:3:4:5:6:7::", PeerAddress(high: 0x0001_0002_0003_0004, low: 0x0005_0006_0007_0000, port: 9)),
        ("::ffff:192.0.2.1", PeerAddress(ipv4: 192, 0, 2, 1, port: 9)),
        ("64:ff9b::192.0.2.1", PeerAddress(high: 0x0064_FF9B_0000_0000, low: 0xC000_0201, port: 9)),
    ])
    func `literals give addresses, and are spelled again`(text: String, address: PeerAddress) {
        #expect(PeerAddress(literal: text[...], port: 9) == address)
        #expect(PeerAddress(literal: address.literal[...], port: 9) == address)
    }

    @Test(arguments: [
        "", ".", ":", ":::", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.-4", "+1.2.3.4", "1.2.3.0004", "1..2.3", "fd00:::2",
        "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::1::2", "12345::", "g::", "1:2:3:4:5:6:7::8", "1.2.3.4::", "::1.2.3", "+1::",
        "2001:db8::1%eth0", "localhost", "d4e0f1ab-3c2b.local",
    ])
    func `names and broken literals give none`(text: String) {
        #expect(PeerAddress(literal: text[...], port: 9) == nil)
    }
}
