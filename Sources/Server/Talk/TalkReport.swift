internal import Endpoint
package import QUIC
package import Session
package import Wire

/// What came of a conversation: what `talk` prints.
package struct TalkReport: Sendable {
    package var receipt: Receipt?
    package var failure: TalkFailure?
    package var sessionID: String?
    /// From the first packet until the server's `session.created`.
    package var setup: Duration?
    /// What became of the speech that was sent before the handshake was complete.
    package var earlyData = EarlyDataOutcome.none
    /// What the server gave for the next conversation.
    package var tickets = TicketWallet()
    package var committed: Instant?
    /// From the commit to the receipt, as the client saw it.
    package var receiptDelay: Duration?
    /// From the commit to the first frame of the answer.
    package var firstAnswerDelay: Duration?
    /// The mode that the server agreed to.
    package var mode: ReliabilityMode?
    package var answer: [MediaFrame] = []
    /// What this client received of the answer.
    package var answerReceipt: Receipt?
    /// Frames of the prompt that the transport did not take.
    package var refusedFrames = 0
    /// The move that the script asked for, once it was begun.
    package var move: TalkMove?
    /// How often the session went on over another connection after the former was lost.
    package var reconnections = 0

    package init() {}

    /// 0 for an intact prompt, 1 for any other, 2 where there is no receipt to judge by.
    package var exitStatus: Int32 {
        guard failure == nil, let receipt else { return 2 }
        return receipt.verdict == .intact ? 0 : 1
    }

    /// The answer's Opus packets in the order of their sequence numbers, each once; a lost one is missing.
    package var answerPackets: [[UInt8]] {
        var extender = SequenceExtender()
        var packets: [UInt64: [UInt8]] = [:]
        for frame in answer { packets[extender.extend(frame.sequence)] = frame.payload }
        return packets.sorted { $0.key < $1.key }.map(\.value)
    }

    /// The report for people, several lines.
    package func text(style: TerminalStyle, answerFile: String?) -> String {
        guard let receipt else { return "" }
        var lines = [headline(receipt, style: style)]
        func row(_ label: String, _ value: String) {
            lines.append("  " + label + String(repeating: " ", count: max(1, 12 - label.count)) + value)
        }
        let transports = receipt.transports ?? []
        let carried = transports.count > 1 ? transports.joined(separator: " → ") : receipt.transport
        row("transport", "\(carried), \(receipt.mode.rawValue)")
        if let move { row("moved", Self.move(move)) }
        if reconnections > 0 { row("reconnected", reconnections == 1 ? "once" : "\(reconnections) times") }
        if let setup {
            let early = earlyData == .none ? "" : ", early data \(earlyData.rawValue)"
            row("opened in", Self.milliseconds(setup) + early)
        }
        if let receiptDelay {
            row("receipt", "\(Self.milliseconds(receiptDelay)) after the commit; the server waited \(receipt.waitedMilliseconds) ms")
        }
        row("missing", Self.missing(receipt))
        row("late", "\(receipt.lateFrames) in time for the decision, but not live")
        if receipt.duplicateFrames > 0 { row("twice", "\(receipt.duplicateFrames)") }
        if let recovered = Self.recovered(receipt.recovered) { row("recovered", recovered) }
        if let actual = receipt.sha256.actual {
            row("sha256", receipt.sha256.expected == actual ? "\(actual) on both ends" : "\(actual) there, \(receipt.sha256.expected ?? "none") here")
        }
        if let firstAnswerDelay {
            let file = answerFile.map { ", in \($0)" } ?? ""
            row("answer", "\(answerPackets.count) frames, the first \(Self.milliseconds(firstAnswerDelay)) after the commit\(file)")
            if let answerReceipt { row("", Self.answer(answerReceipt)) }
        } else {
            row("answer", "none")
        }
        return lines.joined(separator: "\n")
    }

    private func headline(_ receipt: Receipt, style: TerminalStyle) -> String {
        let colour: TerminalStyle.Colour =
            switch receipt.verdict {
            case .intact: .green
            case .covered, .unverified: .yellow
            case .degraded, .rejected: .red
            }
        let verdict = style.paint(receipt.verdict.rawValue, colour)
        return "\(verdict)  \(receipt.receivedFrames) of \(receipt.expectedFrames) frames arrived, \(receipt.liveFrames) of them live"
    }

    private static func answer(_ receipt: Receipt) -> String {
        var text = "\(receipt.verdict.rawValue): \(receipt.receivedFrames) of \(receipt.expectedFrames) frames, \(receipt.liveFrames) of them live"
        if let recovered = recovered(receipt.recovered) { text += ", \(recovered)" }
        return receipt.missing.isEmpty ? text : "\(text); missing \(missing(receipt))"
    }

    private static func move(_ move: TalkMove) -> String {
        let start = "to \(move.transport.rawValue) after \(seconds(Int(move.spoken.nanoseconds / 1_000_000))) s of speech"
        return switch move.outcome {
        case .moved(let took): "\(start), in \(milliseconds(took))"
        case .underWay: "not \(start): the conversation was over before"
        case .failed(let reason): "not \(start): \(reason)"
        }
    }

    private static func missing(_ receipt: Receipt) -> String {
        guard !receipt.missing.isEmpty else { return "nothing" }
        let shown = receipt.missing.prefix(8).map { range in
            "\(seconds(range.fromMilliseconds))–\(seconds(range.toMilliseconds))"
        }
        let rest = receipt.missing.count > shown.count ? " and \(receipt.missing.count - shown.count) more" : ""
        return "\(shown.joined(separator: ", ")) s\(rest); the longest gap is \(receipt.longestGapMilliseconds) ms"
    }

    private static func recovered(_ recovered: Receipt.Recovered) -> String? {
        let parts = [
            ("fec", recovered.fec), ("red", recovered.red), ("nack", recovered.nack), ("repair", recovered.repair),
        ]
        .filter { $0.1 > 0 }
        .map { "\($0.1) by \($0.0)" }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }

    /// Seconds with two digits: frames begin at multiples of 20 ms.
    private static func seconds(_ milliseconds: Int) -> String {
        let hundredths = milliseconds / 10
        let fraction = hundredths % 100
        return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)"
    }

    private static func milliseconds(_ duration: Duration) -> String {
        let tenths = (duration.nanoseconds + 50_000) / 100_000
        return "\(tenths / 10).\(tenths % 10) ms"
    }
}

