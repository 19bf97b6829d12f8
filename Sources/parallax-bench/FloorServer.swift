internal import ArgumentParser
internal import Glibc
internal import NIOCore
internal import NIOPosix

/// The floor: a SwiftNIO UDP echo that does nothing else, with the server's own vector reads and one flush a batch.
struct FloorServer: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "floor-server",
        abstract: "Echoes UDP datagrams on 127.0.0.1 and prints its port.",
        shouldDisplay: false)

    func run() throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let channel = try DatagramBootstrap(group: group)
            .channelOption(.datagramVectorReadMessageCount, value: 64)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 64 * 2_048))
            .channelOption(.socketOption(.so_rcvbuf), value: 4 << 20)
            .channelOption(.explicitCongestionNotification, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(EchoHandler()) }
            }
            .bind(host: "127.0.0.1", port: 0)
            .wait()
        print(channel.localAddress?.port ?? 0)
        fflush(nil)
        try channel.closeFuture.wait()
    }
}

private final class EchoHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = AddressedEnvelope<ByteBuffer>

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.write(data, promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.flush()
    }
}
