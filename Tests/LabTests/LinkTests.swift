import Lab
import Testing
import Wire

@Suite struct LinkTests {
    /// The fates of a 20 ms flow of small packets over `duration`.
    private func flow(_ profile: LinkProfile, seed: UInt64, seconds: Int, extra: Bool = false) -> [Fate] {
        var link = Link(profile, seed: seed)
        var noise = Xoshiro256(seed: 99)
        return (0..<seconds * 50).map { index in
            let now = Instant.zero + .milliseconds(20 * index)
            let fate = link.send(byteCount: 120, now: now)
            if extra {
                // Something small right behind it, at no fixed time: it finds the hop idle again before the next frame.
                let pause = Duration.nanoseconds(Int64(noise.next() % 15_000_000) + 1)
                _ = link.send(byteCount: 40, now: now + pause)
            }
            return fate
        }
    }

    private func losses(_ fates: [Fate]) -> [Bool] { fates.map { $0 == .dropped(.loss) } }

    /// The lengths of the runs of lost packets.
    private func runs(_ losses: [Bool]) -> [Int] {
        losses.split(separator: false).map(\.count)
    }

    @Test(arguments: ["random-10", "burst-5", "burst-10", "outage-2s", "wifi", "lte"])
    func `a packet's fate is a function of time and seed, whatever else was sent`(name: String) throws {
        let profile = try #require(NetworkProfile.named(name)).up
        let alone = flow(profile, seed: 7, seconds: 60)
        let accompanied = flow(profile, seed: 7, seconds: 60, extra: true)
        #expect(zip(alone, accompanied).allSatisfy { $0.0 == $0.1 })
        #expect(zip(alone, flow(profile, seed: 8, seconds: 60)).contains { $0.0 != $0.1 })
    }

    @Test(arguments: [
        (GilbertElliott.independent(loss: 0.10), 0.10, 1 / 0.9),
        (.bursts(loss: 0.05, meanLength: 3), 0.05, 3),
        (.bursts(loss: 0.10, meanLength: 10), 0.10, 10),
        (.bursts(loss: 0.20, meanLength: 2), 0.20, 2),
    ])
    func `over a long time loss and bursts are those of the profile`(model: GilbertElliott, loss: Double, burst: Double) {
        let profile = LinkProfile(
            delay: .milliseconds(50), bitsPerSecond: 10_000_000, queueLimit: .milliseconds(300), loss: model)
        let lost = losses(flow(profile, seed: 1, seconds: 3_000))
        let share = Double(lost.count { $0 }) / Double(lost.count)
        let runs = runs(lost)
        let mean = Double(runs.reduce(0, +)) / Double(runs.count)
        #expect(abs(model.meanLoss - loss) < 1e-12)
        #expect(abs(share / loss - 1) < 0.12, "lost \(share)")
        #expect(abs(mean / burst - 1) < 0.12, "mean burst \(mean)")
    }

    @Test func `independent loss has no memory`() {
        let profile = LinkProfile(
            delay: .zero, bitsPerSecond: 10_000_000, queueLimit: .seconds(1), loss: .independent(loss: 0.10))
        let lost = losses(flow(profile, seed: 3, seconds: 2_000))
        let afterLoss = zip(lost, lost.dropFirst()).filter { $0.0 }.map(\.1)
        let share = Double(afterLoss.count { $0 }) / Double(afterLoss.count)
        #expect(abs(share - 0.10) < 0.01)
    }

    /// Of frames, and of packets 0.2 ms behind them, how many are lost, and how many of both.
    private func companions(_ model: GilbertElliott) -> (first: [Bool], second: [Bool], both: Int) {
        let profile = LinkProfile(delay: .zero, bitsPerSecond: 10_000_000, queueLimit: .seconds(1), loss: model)
        var link = Link(profile, seed: 3)
        var first: [Bool] = [], second: [Bool] = []
        for index in 0..<20_000 {
            let now = Instant.zero + .milliseconds(20 * index)
            first.append(link.send(byteCount: 120, now: now) == .dropped(.loss))
            second.append(link.send(byteCount: 120, now: now + .microseconds(200)) == .dropped(.loss))
        }
        return (first, second, zip(first, second).count { $0 && $1 })
    }

    @Test func `what answers a packet when the next frame leaves does not share that frame's fate, but in a burst`() {
        // A round trip of 100 ms ends with a frame of every 20 ms.
        let alone = companions(.independent(loss: 0.10))
        #expect(abs(alone.second.count { $0 } - 2_000) < 200)
        #expect(abs(alone.both - 200) < 60)
        let burst = companions(.bursts(loss: 0.10, meanLength: 3))
        #expect(burst.first == burst.second)
    }

