package import QUIC
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

    /// An event is written in pieces no longer than this, so that it passes a send buffer of any size.
    private static let pieceByteCount = 16 * 1024

    /// - Parameter header: what stands before the first event on the stream; it goes out with that event.
    package init(quic: QUICConnection, header: [UInt8] = [], limits: MediaStreamLimits) {
        self.quic = quic
        self.header = header
        // An event of the greatest length is cut into this many pieces at most.
        queue = BoundedQueue(limit: limits.queuedEvents + limits.queuedEventByteCount / Self.pieceByteCount)
        byteLimit = limits.queuedEventByteCount
    }

    /// Whether events wait for a stream or for its credit.
    package var isWaiting: Bool { !queue.isEmpty }

    package mutating func open(on stream: StreamID, credit: inout SendCredit) {
        self.stream = stream
        flush(credit: &credit)
    }

    /// Queues one event's bytes, framing included: all of them or none.
    package mutating func send(_ bytes: [UInt8], credit: inout SendCredit) throws(SendRefusal) {
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
        flush(credit: &credit)
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
