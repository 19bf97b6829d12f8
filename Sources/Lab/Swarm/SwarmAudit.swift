import Endpoint
import Session
package import Wire

/// The server's own list of what it did, by session, to hold the clients' books against.
struct SwarmAudit {
    private(set) var violations: [String] = []
    private(set) var counts = SwarmCounts()
    private var receipts: [String: [Receipt]] = [:]
    private var accounts: [String: FrameAccount] = [:]

    mutating func hear(_ notice: ServerNotice) {
        switch notice {
        case .promptDecided(let id, let receipt): receipts[id, default: []].append(receipt)
        case .framesAccounted(let id, let account):
            if accounts.updateValue(account, forKey: id) != nil { violate("session \(id) ended twice") }
            check(account, of: id)
        default: break
        }
    }

    mutating func violate(_ what: String) { if violations.count < SwarmLimits.violations { violations.append(what) } }

    /// Every frame that came is counted once, and every prompt's as its receipt says.
    private mutating func check(_ account: FrameAccount, of id: String) {
        if !account.isBalanced { violate("the frames of session \(id) do not add up: \(account)") }
        let decided = receipts[id, default: []].reduce(0) { $0 + $1.receivedFrames }
        if account.decided != decided { violate("session \(id) decided \(account.decided) frames, and its receipts say \(decided)") }
        if account.overflowed > 0 { violate("session \(id) lost \(account.overflowed) frames over its limits") }
    }

    /// Holds a client's book of one session against the server's.
    mutating func close(_ book: SwarmBook, of name: String, hasManifest: Bool) {
        counts += book.counts
        for violation in book.violations { violate("\(name): \(violation)") }
        guard let id = book.sessionID else { return }
        let given = receipts[id, default: []]
        if book.receipts != given {
            violate("\(name): the server gave \(given.count) receipts, and \(book.receipts.count) others were heard")
        }
        guard let account = accounts[id] else { return violate("\(name): the server has not ended session \(id)") }
        count(account, of: name, captured: book.counts.frames)
        guard hasManifest else { return }
        if book.expectedFrames + book.counts.framesCleared != book.counts.frames {
            violate("\(name): of \(book.counts.frames) frames \(book.expectedFrames) were in prompts and \(book.counts.framesCleared) cleared")
        }
        if account.held > 0 { violate("\(name): the server still held \(account.held) frames at the end") }
    }

    /// What was captured and not counted among the frames of a prompt is lost, and cannot be less than nothing.
    private mutating func count(_ account: FrameAccount, of name: String, captured: Int) {
        let lost = captured - account.fresh - account.afterDecision
        if lost < 0 { violate("\(name): \(captured) frames were captured, and more were new to the server: \(account)") }
        counts.framesLost += lost
        counts.framesAfterDecision += account.afterDecision
        counts.framesDuplicate += account.duplicate
        counts.framesOutside += account.outside
    }
}

/// How a swarm came out.
package struct SwarmReport: Hashable, Sendable {
    /// With it the swarm runs again, step by step.
    package let seed: UInt64
    package let counts: SwarmCounts
    /// Every promise that was broken; none, where all is well.
    package let violations: [String]
    /// When everything was over, in virtual time.
    package let end: Instant
}
