internal import ArgumentParser
internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import Server
internal import Wire

/// Our socket driver with an endpoint that only echoes: what the driver costs above the floor, or saves.
struct DriverServer: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "driver-server",
        abstract: "Echoes UDP datagrams on 127.0.0.1 by the server's own driver and prints its port.",
        shouldDisplay: false)

    func run() throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let driver = try DatagramDriver<EchoEndpoint>.start(host: "127.0.0.1", port: 0, on: group.next()) { _, _ in
            EchoEndpoint()
        }
        print(driver.local.port)
        fflush(nil)
        try driver.closeFuture.wait()
    }
}

private final class EchoEndpoint: DatagramEndpoint {
    private var waiting: [(bytes: [UInt8], path: NetworkPath)] = []
    private var next = 0

    var deadline: Instant? { nil }
    func handleTimeout(now: Instant) {}

    func receive(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, ecn: ECN, now: Instant) {
        waiting.append(([UInt8](datagram), path))
    }

    func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit? {
        guard next < waiting.count else {
            waiting.removeAll(keepingCapacity: true)
            next = 0
            return nil
        }
        let (bytes, path) = waiting[next]
        next += 1
        buffer.copyBytes(from: bytes)
        return Transmit(path: path, ecn: .capable0, byteCount: bytes.count)
    }
}
