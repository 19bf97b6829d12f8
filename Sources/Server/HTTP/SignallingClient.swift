internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
package import QUIC
package import Wire

/// Places WebRTC calls by HTTP: `POST` an offer, `PATCH` and `DELETE` the call. A connection for each request, which costs
/// a call three round trips: TCP, TLS 1.3, and the request.
package struct SignallingClient: Sendable {
    package struct Limits: Hashable, Sendable {
        /// From the first packet to the end of the answer.
        package var time = Duration.seconds(10)
        /// The greatest body of an answer.
        package var bodyBytes = 256 << 10
        package init() {}
    }

    /// A call that the server has answered.
    package struct Call: Hashable, Sendable {
        package var sdp: String
        /// The call's resource, as the answer named it: a path, or a URL of the same server.
        package var location: String
        /// With its quotation marks, as `If-Match` takes it; `nil` where the server gives none.
        package var entityTag: String?
    }

    private let target: TalkTarget
    private let trust: ClientTrust
    private let limits: Limits
    private let local: PeerAddress?

    /// - Parameters:
    ///   - target: host and port; its path is used by `call` only.
    ///   - local: the address to ask from; the kernel chooses where it is `nil`.
    package init(target: TalkTarget, trust: ClientTrust, limits: Limits = Limits(), local: PeerAddress? = nil) {
        self.target = target
        self.trust = trust
        self.limits = limits
        self.local = local
    }

    /// Asks for a call.
    /// - Parameters:
    ///   - session: what the call shall be, as JSON; it then goes with the offer in a form (RFC 7578).
    ///   - path: `/v1/realtime/calls` or `/whip`, with the query where one is wanted.
    package func call(
        offer: String, session: String? = nil, path: String = "/v1/realtime/calls", bearer: String? = nil
    ) async throws(SignallingFailure) -> Call {
        let answer =
            if let session {
                try await send(
                    .POST, path, type: "\(HTTPMedia.form); boundary=\(CallForm.boundary)",
                    body: CallForm.body(offer: offer, session: session), bearer: bearer)
            } else {
                try await send(.POST, path, type: HTTPMedia.sdp, body: offer, bearer: bearer)
            }
        guard answer.status == 201 else { throw failure(answer) }
        guard answer.type == HTTPMedia.sdp, let location = answer.fields["location"].first else {
            throw .notSignalling(url: url(path), reason: "its 201 has no SDP or no Location")
        }
        return Call(sdp: answer.body, location: location, entityTag: answer.fields["etag"].first)
    }

    /// Sends candidates, or with new credentials restarts ICE (RFC 9725 section 4.3).
    /// - Parameter entityTag: the call's, or `*` for a restart.
    /// - Returns: the server's fragment of a restart and its tag; `nil` where it took the candidates.
    package func patch(
        _ location: String, fragment: String, entityTag: String?, bearer: String? = nil
    ) async throws(SignallingFailure) -> (fragment: String, entityTag: String?)? {
        let answer = try await send(.PATCH, path(of: location), type: HTTPMedia.fragment, body: fragment, bearer: bearer, ifMatch: entityTag)
        switch answer.status {
        case 204: return nil
        case 200: return (answer.body, answer.fields["etag"].first)
        default: throw failure(answer)
        }
    }

    package func hangUp(_ location: String, bearer: String? = nil) async throws(SignallingFailure) {
        let answer = try await send(.DELETE, path(of: location), type: nil, body: "", bearer: bearer)
        guard answer.status == 200 || answer.status == 204 else { throw failure(answer) }
    }

    // MARK: Requests

    private struct Answer: Sendable {
        var status: Int
        var fields: HTTPHeaders
        var body: String
        var type: String? { fields["content-type"].first.map { $0.prefix { $0 != ";" }.lowercased() } }
    }

    private func url(_ path: String) -> String { "https://\(target.authority)\(path)" }

    /// The path of a resource: a server may name its own absolute URL.
    private func path(of location: String) -> String {
        guard let scheme = location.firstRange(of: "://") else { return location }
        let rest = location[scheme.upperBound...]
        return rest.firstIndex(of: "/").map { String(rest[$0...]) } ?? "/"
    }

    private func failure(_ answer: Answer) -> SignallingFailure {
        .refused(status: answer.status, RefusalText(body: answer.body))
    }

    private func send(
        _ method: HTTPMethod, _ path: String, type: String?, body: String, bearer: String?, ifMatch: String? = nil
    ) async throws(SignallingFailure) -> Answer {
        var head = HTTPRequestHead(version: .http1_1, method: method, uri: path)
        head.headers.add(name: "Host", value: target.authority)
        head.headers.add(name: "Content-Length", value: "\(body.utf8.count)")
        head.headers.add(name: "Connection", value: "close")
        head.headers.add(name: "Accept", value: "\(HTTPMedia.sdp), \(HTTPMedia.fragment), \(HTTPMedia.json)")
        if let type { head.headers.add(name: "Content-Type", value: type) }
        if let bearer { head.headers.add(name: "Authorization", value: "Bearer \(bearer)") }
        if let ifMatch { head.headers.add(name: "If-Match", value: ifMatch) }
        do {
            return try await exchange(head, body)
        } catch {
            throw SignallingFailure(error, url: url(path), limit: limits.time)
        }
    }

    private func exchange(_ head: HTTPRequestHead, _ body: String) async throws -> Answer {
        let context = try NIOSSLContext(configuration: TLSClient.configuration(trust))
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let answer = loop.makePromise(of: Answer.self)
        let limits = limits
        var bootstrap = ClientBootstrap(group: loop)
        if let local = local.flatMap({ SocketAddress($0, isIPv6: $0.ipv4 == nil) }) { bootstrap = bootstrap.bind(to: local) }
        let connecting = bootstrap
            .connectTimeout(TimeAmount(limits.time))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(TLSClient.handler(context, host: target.host, trust: trust))
                    try pipeline.addHTTPClientHandlers()
                    try pipeline.addHandler(OneExchange(request: head, body: body, limit: limits.bodyBytes, answer: answer))
                }
            }
            .connect(host: target.host, port: target.port)
        connecting.cascadeFailure(to: answer)
        let timeout = loop.scheduleTask(in: TimeAmount(limits.time)) { answer.fail(Failure.tooSlow) }
        defer {
            timeout.cancel()
            connecting.whenSuccess { $0.close(promise: nil) }
        }
        return try await answer.futureResult.get()
    }

    fileprivate enum Failure: Error { case tooSlow, answerTooLarge, closedEarly }

    /// Sends one request and collects its answer.
    private final class OneExchange: ChannelInboundHandler {
        typealias InboundIn = HTTPClientResponsePart
        typealias OutboundOut = HTTPClientRequestPart
        private let request: HTTPRequestHead
        private let body: String
        private let limit: Int
        private let answer: EventLoopPromise<Answer>
        private var head: HTTPResponseHead?
        private var collected: [UInt8] = []

        init(request: HTTPRequestHead, body: String, limit: Int, answer: EventLoopPromise<Answer>) {
            self.request = request
            self.body = body
            self.limit = limit
            self.answer = answer
        }

        func channelActive(context: ChannelHandlerContext) {
            context.write(wrapOutboundOut(.head(request)), promise: nil)
            if !body.isEmpty { context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: body)))), promise: nil) }
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): self.head = head
            case .body(let buffer):
                guard collected.count + buffer.readableBytes <= limit else { return answer.fail(Failure.answerTooLarge) }
                collected += buffer.readableBytesView
            case .end:
                guard let head else { return answer.fail(Failure.closedEarly) }
                answer.succeed(
                    Answer(status: Int(head.status.code), fields: head.headers, body: String(decoding: collected, as: UTF8.self)))
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            answer.fail(error)
            context.close(promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) { answer.fail(Failure.closedEarly) }
    }
}

