import Lab
import Testing

@Suite struct RowTests {
    static func row(
        transport: String = "roq", mode: String = "datagram", profile: String = "burst-10", clip: String = "a",
        trial: Int = 0, framesPrompt: Int = 200, intact: Bool = true, commitWait: Double? = 50.125
    ) -> TrialRow {
        var row = TrialRow()
        row.commit = "0123abc"
        row.seed = 1000 + trial
        row.trial = trial
        (row.transport, row.mode, row.profile, row.clip) = (transport, mode, profile, clip)
        row.clipMilliseconds = 4000
        (row.framesSent, row.framesPrompt, row.framesLive) = (200, framesPrompt, framesPrompt)
        row.intact = intact
        row.verdict = intact ? "intact" : "degraded"
        row.end = TrialRow.completedEnd
        row.setupMilliseconds = 101.5
        row.setupRoundTrips = 1
        row.frameDelayP50Milliseconds = 50.112
        row.frameDelayP99Milliseconds = 150.25
        row.commitWaitMilliseconds = commitWait
        row.responseFirstAudioMilliseconds = 400.5
        (row.wireBytesUp, row.payloadBytesUp) = (40_000, 20_000)
        row.frameFates = String(repeating: "L", count: framesPrompt) + String(repeating: "-", count: 200 - framesPrompt)
        row.log = "00ff"
        row.virtualSeconds = 5.25
        row.wallSeconds = 0.004
        return row
    }

    /// The columns that readers of the files rely on, in their order.
    private static let required = """
        schema commit seed trial transport mode profile clip world clip_ms frames_sent frames_live frames_prompt \
        frames_recovered_fec frames_recovered_red frames_recovered_nack frames_recovered_repair frames_duplicate \
        longest_gap_ms intact verdict setup_ms setup_round_trips frame_delay_p50_ms frame_delay_p95_ms \
        frame_delay_p99_ms live_delay_p99_ms commit_wait_ms response_first_audio_ms wire_bytes_up wire_bytes_down \
        wire_packets_up wire_packets_down payload_bytes_up frame_fates virtual_s wall_s
        """.split(separator: " ").map(String.init)

    @Test func `a row is one line whose columns keep their names and order`() {
        let line = Self.row().json
        #expect(!line.contains("\n"))
        let positions = Self.required.map { name in line.firstRange(of: "\"\(name)\":")?.lowerBound }
        #expect(!positions.contains(nil))
        let found = positions.compactMap { $0 }
        #expect(found == found.sorted())
        #expect(line.hasPrefix(#"{"schema":1,"commit":"0123abc","seed":1000,"trial":0,"plan_index":0,"transport":"roq","mode":"datagram","#))
        #expect(line.contains(#""frame_delay_p95_ms":null"#))
        #expect(line.contains(#""setup_ms":101.500,"#))
        #expect(line.hasSuffix(#""virtual_s":5.250,"wall_s":0.004000}"#))
    }

    @Test func `a row survives writing and reading`() throws {
        var row = Self.row(commitWait: nil)
        row.clip = "a \"quoted\\ name\u{1} ü, 😀"
        row.end = "timeout\n"
        #expect(try TrialRow(json: row.json) == row)
        #expect(try TrialRow(json: TrialRow(json: row.json).json) == row)
    }

    @Test func `later columns are passed over, missing and mistyped ones are named`() throws {
        let line = Self.row().json
        let later = line.replacing("{\"schema\"", with: "{\"new_column\":[1],\"schema\"", maxReplacements: 1)
        #expect(throws: RowError.self) { try TrialRow(json: later) }
        let flat = line.replacing("{\"schema\"", with: "{\"new_column\":1e2,\"schema\"", maxReplacements: 1)
        #expect(try TrialRow(json: flat) == Self.row())
        #expect(throws: RowError.missing(column: "trial")) {
            try TrialRow(json: line.replacing("\"trial\":0,", with: ""))
        }
        #expect(throws: RowError.wrongType(column: "trial")) {
            try TrialRow(json: line.replacing("\"trial\":0,", with: "\"trial\":\"0\","))
        }
        #expect(throws: RowError.schema(2)) { try TrialRow(json: line.replacing("\"schema\":1", with: "\"schema\":2")) }
    }

    @Test func `no shorter line and no mangled byte traps`() {
        let bytes = Array(Self.row().json.utf8)
        for length in 0..<bytes.count {
            let prefix = Array(bytes.prefix(length))
            #expect(throws: RowError.self) { try TrialRow(json: prefix.span) }
        }
        for index in bytes.indices {
            for replacement: UInt8 in [0, 0x22, 0x5C, 0x7B, 0x2C, 0x39, 0xFF] {
                var mangled = bytes
                mangled[index] = replacement
                _ = try? TrialRow(json: mangled.span)
            }
        }
    }
}
