import Lab
import Testing

@Suite struct AgreementTests {
    /// `count` trials of a world; the first `intact` of them whole.
    private func rows(
        _ world: String, count: Int = 20, intact: Int, setup: Double = 102, wait: Double = 50, delay: Double = 50, mode: String = "datagram"
    ) -> [TrialRow] {
        (0..<count).map { trial in
            var row = RowTests.row(mode: mode, trial: trial, intact: trial < intact, commitWait: wait)
            row.world = world
            row.setupMilliseconds = setup
            row.frameDelayP50Milliseconds = delay
            if world == TrialRow.realWorld {
                row.linkLatenessP99Milliseconds = 0.2
                row.captureLatenessP99Milliseconds = 0.4
            }
            return row
        }
    }

    private func cell(_ virtual: [TrialRow], _ real: [TrialRow]) throws -> CellAgreement {
        try #require(Agreement(virtual + real)?.cells.first)
    }

    @Test func `cells with equal shares and middles within 5 ms agree`() throws {
        let cell = try cell(
            rows(TrialRow.virtualWorld, intact: 10), rows(TrialRow.realWorld, intact: 12, setup: 106.9, wait: 45.1))
        #expect(cell.agrees && cell.reasons.isEmpty)
        #expect(cell.virtual.intact.value == 0.5 && cell.real.intact.value == 0.6)
        #expect(cell.real.medianLateness == 0.4 && cell.virtual.medianLateness == nil)
        #expect((cell.pairs.both, cell.pairs.realOnly, cell.pairs.virtualOnly, cell.pairs.neither) == (10, 2, 0, 8))
    }

    @Test func `a share outside the other's interval is said, with the prompts that differ`() throws {
        let cell = try cell(rows(TrialRow.virtualWorld, intact: 20), rows(TrialRow.realWorld, intact: 10))
        #expect(!cell.integrityAgrees && cell.delaysAgree && !cell.agrees)
        #expect(cell.reasons.contains(.prompts(virtualOnly: 10, realOnly: 0, of: 20)))
    }

    @Test func `one prompt more or less is what chance makes of 20`() throws {
        // 95 % have a Wilson interval from 76 to 99: 100 % lie outside it.
        let cell = try cell(rows(TrialRow.virtualWorld, intact: 20), rows(TrialRow.realWorld, intact: 19))
        #expect(!cell.integrityAgrees && !cell.agrees && cell.isExplained)
        guard case .chanceOfShare(of: "whole prompts", let interval)? = cell.reasons.first else {
            Issue.record("\(cell.reasons)")
            return
        }
        // Newcombe 1998, method 10.
        #expect(abs(interval.low - -23.6) < 0.1 && abs(interval.high - 11.7) < 0.5)
    }

    @Test func `a middle more than 5 ms away is said, with the difference of the pairs`() throws {
        let cell = try cell(rows(TrialRow.virtualWorld, intact: 20), rows(TrialRow.realWorld, intact: 20, delay: 56))
        #expect(cell.integrityAgrees && !cell.delaysAgree)
        #expect(cell.reasons == [.shifted(measure: "frame_delay_p50_ms", pairedMilliseconds: 6)])
        #expect(cell.reasons.first?.description == "frame_delay_p50_ms differs by 6.0 ms between trials with the same seed")
    }

