/// Where `talk` connects to, read from its URL argument.
///
/// `https://HOST[:PORT][/PATH][?QUERY]` means WebTransport, `wss://…` WebSocket, and `roq://HOST[:PORT]` RTP over QUIC;
/// `HOST[:PORT]` alone leaves the transport to the options.
package struct TalkTarget: Hashable, Sendable {
    /// The transport that the scheme names.
    package var transport: TalkTransport?
    /// A name, an IPv4 address, or an IPv6 address without its brackets.
    package var host: String
    package var port: Int
    /// Path and query, as `:path` carries them.
    package var path: String

    /// Where the Realtime API stands (docs/wire.md).
    package static let defaultPath = "/v1/realtime"
    /// The port of `parallax serve`, for addresses without a scheme.
    package static let defaultPort = 4433

    /// Why a URL is not one of the forms.
    package struct Malformed: Error, Hashable, Sendable, CustomStringConvertible {
        package let url: String
        package let reason: String
        package var description: String {
            "\(url) is not a URL for talk: \(reason); write https://HOST:PORT/v1/realtime, wss://HOST:PORT/v1/realtime or roq://HOST:PORT"
        }
    }

    package init(_ url: String) throws(Malformed) {
        func malformed(_ reason: String) -> Malformed { Malformed(url: url, reason: reason) }
        var rest = Substring(url)
        var defaultPort = Self.defaultPort
        if let separator = url.firstRange(of: "://") {
            switch url[..<separator.lowerBound].lowercased() {
            case "https":
                transport = .webtransport
                defaultPort = 443
            case "roq":
                transport = .roq
            case "wss":
                transport = .websocket
                defaultPort = 443
            case let scheme:
                throw malformed("the scheme \(scheme) is unknown")
            }
            rest = url[separator.upperBound...]
        }
        let end = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
        (host, port) = try Self.splitAuthority(rest[..<end], defaultPort: defaultPort, malformed: malformed)
        let tail = rest[end...].prefix { $0 != "#" }
        switch tail.first {
        case nil: path = Self.defaultPath
        case "/": path = tail == "/" ? Self.defaultPath : String(tail)
        default: path = Self.defaultPath + tail
        }
        guard path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw malformed("its path holds characters that a URL must escape")
        }
    }

    /// `HOST:PORT` as `:authority` carries it.
    package var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Where a WebRTC call is asked for: `/calls` below the Realtime API, or the path of the URL as it is (`/whip`).
    package var callPath: String {
        guard path.prefix(while: { $0 != "?" }) == Self.defaultPath else { return path }
        return Self.defaultPath + "/calls" + path.dropFirst(Self.defaultPath.count)
    }

    private static func splitAuthority(
        _ authority: Substring, defaultPort: Int, malformed: (String) -> Malformed
    ) throws(Malformed) -> (host: String, port: Int) {
        var host = authority
        var portText: Substring?
        if authority.hasPrefix("[") {
            guard let close = authority.firstIndex(of: "]") else { throw malformed("a bracket is not closed") }
            host = authority[authority.index(after: authority.startIndex)..<close]
            let after = authority[authority.index(after: close)...]
            guard after.isEmpty || after.hasPrefix(":") else { throw malformed("a colon must follow the bracket") }
            portText = after.isEmpty ? nil : after.dropFirst()
        } else if let colon = authority.lastIndex(of: ":") {
            host = authority[..<colon]
            portText = authority[authority.index(after: colon)...]
            guard !host.contains(":") else { throw malformed("an IPv6 address belongs in brackets") }
        }
        guard !host.isEmpty, !host.contains(where: { $0.isWhitespace || $0 == "@" }) else {
            throw malformed("it names no host")
        }
        guard let portText else { return (String(host), defaultPort) }
        guard let port = Int(portText), (1...65_535).contains(port) else {
            throw malformed("\(portText) is not a port from 1 to 65535")
        }
        return (String(host), port)
    }
}

/// The transports that `talk` speaks; the words of `--transport`.
package enum TalkTransport: String, CaseIterable, Hashable, Sendable {
    case webtransport
    case roq
    case webrtc
    case websocket
}
