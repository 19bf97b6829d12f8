internal import Glibc
internal import Wire

/// Drives many flows, each on a socket of its own, from one thread.
final class LoadGenerator<Flow: LoadFlow> {
    private struct Lane {
        var flow: Flow
        let socket: LoadSocket
        var outstanding = 0
        var lastEcho = Instant.zero
    }

    private var lanes: [Lane] = []
    private var tally = EchoTally()
    private var nextTimerScan = Instant.zero
    private var nextPoll = Instant.zero
    private var busyNanoseconds: UInt64 = 0
    private let sendBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
    private let receiveBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
    private var polled: [pollfd] = []

    /// How many datagrams one lane may take from its socket before the others have their turn.
    private static var datagramsPerTurn: Int { 64 }

    /// How often the flows' deadlines are looked at: reading a thousand of them costs a tenth of a millisecond, and
    /// none is due in less than an acknowledgement's delay.
    private static var timerScanInterval: Duration { .milliseconds(4) }

    /// How long `poll` is let alone after a call, for each socket: its cost grows with all of them, silent or not, and
    /// asked without pause for a thousand it takes the whole core from the clients. Adds at most 0.2 ms of delay there.
    private static var pollPause: Duration { .nanoseconds(200) }

    /// How many flows may be connecting at once: below the server's limit of half-open connections from one address.
    private static var connectingAtOnce: Int { 32 }

