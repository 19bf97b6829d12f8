/// What browsers and libraries offer for a microphone and the data channel `oai-events`, shortened: codecs and header
/// extensions that nothing here looks at are left out. Lines end in LF; `crlf` makes them what travels.
enum Offers {
    /// Headless Chromium 156.
    static let chromium = """
        v=0
        o=- 4856904180811255932 2 IN IP4 127.0.0.1
        s=-
        t=0 0
        a=group:BUNDLE 0 1
        a=extmap-allow-mixed
        a=msid-semantic: WMS 479e221a-ffb1-4688-bdb1-c68495a02625
        m=audio 43275 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
        c=IN IP4 192.0.2.2
        a=rtcp:9 IN IP4 0.0.0.0
        a=candidate:2912586265 1 udp 2122194687 192.0.2.2 43275 typ host generation 0 network-id 1
        a=candidate:2867390121 1 udp 2122265343 fd00::2 38879 typ host generation 0 network-id 2
        a=candidate:3545589889 1 tcp 1518214911 192.0.2.2 9 typ host tcptype active generation 0 network-id 1
        a=candidate:3559326769 1 tcp 1518285567 fd00::2 9 typ host tcptype active generation 0 network-id 2
        a=ice-ufrag:tiHc
        a=ice-pwd:7p2zrnKWKvqnEJO9jjMdsZcQ
        a=ice-options:trickle
        a=fingerprint:sha-256 33:28:87:2A:BE:E2:31:F8:A5:59:B0:32:03:74:39:AD:FA:3A:05:B6:85:4E:0E:AA:86:9D:1C:7D:D7:8D:8D:81
        a=setup:actpass
        a=mid:0
        a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
        a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
        a=sendrecv
        a=msid:479e221a-ffb1-4688-bdb1-c68495a02625 96ce6a32-934b-49eb-96e7-6be693be0173
        a=rtcp-mux
        a=rtcp-rsize
        a=rtpmap:111 opus/48000/2
        a=rtcp-fb:111 transport-cc
        a=fmtp:111 minptime=10;useinbandfec=1
        a=rtpmap:63 red/48000/2
        a=fmtp:63 111/111
        a=rtpmap:9 G722/8000
        a=ssrc:4154382818 cname:TQxKZ4rBMKUQlXb/
        m=application 55270 UDP/DTLS/SCTP webrtc-datachannel
        c=IN IP4 192.0.2.2
        a=candidate:2912586265 1 udp 2122194687 192.0.2.2 55270 typ host generation 0 network-id 1
        a=candidate:2867390121 1 udp 2122265343 fd00::2 40475 typ host generation 0 network-id 2
        a=candidate:3545589889 1 tcp 1518214911 192.0.2.2 9 typ host tcptype active generation 0 network-id 1
        a=candidate:3559326769 1 tcp 1518285567 fd00::2 9 typ host tcptype active generation 0 network-id 2
        a=ice-ufrag:tiHc
        a=ice-pwd:7p2zrnKWKvqnEJO9jjMdsZcQ
        a=ice-options:trickle
        a=fingerprint:sha-256 33:28:87:2A:BE:E2:31:F8:A5:59:B0:32:03:74:39:AD:FA:3A:05:B6:85:4E:0E:AA:86:9D:1C:7D:D7:8D:8D:81
        a=setup:actpass
        a=mid:1
        a=sctp-port:5000
        a=max-message-size:262144

        """

    /// Headless Firefox ESR.
    static let firefox = """
        v=0
        o=mozilla...THIS_IS_SDPARTA-99.0 3087813320542965683 0 IN IP4 0.0.0.0
        s=-
        t=0 0
        a=sendrecv
        a=fingerprint:sha-256 0B:92:DC:31:33:AD:74:83:95:A5:D1:5F:76:CB:2E:AB:50:92:C9:D5:9D:14:62:5F:EB:26:F5:B4:4E:24:64:F1
        a=group:BUNDLE 0 1
        a=ice-options:trickle
        a=msid-semantic:WMS *
        m=audio 49277 UDP/TLS/RTP/SAVPF 109 9 0 8 101
        c=IN IP4 192.0.2.2
        a=candidate:0 1 UDP 2122187007 192.0.2.2 49277 typ host
        a=candidate:1 1 UDP 2122252543 fd00::2 38609 typ host
        a=candidate:0 2 UDP 2122187006 192.0.2.2 49442 typ host
        a=candidate:1 2 UDP 2122252542 fd00::2 33642 typ host
        a=sendrecv
        a=end-of-candidates
        a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
        a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid
        a=extmap-allow-mixed
        a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1
        a=fmtp:101 0-15
        a=ice-pwd:5808b4f7132b30c42235a54d1acc5cc7
        a=ice-ufrag:a65ea202
        a=mid:0
        a=msid:{4eddc27f-b8be-402d-ac54-74a08e02f604} {21a18333-8e56-4979-b256-7fd985fd81c6}
        a=rtcp:49442 IN IP4 192.0.2.2
        a=rtcp-fb:109 transport-cc
        a=rtcp-mux
        a=rtpmap:109 opus/48000/2
        a=rtpmap:9 G722/8000/1
        a=rtpmap:101 telephone-event/8000
        a=setup:actpass
        a=ssrc:551517624 cname:{b011782c-7235-466e-a5cb-36191de78423}
        m=application 59468 UDP/DTLS/SCTP webrtc-datachannel
        c=IN IP4 192.0.2.2
        a=candidate:0 1 UDP 2122187007 192.0.2.2 59468 typ host
        a=candidate:1 1 UDP 2122252543 fd00::2 60847 typ host
        a=sendrecv
        a=end-of-candidates
        a=ice-pwd:5808b4f7132b30c42235a54d1acc5cc7
        a=ice-ufrag:a65ea202
        a=mid:1
        a=setup:actpass
        a=sctp-port:5000
        a=max-message-size:1073741823

        """

