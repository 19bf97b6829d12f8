internal import Session
package import Wire

/// What a server offers by which transport, as `GET /v1/realtime/transports` tells it.
package struct TransportOffer: Hashable, Sendable {
    /// Where the UDP socket is bound: its port is everybody's.
    package var address: PeerAddress
    /// The protocols that QUIC takes, best first.
    package var alpn: [String]
    package var certificateSHA256: [UInt8]
    /// The port of plain HTTP, where there is a listener.
    package var httpPort: Int?

    package init(address: PeerAddress, alpn: [String], certificateSHA256: [UInt8], httpPort: Int? = nil) {
        self.address = address
        self.alpn = alpn
        self.certificateSHA256 = certificateSHA256
        self.httpPort = httpPort
    }

    /// The address to name as host candidate to a caller whose request arrived at `reached`: the socket's own, or where
    /// that is every address of the machine, the one by which the caller came.
    func candidateAddress(reachedAt reached: PeerAddress?) -> PeerAddress? {
        guard address.isWildcard else { return address }
        return reached.map { PeerAddress(high: $0.high, low: $0.low, port: address.port) }
    }

    // MARK: The document

    func document(for call: HTTPCall) -> Document {
        let host = Self.host(of: call) ?? (candidateAddress(reachedAt: call.localAddress) ?? address).hostText
        let base64 = JSON.encodeBase64(certificateSHA256)
        let port = Int(address.port)
        let https = "https://\(host):\(port)"
        let hashes = [CertificateHashValue(algorithm: "sha-256", value: base64)]
        let modes = ReliabilityMode.allCases.map(\.rawValue)
        return Document(
            certificate: Document.Certificate(sha256Hex: CertificateHash.format(certificateSHA256), sha256Base64: base64),
            httpPort: httpPort,
            transports: [
                Entry(
                    transport: "webtransport", url: "\(https)/v1/realtime", port: port, alpn: alpn.filter { $0 == "h3" },
                    modes: modes, serverCertificateHashes: hashes,
                    note: "WebTransport over HTTP/3; events on the first bidirectional stream, one JSON object a line."),
                Entry(
                    transport: "roq", url: "roq://\(host):\(port)", port: port, alpn: alpn.filter { $0 != "h3" }, modes: modes,
                    serverCertificateHashes: hashes, note: "RTP over QUIC; audio is flow 0, events are flow 1."),
                Entry(
                    transport: "webrtc", url: "\(https)\(HTTPRoute.callPaths[0])", whipURL: "\(https)\(HTTPRoute.callPaths[1])",
                    port: port, alpn: ["h2", "http/1.1"], modes: modes, serverCertificateHashes: nil,
                    note: "POST an SDP offer; media by SRTP, events on the data channel oai-events, all on this UDP port."),
                Entry(
                    transport: "websocket", url: "wss://\(host):\(port)/v1/realtime", port: port, alpn: ["http/1.1"],
                    modes: [ReliabilityMode.stream.rawValue], subprotocols: ["realtime", "parallax.rtp"], serverCertificateHashes: nil,
                    note: "As OpenAI's clients speak, audio in base64; with parallax.rtp one RTP packet a binary message."),
            ])
    }

    struct Document: Encodable {
        struct Certificate: Encodable {
            var sha256Hex: String
            var sha256Base64: String
            private enum CodingKeys: String, CodingKey { case sha256Hex = "sha256_hex", sha256Base64 = "sha256_base64" }
        }
        var object = "realtime.transports"
        var certificate: Certificate
        var httpPort: Int?
        var transports: [Entry]
        private enum CodingKeys: String, CodingKey { case object, certificate, httpPort = "http_port", transports }
    }

    struct Entry: Encodable {
        var transport: String
        var url: String
        var whipURL: String?
        /// UDP; and TCP for what is asked by HTTP.
        var port: Int
        var alpn: [String]
        var modes: [String]
        /// Of WebSocket.
        var subprotocols: [String]?
        /// The option of the browser's `WebTransport`, but for its value, which a page turns from base64 into bytes.
        var serverCertificateHashes: [CertificateHashValue]?
        var note: String
        private enum CodingKeys: String, CodingKey {
            case transport, url, whipURL = "whip_url", port, alpn, modes, subprotocols, serverCertificateHashes = "server_certificate_hashes", note
        }
    }

    struct CertificateHashValue: Encodable {
        var algorithm: String
        var value: String
    }

    /// The host by which the client knows us, without its port; `nil` where the field is no host.
    private static func host(of call: HTTPCall) -> String? {
        guard let field = call.fields["host"], let target = try? TalkTarget(field) else { return nil }
        guard target.host.utf8.allSatisfy({ $0.isHostCharacter }) else { return nil }
        return target.host.contains(":") ? "[\(target.host)]" : target.host
    }
}

extension PeerAddress {
    /// The address as a URL writes it, without its port.
    var hostText: String { String(description[..<(description.lastIndex(of: ":") ?? description.endIndex)]) }
}

extension UInt8 {
    fileprivate var isHostCharacter: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ":"): true
        default: false
        }
    }
}
