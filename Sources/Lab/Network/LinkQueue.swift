import Wire

/// The drop-tail queue before a link's narrowest hop. All work is counted in nanoseconds of sending; where a trace says
/// when the hop sends, the trace's queue stands in its place.
struct LinkQueue: Sendable {
    private let bitsPerSecond: UInt64
    private let limit: UInt64
    /// When the hop has sent everything that it has taken.
    private var freeAt = Instant.zero
    private var crossTraffic: CrossTrafficSource?
    private var traced: TraceQueue?

    init(_ profile: LinkProfile, seed: UInt64) {
        bitsPerSecond = UInt64(max(1, profile.bitsPerSecond))
        limit = UInt64(max(0, profile.queueLimit.nanoseconds))
        crossTraffic = nil
        traced = profile.trace.map { TraceQueue($0, seed: seed) }
        guard let traffic = profile.crossTraffic else { return }
        let packetWork = work(byteCount: CrossTraffic.packetByteCount)
        var source = CrossTrafficSource(traffic, packetWork: packetWork, seed: seed)
        let backlog = source.warmedUpBacklog(limit: limit)
        crossTraffic = source
        freeAt = Instant(nanoseconds: backlog)
    }

    /// When a packet that comes at `now` is sent; `nil` when the queue has no room for it.
    mutating func enqueue(byteCount: Int, now: Instant) -> (begin: Instant, end: Instant)? {
        if traced != nil { return traced?.enqueue(byteCount: byteCount, now: now) ?? nil }
        crossTraffic?.advance(to: now, freeAt: &freeAt, limit: limit)
        let begin = max(now, freeAt)
        let duration = work(byteCount: byteCount)
        // A packet that finds the hop idle is sent at once, however small the queue.
        guard begin == now || begin.nanoseconds - now.nanoseconds + duration <= limit else { return nil }
        freeAt = Instant(nanoseconds: begin.nanoseconds + duration)
        return (begin, freeAt)
    }

    private func work(byteCount: Int) -> UInt64 { UInt64(byteCount) * 8_000_000_000 / bitsPerSecond }
}

/// Makes the packets of `CrossTraffic`: at most one a slot, by a chain of two states.
private struct CrossTrafficSource: Sendable {
    private let packetWork: UInt64
    private let busyChance: Double
    private let quietChance: Double
    private let leaveBusy: Double
    private let leaveQuiet: Double
    private var source: Xoshiro256
    private var isBusy: Bool
    private var slot: UInt64 = 0

    init(_ traffic: CrossTraffic, packetWork: UInt64, seed: UInt64) {
        self.packetWork = packetWork
        let slotLength = Double(Link.slotNanoseconds)
        busyChance = traffic.busyLoad * slotLength / Double(packetWork)
        quietChance = traffic.quietLoad * slotLength / Double(packetWork)
        leaveBusy = slotLength / Double(traffic.meanBusy.nanoseconds)
        leaveQuiet = slotLength / Double(traffic.meanQuiet.nanoseconds)
        source = Xoshiro256(seed: seed)
        isBusy = source.nextUnit() < leaveQuiet / (leaveBusy + leaveQuiet)
    }

    /// Lets all packets that come up to `now` into the queue, or past it when it is full.
    mutating func advance(to now: Instant, freeAt: inout Instant, limit: UInt64) {
        let target = now.nanoseconds / Link.slotNanoseconds
        while slot < target {
            slot += 1
            guard arrives() else { continue }
            let moment = Instant(nanoseconds: slot * Link.slotNanoseconds)
            let begin = max(moment, freeAt)
            if begin.nanoseconds - moment.nanoseconds + packetWork <= limit {
                freeAt = Instant(nanoseconds: begin.nanoseconds + packetWork)
            }
        }
    }

    /// The backlog that 10 s of this traffic leave, so that a trial does not always begin with an empty queue.
    mutating func warmedUpBacklog(limit: UInt64) -> UInt64 {
        var backlog: UInt64 = 0
        for _ in 0..<(10_000_000_000 / Link.slotNanoseconds) {
            backlog -= min(backlog, Link.slotNanoseconds)
            if arrives() && backlog + packetWork <= limit { backlog += packetWork }
        }
        return backlog
    }

    private mutating func arrives() -> Bool {
        if source.nextUnit() < (isBusy ? leaveBusy : leaveQuiet) { isBusy.toggle() }
        return source.nextUnit() < (isBusy ? busyChance : quietChance)
    }
}
