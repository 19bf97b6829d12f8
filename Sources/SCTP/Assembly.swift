/// Joins the pieces in which usrsctp hands over a message that is longer than half of its receive buffer.
struct Assembly {
    struct TooLarge: Error {}

    private struct Key: Hashable {
        var stream: UInt16
        var isUnordered: Bool
    }

    private let byteLimit: Int
    private var pieces: [Key: [UInt8]] = [:]
    private var byteCount = 0

    init(byteLimit: Int) { self.byteLimit = byteLimit }

    /// The whole message, if this was its last piece.
    /// - Throws: `TooLarge` where this or all that is being joined goes over the limit.
    mutating func add(stream: UInt16, isUnordered: Bool, bytes: [UInt8], isEnd: Bool) throws(TooLarge) -> [UInt8]? {
        let key = Key(stream: stream, isUnordered: isUnordered)
        guard byteCount + bytes.count <= byteLimit else { throw TooLarge() }
        guard isEnd else {
            byteCount += bytes.count
            pieces[key, default: []] += bytes
            return nil
        }
        guard let before = pieces.removeValue(forKey: key) else { return bytes }
        byteCount -= before.count
        return before + bytes
    }

    /// The sender gave up the message of which there are pieces.
    mutating func abandon(stream: UInt16) {
        for isUnordered in [false, true] {
            byteCount -= pieces.removeValue(forKey: Key(stream: stream, isUnordered: isUnordered))?.count ?? 0
        }
    }
}
