import Server
import Testing

@Suite struct TalkTargetTests {
    struct Row: Sendable {
        var url: String
        var transport: TalkTransport?
        var host: String
        var port: Int
        var path = "/v1/realtime"
        var authority: String
    }

    @Test(arguments: [
        Row(url: "https://127.0.0.1:4433", transport: .webtransport, host: "127.0.0.1", port: 4433, authority: "127.0.0.1:4433"),
        Row(url: "https://example.org/", transport: .webtransport, host: "example.org", port: 443, authority: "example.org:443"),
        Row(
            url: "HTTPS://h:1/v1/realtime?model=echo#top", transport: .webtransport, host: "h", port: 1,
            path: "/v1/realtime?model=echo", authority: "h:1"),
        Row(url: "https://h?model=a", transport: .webtransport, host: "h", port: 443, path: "/v1/realtime?model=a", authority: "h:443"),
        Row(url: "roq://[::1]:65535", transport: .roq, host: "::1", port: 65_535, authority: "[::1]:65535"),
        Row(url: "[::1]", host: "::1", port: 4433, authority: "[::1]:4433"),
        Row(url: "localhost", host: "localhost", port: 4433, authority: "localhost:4433"),
    ])
    func `host, port, path and transport are read from a URL`(row: Row) throws {
        let target = try TalkTarget(row.url)
        #expect(target.transport == row.transport)
        #expect(target.host == row.host)
        #expect(target.port == row.port)
        #expect(target.path == row.path)
        #expect(target.authority == row.authority)
    }

    @Test(arguments: [
        "", "https://", "http://h", "roq://:1", "h:0", "h:65536", "h:x", "h:", "::1", "[::1", "[::1]x", "user@h",
        "https://h/a b", "https://h/\u{E9}", "://h",
    ])
    func `what is no such URL is refused with the forms that are`(url: String) {
        let error = #expect(throws: TalkTarget.Malformed.self) { try TalkTarget(url) }
        #expect(error?.description.contains("https://HOST:PORT/v1/realtime") == true)
    }

    @Test func `no string traps`() {
        let pieces = ["https", "://", "[", "]", ":", "/", "?", "#", "1", "\u{301}", " "]
        for first in pieces {
            for second in pieces {
                for third in pieces {
                    for fourth in pieces { _ = try? TalkTarget(first + second + third + fourth) }
                }
            }
        }
    }
}

@Suite struct CertificateHashTests {
    @Test func `a hash is read back in both spellings`() {
        let bytes = (0..<32).map { UInt8($0 * 8) }
        let text = CertificateHash.format(bytes)
        #expect(text.hasPrefix("0008101820"))
        #expect(CertificateHash.parse(text) == bytes)
        let pairs = stride(from: 0, to: 64, by: 2).map { text.dropFirst($0).prefix(2).uppercased() }
        #expect(CertificateHash.parse(pairs.joined(separator: ":")) == bytes)
    }

    @Test(arguments: [0, 1, 63, 65, 128])
    func `a hash of another length is none`(digits: Int) {
        #expect(CertificateHash.parse(String(repeating: "a", count: digits)) == nil)
    }

    @Test(arguments: [":aa", "g", "a:a", "\u{FF11}\u{FF11}"])
    func `other characters are refused`(start: String) {
        #expect(CertificateHash.parse(start + String(repeating: "0", count: 64 - start.count)) == nil)
    }
}