    @Test func `what the ends compute in a set-up is told, and what differs without it`() throws {
        func real(_ setup: Double, computing: Double) -> [TrialRow] {
            rows(TrialRow.realWorld, intact: 20, setup: setup).map { row in
                var row = row
                row.setupComputingMilliseconds = computing
                return row
            }
        }
        let explained = try cell(rows(TrialRow.virtualWorld, intact: 20), real(110, computing: 7))
        #expect(!explained.agrees && explained.isExplained)
        #expect(explained.reasons == [.computing(measure: "setup_ms", milliseconds: 7, rest: 1)])
        // Speech begins at 120 ms in both worlds.
        let other = try cell(rows(TrialRow.virtualWorld, intact: 20), real(130, computing: 7))
        #expect(!other.isExplained)
        #expect(
            other.reasons == [
                .ticks(20, of: 20), .computing(measure: "setup_ms", milliseconds: 7, rest: 21),
                .shifted(measure: "setup_ms", pairedMilliseconds: 21),
            ])
    }

    /// Of 20 trials, those that went on over another connection after so long, of which the ends computed a part.
    private func resumed(_ world: String, count: Int, after time: Double = 200, computing: Double? = nil) -> [TrialRow] {
        rows(world, intact: 20).map { row in
            var row = row
            guard row.trial < count else { return row }
            row.resumes = 1
            row.resumeMilliseconds = time
            row.resumeComputingMilliseconds = computing
            return row
        }
    }

    @Test func `sessions that go on over another connection are to be as many, and as soon`() throws {
        let same = try cell(resumed(TrialRow.virtualWorld, count: 10), resumed(TrialRow.realWorld, count: 11, after: 204))
        #expect(same.agrees)
        let explained = try cell(resumed(TrialRow.virtualWorld, count: 10), resumed(TrialRow.realWorld, count: 11, after: 208, computing: 7))
        #expect(!explained.agrees && explained.isExplained)
        #expect(explained.reasons == [.computing(measure: "resume_ms", milliseconds: 7, rest: 1)])
        let fewer = try cell(resumed(TrialRow.virtualWorld, count: 20), resumed(TrialRow.realWorld, count: 5))
        #expect(!fewer.agrees && !fewer.isExplained)
        #expect(fewer.reasons.map(\.description) == [
            "20 of 20 sessions went on over another connection in virtual time, 5 of 20 in real time"
        ])
    }

    @Test func `resumes have columns only where there are any`() throws {
        let without = try #require(Agreement(resumed(TrialRow.virtualWorld, count: 0) + resumed(TrialRow.realWorld, count: 0)))
        let with = try #require(Agreement(resumed(TrialRow.virtualWorld, count: 20) + resumed(TrialRow.realWorld, count: 20, after: 203)))
        #expect(!without.table(usesStyle: false)[0].contains("resume"))
        #expect(with.table(usesStyle: false)[0].contains("resume") && with.table(usesStyle: false)[2].contains("200/203 "))
        #expect(with.csv.split(separator: "\n")[0].contains("resume_ms_virtual_median"))
    }

    @Test func `what chance makes of few trials is told from a shift`() throws {
        func delays(_ world: String, _ delay: (Int) -> Double) -> [TrialRow] {
            rows(world, intact: 20).map { row in
                var row = row
                row.frameDelayP50Milliseconds = delay(row.trial)
                return row
            }
        }
        // The same wide spread in both worlds, 12 ms apart in the middle, and pairs that have nothing to do with each other.
        let virtual = delays(TrialRow.virtualWorld) { Double($0) * 10 }
        let real = delays(TrialRow.realWorld) { Double($0 * 7 % 20) * 10 + 12 }
        let cell = try cell(virtual, real)
        guard case .chance(measure: "frame_delay_p50_ms", let interval, _)? = cell.reasons.first else {
            Issue.record("\(cell.reasons)")
            return
        }
        #expect(interval.low < 0 && interval.high > 12)
        #expect(cell.isExplained)
        // As wide a spread, but each pair is 12 ms apart.
        let shifted = try self.cell(virtual, delays(TrialRow.realWorld) { Double($0) * 10 + 12 })
        #expect(shifted.reasons == [.shifted(measure: "frame_delay_p50_ms", pairedMilliseconds: 12)])
        let agreement = try #require(Agreement(virtual + real))
        #expect((agreement.agreeing, agreement.explained) == (0, 1))
        #expect(agreement.verdict.contains("in 1 more"))
    }

    @Test func `a median between two humps is told from a shift`() throws {
        func waits(_ world: String, slow: Int) -> [TrialRow] {
            rows(world, intact: 20).map { row in
                var row = row
                row.commitWaitMilliseconds = row.trial < slow ? 250 : 50
                return row
            }
        }
        let cell = try cell(waits(TrialRow.virtualWorld, slow: 9), waits(TrialRow.realWorld, slow: 11))
        #expect(cell.reasons == [.humps(measure: "commit_wait_ms", pairedMilliseconds: 0)])
    }

    @Test func `where one world waited longer for its sender, that is said`() throws {
        func stalled(_ world: String, _ stall: Double, wait: Double) -> [TrialRow] {
            rows(world, intact: 20, wait: wait).map { row in
                var row = row
                row.stallMilliseconds = stall
                return row
            }
        }
        let cell = try cell(stalled(TrialRow.virtualWorld, 2_300, wait: 50), stalled(TrialRow.realWorld, 2_650, wait: 400))
        #expect(cell.reasons == [
            .stalls(virtual: 2_300, real: 2_650), .shifted(measure: "commit_wait_ms", pairedMilliseconds: 350),
        ])
        #expect(!cell.isExplained)
    }

    @Test func `a late machine and trials without an end are said first`() throws {
        let real = rows(TrialRow.realWorld, intact: 20, wait: 90).map { row in
            var row = row
            row.linkLatenessP99Milliseconds = 12
            if row.trial == 0 { row.end = "not open in time" }
            return row
        }
        let cell = try cell(rows(TrialRow.virtualWorld, intact: 20), real)
        #expect(cell.reasons.prefix(2) == [.unfinished(1, of: 20), .late(milliseconds: 12)])
    }

    @Test func `cells of one world only are not compared, and without any there is no agreement`() throws {
        #expect(Agreement(rows(TrialRow.virtualWorld, intact: 20)) == nil)
        let both = rows(TrialRow.virtualWorld, intact: 20) + rows(TrialRow.realWorld, intact: 20)
            + rows(TrialRow.virtualWorld, intact: 20, mode: "stream")
        let agreement = try #require(Agreement(both))
        #expect(agreement.cells.map(\.cell.mode) == ["datagram"])
        #expect(agreement.agreeing == 1)
    }

    @Test func `table and file have a line a cell`() throws {
        let both = rows(TrialRow.virtualWorld, intact: 20) + rows(TrialRow.realWorld, intact: 10)
        let agreement = try #require(Agreement(both))
        let table = agreement.table(usesStyle: false)
        #expect(table.count == 3 + agreement.cells[0].reasons.count)
        #expect(table[2].contains("100/50!") && table[2].contains("102/102 ") && table[2].hasSuffix("differ"))
        let lines = agreement.csv.split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines[0].hasPrefix("profile,transport,mode,agrees,"))
        #expect(agreement.json.contains(#""integrity_agrees":false"#))
    }
}