    @Test func `loss in both states mixes by the time spent in each`() {
        let model = GilbertElliott(intoBad: 0.02, outOfBad: 0.08, lossInBad: 0.5, lossInGood: 0.01)
        let profile = LinkProfile(delay: .zero, bitsPerSecond: 10_000_000, queueLimit: .seconds(1), loss: model)
        let lost = losses(flow(profile, seed: 5, seconds: 2_000))
        let share = Double(lost.count { $0 }) / Double(lost.count)
        // (0.02 × 0.5 + 0.08 × 0.01) / 0.10
        #expect(abs(share - 0.108) < 0.01)
    }

    @Test func `a packet arrives after its waiting, its transmission and the delay`() {
        var link = Link(
            LinkProfile(delay: .milliseconds(50), bitsPerSecond: 1_000_000, queueLimit: .milliseconds(300)), seed: 1)
        // 972 bytes and 28 of headers take 8 ms at 1 Mbit/s.
        #expect(link.send(byteCount: 972, now: .zero) == .delivered(at: .zero + .milliseconds(58)))
        #expect(link.send(byteCount: 972, now: .zero + .milliseconds(2)) == .delivered(at: .zero + .milliseconds(66)))
        #expect(link.send(byteCount: 972, now: .zero + .milliseconds(30)) == .delivered(at: .zero + .milliseconds(88)))
    }

    @Test func `a full queue drops what comes last`() {
        var link = Link(
            LinkProfile(delay: .zero, bitsPerSecond: 1_000_000, queueLimit: .milliseconds(80)), seed: 1)
        let fates = (0..<15).map { _ in link.send(byteCount: 972, now: .zero) }
        #expect(fates.count { $0 == .dropped(.queueFull) } == 5)
        #expect(fates.prefix(10).allSatisfy { $0 != .dropped(.queueFull) })
        #expect(link.drops[.queueFull] == 5)
        #expect(link.drops.total == 5)
    }

    @Test func `what no Ethernet path carries is dropped`() {
        var link = Link(LinkProfile(delay: .zero, bitsPerSecond: 1_000_000, queueLimit: .seconds(1)), seed: 1)
        #expect(link.send(byteCount: 1473, now: .zero) == .dropped(.tooLarge))
        #expect(link.send(byteCount: 1472, now: .zero) != .dropped(.tooLarge))
    }

    @Test func `an outage lasts its time and begins where the seed says`() throws {
        let profile = try #require(NetworkProfile.named("outage-2s"))
        var starts: Set<Int> = []
        for seed: UInt64 in 0..<50 {
            let fates = flow(profile.up, seed: seed, seconds: 8)
            let lost = fates.indices.filter { fates[$0] == .dropped(.outage) }
            let first = try #require(lost.first), last = try #require(lost.last)
            #expect(lost.count == 100)
            #expect(last - first == 99)
            #expect((50...150).contains(first))
            starts.insert(first)
        }
        #expect(starts.count > 30)
    }

    @Test(arguments: [false, true])
    func `jitter is as wide as the profile says, and keeps order unless told`(reorders: Bool) {
        let profile = LinkProfile(
            delay: .milliseconds(50), jitter: Jitter(standardDeviation: .milliseconds(10), reorders: reorders),
            bitsPerSecond: 1_000_000_000, queueLimit: .seconds(1))
        let spaced = delays(profile, every: .milliseconds(100), count: 20_000)
        let mean = spaced.reduce(0, +) / Double(spaced.count)
        let variance = spaced.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(spaced.count)
        #expect((49.8...51).contains(mean))
        #expect((9...10.1).contains(variance.squareRoot()))
        #expect((spaced.min() ?? 0) >= 20 && (spaced.max() ?? 100) <= 80.1)

        let dense = delays(profile, every: .milliseconds(1), count: 1000)
        let arrivals = dense.enumerated().map { Double($0.offset) + $0.element }
        let isOrdered = zip(arrivals, arrivals.dropFirst()).allSatisfy { $0.0 <= $0.1 }
        #expect(isOrdered == !reorders)
    }

    private func delays(_ profile: LinkProfile, every interval: Duration, count: Int) -> [Double] {
        var link = Link(profile, seed: 4)
        var now = Instant.zero
        return (0..<count).compactMap { _ in
            now = now + interval
            guard case .delivered(let arrival) = link.send(byteCount: 100, now: now) else { return nil }
            return (arrival - now).milliseconds
        }
    }

