/// What one trial measured: one line of `trials.jsonl`. `docs/measures.md` defines every column.
///
/// Times are milliseconds rounded to the microsecond; `nil` where the trial never came to the moment that ends them.
package struct TrialRow: Hashable, Sendable {
    package var schema = Self.currentSchema
    package var commit = ""
    package var seed = 0
    package var trial = 0
    package var planIndex = 0
    package var transport = ""
    package var mode = ""
    package var profile = ""
    package var clip = ""
    /// Where the trial ran: `virtualWorld` or `realWorld`.
    package var world = Self.virtualWorld
    package var clipMilliseconds = 0
    package var framesSent = 0
    package var framesLive = 0
    package var framesPrompt = 0
    package var framesRecoveredFEC = 0
    package var framesRecoveredRED = 0
    package var framesRecoveredNACK = 0
    package var framesRecoveredRepair = 0
    package var framesDuplicate = 0
    package var framesMissing = 0
    package var framesAfterDecision = 0
    package var framesDropped = 0
    package var framesHeld = 0
    package var framesRefused = 0
    package var longestGapMilliseconds = 0
    /// How often the session went on over another connection.
    package var resumes = 0
    /// From the wish for another connection to the session's going on over it; the longest.
    package var resumeMilliseconds: Double?
    /// The transports over which the prompt came, in order, with `>` between, where there was more than one connection.
    package var transports = ""
    package var intact = false
    package var verdict = ""
    package var end = ""
    package var setupMilliseconds: Double?
    package var setupRoundTrips: Int?
    package var setupSignallingRoundTrips: Int?
    /// `EarlyDataOutcome`, as text.
    package var earlyData = "none"
    package var firstEventMilliseconds: Double?
    package var frameDelayP50Milliseconds: Double?
    package var frameDelayP95Milliseconds: Double?
    package var frameDelayP99Milliseconds: Double?
    package var liveDelayP99Milliseconds: Double?
    package var liveOwnDelayP99Milliseconds: Double?
    /// The longest time in which no frame of the prompt came.
    package var stallMilliseconds: Double?
    package var commitWaitMilliseconds: Double?
    package var responseFirstAudioMilliseconds: Double?
    package var responseFrames = 0
    package var answerFrames = 0
    package var answerFramesMissing = 0
    package var answerIntact = false
    package var answerVerdict = ""
    package var answerWaitMilliseconds: Double?
    package var wireBytesUp = 0
    package var wireBytesDown = 0
    package var wirePacketsUp = 0
    package var wirePacketsDown = 0
    package var droppedPacketsUp = 0
    package var droppedPacketsDown = 0
    package var payloadBytesUp = 0
    /// A letter of `FrameFate` for each frame sent, in order; empty where no prompt was decided.
    package var frameFates = ""
    package var linkLatenessP99Milliseconds: Double?
    package var captureLatenessP99Milliseconds: Double?
    /// Of `setupMilliseconds`, what the ends computed; only where real time passed.
    package var setupComputingMilliseconds: Double?
    /// The same of `resumeMilliseconds`.
    package var resumeComputingMilliseconds: Double?
    package var log = ""
    package var virtualSeconds = 0.0
    package var wallSeconds = 0.0

    /// Raised when a column changes its meaning; new columns do not raise it.
    package static let currentSchema = 1

    /// Simulated links and a clock that jumps.
    package static let virtualWorld = "virtual"
    /// Real sockets, the kernel and its clock.
    package static let realWorld = "real"

    package init() {}
}

