package import Endpoint
internal import NIOCore
internal import Wire

/// What the HTTP side asks of the endpoint about byte streams, as functions, so that the routes are tried without one.
package struct StreamDesk: Sendable {
    package var accept: @Sendable (StreamOffer) async -> Result<StreamHandle, CallRefusal>
    /// From now on the endpoint's bytes for this stream go there.
    var open: @Sendable (StreamHandle, any StreamSink) -> Void
    var receive: @Sendable (StreamHandle, [UInt8]) -> Void
    var ended: @Sendable (StreamHandle) -> Void

    /// For the routes alone: streams that are accepted go nowhere.
    package init(accept: @escaping @Sendable (StreamOffer) async -> Result<StreamHandle, CallRefusal>) {
        self.init(accept: accept, open: { _, _ in }, receive: { _, _ in }, ended: { _ in })
    }

    private init(
        accept: @escaping @Sendable (StreamOffer) async -> Result<StreamHandle, CallRefusal>,
        open: @escaping @Sendable (StreamHandle, any StreamSink) -> Void, receive: @escaping @Sendable (StreamHandle, [UInt8]) -> Void,
        ended: @escaping @Sendable (StreamHandle) -> Void
    ) {
        self.accept = accept
        self.open = open
        self.receive = receive
        self.ended = ended
    }

    /// Asks the endpoint behind a socket, on its loop.
    /// - Parameter table: of that endpoint, on that loop.
    init(_ driver: DatagramDriver<ServerEndpoint>, _ table: NIOLoopBoundBox<StreamTable?>) {
        self.init(
            accept: { offer in
                await driver.reply { endpoint, now in endpoint.acceptStream(offer, now: now) } ?? .failure(.draining)
            },
            open: { handle, sink in
                _ = driver.command { endpoint, now in
                    table.value?.open(handle, sink: sink)
                    table.value?.pump(handle, endpoint, now: now)
                }
            },
            receive: { handle, bytes in
                _ = driver.command { endpoint, now in endpoint.receive(bytes, on: handle, now: now) }
            },
            ended: { handle in
                _ = driver.command { endpoint, now in endpoint.streamEnded(handle, now: now) }
            })
    }
}
