internal import Foundation
internal import Lab
internal import Report
internal import Server

/// `--asr`: has the prompts of a sweep recognised, and writes what they became.
struct RecognitionRun {
    let command: String
    let limit: Int
    let timeoutSeconds: Double
    let printsTable: Bool

    /// - Throws: why texts are missing, after those that there are were written and shown.
    func run(
        _ rows: [TrialRow], clips: [RecognisedClip], output: CompareOutput, extend: ([ReportSection]) -> Void
    ) throws {
        var recognition: Recognition
        do throws(RecognitionError) {
            recognition = try Recognition(rows: rows, clips: clips, limit: limit)
        } catch {
            throw CommandFailure(code: error.code, description: error.description)
        }
        announce(recognition)
        var failure: (any Error)?
        do {
            try recognise(&recognition)
        } catch {
            failure = error
        }
        output.write(recognition.jsonLines().map { $0 + "\n" }.joined(), to: "asr.jsonl")
        output.write(recognition.csv(), to: "asr.csv")
        if printsTable { show(recognition) }
        extend([ReportSection(recognition)].compactMap { $0 })
        if let error = failure as? RecogniserError { throw CommandFailure(code: error.code, description: error.description) }
        if let failure { throw CommandFailure(code: "asr_failed", description: "a prompt cannot be decoded: \(failure)") }
    }

    private func announce(_ recognition: Recognition) {
        let seconds = TimeEstimate.text(recognition.duration / .seconds(1))
        FileHandle.standardError.write(Data("\(recognition.soundCount) distinct prompts for the recogniser, \(seconds) of sound\n".utf8))
    }

    private func recognise(_ recognition: inout Recognition) throws {
        let source = recognition
        var limits = RecogniserLimits()
        limits.silenceSeconds = timeoutSeconds
        let stop = Pipe()
        let signals = StopSignals { stop.fileHandleForWriting.write(Data([0])) }
        defer { withExtendedLifetime(signals) {} }
        var progress = ProgressLine(total: source.soundCount)
        defer { progress.clear() }
        try Recogniser(command: command, limits: limits).run(
            count: source.soundCount, stop: stop.fileHandleForReading.fileDescriptor, request: source.request
        ) { id, text in
            recognition.hear(id: id, text: text)
            progress.advance(text, unit: "prompts")
        }
    }

    private func show(_ recognition: Recognition) {
        let style = TerminalStyle(descriptor: STDOUT_FILENO, environment: Environment.variables)
        print("")
        RecognitionTable(recognition).lines().forEach { print($0) }
        print("")
        RecognitionTable.reading.forEach { print(style.paint($0, .faint)) }
    }
}
