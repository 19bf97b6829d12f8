import Lab
import Testing

@Suite struct PlanTests {
    private let plan = Plan(
        seed: 5, transports: ["roq", "webtransport"], modes: ["datagram", "stream"], profiles: ["clean", "burst-10"],
        clips: ["a", "b"], trialsPerCell: 3)

    @Test func `every trial of every cell comes once`() {
        let trials = (0..<plan.trialCount).map { plan[$0] }
        #expect(trials.count == 48)
        #expect(Set(trials).count == 48)
        #expect(Set(trials.map(\.cell)).count == plan.cellCount)
        #expect(trials[0].cell == trials[2].cell)
    }

    @Test func `cells share the network: seeds depend on profile, clip and trial alone`() {
        let trials = (0..<plan.trialCount).map { plan[$0] }
        let seeds = Dictionary(grouping: trials) { "\($0.cell.profile) \($0.cell.clip) \($0.trial)" }
        #expect(seeds.values.allSatisfy { Set($0.map(\.seed)).count == 1 })
        #expect(Set(trials.map(\.seed.value)).count == seeds.count)
        #expect(trials.allSatisfy { $0.seed.value < 1 << 53 })
    }

    @Test func `a seed stays what it is`() {
        // A change here changes every published row: raise the schema with it.
        #expect(TrialSeed(sweep: 1, profile: "burst-10", clip: "a", trial: 0).value == 4_283_025_267_570_688)
    }

    @Test(arguments: [1, 2, 3, 7])
    func `shares cover the plan, each trial once, whatever the number of shards and jobs`(jobs: Int) {
        var seen: [Int] = []
        for shard in 0..<3 {
            let whole = Share.whole.share(shard, of: 3)
            for job in 0..<jobs { seen += whole.share(job, of: jobs).indices(count: plan.trialCount) }
        }
        #expect(seen.sorted() == Array(0..<plan.trialCount))
    }
}