extension TrialRow {
    /// Every column, in the order in which files have them.
    static let columns: [Column] = [
        .integer("schema", \.schema),
        .text("commit", \.commit),
        .integer("seed", \.seed),
        .integer("trial", \.trial),
        .integer("plan_index", \.planIndex),
        .text("transport", \.transport),
        .text("mode", \.mode),
        .text("profile", \.profile),
        .text("clip", \.clip),
        .text("world", \.world),
        .integer("clip_ms", \.clipMilliseconds),
        .integer("frames_sent", \.framesSent),
        .integer("frames_live", \.framesLive),
        .integer("frames_prompt", \.framesPrompt),
        .integer("frames_recovered_fec", \.framesRecoveredFEC),
        .integer("frames_recovered_red", \.framesRecoveredRED),
        .integer("frames_recovered_nack", \.framesRecoveredNACK),
        .integer("frames_recovered_repair", \.framesRecoveredRepair),
        .integer("frames_duplicate", \.framesDuplicate),
        .integer("frames_missing", \.framesMissing),
        .integer("frames_after_decision", \.framesAfterDecision),
        .integer("frames_dropped", \.framesDropped),
        .integer("frames_held", \.framesHeld),
        .integer("frames_refused", \.framesRefused),
        .integer("longest_gap_ms", \.longestGapMilliseconds),
        .integer("resumes", \.resumes),
        .optionalNumber("resume_ms", \.resumeMilliseconds),
        .text("transports", \.transports),
        .flag("intact", \.intact),
        .text("verdict", \.verdict),
        .text("end", \.end),
        .optionalNumber("setup_ms", \.setupMilliseconds),
        .optionalInteger("setup_round_trips", \.setupRoundTrips),
        .optionalInteger("setup_signalling_round_trips", \.setupSignallingRoundTrips),
        .text("early_data", \.earlyData),
        .optionalNumber("first_event_ms", \.firstEventMilliseconds),
        .optionalNumber("frame_delay_p50_ms", \.frameDelayP50Milliseconds),
        .optionalNumber("frame_delay_p95_ms", \.frameDelayP95Milliseconds),
        .optionalNumber("frame_delay_p99_ms", \.frameDelayP99Milliseconds),
        .optionalNumber("live_delay_p99_ms", \.liveDelayP99Milliseconds),
        .optionalNumber("live_own_delay_p99_ms", \.liveOwnDelayP99Milliseconds),
        .optionalNumber("stall_ms", \.stallMilliseconds),
        .optionalNumber("commit_wait_ms", \.commitWaitMilliseconds),
        .optionalNumber("response_first_audio_ms", \.responseFirstAudioMilliseconds),
        .integer("response_frames", \.responseFrames),
        .integer("answer_frames", \.answerFrames),
        .integer("answer_frames_missing", \.answerFramesMissing),
        .flag("answer_intact", \.answerIntact),
        .text("answer_verdict", \.answerVerdict),
        .optionalNumber("answer_wait_ms", \.answerWaitMilliseconds),
        .integer("wire_bytes_up", \.wireBytesUp),
        .integer("wire_bytes_down", \.wireBytesDown),
        .integer("wire_packets_up", \.wirePacketsUp),
        .integer("wire_packets_down", \.wirePacketsDown),
        .integer("dropped_packets_up", \.droppedPacketsUp),
        .integer("dropped_packets_down", \.droppedPacketsDown),
        .integer("payload_bytes_up", \.payloadBytesUp),
        .text("frame_fates", \.frameFates),
        .optionalNumber("link_lateness_p99_ms", \.linkLatenessP99Milliseconds),
        .optionalNumber("capture_lateness_p99_ms", \.captureLatenessP99Milliseconds),
        .optionalNumber("setup_computing_ms", \.setupComputingMilliseconds),
        .optionalNumber("resume_computing_ms", \.resumeComputingMilliseconds),
        .text("log", \.log),
        .number("virtual_s", \.virtualSeconds),
        .fineNumber("wall_s", \.wallSeconds),
    ]

    /// One column: its name, and the way in and out of a row.
    struct Column: Sendable {
        let name: String
        let value: @Sendable (TrialRow) -> RowValue
        /// Sets the row's value; `false` when `RowValue` has the wrong type.
        let set: @Sendable (inout TrialRow, RowValue) -> Bool

        static func integer(_ name: String, _ path: any WritableKeyPath<TrialRow, Int> & Sendable) -> Column {
            Column(name: name, value: { .integer($0[keyPath: path]) }) { row, value in
                guard case .integer(let integer) = value else { return false }
                row[keyPath: path] = integer
                return true
            }
        }

        static func optionalInteger(_ name: String, _ path: any WritableKeyPath<TrialRow, Int?> & Sendable) -> Column {
            Column(name: name, value: { $0[keyPath: path].map(RowValue.integer) ?? .null }) { row, value in
                switch value {
                case .integer(let integer): row[keyPath: path] = integer
                case .null: row[keyPath: path] = nil
                default: return false
                }
                return true
            }
        }

        static func number(_ name: String, _ path: any WritableKeyPath<TrialRow, Double> & Sendable) -> Column {
            Column(name: name, value: { .number($0[keyPath: path]) }) { row, value in
                guard let number = value.asNumber else { return false }
                row[keyPath: path] = number
                return true
            }
        }

        static func fineNumber(_ name: String, _ path: any WritableKeyPath<TrialRow, Double> & Sendable) -> Column {
            Column(name: name, value: { .fineNumber($0[keyPath: path]) }, set: number(name, path).set)
        }

        static func optionalNumber(_ name: String, _ path: any WritableKeyPath<TrialRow, Double?> & Sendable) -> Column {
            Column(name: name, value: { $0[keyPath: path].map(RowValue.number) ?? .null }) { row, value in
                guard value == .null || value.asNumber != nil else { return false }
                row[keyPath: path] = value.asNumber
                return true
            }
        }

        static func text(_ name: String, _ path: any WritableKeyPath<TrialRow, String> & Sendable) -> Column {
            Column(name: name, value: { .text($0[keyPath: path]) }) { row, value in
                guard case .text(let text) = value else { return false }
                row[keyPath: path] = text
                return true
            }
        }

        static func flag(_ name: String, _ path: any WritableKeyPath<TrialRow, Bool> & Sendable) -> Column {
            Column(name: name, value: { .flag($0[keyPath: path]) }) { row, value in
                guard case .flag(let flag) = value else { return false }
                row[keyPath: path] = flag
                return true
            }
        }
    }
}

/// A value of a column, in the types of JSON.
enum RowValue: Hashable, Sendable {
    case integer(Int)
    /// Written with three decimals.
    case number(Double)
    /// Written with six decimals.
    case fineNumber(Double)
    case text(String)
    case flag(Bool)
    case null

    var asNumber: Double? {
        switch self {
        case .integer(let integer): Double(integer)
        case .number(let number), .fineNumber(let number): number
        default: nil
        }
    }
}
