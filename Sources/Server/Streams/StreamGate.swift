internal import NIOCore

/// Stands between a socket (or its TLS) and HTTP. Until a request asks for WebSocket it lets everything pass; then the
/// stream is its own, and HTTP behind it hears and says nothing more. Confined to its channel's loop.
final class StreamGate: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        case passing
        case taken(receive: ([UInt8]) -> Void, ended: () -> Void)
        /// The peer has ended its half, or the socket is gone.
        case ended
    }

    private var state = State.passing
    private var context: ChannelHandlerContext?

    /// Takes the stream over. A client waits for the answer to its request, so no byte of it can have come already.
    func open(receive: @escaping ([UInt8]) -> Void, ended: @escaping () -> Void) {
        state = .taken(receive: receive, ended: ended)
    }

    /// Writes below HTTP, and with `isEnd` closes the socket behind it.
    /// - Parameter written: called when the kernel has the bytes, or the socket is gone.
    func write(_ bytes: [UInt8], isEnd: Bool, written: @escaping @Sendable () -> Void) {
        guard let context else { return written() }
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.whenComplete { _ in written() }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: promise)
        if isEnd { context.close(promise: nil) }
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch state {
        case .passing: context.fireChannelRead(data)
        case .taken(let receive, _): receive(Array(unwrapInboundIn(data).readableBytesView))
        case .ended: break
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        // What HTTP still has to say of its request is not for the peer.
        guard case .passing = state else { return promise?.succeed() ?? () }
        context.write(data, promise: promise)
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        // HTTP closes what it has answered; the stream goes on.
        if case .taken = state { return promise?.succeed() ?? () }
        context.close(mode: mode, promise: promise)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed { end() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard case .taken = state else { return context.fireErrorCaught(error) }
        end()
        context.close(promise: nil)
    }

    private func end() {
        guard case .taken(_, let ended) = state else { return }
        state = .ended
        ended()
    }
}

/// The gate's socket, for the endpoint's thread.
struct GateSink: StreamSink {
    let gate: NIOLoopBound<StreamGate>
    let loop: any EventLoop

    func write(_ bytes: [UInt8], isEnd: Bool, written: @escaping @Sendable () -> Void) {
        loop.execute { gate.value.write(bytes, isEnd: isEnd, written: written) }
    }
}
