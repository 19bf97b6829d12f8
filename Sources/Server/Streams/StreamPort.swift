internal import NIOCore
package import WebSocket
package import Wire

/// What a stream's driver can drive: the verbs of a client whose transport wants a stream of bytes. Each call may change what
/// `deadline` says and what `pollWrite` has to give.
package protocol StreamEndpoint: SendableMetatype {
    func receive(stream bytes: [UInt8], now: Instant)
    /// The peer has ended the stream, or it broke.
    func streamEnded(now: Instant)
    /// Bytes for the stream; `nil` when there are none now.
    func pollWrite(_ byteCount: Int, now: Instant) -> StreamWrite?
    /// Does what was due at `deadline`.
    func handleTimeout(now: Instant)
    var deadline: Instant? { get }
}

/// One endpoint on a stream of its own: the turns of an event loop. TCP and TLS stand before it in the pipeline.
final class StreamPort<Endpoint: StreamEndpoint>: ChannelInboundHandler, NIOScheduledCallbackHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let endpoint: Endpoint
    private let afterTurn: (Endpoint, Instant) -> Void
    private var context: ChannelHandlerContext?
    private var timer: (callback: NIOScheduledCallback, time: Instant)?
    private var hasEnded = false
    /// What the socket was given and has not told of.
    private var outstandingByteCount = 0

    private static var outstandingLimit: Int { 64 << 10 }

    init(endpoint: Endpoint, afterTurn: @escaping (Endpoint, Instant) -> Void) {
        self.endpoint = endpoint
        self.afterTurn = afterTurn
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        // A handler that is added to a connection that stands already hears of no activation.
        if context.channel.isActive { finishTurn() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        timer?.callback.cancel()
        timer = nil
    }

    func channelActive(context: ChannelHandlerContext) { finishTurn() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        endpoint.receive(stream: Array(unwrapInboundIn(data).readableBytesView), now: SystemClock.now())
        finishTurn()
    }

    func channelInactive(context: ChannelHandlerContext) { end() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // TLS ends without a word where the peer was in a hurry; what came before counts.
        end()
        context.close(promise: nil)
    }

    private func end() {
        guard !hasEnded else { return }
        hasEnded = true
        endpoint.streamEnded(now: SystemClock.now())
        finishTurn()
    }

    /// Lets the owner give the endpoint a command, and carries out what follows from it.
    func command<Result>(_ body: (Endpoint, Instant) -> Result) -> Result {
        let result = body(endpoint, SystemClock.now())
        finishTurn()
        return result
    }

    /// Does what is due, writes what the socket takes, and sets the timer.
    private func finishTurn() {
        let now = SystemClock.now()
        if let deadline = endpoint.deadline, deadline <= now { endpoint.handleTimeout(now: now) }
        while outstandingByteCount < Self.outstandingLimit,
            let write = endpoint.pollWrite(Self.outstandingLimit - outstandingByteCount, now: now)
        {
            send(write)
        }
        afterTurn(endpoint, now)
        schedule(now: now)
    }

    private func send(_ write: StreamWrite) {
        guard let context, !hasEnded else { return }
        outstandingByteCount += write.bytes.count
        let promise = context.eventLoop.makePromise(of: Void.self)
        let port = NIOLoopBound(self, eventLoop: context.eventLoop)
        let byteCount = write.bytes.count
        promise.futureResult.whenComplete { _ in port.value.wrote(byteCount) }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: write.bytes)), promise: promise)
        if write.isEnd { context.close(promise: nil) }
    }

    private func wrote(_ byteCount: Int) {
        let wasFull = outstandingByteCount >= Self.outstandingLimit
        outstandingByteCount -= byteCount
        if wasFull { finishTurn() }
    }

    private func schedule(now: Instant) {
        guard let context, let deadline = endpoint.deadline else { return }
        let time = max(deadline, now)
        if let timer, timer.time <= time { return }
        timer?.callback.cancel()
        timer = nil
        let scheduled = try? context.eventLoop.assumeIsolated().scheduleCallback(at: .uptimeNanoseconds(time.nanoseconds), handler: self)
        if let scheduled { timer = (scheduled, time) }
    }

    func handleScheduledCallback(eventLoop: some EventLoop) {
        timer = nil
        guard context != nil else { return }
        finishTurn()
    }
}