/// The report for programs: one JSON object.
package struct TalkReportLine: Encodable, Sendable {
    private let event = "talk"
    private let target: String
    private let setupMs: Double?
    private let earlyData: String
    private let receiptMs: Double?
    private let responseFirstAudioMs: Double?
    private let answerFrames: Int
    private let answerFile: String?
    private let receipt: Receipt?
    private let answerReceipt: Receipt?
    private let move: Move?
    private let reconnections: Int?
    private let error: Failure?

    private struct Failure: Encodable, Sendable {
        let code: String
        let message: String
    }

    /// `took_ms` is absent where the session did not move, and `reason` says why, where that is known.
    private struct Move: Encodable, Sendable {
        let to: String
        let spokenMs: Double
        var tookMs: Double?
        var reason: String?

        private enum CodingKeys: String, CodingKey { case to, spokenMs = "spoken_ms", tookMs = "took_ms", reason }

        init(_ move: TalkMove) {
            to = move.transport.rawValue
            spokenMs = move.spoken.milliseconds
            switch move.outcome {
            case .moved(let took): tookMs = took.milliseconds
            case .failed(let reason): self.reason = reason
            case .underWay: break
            }
        }
    }

    private enum CodingKeys: String, CodingKey {
        case event, target, receipt, move, reconnections, error
        case setupMs = "setup_ms", earlyData = "early_data", receiptMs = "receipt_ms", responseFirstAudioMs = "response_first_audio_ms"
        case answerFrames = "answer_frames", answerFile = "answer_file", answerReceipt = "answer_receipt"
    }

    package init(_ report: TalkReport, target: String, answerFile: String?) {
        self.target = target
        setupMs = report.setup?.milliseconds
        earlyData = report.earlyData.rawValue
        receiptMs = report.receiptDelay?.milliseconds
        responseFirstAudioMs = report.firstAnswerDelay?.milliseconds
        answerFrames = report.answerPackets.count
        self.answerFile = answerFile
        receipt = report.receipt
        answerReceipt = report.answerReceipt
        move = report.move.map(Move.init)
        reconnections = report.reconnections > 0 ? report.reconnections : nil
        error = report.failure.map { Failure(code: $0.code, message: $0.description) }
    }
}