    @Test func `others' traffic fills the queue and drains it again`() throws {
        let profile = try #require(NetworkProfile.named("bufferbloat")).up
        var waits: [Double] = []
        for seed: UInt64 in 0..<20 {
            var link = Link(profile, seed: seed)
            for index in 0..<500 {
                let now = Instant.zero + .milliseconds(20 * index)
                guard case .delivered(let arrival) = link.send(byteCount: 120, now: now) else { continue }
                waits.append((arrival - now - profile.delay).milliseconds)
            }
        }
        let sample = Sample(waits)
        let median = try #require(sample.median), low = try #require(sample.percentile(0.1))
        let high = try #require(sample.percentile(0.99))
        #expect(low < 20)
        #expect((100...800).contains(median), "median \(median)")
        #expect(high > 800 && high <= 1001)
        #expect(waits.count > 9_000)
    }

    /// How often a queue that others fill was full, and how long a frame waited in it on average, by how far behind the beginning of
    /// a slot frames leave: at multiples of a quarter of it.
    private func crowd(_ profile: LinkProfile, phases: Int = 4) -> (drops: [Int], meanWaits: [Double]) {
        var drops = [Int](repeating: 0, count: phases), waits = [Double](repeating: 0, count: phases), frames = drops
        for seed: UInt64 in 0..<10 {
            var link = Link(profile, seed: seed)
            for index in 0..<8_000 {
                let phase = index % phases
                let now = Instant.zero + .milliseconds(20 * index) + Link.slot * phase / phases
                frames[phase] += 1
                switch link.send(byteCount: 120, now: now) {
                case .delivered(let arrival): waits[phase] += (arrival - now - profile.delay).milliseconds
                case .dropped: drops[phase] += 1
                }
            }
        }
        return (drops, waits.indices.map { waits[$0] / Double(frames[$0] - drops[$0]) })
    }

    @Test func `a queue that others fill treats frames alike, however far they lie from the grid of slots`() throws {
        // So much that a frame, which is small, often finds a queue with no room even for it.
        var profile = try #require(NetworkProfile.named("queue-70")).up
        profile.crossTraffic = CrossTraffic(busyLoad: 6, quietLoad: 6, meanBusy: .seconds(1), meanQuiet: .seconds(1))
        let (drops, waits) = crowd(profile)
        let meanDrops = Double(drops.reduce(0, +)) / Double(drops.count), meanWait = waits.reduce(0, +) / Double(waits.count)
        #expect(meanDrops > 200)
        #expect(drops.allSatisfy { abs(Double($0) / meanDrops - 1) < 0.2 }, "\(drops)")
        #expect(waits.allSatisfy { abs($0 / meanWait - 1) < 0.05 }, "\(waits)")
    }

    @Test(arguments: [2_000_000, 50_000_000, 1_000_000_000])
    func `others fill a fast hop as they fill a slow one`(bitsPerSecond: Int) {
        var profile = LinkProfile(delay: .zero, bitsPerSecond: bitsPerSecond, queueLimit: .milliseconds(100))
        profile.crossTraffic = CrossTraffic(busyLoad: 1.5, quietLoad: 1.5, meanBusy: .seconds(1), meanQuiet: .seconds(1))
        var link = Link(profile, seed: 1)
        let waits = (1...20).map { index in
            let now = Instant.zero + .milliseconds(20 * index)
            guard case .delivered(let arrival) = link.send(byteCount: 100, now: now) else { return 100.0 }
            return (arrival - now).milliseconds
        }
        #expect(waits.allSatisfy { $0 > 50 }, "\(waits)")
    }

    @Test func `a steady flow loses as much in as long runs, wherever in a slot its packets leave`() {
        let profile = LinkProfile(
            delay: .zero, bitsPerSecond: 10_000_000, queueLimit: .seconds(1), loss: .bursts(loss: 0.10, meanLength: 3))
        let shares = (0..<4).map { phase in
            var link = Link(profile, seed: 6)
            let lost = (0..<50_000).map { index in
                link.send(byteCount: 120, now: .zero + .milliseconds(20 * index) + Link.slot * phase / 4) == .dropped(.loss)
            }
            let runs = runs(lost)
            return (loss: lost.count { $0 }, runs: runs.count)
        }
        // All see the chain once a frame, in the same states.
        #expect(shares.allSatisfy { $0 == shares[0] })
        #expect(abs(Double(shares[0].loss) / 5_000 - 1) < 0.1)
    }

    @Test func `profiles have names of their own and say where they come from`() {
        #expect(Set(NetworkProfile.all.map(\.name)).count == NetworkProfile.all.count)
        for profile in NetworkProfile.all {
            #expect(!profile.summary.isEmpty && !profile.source.isEmpty)
            #expect(NetworkProfile.named(profile.name) == profile)
        }
        #expect(NetworkProfile.named("dial-up") == nil)
    }
}
