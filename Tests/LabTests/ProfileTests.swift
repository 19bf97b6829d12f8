@testable import Lab
import Testing
import Wire

@Suite struct ProfileTests {
    @Test func `the system's loss profiles lose what their names say`() throws {
        for percent in [1, 5, 10, 20] {
            let independent = try #require(NetworkProfile.named("random-\(percent)")?.up.loss)
            #expect(abs(independent.meanLoss - Double(percent) / 100) < 1e-12)
            #expect(abs(independent.meanBadRun - 1 / (1 - Double(percent) / 100)) < 1e-12)
            for burst in [3, 10] {
                let profile = try #require(NetworkProfile.named("burst-\(percent)x\(burst)"))
                let loss = try #require(profile.up.loss)
                #expect(abs(loss.meanLoss - Double(percent) / 100) < 1e-12)
                #expect(abs(loss.meanBadRun - Double(burst)) < 1e-9)
                #expect(profile.up == profile.down)
            }
        }
    }

    @Test func `systematic names and short ones mean one profile, which has one name`() throws {
        #expect(NetworkProfile.named("burst-5x3") == NetworkProfile.named("burst-5"))
        #expect(NetworkProfile.named("burst-10x10")?.name == "burst-10")
        #expect(NetworkProfile.named("burst-10x1")?.name == "random-10")
        #expect(NetworkProfile.named("4g")?.name == "lte")
        #expect(try ProfileCatalogue.builtIn.names(in: "burst-5x3, burst-5,4g") == ["burst-5", "lte"])
        for name in NetworkProfile.aliases.values { #expect(NetworkProfile.all.contains { $0.name == name }, "\(name)") }
    }

    @Test func `the usual profiles are the six that published tables have`() {
        let names = ["clean", "random-10", "burst-5", "burst-10", "bufferbloat", "outage-2s"]
        #expect(NetworkProfile.standard.map(\.name) == names)
        let burst5 = NetworkProfile.standard[2]
        #expect(burst5.source == "Gilbert chain, p 1.754 %, r 33.33 % per 20 ms")
        #expect(NetworkProfile.standard[3].source == "Gilbert chain, p 1.111 %, r 10 % per 20 ms")
    }

    @Test func `a name may ask for another delay`() throws {
        let profile = try #require(NetworkProfile.named("burst-10@25ms"))
        #expect(profile.name == "burst-10@25ms")
        #expect(profile.roundTrip == .milliseconds(50))
        #expect(profile.up.loss == NetworkProfile.burst10.up.loss)
        #expect(NetworkProfile.named("burst-10x10@25.50ms")?.name == "burst-10@25.5ms")
        #expect(NetworkProfile.named("clean@0ms")?.roundTrip == .zero)
        #expect(NetworkProfile.named("clean@0.125ms")?.roundTrip == .microseconds(250))
    }

    @Test(arguments: [
        "burst-10@", "burst-10@25", "burst-10@ms", "burst-10@-1ms", "burst-10@1e3ms", "burst-10@10001ms", "burst-10@1.2345ms",
        "burst-10@1.ms", "@25ms", "clean@5ms@5ms", "burst-10@99999999999999999999ms", "burst-10@nanms", "",
    ])
    func `what is no delay is no name`(text: String) {
        #expect(NetworkProfile.named(text) == nil)
    }

    @Test func `variants of a profile lose the same packets at the same times`() throws {
        let plan = Plan(
            seed: 1, transports: ["roq"], modes: ["datagram"], profiles: ["burst-10", "burst-10@25ms", "burst-5"],
            clips: ["a"], trialsPerCell: 1)
        #expect(plan[0].seed == plan[1].seed)
        #expect(plan[0].seed != plan[2].seed)
    }

    @Test func `opening loss ends`() throws {
        let profile = try #require(NetworkProfile.named("setup")).up
        var lost: [Int] = []
        for seed: UInt64 in 0..<50 {
            var link = Link(profile, seed: seed)
            lost += (0..<500).filter { link.send(byteCount: 100, now: .zero + .milliseconds(20 * $0)) == .dropped(.loss) }
        }
        #expect(lost.allSatisfy { $0 < 100 })
        // A fifth of 100 packets, 50 times.
        #expect((850...1150).contains(lost.count))
    }

    @Test func `link failures come at equal distances, and the seed decides when`() {
        var profile = NetworkProfile.reference
        profile.failures = LinkFailures(interval: .seconds(10), length: .milliseconds(400))
        var starts: Set<Int> = []
        for seed: UInt64 in 0..<20 {
            var link = Link(profile, seed: seed)
            let down = (0..<2000).filter { link.send(byteCount: 100, now: .zero + .milliseconds(20 * $0)) == .dropped(.outage) }
            // 20 packets a failure, four failures in 40 s.
            #expect((79...81).contains(down.count))
            #expect(zip(down, down.dropFirst(20)).allSatisfy { $0.1 - $0.0 == 500 || $0.1 - $0.0 == 499 || $0.1 - $0.0 == 501 })
            starts.insert(down.first ?? 0)
        }
        #expect(starts.count > 10)
    }

    @Test func `route flaps lengthen the way and shorten it again`() {
        var profile = NetworkProfile.reference
        profile.routeFlaps = RouteFlaps(interval: .seconds(1), detour: .milliseconds(30))
        var link = Link(profile, seed: 3)
        var delays: [Int] = []
        for index in 0..<400 {
            let now = Instant.zero + .milliseconds(10 * index)
            guard case .delivered(let arrival) = link.send(byteCount: 100, now: now) else { continue }
            delays.append(Int((arrival - now).milliseconds))
        }
        #expect(Set(delays) == [50, 80])
        let changes = zip(delays, delays.dropFirst()).enumerated().filter { $0.element.0 != $0.element.1 }.map(\.offset)
        #expect(zip(changes, changes.dropFirst()).allSatisfy { $0.1 - $0.0 == 100 })
        #expect((3...4).contains(changes.count))
    }

    @Test func `the first words fall into the outage of start-loss`() throws {
        let profile = try #require(NetworkProfile.named("start-loss")).up
        for seed: UInt64 in 0..<50 {
            var link = Link(profile, seed: seed)
            let lost = (0..<200).filter { link.send(byteCount: 100, now: .zero + .milliseconds(20 * $0)) == .dropped(.outage) }
            #expect((24...25).contains(lost.count))
            #expect((5...15).contains(lost.first ?? 0))
        }
    }

    @Test func `every profile is possible`() {
        for profile in NetworkProfile.all {
            for link in [profile.up, profile.down] {
                let loss = link.loss ?? .independent(loss: 0)
                #expect(loss.intoBad + loss.outOfBad <= 1 + 1e-9, "\(profile.name)")
                #expect(link.bitsPerSecond >= 100_000 && link.delay >= .zero)
                #expect(link.jitter.map { $0.standardDeviation * 3 <= link.delay + .milliseconds(1) || profile.name.hasPrefix("rfc8868-1") } ?? true, "\(profile.name)")
            }
        }
    }
}
