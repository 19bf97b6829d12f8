internal import Foundation
internal import Glibc
internal import Lab
internal import Session
internal import Wire

// What the processes of a run say to each other, one JSON object a line. Instants are nanoseconds of the machine's
// monotonic clock, which all processes of a machine share.

/// What the clients' process is told.
enum ClientCommand: Codable {
    case begin(TrialBeginning)
    /// The trial's account is taken: its connection may close.
    case close(trial: Int)
}

/// One trial, as its client must know it.
struct TrialBeginning: Codable, Hashable {
    /// Its number in this run.
    var trial: Int
    /// A transport or a move (`TrialCourse`).
    var transport: String
    var mode: String
    var clip: String
    /// When it connects.
    var origin: UInt64
    /// Whether speech does not wait for the connection.
    var speaksWhileOpening: Bool
}

/// What the clients' process reports.
enum ClientReport: Codable {
    case ready
    /// The answer was heard, or the trial is over in another way; the connection still stands.
    case over(ClientRecord)
    case closed(trial: Int)
}

/// What a client saw of its trial.
struct ClientRecord: Codable, Hashable {
    var trial: Int
    var session: String?
    var opened: UInt64?
    var firstEvent: UInt64?
    var committed: UInt64?
    var firstAudio: UInt64?
    var answerFrames = 0
    /// When the answer had been played, and when it could be accounted for.
    var answerStopped: UInt64?
    var answerDecided: UInt64?
    var answer: Receipt?
    var refusedCount = 0
    var resumeCount = 0
    /// The longest of them, from the wish to the event.
    var resumeWanted: UInt64?
    var resumed: UInt64?
    var finished: UInt64 = 0
    var end = ""
    /// By frame: when it was captured, and when it should have been.
    var captures: [UInt64] = []
    var ticks: [UInt64] = []

    init(trial: Int) { self.trial = trial }

    init(trial: Int, _ talk: TrialTalk) {
        let record = talk.record
        self.trial = trial
        session = record.session
        opened = record.opened?.nanoseconds
        firstEvent = record.firstEvent?.nanoseconds
        committed = record.committed?.nanoseconds
        firstAudio = record.firstAudio?.nanoseconds
        answerFrames = record.answerFrames
        answerStopped = record.answerStopped?.nanoseconds
        answerDecided = record.answerDecided?.nanoseconds
        answer = record.answer
        refusedCount = record.refusedCount
        resumeCount = record.resumeCount
        resumeWanted = record.resume?.lowerBound.nanoseconds
        resumed = record.resume?.upperBound.nanoseconds
        finished = record.finished.nanoseconds
        end = record.end
        captures = record.captures.map(\.nanoseconds)
        ticks = talk.ticks.map(\.nanoseconds)
    }
}

/// What the server's process is asked: the account of a session's prompt.
struct ServerCommand: Codable {
    var trial: Int
    /// Which of its servers has the session.
    var port: Int
    var session: String?
}

enum ServerReport: Codable {
    case ready
    case account(trial: Int, AccountRecord?)
}

/// A prompt's account, on its way from one process to another.
struct AccountRecord: Codable, Hashable {
    var receipt: Receipt
    var firstSequence: UInt16
    var frames: [Frame]
    var committed: UInt64
    var decided: UInt64
    var framesAfterDecision: Int

    enum Frame: Codable, Hashable {
        case arrived(UInt64, recovery: Recovery?)
        case covered
        case missing
    }

    enum Recovery: String, Codable {
        case red, nack, repair

        init(_ recovery: MediaFrame.Recovery) {
            self =
                switch recovery {
                case .red: .red
                case .nack: .nack
                case .repair: .repair
                }
        }

        var recovery: MediaFrame.Recovery {
            switch self {
            case .red: .red
            case .nack: .nack
            case .repair: .repair
            }
        }
    }

    init(_ account: PromptAccount) {
        receipt = account.receipt
        firstSequence = account.firstSequence
        committed = account.committed.nanoseconds
        decided = account.decided.nanoseconds
        framesAfterDecision = account.framesAfterDecision
        frames = account.frames.map { frame in
            switch frame {
            case .arrived(let arrival, let recovery): .arrived(arrival.nanoseconds, recovery: recovery.map(Recovery.init))
            case .covered: .covered
            case .missing: .missing
            }
        }
    }

    /// The account, in the time of a trial that began at `origin`.
    func account(since origin: Instant) -> PromptAccount {
        func moved(_ nanoseconds: UInt64) -> Instant { .zero + (Instant(nanoseconds: nanoseconds) - origin) }
        return PromptAccount(
            receipt: receipt, firstSequence: firstSequence,
            frames: frames.map { frame in
                switch frame {
                case .arrived(let arrival, let recovery):
                    .arrived(moved(arrival), recovery: recovery?.recovery)
                case .covered: .covered
                case .missing: .missing
                }
            },
            committed: moved(committed), decided: moved(decided), framesAfterDecision: framesAfterDecision)
    }
}

/// Lines of JSON on a pipe.
struct MessageLines<Message: Decodable> {
    private var partial = Data()

    /// The messages that `bytes` make whole.
    mutating func append(_ bytes: some Sequence<UInt8>) throws -> [Message] {
        partial.append(contentsOf: bytes)
        var messages: [Message] = []
        while let end = partial.firstIndex(of: UInt8(ascii: "\n")) {
            messages.append(try JSONDecoder().decode(Message.self, from: partial[..<end]))
            partial = Data(partial[(end + 1)...])
        }
        return messages
    }
}

extension Encodable {
    /// Writes this as one line, and waits until the pipe has taken it; a reader that is gone is no concern of the writer's.
    func writeLine(to output: Int32) {
        guard var line = try? JSONEncoder().encode(self) else { return }
        line.append(UInt8(ascii: "\n"))
        while !line.isEmpty {
            let count = line.withUnsafeBytes { Glibc.write(output, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else { return }
            line.removeFirst(max(0, count))
        }
    }
}

extension Decodable {
    /// The message of one line.
    init(line: String) throws { self = try JSONDecoder().decode(Self.self, from: Data(line.utf8)) }
}
