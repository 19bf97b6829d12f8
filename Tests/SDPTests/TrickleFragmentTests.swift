import SDP
import Testing
import Wire

@Suite struct TrickleFragmentTests {
    /// As RFC 9725 section 4.3.1 has a client send it.
    private let fragment = """
        a=ice-ufrag:EsAw
        a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1
        m=audio 9 UDP/TLS/RTP/SAVPF 0
        a=mid:0
        a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1
        a=candidate:3471623853 1 udp 2122194687 198.51.100.2 61765 typ srflx raddr 192.0.2.1 rport 61764 generation 0
        a=candidate:473322822 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active generation 0 ufrag EsAw network-id 1
        a=end-of-candidates

        """

    @Test func `credentials and candidates are read`() throws {
        let read = try TrickleFragment(parsing: fragment)
        #expect(read.ufrag == "EsAw")
        #expect(read.password == "P2uYro0UCOQ4zxjKXaWCBui1")
        #expect(read.mid == "0")
        #expect(read.candidates.map(\.kind) == [.host, .srflx, .host])
        #expect(
            read.usableAddresses == [
                PeerAddress(ipv4: 192, 0, 2, 1, port: 61_764), PeerAddress(ipv4: 198, 51, 100, 2, port: 61_765),
            ])
        #expect(read.hasAllCandidates)
        #expect(try TrickleFragment(parsing: Array(Offers.crlf(fragment).utf8)) == read)
    }

    @Test func `a restart's answer survives the round trip`() throws {
        let written = TrickleFragment(
            ufrag: "AAAAserverufr", password: "serverpasswordserverpass", mid: "0",
            candidates: [ICECandidate(host: PeerAddress(ipv4: 203, 0, 113, 1, port: 4_433))], hasAllCandidates: true)
        #expect(try TrickleFragment(parsing: written.text) == written)
        let alone = TrickleFragment(ufrag: "AAAAserverufr", password: "serverpasswordserverpass")
        #expect(try TrickleFragment(parsing: alone.text) == alone)
    }

    @Test(arguments: [
        ("a=end-of-candidates\n", nil),
        ("", .noICE),
        ("a=mid:0\n", .noICE),
        ("a=ice-ufrag:EsAw\n", .noICE),
        ("a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\n", .noICE),
        ("a=ice-ufrag:EsAw\na=ice-ufrag:Other\n", .noICE),
        ("a=ice-ufrag:E\n", .noICE),
        ("a=candidate:x\n", .invalid),
        ("a=mid:\na=end-of-candidates\n", .invalid),
        ("m=audio\n", .invalid),
        ("z=0\n", .invalid),
        ("nonsense", .invalid),
    ] as [(String, SDPRefusal.Code?)])
    func `each broken fragment is refused by its own code`(text: String, code: SDPRefusal.Code?) {
        do throws(SDPRefusal) {
            _ = try TrickleFragment(parsing: text)
            #expect(code == nil)
        } catch {
            #expect(error.code == code)
        }
    }

    @Test func `no cut or changed byte does worse than be refused`() {
        let bytes = Array(fragment.utf8)
        for length in 0..<bytes.count { _ = try? TrickleFragment(parsing: Array(bytes.prefix(length))) }
        for index in bytes.indices {
            for bit in 0..<8 {
                var changed = bytes
                changed[index] ^= 1 << UInt8(bit)
                guard let read = try? TrickleFragment(parsing: changed) else { continue }
                #expect((try? TrickleFragment(parsing: read.text))?.ufrag == read.ufrag)
            }
        }
    }
}
