import Session
import Wire

/// What one client of a swarm has asked for, and what it must hear of it: an account of its own, which knows nothing of
/// the server but the protocol's promises. Whatever breaks one is a violation, in words.
struct SwarmBook {
    /// An answer that the server gives at once, in the order of asking.
    enum Answer: Hashable {
        case sessionCreated, sessionUpdated, committed, cleared
    }

    /// A committed prompt that has no receipt yet.
    struct Prompt: Hashable {
        var frames: Int
        var hasManifest: Bool
        /// Every frame was given to a reliable primitive, and taken.
        var isReliable: Bool
        var itemID: String?
    }

    private enum Response {
        case none
        case asked
        case active(id: String)
    }

    private(set) var violations: [String] = []
    private(set) var sessionID: String?
    /// When the client last did or heard something: what is written down happened then.
    var now = Instant.zero
    /// The receipts heard, in order.
    private(set) var receipts: [Receipt] = []
    private(set) var counts = SwarmCounts()
    /// In all receipts.
    private(set) var expectedFrames = 0
    private var answers: [Answer] = [.sessionCreated]
    private var prompts: [Prompt] = []
    private var response = Response.none
    /// Cancels that may find nothing to cancel: the response may have ended while they travelled.
    private var cancelCount = 0
    private var isPlaying = false
    /// The client has moved, or is about to: a mode may be asked for that the new transport has not.
    private var hasMoved = false

    /// Nothing that was asked for is still to come.
    var isSettled: Bool {
        guard answers.isEmpty, prompts.isEmpty, case .none = response else { return false }
        return true
    }

    /// What was asked for and is still to come, in words.
    var outstanding: String {
        "\(prompts.count) prompts without a receipt, answers \(answers), response \(response); \(receipts.count) receipts heard"
    }

    var mayCommit: Bool { prompts.count < SwarmLimits.openPrompts }
    var mayAskForResponse: Bool { if case .none = response { true } else { false } }
    var mayCancel: Bool { if case .active = response { true } else { false } }

    // MARK: What the client does

    mutating func captured() { counts.frames += 1 }
    mutating func updates() { answers.append(.sessionUpdated) }

    mutating func commits(_ prompt: Prompt) {
        counts.prompts += 1
        answers.append(.committed)
        prompts.append(prompt)
    }

    mutating func clears(frames: Int) {
        counts.framesCleared += frames
        answers.append(.cleared)
    }

    mutating func asksForResponse() { response = .asked }
    mutating func cancels() { cancelCount += 1 }
    mutating func moves() { hasMoved = true }

    // MARK: What it hears

    mutating func hear(_ notice: ClientNotice) {
        counts.notices += 1
        switch notice {
        case .sessionCreated(let id):
            sessionID = id
            answered(.sessionCreated)
        case .sessionResumed: counts.resumes += 1
        case .sessionUpdated: answered(.sessionUpdated)
        case .cleared: answered(.cleared)
        case .committed(let itemID):
            answered(.committed)
            guard let index = prompts.firstIndex(where: { $0.itemID == nil }) else { return violate("committed \(itemID), which was not asked") }
            prompts[index].itemID = itemID
        case .receipt(let receipt): hear(receipt)
        case .responseCreated(let id):
            guard case .asked = response else { return violate("response.created \(id), which was not asked or came twice") }
            response = .active(id: id)
        case .responseDone(let id, _):
            guard case .active(id) = response else { return violate("response.done \(id), which is not the one in progress") }
            response = .none
        case .answerFrame: counts.answerFrames += 1
        case .outputStarted:
            if isPlaying { violate("output_audio_buffer.started twice") }
            isPlaying = true
        case .outputStopped, .outputCleared:
            if !isPlaying { violate("output_audio_buffer.stopped or .cleared without .started") }
            isPlaying = false
        case .error(let error): hear(error)
        default: break
        }
    }

    private mutating func hear(_ error: EventError) {
        if error.code == .noActiveResponse, cancelCount > 0 {
            cancelCount -= 1
        } else if error.code == .unsupportedMode, hasMoved, answers.first == .sessionUpdated {
            answers.removeFirst()
        } else if error.code == .emptyBuffer, answers.first == .committed,
            let index = prompts.firstIndex(where: { $0.itemID == nil }), !prompts[index].hasManifest
        {
            // Every frame was lost, and no manifest told of them.
            answers.removeFirst()
            prompts.remove(at: index)
        } else {
            violate("error \(error.code.text): \(error.message)")
        }
    }

    private mutating func answered(_ answer: Answer) {
        if answers.first == answer {
            answers.removeFirst()
        } else {
            violate("\(answer) came where \(answers.first.map { "\($0)" } ?? "nothing") was expected")
        }
    }

    private mutating func hear(_ receipt: Receipt) {
        receipts.append(receipt)
        guard let prompt = prompts.first, prompt.itemID == receipt.itemID else {
            return violate("the receipt of \(receipt.itemID) came where \(prompts.first?.itemID ?? "none") was expected")
        }
        prompts.removeFirst()
        audit(receipt, of: prompt)
    }

    /// A receipt must add up, and keep what the mode promised.
    private mutating func audit(_ receipt: Receipt, of prompt: Prompt) {
        let recovered = receipt.recovered.red + receipt.recovered.nack + receipt.recovered.repair
        counts.framesDecided += receipt.receivedFrames
        expectedFrames += receipt.expectedFrames
        counts.framesMissing += receipt.expectedFrames - receipt.receivedFrames
        counts.intact += receipt.verdict == .intact ? 1 : 0
        func check(_ holds: Bool, _ promise: String) {
            if !holds { violate("\(promise); \(prompt), \(receipt)") }
        }
        check(receipt.receivedFrames <= receipt.expectedFrames, "more frames were received than expected")
        check(receipt.liveFrames + receipt.lateFrames == receipt.receivedFrames, "live and late frames are not all")
        check(recovered <= receipt.receivedFrames, "more frames were recovered than received")
        check(receipt.missing.isEmpty || receipt.receivedFrames < receipt.expectedFrames, "nothing is missing and holes are told")
        if prompt.hasManifest {
            check(receipt.expectedFrames == prompt.frames, "the prompt has another number of frames than were captured")
            check((receipt.verdict == .intact) == (receipt.receivedFrames == prompt.frames), "the verdict does not fit the count")
            if receipt.receivedFrames == prompt.frames {
                check(receipt.sha256.actual == receipt.sha256.expected, "all frames are there, and other bytes")
            }
            if prompt.isReliable, receipt.mode.isReliable { check(receipt.verdict == .intact, "a reliable mode lost a frame") }
        } else {
            // Nobody told the server where such a prompt ends: what was under way at its commit is in the next one.
            check(counts.framesDecided <= counts.frames, "more frames are in prompts than were captured")
        }
    }

    mutating func violate(_ what: String) {
        if violations.count < SwarmLimits.violations { violations.append("\(Int((now - .zero).milliseconds)) ms: \(what)") }
    }
}

extension ReliabilityMode {
    /// Whether every frame arrives while the session lives.
    var isReliable: Bool { ReliabilitySettings(mode: self).delivery.isReliable }
}
