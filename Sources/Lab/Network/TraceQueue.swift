import Wire

/// The drop-tail queue before a link that delivers as a trace says, byte for byte as mahimahi's `mm-link` does it.
///
/// An opportunity carries 1 500 bytes of whatever waits at its instant: several small packets, or a part of one. What it
/// does not use is lost. A packet has left with the opportunity that carries its last byte. One that comes at the very
/// instant of an opportunity is too late for it.
struct TraceQueue: Sendable {
    private struct Waiting {
        /// When the first byte is carried: from then on the packet waits no longer.
        var begin: Instant
        var byteCount: Int
    }

    private let trace: DeliveryTrace
    /// Where in the trace the world's time begins, in milliseconds.
    private let offset: UInt64
    /// The opportunity that the next packet may use, once all that came before are carried, and what they leave of it.
    private var next: DeliveryTrace.Opportunity
    private var bytesLeft = DeliveryTrace.opportunityByteCount
    private var waiting: BoundedQueue<Waiting>
    private var waitingByteCount = 0

    init(_ trace: DeliveryTrace, seed: UInt64) {
        self.trace = trace
        var source = Xoshiro256(seed: seed)
        offset = trace.start == .anywhere ? UInt64(source.nextUnit() * Double(trace.period)) : 0
        next = trace.opportunity(after: offset)
        // No packet is smaller than its headers.
        waiting = BoundedQueue(limit: trace.queueByteCount / Link.headerByteCount + 1)
    }

    /// When the first and the last byte of a packet that comes at `now` are carried; `nil` when the queue has no room.
    mutating func enqueue(byteCount: Int, now: Instant) -> (begin: Instant, end: Instant)? {
        while let first = waiting.first, first.begin <= now {
            waitingByteCount -= first.byteCount
            _ = waiting.popFirst()
        }
        guard waitingByteCount + byteCount <= trace.queueByteCount else { return nil }
        let milliseconds = now.nanoseconds / 1_000_000 + offset
        if trace.time(of: next) <= milliseconds {
            next = trace.opportunity(after: milliseconds)
            bytesLeft = DeliveryTrace.opportunityByteCount
        }
        if bytesLeft == 0 { goOn() }
        let begin = instant(of: next)
        var rest = byteCount
        while rest > bytesLeft {
            rest -= bytesLeft
            goOn()
        }
        bytesLeft -= rest
        waiting.append(Waiting(begin: begin, byteCount: byteCount))
        waitingByteCount += byteCount
        return (begin, instant(of: next))
    }

    private mutating func goOn() {
        next = trace.opportunity(after: next)
        bytesLeft = DeliveryTrace.opportunityByteCount
    }

    private func instant(of opportunity: DeliveryTrace.Opportunity) -> Instant {
        Instant(nanoseconds: (trace.time(of: opportunity) - offset) * 1_000_000)
    }
}
