internal import Framing
package import QUIC
internal import RTP
package import Session
package import Wire

/// Sends frames over a QUIC connection, by whatever primitive each is given: one datagram (with earlier frames in it, or
/// sent again when it is lost, there or on a stream), one stream a frame (abandoned when the frame is too old), or one
/// stream for all.
/// RoQ and WebTransport differ only in the bytes that stand before the flow identifier and the code of a reset.
///
/// A frame for a stream waits in a queue when the peer gives no credit; `flush` tries again. A frame for a datagram never
/// waits. Call `handleTimeout` when `deadline` comes: it abandons what has expired.
package struct MediaSender {
    private let quic: QUICConnection
    private let format: MediaFormat
    /// The transport's own header of a stream, which session flow control does not count, and the flow after it.
    private let streamHeader: [UInt8]
    private let uncountedByteCount: Int
    /// The first bytes of each datagram, flow included.
    private let datagramHeader: [UInt8]
    /// What a reset says: the frames on the stream have expired.
    private let cancelCode: UInt64
    private var queue: BoundedQueue<QueuedFrame>
    /// No frame in the queue expires before this.
    private var queueExpiry: Instant?
    private var expiring = ExpiringStreams()
    private var unacknowledged: UnacknowledgedFrames
    private var repairs: RepairedFrames
    private var closing = Closing()
    private let limits: MediaStreamLimits
    private var history = RedundancyHistory()
    /// The stream of `.stream`, once it is open.
    private var longStream: StreamID?
    /// A stream that was opened and to which nothing could be written yet.
    private var spareStream: StreamID?

    private struct QueuedFrame {
        var delivery: Delivery
        var frame: MediaFrame
        /// When the frame is too old to be sent.
        var expiry: Instant?
    }

    /// What this end has done for the frames, beside sending each once.
    package struct Counters: Hashable, Sendable {
        package var resent = 0
        /// Streams that were reset since their frame was too old.
        package var abandoned = 0
        /// Frames that were too old before they could be sent.
        package var expiredUnsent = 0
        /// Frames that were put on a stream since their datagram was lost.
        package var repaired = 0
        package var closingMarkers = 0

        package init() {}
    }

    package private(set) var counters = Counters()

    /// - Parameters:
    ///   - streamHeader: what the transport puts before the flow identifier of a stream; empty for RoQ.
    ///   - datagramHeader: the same for datagrams.
    ///   - cancelCode: the code of a reset by which an expired frame is abandoned.
    package init(
        quic: QUICConnection, flow: UInt64, streamHeader: [UInt8], datagramHeader: [UInt8], cancelCode: UInt64,
        format: MediaFormat, limits: MediaStreamLimits
    ) {
        self.quic = quic
        self.format = format
        uncountedByteCount = streamHeader.count
        self.streamHeader = streamHeader.appending(varInt: flow)
        self.datagramHeader = datagramHeader.appending(varInt: flow)
        self.cancelCode = cancelCode
        queue = BoundedQueue(limit: limits.queuedFrames)
        unacknowledged = UnacknowledgedFrames(limit: limits.unacknowledgedFrames)
        repairs = RepairedFrames(limit: limits.repairedFrames)
        self.limits = limits
    }

    /// The streams of ours that are open and not ended: to be reset when the session ends.
    package var openStreams: [StreamID] { [longStream, spareStream].compactMap(\.self) }

    package mutating func send(_ frame: MediaFrame, delivery: Delivery, credit: inout SendCredit, now: Instant) throws(SendRefusal) {
        guard quic.canSend else { throw .notOpen }
        switch delivery {
        case .datagram: try sendDatagram(of: frame) { format.write(frame, into: &$0) }
        case .redundant(let depth): try sendRedundant(frame, depth: depth)
        case .resent(let age):
            try sendDatagram(of: frame) { format.write(frame, into: &$0) }
            unacknowledged.insert(frame, age: age, now: now)
        case .expiring(let age): try sendOnStream(QueuedFrame(delivery: delivery, frame: frame, expiry: now + age), &credit)
        case .repaired: try sendRepaired(frame, &credit, now: now)
        case .streamPerFrame, .stream: try sendOnStream(QueuedFrame(delivery: delivery, frame: frame), &credit)
        }
    }

    /// Sends what waits, as far as credit goes. Call it when QUIC says `streamsAvailable`, `writable` or `streamClosed`.
    package mutating func flush(credit: inout SendCredit) {
        while let next = queue.first, write(next, &credit) { _ = queue.popFirst() }
        if queue.isEmpty { queueExpiry = nil }
    }

    /// The peer wants no more of `stream`, or it is closed: frames go on, on a new one (RoQ draft-14 section 6.2).
    package mutating func forget(_ stream: StreamID) {
        if stream == longStream { longStream = nil }
        if stream == spareStream { spareStream = nil }
        expiring.remove(stream)
        repairs.closed(stream)
    }

    // MARK: Time and loss

    /// When `handleTimeout` has something to abandon, or to send again.
    package var deadline: Instant? {
        earliest(expiring.deadline, queueExpiry, unacknowledged.probe, earliest(repairs.silenceEnd, closing.next))
    }

    /// Abandons the frames that are too old: resets their streams, and drops what has not been sent. Sends again what
    /// nobody has told the fate of, and the closing marker that is due.
    /// - Parameter events: the same attachment's, of which a closing marker may carry copies.
    package mutating func handleTimeout(credit: inout SendCredit, events: EventSender, now: Instant) {
        if let due = closing.next, due <= now { sendMarker(events, now: now) }
        for frame in repairs.takeSilent(now: now) { sendAgainOnStream(frame, &credit) }
        for (sequence, attempt) in unacknowledged.takeSilent(now: now) { resend(sequence, attempt: attempt, now: now) }
        while let stream = expiring.popExpired(now: now) {
            counters.abandoned += 1
            quic.reset(stream, code: cancelCode)
        }
        guard let queueExpiry, queueExpiry <= now else { return }
        self.queueExpiry = nil
        for _ in 0..<queue.count {
            guard let next = queue.popFirst() else { break }
            if let expiry = next.expiry, expiry <= now {
                counters.expiredUnsent += 1
            } else {
                enqueue(next)
            }
        }
        flush(credit: &credit)
    }

    /// The peer has the datagram with this identifier.
    /// - Returns: the number of its frame; `nil` where it was a closing marker.
    package mutating func acknowledged(_ datagram: UInt64) -> UInt16? {
        if Closing.isMarker(datagram) {
            for sequence in closing.acknowledged(datagram) { repairs.acknowledged(sequence) }
            return nil
        }
        let sequence = UInt16(truncatingIfNeeded: datagram)
        unacknowledged.acknowledged(sequence)
        repairs.acknowledged(sequence)
        return sequence
    }

    /// The datagram with this identifier was lost: sends its frame again where that was promised and is still of use.
    /// - Returns: the number of its frame; `nil` where it was a closing marker.
    package mutating func lost(_ datagram: UInt64, credit: inout SendCredit, now: Instant) -> UInt16? {
        if Closing.isMarker(datagram) {
            closing.lost(datagram)
            return nil
        }
        let sequence = UInt16(truncatingIfNeeded: datagram)
        resend(sequence, attempt: UInt16(truncatingIfNeeded: datagram >> 16), now: now)
        if let frame = repairs.lost(sequence, now: now) { sendAgainOnStream(frame, &credit) }
        return sequence
    }

    private mutating func resend(_ sequence: UInt16, attempt: UInt16, now: Instant) {
        guard let (frame, attempt) = unacknowledged.lost(sequence, attempt: attempt, now: now) else { return }
        let count = UInt16(truncatingIfNeeded: counters.resent)
        // Over the path's limit or the queue's: the frame stays lost, as a datagram may.
        guard (try? sendDatagram(of: frame, attempt: attempt, { format.writeRetransmission(frame, count: count, into: &$0) })) != nil else { return }
        counters.resent += 1
    }

    // MARK: Repair

    private mutating func sendRepaired(_ frame: MediaFrame, _ credit: inout SendCredit, now: Instant) throws(SendRefusal) {
        var isRefused = false
        do {
            try sendDatagram(of: frame) { format.write(frame, into: &$0) }
        } catch {
            // Over the path's limit or the queue's: what a datagram cannot do, the stream does at once.
            guard error != .notOpen else { throw error }
            isRefused = true
        }
        if let evicted = repairs.insert(frame, now: now) { sendAgainOnStream(evicted, &credit) }
        guard isRefused, let frame = repairs.lost(frame.sequence, now: now) else { return }
        try sendOnStream(QueuedFrame(delivery: .repaired, frame: frame), &credit)
    }

    /// The queue holds more frames than can wait for repair: they are never refused.
    private mutating func sendAgainOnStream(_ frame: MediaFrame, _ credit: inout SendCredit) {
        guard (try? sendOnStream(QueuedFrame(delivery: .repaired, frame: frame), &credit)) != nil else { return }
        counters.repaired += 1
    }

    /// The talk is over: behind what was sent nothing follows that would show its loss. In mode `repair` closing markers
    /// follow, until the peer has acknowledged all frames and events.
    package mutating func endTalk(now: Instant) {
        guard repairs.endTalk() else { return }
        closing.begin(roundTrip: quic.minimumRTT, now: now)
    }

    private mutating func sendMarker(_ events: EventSender, now: Instant) {
        let isNeeded = !repairs.isEmpty || events.hasUnacknowledged(from: closing.delivered)
        // The marker before may wait for the congestion window: another one behind it would say the same.
        guard closing.take(isNeeded: isNeeded, roundTrip: quic.minimumRTT, now: now), !quic.hasQueuedDatagrams else { return }
        let overhead = RTP.headerByteCount + ClosingMarker.headByteCount
        var room = min(quic.maximumDatagramPayload - datagramHeader.count, limits.closingByteCount) - overhead
        let eventCopies = events.copies(from: closing.delivered, room: room)
        room -= eventCopies.reduce(0) { $0 + $1.copy.byteCount }
        let frames = repairs.copies(room, now: now) { ClosingMarker.FrameCopy($0).byteCount }
        let marker = ClosingMarker(
            last: repairs.last, content: .copies(frames: frames.map { ClosingMarker.FrameCopy($0) }, events: eventCopies.map(\.copy)))
        var bytes = datagramHeader
        format.writeClosing(marker, count: UInt16(truncatingIfNeeded: closing.count), into: &bytes)
        let id = closing.carry(frames: frames.map(\.sequence), events: eventCopies.last.map { $0.index + 1 })
        guard (try? quic.sendDatagram(bytes, id: id)) != nil else { return }
        counters.closingMarkers += 1
    }

    // MARK: Datagrams

    private mutating func sendRedundant(_ frame: MediaFrame, depth: Int) throws(SendRefusal) {
        let room = quic.maximumDatagramPayload - datagramHeader.count
        var packet: [UInt8] = []
        format.writeRedundant(frame, depth: depth, history: &history, maximumByteCount: room, into: &packet)
        try sendDatagram(of: frame) { $0.append(contentsOf: packet) }
    }

    /// - Parameter attempt: how often the frame was sent before; with the frame's number it identifies the datagram.
    private func sendDatagram(of frame: MediaFrame, attempt: UInt16 = 0, _ write: (inout [UInt8]) -> Void) throws(SendRefusal) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(datagramHeader.count + format.byteCount(of: frame) + 2)
        bytes.append(contentsOf: datagramHeader)
        write(&bytes)
        do {
            try quic.sendDatagram(bytes, id: UInt64(attempt) << 16 | UInt64(frame.sequence))
        } catch {
            switch error {
            case .datagramTooLarge(let maximum): throw .tooLarge(maximum: max(0, maximum - datagramHeader.count))
            case .datagramsUnsupported: throw .tooLarge(maximum: 0)
            case .datagramQueueFull: throw .queueFull
            default: throw .notOpen
            }
        }
    }

    // MARK: Streams

    private mutating func sendOnStream(_ frame: QueuedFrame, _ credit: inout SendCredit) throws(SendRefusal) {
        // Order is kept: nothing overtakes what waits.
        if queue.isEmpty, write(frame, &credit) { return }
        guard enqueue(frame) else { throw .queueFull }
    }

    @discardableResult
    private mutating func enqueue(_ frame: QueuedFrame) -> Bool {
        guard queue.append(frame) else { return false }
        queueExpiry = earliest(queueExpiry, frame.expiry)
        return true
    }

    /// Writes a frame to its stream; `false` when it must wait.
    private mutating func write(_ queued: QueuedFrame, _ credit: inout SendCredit) -> Bool {
        if queued.delivery == .stream, let longStream {
            do {
                return try write(queued.frame, to: longStream, isFirst: false, isFinal: false, &credit)
            } catch {
                // The peer has stopped it: the frame goes to a new one.
                forget(longStream)
            }
        }
        guard let stream = freshStream(&credit) else { return false }
        let isAlone = queued.delivery != .stream
        guard (try? write(queued.frame, to: stream, isFirst: true, isFinal: isAlone, isAgain: queued.delivery == .repaired, &credit)) == true
        else { return false }
        spareStream = nil
        if !isAlone { longStream = stream }
        if let expiry = queued.expiry { expiring.insert(stream, expiry: expiry) }
        if queued.delivery == .repaired { repairs.carry(queued.frame.sequence, on: stream) }
        return true
    }

    /// Writes a frame to `stream`; `false` when credit or buffer do not suffice.
    /// - Parameter isAgain: whether it says of itself that it was sent before (RFC 4588).
    /// - Throws: when the stream is over.
    private func write(
        _ frame: MediaFrame, to stream: StreamID, isFirst: Bool, isFinal: Bool, isAgain: Bool = false, _ credit: inout SendCredit
    ) throws(QUICRefusal) -> Bool {
        let packetByteCount = format.byteCount(of: frame) + (isAgain ? RetransmissionPayload.headByteCount : 0)
        let byteCount = (isFirst ? streamHeader.count : 0) + VarInt.length(of: UInt64(packetByteCount)) + packetByteCount
        let countedByteCount = byteCount - (isFirst ? uncountedByteCount : 0)
        guard credit.allows(byteCount: countedByteCount) else { return false }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(byteCount)
        if isFirst { bytes.append(contentsOf: streamHeader) }
        bytes.append(varInt: UInt64(packetByteCount))
        if isAgain {
            format.writeRetransmission(frame, count: UInt16(truncatingIfNeeded: counters.repaired), into: &bytes)
        } else {
            format.write(frame, into: &bytes)
        }
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
