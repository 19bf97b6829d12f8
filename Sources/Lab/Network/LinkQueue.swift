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

/// Makes the packets of `CrossTraffic`: at most one a slot, by a chain of two states, and at any instant of its slot. Frames
/// leave on a grid that slots divide, so that a fixed instant in each would be before or behind every one of them.
private struct CrossTrafficSource: Sendable {
    private let packetWork: UInt64
    private let slotLength: UInt64
    private let busyChance: Double
    private let quietChance: Double
    private let leaveBusy: Double
    private let leaveQuiet: Double
    private var source: Xoshiro256
    private var isBusy: Bool
    /// The slot that is drawn next.
    private var slot: UInt64 = 0
    /// When the packet of the slot drawn last comes, until it has come.
    private var arrival: UInt64?

    /// How long the traffic has gone on at time zero, so that a trial does not always begin with an empty queue.
    private static let warmUp = UInt64(Duration.seconds(10).nanoseconds)

    init(_ traffic: CrossTraffic, packetWork: UInt64, seed: UInt64) {
        self.packetWork = packetWork
        // A fast hop gets shorter slots: with at most half of them taken, there is room for the whole load.
        let load = max(traffic.busyLoad, traffic.quietLoad)
        let parts = (2 * load * Double(Link.slotNanoseconds) / Double(packetWork)).rounded(.up)
        slotLength = Link.slotNanoseconds / UInt64(min(max(1, parts), Double(Link.slotNanoseconds)))
        let length = Double(slotLength)
        busyChance = traffic.busyLoad * length / Double(packetWork)
        quietChance = traffic.quietLoad * length / Double(packetWork)
        leaveBusy = length / Double(traffic.meanBusy.nanoseconds)
        leaveQuiet = length / Double(traffic.meanQuiet.nanoseconds)
        source = Xoshiro256(seed: seed)
        isBusy = source.nextUnit() < leaveQuiet / (leaveBusy + leaveQuiet)
    }

    /// Lets all packets that come up to `now` into the queue, or past it when it is full.
    mutating func advance(to now: Instant, freeAt: inout Instant, limit: UInt64) {
        let current = now.nanoseconds / slotLength
        while true {
            if let arrival {
                guard arrival <= now.nanoseconds else { return }
                let begin = max(arrival, freeAt.nanoseconds)
                if begin - arrival + packetWork <= limit { freeAt = Instant(nanoseconds: begin + packetWork) }
                self.arrival = nil
            }
            guard slot <= current else { return }
            arrival = drawn().map { slot * slotLength + $0 }
            slot += 1
        }
    }

    /// The backlog at time zero, in nanoseconds; the slots are counted from there.
    mutating func warmedUpBacklog(limit: UInt64) -> UInt64 {
        var freeAt = Instant.zero
        advance(to: Instant(nanoseconds: Self.warmUp - 1), freeAt: &freeAt, limit: limit)
        slot = 0
        arrival = nil
        return freeAt.nanoseconds - min(freeAt.nanoseconds, Self.warmUp)
    }

    /// How far behind its beginning the next slot's packet comes; `nil` where there is none.
    private mutating func drawn() -> UInt64? {
        if source.nextUnit() < (isBusy ? leaveBusy : leaveQuiet) { isBusy.toggle() }
        let chance = isBusy ? busyChance : quietChance
        let draw = source.nextUnit()
        // Of the draws that bring a packet, each is as likely as any other: they say when it comes, too.
        return draw < chance ? UInt64(draw / chance * Double(slotLength)) : nil
    }
}
