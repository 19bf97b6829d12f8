import Lab
import Report

/// Rows made by hand, so that what the report must say of them is known.
enum Rows {
    /// The trials of one cell: the first `whole` of them brought the prompt whole.
    static func cell(
        _ transport: String, _ mode: String, profile: String = "burst-10", clip: String = "a", trials: Int = 100, whole: Int,
        commitWait: Double = 50, slowest: Double = 60, bytes: Int = 60_000, setup: Double = 100
    ) -> [TrialRow] {
        (0..<trials).map { trial in
            var row = TrialRow()
            row.commit = "0123abc"
            row.seed = 1000 + trial + 100_000 * profile.utf8.reduce(0) { ($0 &* 31 &+ Int($1)) % 997 }
            row.trial = trial
            (row.transport, row.mode, row.profile, row.clip) = (transport, mode, profile, clip)
            (row.clipMilliseconds, row.framesSent) = (400, 20)
            row.intact = trial < whole
            let lost = row.intact ? 0 : 1 + trial % 5
            (row.framesPrompt, row.framesLive, row.framesMissing, row.framesDropped) = (20 - lost, 20 - lost, lost, lost)
            row.frameFates = String(repeating: "L", count: 20 - lost) + String(repeating: "-", count: lost)
            row.verdict = row.intact ? "intact" : "degraded"
            row.end = TrialRow.completedEnd
            (row.setupMilliseconds, row.setupRoundTrips) = (setup, Int(setup / 100))
            // A spread of a few milliseconds, so that intervals are not points.
            let spread = Double(trial % 7)
            (row.frameDelayP50Milliseconds, row.frameDelayP95Milliseconds) = (50, 50)
            row.frameDelayP99Milliseconds = slowest + spread
            row.commitWaitMilliseconds = commitWait + spread
            row.responseFirstAudioMilliseconds = commitWait + 350 + spread
            (row.wireBytesUp, row.payloadBytesUp) = (bytes, 20_000)
            return row
        }
    }

    /// Two transports; streams keep everything, datagrams little, and nothing is said about `clean`.
    static let usual: [TrialRow] = ["clean", "burst-10"].flatMap { profile -> [TrialRow] in
        let isClean = profile == "clean"
        return ["roq", "webrtc"].flatMap { transport -> [TrialRow] in
            let setup = transport == "roq" ? 100.0 : 400
            return cell(transport, "datagram", profile: profile, whole: isClean ? 100 : 9, commitWait: isClean ? 50 : 250, setup: setup)
                + cell(
                    transport, "stream", profile: profile, whole: 100, slowest: isClean ? 60 : 400, bytes: 70_000, setup: setup)
        }
    }

    static func report(_ rows: [TrialRow], command: String = "parallax compare", sections: [ReportSection] = []) -> Report {
        Report(
            rows, summaries: summaries(rows),
            repetition: Repetition(command: command, seed: 7, circumstances: [.init(name: "system", value: "a machine")]),
            sections: sections, bootstrap: bootstrap)
    }

    static func summaries(_ rows: [TrialRow]) -> [CellSummary] {
        let baseline = rows.first.map { Baseline(transport: $0.transport, mode: $0.mode) }
        return CellSummary.cells(of: rows, baseline: baseline, poolsClips: true, bootstrap: bootstrap)
    }

    /// Fewer draws than in earnest: nothing here lies near an interval's end.
    private static let bootstrap = Bootstrap(resamples: 50)

    /// A library that draws nothing.
    static func library(_ body: String = "var Plotly = {};") throws -> ChartLibrary {
        try ChartLibrary(script: "/**\n* plotly.js v9.8.7\n* MIT\n*/\n" + body, licence: "MIT <licence>")
    }
}
