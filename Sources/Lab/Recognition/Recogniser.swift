import Foundation

/// One sound for a speech recogniser.
package struct RecogniserRequest: Sendable {
    package var id: String
    package var sampleRate: Int
    /// A WAV file of one channel, 16 bits.
    package var wav: [UInt8]

    package init(id: String, sampleRate: Int, wav: [UInt8]) {
        self.id = id
        self.sampleRate = sampleRate
        self.wav = wav
    }

    /// A line of JSON, with its end.
    var line: Data {
        let base64 = Data(wav).base64EncodedString()
        return Data("{\"id\":\(jsonString(id)),\"sample_rate\":\(sampleRate),\"wav\":\"\(base64)\"}\n".utf8)
    }
}

/// Bounds of a recogniser's run.
package struct RecogniserLimits: Hashable, Sendable {
    /// How long it may neither read nor answer, at its start too.
    package var silenceSeconds = 120.0
    package var answerByteCount = 1 << 20
    /// How long it may take to end when it is told that nothing more comes.
    package var farewellSeconds = 5.0

    package init() {}
}

/// Why a recogniser gave no more answers. What it had answered before stands.
package enum RecogniserError: Error, Hashable, Sendable, CustomStringConvertible {
    case cannotStart(reason: String)
    case died(how: String, answered: Int, of: Int)
    case silent(seconds: Double, answered: Int, of: Int)
    case badAnswer(excerpt: String, problem: String)
    case refused(id: String, reason: String)
    case stopped

    /// A name for programs that does not change with the wording.
    package var code: String {
        switch self {
        case .cannotStart: "asr_cannot_start"
        case .died: "asr_died"
        case .silent: "asr_timeout"
        case .badAnswer: "asr_bad_answer"
        case .refused: "asr_refused"
        case .stopped: "asr_stopped"
        }
    }

    package var description: String {
        switch self {
        case .cannotStart(let reason): "the recogniser cannot be started: \(reason); check --asr"
        case .died(let how, let answered, let count):
            "the recogniser \(how) after \(answered) of \(count) prompts; what it wrote to standard error stands above"
        case .silent(let seconds, let answered, let count):
            "the recogniser neither read nor answered for \(Int(seconds)) s after \(answered) of \(count) prompts and was ended; "
                + "--asr-timeout gives it longer"
        case .badAnswer(let excerpt, let problem):
            "the recogniser's answer is no use: \(problem); expected {\"id\": …, \"text\": …} on one line, got \(excerpt)"
        case .refused(let id, let reason): "the recogniser could not do prompt \(id): \(reason)"
        case .stopped: "stopped"
        }
    }
}

/// A speech recogniser: a program of somebody's, started once, that reads a sound a line and writes a text a line, in any
/// order (docs/words.md).
package struct Recogniser: Sendable {
    package let command: String
    package var limits: RecogniserLimits

    package init(command: String, limits: RecogniserLimits = RecogniserLimits()) {
        self.command = command
        self.limits = limits
    }

    /// Has all sounds recognised, and calls `receive` with each answer.
    /// - Parameters:
    ///   - request: the sound of an index; asked for once, when its turn comes.
    ///   - stop: a descriptor that becomes readable when the work is to be given up.
    package func run(
        count: Int, stop: Int32? = nil, request: (Int) throws -> RecogniserRequest,
        receive: (_ id: String, _ text: String) -> Void
    ) throws {
        let program = try RecogniserProgram(command: command)
        // A program that is gone must show as an error of `write`, not end this process.
        let previous = signal(SIGPIPE, SIG_IGN)
        defer { signal(SIGPIPE, previous) }
        defer { program.end(within: limits.farewellSeconds) }
        var dialogue = RecogniserDialogue(limits: limits, count: count)
        while !dialogue.isOver {
            // The pipe is the bound: what the program does not read is not made.
            if dialogue.output.isEmpty {
                if dialogue.sentCount < count {
                    dialogue.add(try request(dialogue.sentCount))
                } else {
                    program.closeInput()
                }
            }
            switch program.wait(toWrite: !dialogue.output.isEmpty, stop: stop, seconds: limits.silenceSeconds - dialogue.silence) {
            case .readable:
                guard let data = program.read(), !data.isEmpty else {
                    throw program.death(answered: dialogue.answeredCount, of: count)
                }
                for answer in try dialogue.take(data) { receive(answer.id, answer.text) }
            case .writable:
                guard let written = program.write(dialogue.output) else {
                    throw program.death(answered: dialogue.answeredCount, of: count)
                }
                dialogue.sent(written)
            case .stopped: throw RecogniserError.stopped
            case .nothing:
                guard dialogue.silence < limits.silenceSeconds else {
                    program.kill()
                    throw RecogniserError.silent(
                        seconds: limits.silenceSeconds, answered: dialogue.answeredCount, of: count)
                }
            }
        }
    }
}

