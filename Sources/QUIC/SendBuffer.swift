/// What the application wrote to one stream and the peer has not acknowledged yet.
///
/// ngtcp2 reads stream bytes again when it retransmits, so they keep one address until they are acknowledged:
/// each write is copied once into a chunk of its own, and chunks are freed as acknowledgements pass them.
struct SendBuffer: ~Copyable {
    private struct Chunk {
        let bytes: UnsafeMutableBufferPointer<UInt8>
        /// The stream offset of the first byte.
        let offset: Int
        var end: Int { offset + bytes.count }
    }

    private var chunks: [Chunk] = []
    /// Where the next write begins.
    private(set) var endOffset = 0
    /// Everything below has been given to ngtcp2.
    private(set) var sentOffset = 0
    /// Everything below has been acknowledged.
    private(set) var acknowledgedOffset = 0
    /// The application has written the last byte.
    private(set) var isFinished = false
    private(set) var isFinalSent = false

    deinit { for chunk in chunks { chunk.bytes.deallocate() } }

    var unacknowledgedByteCount: Int { endOffset - acknowledgedOffset }
    /// Whether something was promised to the peer that it has not acknowledged.
    var hasUnacknowledged: Bool { unacknowledgedByteCount > 0 || isFinished && !isFinalSent }
    /// Whether ngtcp2 has something to take.
    var hasUnsent: Bool { sentOffset < endOffset || isFinished && !isFinalSent }

    mutating func append(_ bytes: Span<UInt8>, isFinal: Bool) {
        if bytes.count > 0 {
            let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
            bytes.withUnsafeBufferPointer { _ = copy.initialize(from: $0) }
            chunks.append(Chunk(bytes: copy, offset: endOffset))
            endOffset += bytes.count
        }
        if isFinal { isFinished = true }
    }

    /// The unsent bytes of the first chunk that has some, at an address that holds until they are acknowledged,
    /// and whether the stream ends with them. No bytes and `isFinal` means that only the end is to be sent.
    func nextUnsent() -> (bytes: UnsafeBufferPointer<UInt8>, isFinal: Bool) {
        guard let chunk = chunks.first(where: { $0.end > sentOffset }) else {
            return (UnsafeBufferPointer(start: nil, count: 0), isFinished)
        }
        let unsent = UnsafeBufferPointer(rebasing: chunk.bytes[(sentOffset - chunk.offset)...])
        return (unsent, isFinished && chunk.end == endOffset)
    }

    mutating func markSent(_ byteCount: Int, isFinal: Bool) {
        sentOffset += byteCount
        if isFinal && sentOffset == endOffset { isFinalSent = true }
    }

    /// Nothing that was given to ngtcp2 has arrived: all of it is unsent again.
    mutating func rewind() {
        sentOffset = acknowledgedOffset
        isFinalSent = false
    }

    /// - Returns: how many bytes became free.
    mutating func acknowledge(upTo offset: Int) -> Int {
        let freed = max(0, offset - acknowledgedOffset)
        acknowledgedOffset += freed
        let passed = chunks.prefix { $0.end <= acknowledgedOffset }
        for chunk in passed { chunk.bytes.deallocate() }
        chunks.removeFirst(passed.count)
        return freed
    }
}

/// One stream as the application sees it.
final class StreamState {
    var send = SendBuffer()
    /// Bytes handed to the application and not yet given back as flow-control credit.
    var unconsumedByteCount = 0
    /// A write was refused; `writable` is owed when the buffer has drained.
    var owesWritable = false
    /// In the round-robin of streams with something to send.
    var isQueued = false
    /// The sending side is over: reset, stopped by the peer, or refused by ngtcp2.
    var isSendClosed = false
    /// We abandoned sending ourselves.
    var wasReset = false
    /// The peer's STOP_SENDING has been reported.
    var wasStopped = false
}
