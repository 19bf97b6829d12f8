internal import Framing
package import QUIC
package import Session
internal import Wire

/// Sends frames over a QUIC connection, by whatever primitive each is given: one datagram, one stream a frame, or one stream
/// for all. RoQ and WebTransport differ only in the bytes that stand before the flow identifier.
///
/// A frame for a stream waits in a queue when the peer gives no credit; `flush` tries again. A frame for a datagram never waits.
package struct MediaSender {
    private let quic: QUICConnection
    private let format: MediaFormat
    /// The transport's own header of a stream, which session flow control does not count, and the flow after it.
    private let streamHeader: [UInt8]
    private let uncountedByteCount: Int
    /// The first bytes of each datagram, flow included.
    private let datagramHeader: [UInt8]
    private var queue: BoundedQueue<QueuedFrame>
    /// The stream of `.stream`, once it is open.
    private var longStream: StreamID?
    /// A stream that was opened and to which nothing could be written yet.
    private var spareStream: StreamID?

    private struct QueuedFrame {
        var delivery: Delivery
        var frame: MediaFrame
    }

    /// - Parameters:
    ///   - streamHeader: what the transport puts before the flow identifier of a stream; empty for RoQ.
    ///   - datagramHeader: the same for datagrams.
    package init(
        quic: QUICConnection, flow: UInt64, streamHeader: [UInt8], datagramHeader: [UInt8], format: MediaFormat,
        limits: MediaStreamLimits
    ) {
        self.quic = quic
        self.format = format
        uncountedByteCount = streamHeader.count
        self.streamHeader = streamHeader.appending(varInt: flow)
        self.datagramHeader = datagramHeader.appending(varInt: flow)
        queue = BoundedQueue(limit: limits.queuedFrames)
    }

    /// The streams of ours that are open and not ended: to be reset when the session ends.
    package var openStreams: [StreamID] { [longStream, spareStream].compactMap(\.self) }

    package mutating func send(_ frame: MediaFrame, delivery: Delivery, credit: inout SendCredit) throws(SendRefusal) {
        guard quic.isEstablished else { throw .notOpen }
        if delivery == .datagram { return try sendDatagram(frame) }
        // Order is kept: nothing overtakes what waits.
        guard queue.isEmpty, write(frame, delivery, &credit) else {
            guard queue.append(QueuedFrame(delivery: delivery, frame: frame)) else { throw .queueFull }
            return
        }
    }

    /// Sends what waits, as far as credit goes. Call it when QUIC says `streamsAvailable`, `writable` or `streamClosed`.
    package mutating func flush(credit: inout SendCredit) {
        while let next = queue.first, write(next.frame, next.delivery, &credit) { _ = queue.popFirst() }
    }

    /// The peer wants no more of `stream`, or it is closed: frames go on, on a new one (RoQ draft-14 section 6.2).
    package mutating func forget(_ stream: StreamID) {
        if stream == longStream { longStream = nil }
        if stream == spareStream { spareStream = nil }
    }

    private func sendDatagram(_ frame: MediaFrame) throws(SendRefusal) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(datagramHeader.count + format.byteCount(of: frame))
        bytes.append(contentsOf: datagramHeader)
        format.write(frame, into: &bytes)
        do {
            try quic.sendDatagram(bytes, id: UInt64(frame.sequence))
        } catch {
            switch error {
            case .datagramTooLarge(let maximum): throw .tooLarge(maximum: max(0, maximum - datagramHeader.count))
            case .datagramsUnsupported: throw .tooLarge(maximum: 0)
            case .datagramQueueFull: throw .queueFull
            default: throw .notOpen
            }
        }
    }

    /// Writes a frame to its stream; `false` when it must wait.
    private mutating func write(_ frame: MediaFrame, _ delivery: Delivery, _ credit: inout SendCredit) -> Bool {
        if delivery == .stream, let longStream {
            do {
                return try write(frame, to: longStream, isFirst: false, isFinal: false, &credit)
            } catch {
                // The peer has stopped it: the frame goes to a new one.
                forget(longStream)
            }
        }
        guard let stream = freshStream(&credit) else { return false }
        let isAlone = delivery == .streamPerFrame
        guard (try? write(frame, to: stream, isFirst: true, isFinal: isAlone, &credit)) == true else { return false }
        spareStream = nil
        if !isAlone { longStream = stream }
        return true
    }

    /// Writes a frame to `stream`; `false` when credit or buffer do not suffice.
    /// - Throws: when the stream is over.
    private func write(
        _ frame: MediaFrame, to stream: StreamID, isFirst: Bool, isFinal: Bool, _ credit: inout SendCredit
    ) throws(QUICRefusal) -> Bool {
        let packetByteCount = format.byteCount(of: frame)
        let byteCount = (isFirst ? streamHeader.count : 0) + VarInt.length(of: UInt64(packetByteCount)) + packetByteCount
        let countedByteCount = byteCount - (isFirst ? uncountedByteCount : 0)
        guard credit.allows(byteCount: countedByteCount) else { return false }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(byteCount)
        if isFirst { bytes.append(contentsOf: streamHeader) }
        bytes.append(varInt: UInt64(packetByteCount))
        format.write(frame, into: &bytes)
        do {
            try quic.write(bytes, to: stream, isFinal: isFinal)
        } catch {
            guard error == .bufferFull else { throw error }
            return false
        }
        credit.useBytes(countedByteCount)
        return true
    }

    private mutating func freshStream(_ credit: inout SendCredit) -> StreamID? {
        if let spareStream { return spareStream }
        guard credit.allowsStream, let stream = try? quic.openStream(.unidirectional) else { return nil }
        credit.useStream()
        spareStream = stream
        return stream
    }
}

extension [UInt8] {
    func appending(varInt value: UInt64) -> [UInt8] {
        var bytes = self
        bytes.append(varInt: value)
        return bytes
    }
}
