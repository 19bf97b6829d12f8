import Opus
import Wire

/// What a recogniser makes of the prompts that rows tell of: each distinct sound is asked for once, and the codec's own
/// damage is told apart from the network's.
///
/// Three texts belong to a prompt: that of the recording, that of the undamaged codec output, and that of what was received.
package struct Recognition: Sendable {
    /// A trial, and the sounds that its texts come from.
    struct Trial: Sendable {
        let row: TrialRow
        let clip: RecognisedClip
        /// `nil` where nothing was received: then nothing was heard.
        let received: String?
        let undamaged: String
        let recording: String?
    }

    /// A sound to be recognised.
    enum Sound: Sendable {
        case recording(RecognisedClip)
        case heard(HeardSound)
    }

    private(set) var trials: [Trial] = []
    /// By identifier, in the order in which they are asked for.
    private(set) var sounds: [(id: String, sound: Sound)] = []
    private(set) var texts: [String: SpokenText] = [:]
    private(set) var answers: [String: String] = [:]
    /// Trials of each cell that were taken, where not all were: those of the lowest numbers.
    package private(set) var trialsTaken: Int?

    /// - Parameters:
    ///   - clips: those that the rows name; rows of other clips are left out.
    ///   - limit: the most sounds to ask for. What is over it is left out by whole trial numbers, so that all cells keep
    ///     the same trials.
    /// - Throws: `tooMany` where a single trial of each cell is over the limit.
    package init(rows: [TrialRow], clips: [RecognisedClip], limit: Int) throws(RecognitionError) {
        let byName = Dictionary(clips.map { ($0.clip.name, $0) }, uniquingKeysWith: { first, _ in first })
        var known: Set<String> = []
        for (number, rows) in Dictionary(grouping: rows, by: \.trial).sorted(by: { $0.key < $1.key }) {
            let (before, taken) = (sounds.count, trials.count)
            for row in rows {
                guard let clip = byName[row.clip] else { continue }
                add(row, clip, &known)
            }
            guard sounds.count > limit else { continue }
            guard taken > 0 else { throw .tooMany(sounds.count, limit: limit) }
            trials.removeLast(trials.count - taken)
            sounds.removeLast(sounds.count - before)
            trialsTaken = number
            return
        }
        guard !trials.isEmpty else { throw .noClips }
    }

    private mutating func add(_ row: TrialRow, _ clip: RecognisedClip, _ known: inout Set<String>) {
        let sent = clip.sent(in: row.mode)
        let recording = clip.recording.map { _ in clip.recordingID }
        let undamaged = HeardSound(undamaged: sent), received = HeardSound(sent, frameFates: row.frameFates)
        if let recording, known.insert(recording).inserted { sounds.append((recording, .recording(clip))) }
        if known.insert(undamaged.id).inserted { sounds.append((undamaged.id, .heard(undamaged))) }
        if !received.isSilent, known.insert(received.id).inserted { sounds.append((received.id, .heard(received))) }
        trials.append(Trial(
            row: row, clip: clip, received: received.isSilent ? nil : received.id, undamaged: undamaged.id, recording: recording))
    }

    /// How many sounds are to be recognised.
    package var soundCount: Int { sounds.count }

    /// How long all of them play.
    package var duration: Duration {
        sounds.reduce(.zero) { sum, entry in
            switch entry.sound {
            case .recording(let clip): sum + .milliseconds(clip.clip.durationMilliseconds)
            case .heard(let sound): sum + sound.duration
            }
        }
    }

    /// The request for a sound, decoded now.
    package func request(_ index: Int) throws -> RecogniserRequest {
        let (id, sound) = sounds[index]
        let wav =
            switch sound {
            case .recording(let clip): clip.recording ?? []
            case .heard(let sound): try sound.wav()
            }
        return RecogniserRequest(id: id, sampleRate: HeardSound.sampleRate.rawValue, wav: wav)
    }

    /// Takes an answer.
    package mutating func hear(id: String, text: String) {
        answers[id] = text
        texts[id] = SpokenText(text)
    }

    /// What was heard of a trial; `nil` while its texts are not all there.
    func outcome(of trial: Trial) -> RecognitionOutcome? {
        guard let undamaged = texts[trial.undamaged] else { return nil }
        let heard: SpokenText
        if let received = trial.received {
            guard let text = texts[received] else { return nil }
            heard = text
        } else {
            heard = SpokenText(words: [])
        }
        let recording = trial.recording.flatMap { texts[$0] }
        return RecognitionOutcome(said: trial.clip.words, recording: recording, undamaged: undamaged, heard: heard)
    }
}

/// Why there is nothing to recognise.
package enum RecognitionError: Error, Hashable, Sendable, CustomStringConvertible {
    case tooMany(Int, limit: Int)
    case noClips

    package var code: String {
        switch self {
        case .tooMany: "asr_too_many"
        case .noClips: "asr_no_clips"
        }
    }

    package var description: String {
        switch self {
        case .tooMany(let count, let limit):
            "one trial of each cell makes more than \(limit) distinct prompts already (\(count)); choose fewer cells, or raise --asr-limit"
        case .noClips: "the rows name other clips than these; name the clips that were spoken"
        }
    }
}

/// A trial's texts, held against what was said.
struct RecognitionOutcome: Hashable, Sendable {
    /// Of what was received; `nil` where nobody knows what was said.
    let heard: WordAlignment?
    /// Of the undamaged codec output.
    let codec: WordAlignment?
    let recording: WordAlignment?
    /// Whether the text is another than that of the undamaged codec output.
    let isChanged: Bool

    init(said: SpokenText?, recording: SpokenText?, undamaged: SpokenText, heard: SpokenText) {
        self.heard = said.map { WordAlignment(said: $0, heard: heard) }
        codec = said.map { WordAlignment(said: $0, heard: undamaged) }
        self.recording = said.flatMap { said in recording.map { WordAlignment(said: said, heard: $0) } }
        isChanged = heard != undamaged
    }
}
