package import QUIC
internal import RTP
package import Session
internal import Wire

/// Sends events in order on one stream. What the stream does not take waits within limits.
package struct EventSender {
    /// The stream, once there is one; events that come earlier wait for it.
    package private(set) var stream: StreamID?
    private let quic: QUICConnection
    private var queue: BoundedQueue<[UInt8]>
    private var queuedByteCount = 0
    private let byteLimit: Int
    private var endsAfterQueue = false
    /// What stands before the first event, sent with it.
    private var header: [UInt8]
    /// The last events, for closing markers.
    private var recent: BoundedQueue<RecentEvent>
    private var eventCount: UInt64 = 0
    /// Where on the stream the next event ends that is sent, and where the first began.
    private var endOffset: Int
    private var startOffset = 0

    private struct RecentEvent {
        var index: UInt64
        var bytes: [UInt8]
        /// Where it ends, counted from the first event's beginning.
        var end: Int
    }

    /// An event is written in pieces no longer than this, so that it passes a send buffer of any size.
    private static let pieceByteCount = 16 * 1024

    /// - Parameter header: what stands before the first event on the stream; it goes out with that event.
    package init(quic: QUICConnection, header: [UInt8] = [], limits: MediaStreamLimits) {
        self.quic = quic
        self.header = header
        // An event of the greatest length is cut into this many pieces at most.
        queue = BoundedQueue(limit: limits.queuedEvents + limits.queuedEventByteCount / Self.pieceByteCount)
        byteLimit = limits.queuedEventByteCount
        recent = BoundedQueue(limit: limits.recentEvents)
        endOffset = header.count
    }

    /// Whether events wait for a stream or for its credit.
    package var isWaiting: Bool { !queue.isEmpty }

    package mutating func open(on stream: StreamID, credit: inout SendCredit) {
        self.stream = stream
        startOffset = quic.progress(of: stream)?.written ?? 0
        flush(credit: &credit)
    }

    /// Queues one event's bytes, framing included: all of them or none.
    /// - Parameter event: the event alone, as a closing marker may carry it.
    package mutating func send(_ bytes: [UInt8], event: [UInt8], credit: inout SendCredit) throws(SendRefusal) {
        let pieceCount = (bytes.count + Self.pieceByteCount - 1) / Self.pieceByteCount
        guard !endsAfterQueue else { throw .notOpen }
        guard queuedByteCount + bytes.count <= byteLimit, queue.count + pieceCount <= queue.limit else { throw .queueFull }
        if pieceCount == 1 {
            queue.append(bytes)
        } else {
            for start in stride(from: 0, to: bytes.count, by: Self.pieceByteCount) {
                queue.append(Array(bytes[start..<min(start + Self.pieceByteCount, bytes.count)]))
            }
        }
        queuedByteCount += bytes.count
        remember(event, byteCount: bytes.count)
        flush(credit: &credit)
    }

    private mutating func remember(_ event: [UInt8], byteCount: Int) {
        endOffset += byteCount
        if recent.count == recent.limit { _ = recent.popFirst() }
        recent.append(RecentEvent(index: eventCount, bytes: event, end: endOffset))
        eventCount += 1
    }

    /// Copies of the events that the peer has not acknowledged, the oldest first and none left out in between, as far as
    /// `room` reaches. Those before `delivered` it has by other means.
    func copies(from delivered: UInt64, room: Int) -> [(index: UInt64, copy: ClosingMarker.EventCopy)] {
        guard let stream, let progress = quic.progress(of: stream) else { return [] }
        var room = room
        var copies: [(index: UInt64, copy: ClosingMarker.EventCopy)] = []
        var rest = recent
        while let event = rest.popFirst() {
            guard event.index >= delivered, startOffset + event.end > progress.acknowledged else { continue }
            let copy = ClosingMarker.EventCopy(index: UInt16(truncatingIfNeeded: event.index), bytes: event.bytes)
            guard copy.byteCount <= room else { break }
            room -= copy.byteCount
            copies.append((event.index, copy))
        }
        return copies
    }

    /// Whether events were sent that the peer has neither acknowledged nor, from `delivered` on, got by other means.
    func hasUnacknowledged(from delivered: UInt64) -> Bool {
        guard delivered < eventCount, let stream, let progress = quic.progress(of: stream) else { return false }
        return startOffset + endOffset > progress.acknowledged
    }

    /// Writes what waits, as far as credit goes.
    package mutating func flush(credit: inout SendCredit) {
        guard let stream else { return }
        while let piece = queue.first {
            guard credit.allows(byteCount: piece.count),
                (try? quic.write(header.isEmpty ? piece : header + piece, to: stream, isFinal: endsAfterQueue && queue.count == 1)) != nil
            else { return }
            header = []
            credit.useBytes(piece.count)
            queuedByteCount -= piece.count
            _ = queue.popFirst()
        }
    }

    /// Ends the stream after what waits.
    package mutating func finish() {
        guard !endsAfterQueue else { return }
        endsAfterQueue = true
        if let stream, queue.isEmpty { try? quic.write([], to: stream, isFinal: true) }
    }

    package mutating func forget() { stream = nil }
}
