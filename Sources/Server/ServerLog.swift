package import Endpoint
package import Logging
internal import QUIC
internal import Session
internal import Wire

/// What a server says of itself: lines for people by swift-log, and on request events for programs on standard output.
package struct ServerLog: Sendable {
    private let logger: Logger
    private let printsJSON: Bool

    package init(logger: Logger, printsJSON: Bool) {
        self.logger = logger
        self.printsJSON = printsJSON
    }

    /// - Parameters:
    ///   - servesHTTPS: whether HTTPS listens on the TCP port of the same number.
    ///   - plainHTTPPort: the port of plain HTTP on loopback, where it is served.
    package func listening(
        host: String, port: Int, servesHTTPS: Bool = false, plainHTTPPort: Int? = nil, _ configuration: ServerConfiguration
    ) {
        let hash = CertificateHash.format(configuration.credentials.certificateSHA256)
        logger.info("listening", metadata: ["host": "\(host)", "port": "\(port)", "certificate_sha256": "\(hash)"])
        let authority = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        let https = servesHTTPS ? "https://\(authority)" : nil
        let http = plainHTTPPort.map { "http://127.0.0.1:\($0)" }
        if let https { logger.info("HTTPS", metadata: ["url": "\(https)/v1/realtime/transports"]) }
        if let http { logger.info("HTTP for pages on this machine", metadata: ["url": "\(http)/v1/realtime/transports"]) }
        emit(
            Listening(
                host: host, port: port, certificateSHA256: hash, alpn: configuration.alpn, httpsURL: https, httpURL: http))
    }

    package func notice(_ notice: ServerNotice) {
        switch notice {
        case .sessionOpened(let id, let transport, let peer):
            logger.info("session opened", metadata: ["session": "\(id)", "transport": "\(transport)", "peer": "\(peer)"])
            emit(SessionOpened(session: id, transport: transport, peer: "\(peer)"))
        case .promptDecided(let id, let receipt):
            logger.info(
                "prompt \(receipt.verdict.rawValue)",
                metadata: [
                    "session": "\(id)", "frames": "\(receipt.receivedFrames)/\(receipt.expectedFrames)",
                    "live": "\(receipt.liveFrames)", "mode": "\(receipt.mode.rawValue)",
                ])
            emit(Prompt(session: id, receipt: receipt))
        case .sessionDetached(let id, let close):
            logger.info(
                "session waits for another connection",
                metadata: ["session": "\(id)", "by": "\(close.origin.rawValue)", "reason": "\(close.reason)"])
            emit(SessionDetached(session: id, by: close.origin.rawValue, reason: close.reason))
        case .sessionResumed(let id, let transport, let peer):
            logger.info("session resumed", metadata: ["session": "\(id)", "transport": "\(transport)", "peer": "\(peer)"])
            emit(SessionResumed(session: id, transport: transport, peer: "\(peer)"))
        case .framesAccounted(let id, let account):
            logger.debug(
                "frames accounted",
                metadata: ["session": "\(id)", "received": "\(account.received)", "decided": "\(account.decided)", "held": "\(account.held)"])
            emit(FramesAccounted(session: id, frames: account))
        case .sessionClosed(let id, let close):
            logger.info(
                "session closed",
                metadata: [
                    "session": "\(id)", "by": "\(close.origin.rawValue)", "code": "\(close.code)", "reason": "\(close.reason)",
                ])
            emit(SessionClosed(session: id, by: close.origin.rawValue, code: close.code, reason: close.reason))
        case .connectionClosed(let peer, let close):
            logger.debug("connection closed without a session", metadata: ["peer": "\(peer)", "why": "\(close)"])
            emit(ConnectionClosed(peer: "\(peer)", why: "\(close)"))
        case .sessionRefused(let peer, let reason):
            logger.info("session refused", metadata: ["peer": "\(peer)", "reason": "\(reason)"])
            emit(SessionRefused(peer: "\(peer)", reason: reason))
        }
    }

    package func stopping(grace: Duration) {
        logger.info("stopping: no new sessions; again to exit at once", metadata: ["grace_ms": "\(grace.nanoseconds / 1_000_000)"])
        emit(Plain(event: "stopping"))
    }

    package func stopped() {
        logger.info("stopped")
        emit(Plain(event: "stopped"))
    }

    private func emit(_ event: some Encodable) {
        if printsJSON { JSONLine.print(event) }
    }

    // MARK: Events for programs

    private struct Listening: Encodable {
        let event = "listening"
        let host: String
        let port: Int
        let certificateSHA256: String
        let alpn: [String]
        let httpsURL: String?
        let httpURL: String?

        private enum CodingKeys: String, CodingKey {
            case event, host, port, alpn, certificateSHA256 = "certificate_sha256", httpsURL = "https_url", httpURL = "http_url"
        }
    }

    private struct SessionOpened: Encodable {
        let event = "session_opened"
        let session: String
        let transport: String
        let peer: String
    }

    private struct Prompt: Encodable {
        let event = "receipt"
        let session: String
        let receipt: Receipt
    }

    private struct SessionDetached: Encodable {
        let event = "session_detached"
        let session: String
        let by: String
        let reason: String
    }

    private struct SessionResumed: Encodable {
        let event = "session_resumed"
        let session: String
        let transport: String
        let peer: String
    }

    private struct FramesAccounted: Encodable {
        let event = "frames_accounted"
        let session: String
        let frames: FrameAccount
    }

    private struct SessionClosed: Encodable {
        let event = "session_closed"
        let session: String
        let by: String
        let code: UInt64
        let reason: String
    }

    private struct ConnectionClosed: Encodable {
        let event = "connection_closed"
        let peer: String
        let why: String
    }

    private struct SessionRefused: Encodable {
        let event = "session_refused"
        let peer: String
        let reason: String
    }

    private struct Plain: Encodable {
        let event: String
    }
}