/// What was asked and what was answered; knows bytes and no program.
struct RecogniserDialogue {
    private let limits: RecogniserLimits
    private let count: Int
    private var open: Set<String> = []
    private var input = Data()
    private var lastSign = ContinuousClock.now
    /// What is still to be written.
    private(set) var output = Data()
    private(set) var sentCount = 0
    private(set) var answeredCount = 0

    init(limits: RecogniserLimits, count: Int) {
        self.limits = limits
        self.count = count
    }

    var isOver: Bool { answeredCount == count }
    /// How long there has been no sign of life, in seconds.
    var silence: Double { (ContinuousClock.now - lastSign) / .seconds(1) }

    mutating func add(_ request: RecogniserRequest) {
        open.insert(request.id)
        output.append(request.line)
        sentCount += 1
    }

    /// So many bytes were taken.
    mutating func sent(_ byteCount: Int) {
        guard byteCount > 0 else { return }
        output = Data(output.dropFirst(byteCount))
        lastSign = .now
    }

    /// The answers that are whole with these bytes.
    mutating func take(_ data: Data) throws(RecogniserError) -> [(id: String, text: String)] {
        input.append(data)
        var answers: [(id: String, text: String)] = []
        while let end = input.firstIndex(of: UInt8(ascii: "\n")) {
            let line = [UInt8](input[input.startIndex..<end])
            input = Data(input[(end + 1)...])
            guard line.contains(where: { $0 > 0x20 }) else { continue }
            answers.append(try answer(in: line))
        }
        guard input.count <= limits.answerByteCount else {
            throw .badAnswer(excerpt: Self.excerpt(input), problem: "a line is longer than \(limits.answerByteCount >> 10) KiB")
        }
        return answers
    }

    private mutating func answer(in line: [UInt8]) throws(RecogniserError) -> (id: String, text: String) {
        let excerpt = Self.excerpt(line)
        let text: JSONText
        do throws(JSONTextError) {
            text = try JSONText(line.span)
        } catch {
            throw .badAnswer(excerpt: excerpt, problem: "no JSON, \(error.problem)")
        }
        guard case .object(let members) = text.value else { throw .badAnswer(excerpt: excerpt, problem: "no object") }
        func string(_ name: String) -> String? {
            guard case .text(let value)? = members.first(where: { $0.name == name })?.value.value else { return nil }
            return value
        }
        guard let id = string("id") else { throw .badAnswer(excerpt: excerpt, problem: "it has no id") }
        guard open.contains(id) else { throw .badAnswer(excerpt: excerpt, problem: "nobody waits for the id \(id.prefix(40))") }
        if let error = string("error") { throw .refused(id: id, reason: String(error.prefix(400))) }
        guard let heard = string("text") else { throw .badAnswer(excerpt: excerpt, problem: "it has no text") }
        open.remove(id)
        answeredCount += 1
        lastSign = .now
        return (id, heard)
    }

    /// The beginning of a line that may hold anything.
    private static func excerpt(_ bytes: some Sequence<UInt8>) -> String {
        jsonString(String(decoding: Array(bytes.prefix(80)), as: UTF8.self))
    }
}