    /// aiortc 1.16.
    static let aiortc = """
        v=0
        o=- 4004234340 4004234340 IN IP4 0.0.0.0
        s=-
        t=0 0
        a=group:BUNDLE 0 1
        a=msid-semantic:WMS *
        m=audio 52117 UDP/TLS/RTP/SAVPF 96 9 0 8
        c=IN IP4 192.0.2.2
        a=sendrecv
        a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid
        a=extmap:2 urn:ietf:params:rtp-hdrext:ssrc-audio-level
        a=mid:0
        a=msid:f8e7f06c-7243-4825-865d-ceecc1272dc8 568248cd-418a-4583-a682-9e14deb8052c
        a=rtcp:9 IN IP4 0.0.0.0
        a=rtcp-mux
        a=ssrc:988022076 cname:a9259327-4074-49b1-a201-9364aa2800d6
        a=rtpmap:96 opus/48000/2
        a=rtpmap:9 G722/8000
        a=candidate:f957a2332b1715da3b0ef8ba684454eb 1 udp 2130706431 192.0.2.2 52117 typ host
        a=candidate:d0bcf3d9c29a2bc887618212a1623bfa 1 udp 2130706431 fd00::2 56369 typ host
        a=end-of-candidates
        a=ice-ufrag:KTpd
        a=ice-pwd:GQ0VOXbphPagVK0OiLGg5D
        a=fingerprint:sha-256 A6:5D:C1:06:13:7E:1A:A6:39:C6:9A:1E:1D:F7:BD:2B:69:12:56:52:4C:EA:E3:1E:68:B4:70:40:98:D7:A5:82
        a=fingerprint:sha-384 29:6F:57:79:79:AF:A4:87:29:A7:AB:E8:28:D6:E8:F9:05:CE:13:E6:93:7C:84:40:24:0E:AD:82:8A:F4:AB:62:37:AD:F9:ED:36:AA:54:09:FE:68:8A:58:E0:6B:02:5F
        a=setup:actpass
        m=application 35830 UDP/DTLS/SCTP webrtc-datachannel
        c=IN IP4 192.0.2.2
        a=mid:1
        a=sctp-port:5000
        a=max-message-size:262144
        a=candidate:f957a2332b1715da3b0ef8ba684454eb 1 udp 2130706431 192.0.2.2 35830 typ host
        a=candidate:d0bcf3d9c29a2bc887618212a1623bfa 1 udp 2130706431 fd00::2 54750 typ host
        a=end-of-candidates
        a=ice-ufrag:KTpd
        a=ice-pwd:GQ0VOXbphPagVK0OiLGg5D
        a=fingerprint:sha-256 A6:5D:C1:06:13:7E:1A:A6:39:C6:9A:1E:1D:F7:BD:2B:69:12:56:52:4C:EA:E3:1E:68:B4:70:40:98:D7:A5:82
        a=fingerprint:sha-384 29:6F:57:79:79:AF:A4:87:29:A7:AB:E8:28:D6:E8:F9:05:CE:13:E6:93:7C:84:40:24:0E:AD:82:8A:F4:AB:62:37:AD:F9:ED:36:AA:54:09:FE:68:8A:58:E0:6B:02:5F
        a=setup:actpass

        """

    static let all = [chromium, firefox, aiortc]

    static func crlf(_ text: String) -> String { text.split(separator: "\n").map { $0 + "\r\n" }.joined() }

    /// `offer` without the lines that begin with `prefix`.
    static func without(_ prefix: String, in offer: String) -> String {
        offer.split(separator: "\n").filter { !$0.hasPrefix(prefix) }.map { $0 + "\n" }.joined()
    }
}
