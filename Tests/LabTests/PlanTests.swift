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

@Suite struct PlanNamesTests {
    @Test func `names are taken once, in their order, and unknown ones are answered with those expected`() throws {
        let known = ["clean", "wifi", "lte"]
        #expect(try Plan.names("lte,clean,lte", kind: "profile", known: known, standard: []) == ["lte", "clean"])
        #expect(try Plan.names(nil, kind: "profile", known: known, standard: ["wifi"]) == ["wifi"])
        #expect(try Plan.names("all", kind: "profile", known: known, standard: []) == known)
        let error = #expect(throws: PlanError.self) {
            try Plan.names("dial-up", kind: "profile", known: known, standard: [])
        }
        #expect(error?.description == "there is no profile 'dial-up'; expected one of: clean, wifi, lte")
        #expect(throws: PlanError.empty(kind: "profile")) { try Plan.names("", kind: "profile", known: known, standard: []) }
    }

    @Test(arguments: ["0/2", "3/2", "1", "1/2/3", "a/b", "", "-1/2", "1/0"])
    func `what is no shard is refused`(text: String) {
        #expect(throws: PlanError.shard(text)) { try Share(shard: text) }
    }

    @Test func `a shard and a baseline are read`() throws {
        #expect(try Share(shard: "2/4") == Share(first: 1, stride: 4))
        #expect(try Baseline("roq/stream-per-frame") == Baseline(transport: "roq", mode: "stream-per-frame"))
        #expect(throws: PlanError.self) { try Baseline("roq") }
        #expect(throws: PlanError.self) { try Baseline("smoke/signals") }
    }

    @Test func `rows of several workers come out in the plan's order`() {
        var merge = ShareMerge<Int>(workers: 3)
        var merged: [Int] = []
        // Worker 1 is quick, worker 0 slow: rows of worker k are k, k+3, k+6 …
        for row in [1, 4, 2, 7, 0, 5, 3, 6, 10, 8, 9] {
            merge.append(row, from: row % 3)
            while let next = merge.popFirst() { merged.append(next) }
        }
        #expect(merged == Array(0...10))
    }
}
