internal import HTTPTypes
internal import HummingbirdCore
internal import HummingbirdHTTP2
package import Logging
package import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import NIOTLS
internal import Wire

// The one file that knows Hummingbird: sockets, TLS and the versions of HTTP are its business, answers are `HTTPService`'s.

/// The certificate and key of HTTPS, in memory.
package struct HTTPCredentials: Sendable {
    package var certificatePEM: [UInt8]
    package var privateKeyPEM: [UInt8]
    /// Takes lines in the form of NSS's key log, for Wireshark.
    package var keyLog: (@Sendable (String) -> Void)?

    package init(certificatePEM: [UInt8], privateKeyPEM: [UInt8], keyLog: (@Sendable (String) -> Void)? = nil) {
        self.certificatePEM = certificatePEM
        self.privateKeyPEM = privateKeyPEM
        self.keyLog = keyLog
    }
}

/// One listening TCP port that speaks HTTP: in clear HTTP/1.1, with credentials by TLS HTTP/2 too, as ALPN decides.
package final class HTTPListener: Sendable {
    package let port: Int
    private let running: Task<Void, any Error>
    private let shutDown: @Sendable () async throws -> Void
    private let loop: any EventLoop

    /// Binds the port and begins to answer. Blocks until it is bound; not for an event loop's thread.
    /// - Throws: `DriverError`.
    package init(
        host: String, port: Int, service: HTTPService, credentials: HTTPCredentials?, group: any EventLoopGroup, logger: Logger
    ) throws {
        let limits = service.limits
        var http1 = HTTP1Channel.Configuration(idleTimeout: TimeAmount(limits.idleTime))
        http1.httpDecoder = .init(
            maxHeaderFieldSize: limits.headerBytes, maxHeaderListSize: limits.headerBytes, maxHeaderFieldCount: limits.headerFields)
        let responder: HTTPChannelHandler.Responder = { request, writer, channel in
            try await Self.respond(to: request, writer, on: channel, service: service)
        }
        let started: Started
        if let credentials {
            let channel = try HTTP2UpgradeChannel(
                tlsConfiguration: try Self.tls(credentials),
                configuration: .init(idleTimeout: limits.idleTime, gracefulCloseTimeout: limits.stopTime, streamConfiguration: http1),
                responder: responder)
            started = try Self.start(
                PunctualChannel(base: channel, handshakeTime: TimeAmount(limits.handshakeTime)), host: host, port: port, limits: limits,
                group: group, logger: logger)
        } else {
            started = try Self.start(
                GatedChannel(base: HTTP1Channel(responder: responder, configuration: http1)), host: host, port: port, limits: limits,
                group: group, logger: logger)
        }
        self.port = started.port
        running = started.running
        shutDown = started.shutDown
        loop = group.next()
    }

    /// Takes no more connections, and lets requests in progress end for up to `grace`. What is left then ends with the
    /// threads of the group.
    package func stop(grace: Duration) async {
        await finish(within: grace) { [shutDown] in try? await shutDown() }
        running.cancel()
        // Its task goes on using the group's threads until it has ended; they may end only then.
        await finish(within: .seconds(1)) { [running] in _ = await running.result }
    }

    private func finish(within time: Duration, _ body: @escaping @Sendable () async -> Void) async {
        let ended = loop.makePromise(of: Void.self)
        Task {
            await body()
            ended.succeed()
        }
        let limit = loop.scheduleTask(in: TimeAmount(time)) { ended.succeed() }
        try? await ended.futureResult.get()
        limit.cancel()
    }

    // MARK: Start

    private struct Started {
        let port: Int
        let running: Task<Void, any Error>
        let shutDown: @Sendable () async throws -> Void
    }

    private static func start(
        _ channel: some HTTPChannelHandler, host: String, port: Int, limits: HTTPLimits, group: any EventLoopGroup, logger: Logger
    ) throws -> Started {
        let bound = group.next().makePromise(of: Int.self)
        var quiet = logger
        // What Hummingbird tells of its own life is not our user's: our log says where we listen.
        quiet.logLevel = max(logger.logLevel, .error)
        let server = Server(
            childChannelSetup: channel,
            configuration: ServerConfiguration(
                address: .hostname(host, port: port),
                availableConnectionsDelegate: .maximum(limits.connections, logger: quiet)),
            onServerRunning: { bound.succeed($0.localAddress?.port ?? port) }, eventLoopGroup: group, logger: quiet)
        let running = Task {
            do {
                try await server.run()
            } catch {
                bound.fail(error)
                throw error
            }
        }
        do {
            return Started(
                port: try bound.futureResult.wait(), running: running, shutDown: { try await server.shutdownGracefully() })
        } catch let error as IOError {
            throw DriverError("bind", error.errnoCode, host: host, port: port)
        } catch is SocketAddressError {
            throw DriverError.hostUnknown(host: host)
        }
    }

    private static func tls(_ credentials: HTTPCredentials) throws -> TLSConfiguration {
        let chain = try NIOSSLCertificate.fromPEMBytes(credentials.certificatePEM).map { NIOSSLCertificateSource.certificate($0) }
        let key = try NIOSSLPrivateKey(bytes: credentials.privateKeyPEM, format: .pem)
        var tls = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: .privateKey(key))
        tls.minimumTLSVersion = .tlsv12
        // Many clients end TCP without TLS's own goodbye, which is waited for; nothing of theirs can be missing by then.
        tls.shutdownTimeout = .milliseconds(200)
        if let keyLog = credentials.keyLog {
            tls.keyLogCallback = { line in keyLog(String(buffer: line).trimmingLineEnd) }
        }
        return tls
    }

    // MARK: Requests

    private static func respond(
        to request: Request, _ writer: consuming ResponseWriter, on channel: any Channel, service: HTTPService
    ) async throws {
        var call = HTTPCall(request.method.rawValue, request.uri.path)
        for (name, value) in request.uri.queryParameters where call.query[String(name)] == nil {
            call.query[String(name)] = String(value)
        }
        for field in request.headers {
            let name = field.name.canonicalName
            call.fields[name] = call.fields[name].map { "\($0), \(field.value)" } ?? field.value
        }
        call.fields["host"] = request.head.authority
        call.localAddress = (channel.localAddress ?? channel.parent?.localAddress).flatMap(PeerAddress.init)
        call.remoteAddress = (channel.remoteAddress ?? channel.parent?.remoteAddress).flatMap(PeerAddress.init)
        var answer: HTTPAnswer
        var isWhole = true
        do throws(HTTPError) {
            call.body = try await readBody(request, limits: service.limits)
            switch await service.openStream(call) {
            case .success(let stream): return await takeOver(channel, stream, service: service)
            case .failure(let error): throw error
            case nil: answer = await service.answer(call)
            }
        } catch {
            isWhole = false
            answer = service.refuse(call, error)
            // Who would use the connection again must hear that it ends (RFC 9112 section 9.6). Of HTTP/2, whose channels are
            // streams of a connection, only the stream ends.
            if channel.parent?.parent == nil { answer["Connection"] = "close" }
        }
        try await writer.write(response: head(of: answer), body: body(of: answer, isHead: call.method == "HEAD"))
        // What is left of the body would be waited for: by this the connection (or HTTP/2's stream) ends.
        if !isWhole { throw CancellationError() }
    }

    /// Gives the connection to the endpoint. Returns when it is closed: until then HTTP counts its request as unanswered, and so
    /// leaves the connection alone.
    private static func takeOver(_ channel: any Channel, _ stream: OpenedStream, service: HTTPService) async {
        guard let desk = service.streams else { return }
        let handle = stream.handle
        let gate = channel.eventLoop.submit {
            let gate = try channel.pipeline.syncOperations.handler(type: StreamGate.self)
            gate.open(receive: { desk.receive(handle, $0) }, ended: { desk.ended(handle) })
            gate.write(stream.response, isEnd: false) {}
            // No message waits for the one before (RFC 9293 section 3.7.4).
            _ = channel.setOption(.tcpOption(.tcp_nodelay), value: 1)
            return NIOLoopBound(gate, eventLoop: channel.eventLoop)
        }
        guard let gate = try? await gate.get() else { return desk.ended(handle) }
        desk.open(handle, GateSink(gate: gate, loop: channel.eventLoop))
        try? await channel.closeFuture.get()
    }

    private static func head(of answer: HTTPAnswer) -> HTTPResponse {
        var head = HTTPResponse(status: HTTPResponse.Status(code: answer.status))
        for field in answer.fields {
            if let name = HTTPField.Name(field.name) { head.headerFields.append(HTTPField(name: name, value: field.value)) }
        }
        if answer.status != 204 { head.headerFields[.contentLength] = "\(answer.body.count)" }
        return head
    }

    private static func body(of answer: HTTPAnswer, isHead: Bool) -> ResponseBody {
        isHead || answer.body.isEmpty ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body))
    }

    /// Reads the whole body, within its limits of size and time.
    private static func readBody(_ request: Request, limits: HTTPLimits) async throws(HTTPError) -> [UInt8] {
        let body = request.body
        let outcome = await withTaskGroup(of: Result<[UInt8], HTTPError>?.self) { group in
            group.addTask {
                var bytes: [UInt8] = []
                var count = 0
                do {
                    for try await buffer in body {
                        count += buffer.readableBytes
                        if count <= limits.bodyBytes { bytes += buffer.readableBytesView }
                        if count > limits.drainedBytes { break }
                    }
                } catch {
                    // The connection broke, or the time is up.
                    return nil
                }
                return count <= limits.bodyBytes ? .success(bytes) : .failure(.tooLarge("The body", limit: limits.bodyBytes))
            }
            group.addTask {
                try? await Task.sleep(for: limits.bodyTime)
                return .failure(.bodyTimeout(seconds: limits.bodyTime.components.seconds))
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
        return try (outcome ?? .failure(.bodyTimeout(seconds: limits.bodyTime.components.seconds))).get()
    }
}

/// A channel by TLS, with the gate behind it, whose handshake has a limit: a peer that connects and says nothing does not keep its place.
private struct PunctualChannel<Base: HTTPChannelHandler>: HTTPChannelHandler {
    typealias Value = Base.Value
    let base: Base
    let handshakeTime: TimeAmount

    var responder: Responder { base.responder }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        base.setup(channel: channel, logger: logger).flatMapThrowing { value in
            let pipeline = channel.pipeline.syncOperations
            let tls = try pipeline.handler(type: NIOSSLServerHandler.self)
            try pipeline.addHandler(StreamGate(), position: .after(tls))
            try pipeline.addHandler(HandshakeDeadline(time: handshakeTime), position: .after(tls))
            return value
        }
    }

    func handle(value: Value, logger: Logger) async { await base.handle(value: value, logger: logger) }
}

/// A channel in clear with the gate that WebSockets leave HTTP by.
private struct GatedChannel<Base: HTTPChannelHandler>: HTTPChannelHandler {
    typealias Value = Base.Value
    let base: Base

    var responder: Responder { base.responder }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        base.setup(channel: channel, logger: logger).flatMapThrowing { value in
            try channel.pipeline.syncOperations.addHandler(StreamGate(), position: .first)
            return value
        }
    }

    func handle(value: Value, logger: Logger) async { await base.handle(value: value, logger: logger) }
}

private final class HandshakeDeadline: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny
    private let time: TimeAmount
    private var deadline: Scheduled<Void>?

    init(time: TimeAmount) { self.time = time }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        deadline = context.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { deadline?.cancel() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        context.fireUserInboundEventTriggered(event)
        guard case .handshakeCompleted? = event as? TLSUserEvent else { return }
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}

extension String {
    fileprivate var trimmingLineEnd: String { last == "\n" || last == "\r\n" ? String(dropLast()) : self }
}
