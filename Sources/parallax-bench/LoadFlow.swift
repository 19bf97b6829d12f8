internal import Wire

/// One session's side of the load. Frames carry the time at which they were offered, so that the echo tells the delay.
protocol LoadFlow {
    /// Whether frames may be offered.
    var isReady: Bool { get }
    /// When `handleTimeout` is wanted.
    var deadline: Instant? { get }
    mutating func offer(_ frameCount: Int, now: Instant)
    mutating func receive(_ datagram: UnsafeRawBufferPointer, echoes: inout EchoTally, now: Instant)
    mutating func handleTimeout(now: Instant)
    mutating func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> (byteCount: Int, segmentByteCount: Int?)?
    /// Begins to end the flow; `isOver` says when it has ended.
    mutating func close(now: Instant)
    var isOver: Bool { get }
}

/// What came back.
struct EchoTally {
    var frames = 0
    var datagrams = 0
    var delays = DelayHistogram()

    mutating func record(offeredAt nanoseconds: UInt64, now: Instant) {
        frames += 1
        delays.record(nanoseconds: now.nanoseconds &- nanoseconds)
    }
}

/// A frame as a plain UDP datagram: the load of the floor.
struct FloorFlow: LoadFlow {
    let frameByteCount: Int
    private var pending = 0

    init(frameByteCount: Int) { self.frameByteCount = max(8, frameByteCount) }

    var isReady: Bool { true }
    var deadline: Instant? { nil }

    mutating func offer(_ frameCount: Int, now: Instant) { pending += frameCount }

    mutating func receive(_ datagram: UnsafeRawBufferPointer, echoes: inout EchoTally, now: Instant) {
        guard datagram.count >= 8 else { return }
        echoes.record(offeredAt: datagram.loadUnaligned(as: UInt64.self), now: now)
    }

    mutating func handleTimeout(now: Instant) {}
    mutating func close(now: Instant) {}
    var isOver: Bool { true }

    mutating func pollTransmit(
        into buffer: UnsafeMutableRawBufferPointer, now: Instant
    ) -> (byteCount: Int, segmentByteCount: Int?)? {
        guard pending > 0 else { return nil }
        let count = min(pending, 64, buffer.count / frameByteCount)
        pending -= count
        for index in 0..<count {
            buffer.storeBytes(of: now.nanoseconds, toByteOffset: index * frameByteCount, as: UInt64.self)
        }
        return (count * frameByteCount, count > 1 ? frameByteCount : nil)
    }
}
