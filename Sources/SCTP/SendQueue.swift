internal import Wire

/// Messages that wait for the congestion and receive windows, above usrsctp.
///
/// They wait here and not in usrsctp for one reason: usrsctp looks at a message's lifetime only when it would send it a
/// second time, so one that waits there behind a closed window is sent however old it is.
struct SendQueue {
    struct Message {
        var bytes: [UInt8]
        var stream: UInt16
        var protocolID: UInt32
        var isOrdered: Bool
        var reliability: SCTPReliability
        /// When its lifetime is over.
        var expiry: Instant?
    }

    private var messages: BoundedQueue<Message>
    private let byteLimit: Int
    private(set) var byteCount = 0
    /// How many messages of each stream wait.
    private var streams: [UInt16: Int] = [:]

    init(limits: SCTPLimits) {
        messages = BoundedQueue(limit: limits.queuedMessageCount)
        byteLimit = limits.queuedByteCount
    }

    var isEmpty: Bool { messages.isEmpty }
    var first: Message? { messages.first }
    /// The earliest time at which something could be thrown away. Only the first message counts: the others cannot leave
    /// before it.
    var firstExpiry: Instant? { messages.first?.expiry }
    var isHalfEmpty: Bool { byteCount * 2 <= byteLimit && messages.count * 2 <= messages.limit }

    func contains(stream: UInt16) -> Bool { (streams[stream] ?? 0) > 0 }

    mutating func append(_ message: Message) -> Bool {
        guard byteCount + message.bytes.count <= byteLimit || messages.isEmpty, messages.append(message) else { return false }
        byteCount += message.bytes.count
        streams[message.stream, default: 0] += 1
        return true
    }

    mutating func removeFirst() {
        guard let message = messages.popFirst() else { return }
        byteCount -= message.bytes.count
        if let count = streams[message.stream] { streams[message.stream] = count > 1 ? count - 1 : nil }
    }

    /// Throws away what is too old at the head.
    mutating func expire(at now: Instant) {
        while let expiry = firstExpiry, expiry <= now { removeFirst() }
    }

    mutating func removeAll() {
        messages.removeAll()
        streams.removeAll()
        byteCount = 0
    }
}
