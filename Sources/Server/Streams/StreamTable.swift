internal import Endpoint
internal import NIOCore
internal import WebSocket
internal import Wire

/// The socket of one byte stream, for whoever writes to it from another thread.
protocol StreamSink: Sendable {
    /// Writes; `written` is called, on any thread, when the kernel has the bytes, or the socket is gone.
    func write(_ bytes: [UInt8], isEnd: Bool, written: @escaping @Sendable () -> Void)
}

/// The streams of one endpoint, on its event loop: takes from the endpoint what the sockets take.
final class StreamTable {
    private struct Stream {
        let sink: any StreamSink
        /// What the socket was given and has not told of.
        var outstandingByteCount = 0
    }

    /// What may be under way between the endpoint and the kernel for one stream. Small, so that the endpoint knows soon that a
    /// peer does not read.
    private static let outstandingLimit = 64 << 10

    private var streams: [StreamHandle: Stream] = [:]
    /// Asks for another turn of the endpoint's loop once bytes were written.
    private let written: @Sendable (StreamHandle, Int) -> Void

    init(written: @escaping @Sendable (StreamHandle, Int) -> Void) { self.written = written }

    func open(_ handle: StreamHandle, sink: any StreamSink) { streams[handle] = Stream(sink: sink) }

    /// After a turn of the endpoint: hands out what it has for sockets.
    func flush(_ endpoint: ServerEndpoint, now: Instant) {
        while let handle = endpoint.pollReadyStream() { pump(handle, endpoint, now: now) }
    }

    func wrote(_ byteCount: Int, on handle: StreamHandle, _ endpoint: ServerEndpoint, now: Instant) {
        streams[handle]?.outstandingByteCount -= byteCount
        pump(handle, endpoint, now: now)
    }

    func pump(_ handle: StreamHandle, _ endpoint: ServerEndpoint, now: Instant) {
        while let stream = streams[handle] {
            // A peer that does not read is told nothing more, but its socket is closed.
            let room = max(0, Self.outstandingLimit - stream.outstandingByteCount)
            guard room > 0 || endpoint.hasEnded(handle), let write = endpoint.pollWrite(room, of: handle, now: now) else { return }
            let byteCount = write.bytes.count
            streams[handle]?.outstandingByteCount += byteCount
            if write.isEnd { streams[handle] = nil }
            stream.sink.write(write.bytes, isEnd: write.isEnd) { [written] in written(handle, byteCount) }
        }
    }
}