    /// Opens a socket for every flow and waits until all are ready.
    /// - Throws: `LoadFailure` when that takes longer than `seconds`; what `makeFlow` throws.
    init(laneCount: Int, serverPort: UInt16, seconds: Double = 60, makeFlow: (NetworkPath, Instant) throws -> Flow) throws {
        let end = monotonicNow() + .seconds(seconds)
        while lanes.count < laneCount || lanes.contains(where: { !$0.flow.isReady }) {
            let now = monotonicNow()
            guard now < end else { throw LoadFailure(ready: lanes.count { $0.flow.isReady }, wanted: laneCount) }
            let connecting = lanes.suffix(2 * Self.connectingAtOnce).count { !$0.flow.isReady }
            for _ in 0..<min(laneCount - lanes.count, Self.connectingAtOnce - connecting) {
                let socket = try LoadSocket(serverPort: serverPort)
                lanes.append(Lane(flow: try makeFlow(socket.path, now), socket: socket))
                polled.append(pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0))
                transmit(lanes.count - 1, now: now)
            }
            _ = turn(now: now, waitMilliseconds: 1)
        }
    }

    deinit {
        sendBuffer.deallocate()
        receiveBuffer.deallocate()
    }

    /// What a phase of load came to.
    struct Outcome {
        var seconds: Double
        var offered: Int
        var echoed: Int
        var datagramsReceived: Int
        var delays: DelayHistogram
        /// The share of the time in which this process had something to do.
        var busyShare: Double
    }

    /// Keeps `window` frames of every flow under way for `seconds`.
    func saturate(window: Int, seconds: Double) -> Outcome {
        run(seconds: seconds) { now in
            var offered = 0
            for index in lanes.indices where lanes[index].flow.isReady {
                // Echoes that were lost give their places back after a silence.
                if lanes[index].outstanding > 0, now - lanes[index].lastEcho > .milliseconds(100) {
                    lanes[index].outstanding = 0
                    lanes[index].lastEcho = now
                }
                // Half a window at a time: a stream of single frames would measure the load's system calls.
                let free = window - lanes[index].outstanding
                guard free * 2 >= window else { continue }
                lanes[index].outstanding += free
                offered += free
                lanes[index].flow.offer(free, now: now)
                transmit(index, now: now)
            }
            return offered
        }
    }

    /// Offers one frame of every flow each `interval`, evenly spread over it, for `seconds`. Spins: a sleeping
    /// sender would wake late and in bursts.
    func pace(interval: Duration, seconds: Double) -> Outcome {
        let start = monotonicNow()
        let step = UInt64(interval.nanoseconds) / UInt64(max(1, lanes.count))
        var sent: UInt64 = 0
        return run(seconds: seconds) { now in
            var offered = 0
            while start.nanoseconds + sent * step <= now.nanoseconds {
                let index = Int(sent % UInt64(lanes.count))
                sent += 1
                guard lanes[index].flow.isReady else { continue }
                lanes[index].flow.offer(1, now: now)
                transmit(index, now: now)
                offered += 1
            }
            return offered
        }
    }

    /// Closes every flow and waits until the last has ended, or for `seconds`.
    func close(seconds: Double = 5) {
        let end = monotonicNow() + .seconds(seconds)
        for index in lanes.indices {
            lanes[index].flow.close(now: monotonicNow())
            transmit(index, now: monotonicNow())
        }
        while monotonicNow() < end, lanes.contains(where: { !$0.flow.isOver }) {
            _ = turn(now: monotonicNow(), waitMilliseconds: 1)
        }
    }

    private func run(seconds: Double, offer: (Instant) -> Int) -> Outcome {
        tally = EchoTally()
        busyNanoseconds = 0
        var offered = 0
        let start = monotonicNow()
        let end = start + .seconds(seconds)
        var now = start
        while now < end {
            let count = offer(now)
            offered += count
            let worked = turn(now: now, waitMilliseconds: 0) || count > 0
            let after = monotonicNow()
            if worked { busyNanoseconds += after.nanoseconds - now.nanoseconds }
            now = after
        }
        let elapsed = Double((now - start).nanoseconds)
        return Outcome(
            seconds: elapsed / 1e9, offered: offered, echoed: tally.frames, datagramsReceived: tally.datagrams,
            delays: tally.delays, busyShare: Double(busyNanoseconds) / elapsed)
    }

    /// Takes what has arrived and fires what is due.
    /// - Returns: whether there was anything.
    private func turn(now: Instant, waitMilliseconds: Int32) -> Bool {
        guard waitMilliseconds > 0 || now >= nextPoll else { return false }
        nextPoll = now + Self.pollPause * polled.count
        let count = poll(&polled, nfds_t(polled.count), waitMilliseconds)
        var left = Int(count)
        for index in lanes.indices where left > 0 && polled[index].revents != 0 {
            left -= 1
            let before = tally.frames
            for _ in 0..<Self.datagramsPerTurn {
                guard let byteCount = lanes[index].socket.receive(into: receiveBuffer) else { break }
                tally.datagrams += 1
                lanes[index].flow.receive(
                    UnsafeRawBufferPointer(rebasing: receiveBuffer[..<byteCount]), echoes: &tally, now: monotonicNow())
            }
            let echoed = tally.frames - before
            if echoed > 0 {
                lanes[index].outstanding = max(0, lanes[index].outstanding - echoed)
                lanes[index].lastEcho = now
            }
            transmit(index, now: now)
        }
        if now >= nextTimerScan {
            nextTimerScan = now + Self.timerScanInterval
            for index in lanes.indices {
                guard let deadline = lanes[index].flow.deadline, deadline <= now else { continue }
                lanes[index].flow.handleTimeout(now: now)
                transmit(index, now: now)
            }
        }
        return count > 0
    }

    private func transmit(_ index: Int, now: Instant) {
        while let (byteCount, segment) = lanes[index].flow.pollTransmit(into: sendBuffer, now: now) {
            lanes[index].socket.send(
                UnsafeMutableRawBufferPointer(rebasing: sendBuffer[..<byteCount]), segmentByteCount: segment)
        }
    }
}

/// Not every flow became ready.
struct LoadFailure: Error, CustomStringConvertible {
    let ready: Int
    let wanted: Int
    var description: String { "\(ready) of \(wanted) sessions opened: the server refuses or drops the others" }
}
