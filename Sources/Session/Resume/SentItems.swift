/// What a client has sent and the server may lack, in the order of sending: events, and the frames of reliable modes.
///
/// A receipt says that the server has all up to its commit; `session.resumed` says what it has at that moment.
struct SentItems: Sendable {
    enum Item: Hashable, Sendable {
        case event(number: Int, id: String, isCommit: Bool, [UInt8])
        case frame(MediaFrame)
    }

    private struct Entry: Sendable {
        let item: Item
        /// On the how manieth attachment it was sent last.
        var attachment: Int
    }

    private let limit: Int
    private var entries: [Entry?] = []
    private var head = 0
    /// Grows with each attachment.
    private var attachment = 0
    private(set) var forgottenCount = 0

    init(limit: Int) { self.limit = limit }

    var count: Int { entries.count - head }

    mutating func append(_ item: Item) {
        if count >= limit {
            removeFirst()
            forgottenCount += 1
        }
        entries.append(Entry(item: item, attachment: attachment))
    }

    /// Whether a commit is among them that no receipt has settled.
    var holdsCommit: Bool {
        entries[head...].contains { if case .event(_, _, isCommit: true, _) = $0?.item { true } else { false } }
    }

    /// What is sent from now on goes another way.
    mutating func beginAttachment() { attachment += 1 }

    /// The oldest commit was decided, or the one with this identifier was refused: the server needs nothing of its prompt again.
    /// What belongs to commits before a refused one, which still wait for their receipts, stays.
    mutating func settle(commit id: String? = nil) {
        let index = entries[head...].firstIndex { entry in
            guard case .event(_, let eventID, isCommit: true, _) = entry?.item else { return false }
            return id == nil || id == eventID
        }
        guard let index else { return }
        let before = entries[head..<index].lastIndex { entry in
            if case .event(_, _, isCommit: true, _) = entry?.item { true } else { false }
        }
        guard let before else {
            for _ in head...index { removeFirst() }
            return
        }
        entries.removeSubrange((before + 1)...index)
    }

    /// Forgets what the server has, by its own account.
    /// - Returns: the rest, as far as it went another way before, to be sent again in this order.
    mutating func takeLacking(_ account: ResumeAccount) -> [Item] {
        var kept: [Entry?] = []
        var lacking: [Item] = []
        for case var entry? in entries[head...] {
            switch entry.item {
            case .event(let number, _, _, _):
                // A commit that the server has stays, for its receipt to settle.
                if number <= account.clientEvents {
                    if case .event(_, _, isCommit: true, _) = entry.item { kept.append(entry) }
                    continue
                }
            case .frame(let frame):
                if account.held.contains(where: { $0.contains(frame.sequence) }) { continue }
            }
            if entry.attachment < attachment {
                lacking.append(entry.item)
                entry.attachment = attachment
            }
            kept.append(entry)
        }
        (entries, head) = (kept, 0)
        return lacking
    }

    private mutating func removeFirst() {
        entries[head] = nil
        head += 1
        if head >= 64, head * 2 >= entries.count {
            entries.removeFirst(head)
            head = 0
        }
    }
}
