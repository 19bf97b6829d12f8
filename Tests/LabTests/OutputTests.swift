@testable import Lab
import Foundation
import Testing

@Suite struct OutputTests {
    /// A directory that is gone after the test.
    private static func withDirectory(_ body: (String) throws -> Void) throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "parallax-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try body(directory.path)
    }

    @Test func `rows that fit are kept whole`() throws {
        try Self.withDirectory { directory in
            let output = try OutputDirectory(path: directory + "/a/b")
            let rows = try output.rows("trials.jsonl")
            rows.append("one")
            rows.append("two")
            rows.finish()
            #expect(rows.failure == nil)
            #expect(try String(contentsOfFile: output.path(of: "trials.jsonl"), encoding: .utf8) == "one\ntwo\n")
            try output.write("summary", to: "summary.csv")
            #expect(try FileManager.default.contentsOfDirectory(atPath: output.path).sorted() == ["summary.csv", "trials.jsonl"])
        }
    }

    @Test func `a full disk has a code of its own, and the first failure is the last attempt`() throws {
        let rows = try RowFile(path: "/dev/full")
        #expect(rows.failure == nil)
        rows.append("one")
        #expect(rows.failure == OutputError(path: "/dev/full", number: ENOSPC))
        #expect(rows.failure?.code == "disk_full")
        #expect(rows.failure?.description == "cannot write /dev/full (No space left on device); make room, or name another --out")
        rows.append("two")
        rows.finish()
        #expect(rows.failure?.number == ENOSPC)
    }

    @Test func `what cannot be made is told with its path`() throws {
        try Self.withDirectory { directory in
            try Data("a file".utf8).write(to: URL(filePath: directory + "/file"))
            let error = #expect(throws: OutputError.self) { try OutputDirectory(path: directory + "/file/out") }
            #expect(error?.code == "cannot_write" && error?.path == directory + "/file/out")
            let output = try OutputDirectory(path: directory)
            try FileManager.default.createDirectory(atPath: directory + "/taken", withIntermediateDirectories: false)
            #expect(throws: OutputError.self) { try output.rows("taken") }
            #expect(throws: OutputError.self) { try output.write("text", to: "taken") }
            #expect(!FileManager.default.fileExists(atPath: directory + "/taken.part"))
        }
    }

    @Test func `rows in any order make the same summary as one run`() {
        let modes = ["datagram", "red", "stream"], profiles = ["clean", "burst-10"]
        var rows: [TrialRow] = []
        for profile in profiles {
            for mode in modes {
                for trial in 0..<2 {
                    var row = RowTests.row(
                        mode: mode, profile: profile, trial: trial, framesPrompt: 180 + rows.count, intact: trial == 0,
                        commitWait: Double(rows.count))
                    row.planIndex = rows.count
                    rows.append(row)
                }
            }
        }
        func csv(_ rows: [TrialRow]) -> String {
            CellSummary.csv(CellSummary.cells(of: rows, baseline: Baseline(transport: "roq", mode: rows[0].mode)))
        }
        for count in [1, 2, 3, 5, 12] {
            let shards = (0..<count).map { Share.whole.share($0, of: count).indices(count: rows.count).map { rows[$0] } }
            #expect(csv(shards.joined().inPlanOrder()) == csv(rows))
            #expect(csv(shards.reversed().joined().inPlanOrder()) == csv(rows))
        }
    }

    @Test(arguments: [(0.2, "1 s"), (59.4, "59 s"), (110, "1 min 50 s"), (7500, "2 h 5 min"), (.infinity, "1 s")])
    func `an estimate is told as people tell times`(seconds: Double, text: String) {
        #expect(TimeEstimate.text(seconds) == text)
    }

    @Test func `the trials for an estimate come from all over the share`() throws {
        #expect(TimeEstimate.sample(of: .whole, count: 40) == nil)
        for count in [60, 1000, 12_600] {
            let sample = try #require(TimeEstimate.sample(of: .whole, count: count))
            let indices = Array(sample.indices(count: count))
            #expect((18...30).contains(indices.count), "\(count): \(indices.count)")
            #expect((indices.first ?? 0) < count / 10 && (indices.last ?? 0) > count * 9 / 10)
        }
        let shard = Share(first: 1, stride: 2)
        let sample = try #require(TimeEstimate.sample(of: shard, count: 1000))
        #expect(sample.indices(count: 1000).allSatisfy { $0 % 2 == 1 })
        #expect(TimeEstimate(measured: [0.1, 0.3], count: 100, jobs: 2)?.seconds == 10)
    }
}