/// An offer and a session in one body, as OpenAI's clients post them.
private enum CallForm {
    /// No SDP and no JSON that is posted here holds this line.
    static let boundary = "parallax-0123456789abcdef"

    static func body(offer: String, session: String) -> String {
        """
        --\(boundary)\r
        Content-Disposition: form-data; name="sdp"\r
        Content-Type: application/sdp\r
        \r
        \(offer)\r
        --\(boundary)\r
        Content-Disposition: form-data; name="session"\r
        Content-Type: application/json\r
        \r
        \(session)\r
        --\(boundary)--
        """
    }
}

extension SignallingFailure {
    /// What an error of the socket, of TLS or of HTTP means for a caller.
    init(_ error: any Error, url: String, limit: Duration) {
        switch error {
        case SignallingClient.Failure.tooSlow: self = .timeout(url: url, after: limit)
        case is TLSClient.OtherCertificate: self = .untrusted(url: url)
        case SignallingClient.Failure.answerTooLarge: self = .notSignalling(url: url, reason: "its answer is too large")
        case SignallingClient.Failure.closedEarly: self = .notSignalling(url: url, reason: "it closed the connection without an answer")
        case ChannelError.connectTimeout: self = .timeout(url: url, after: limit)
        case is NIOConnectionError: self = .unreachable(url: url)
        case let error as IOError: self = error.errnoCode == 111 ? .unreachable(url: url) : .broken(url: url, reason: "\(error)")
        case NIOSSLError.handshakeFailed, is BoringSSLError, is NIOSSLExtraError: self = .untrusted(url: url)
        case is HTTPParserError: self = .notSignalling(url: url, reason: "its answer is no HTTP")
        default: self = .broken(url: url, reason: "\(error)")
        }
    }
}
