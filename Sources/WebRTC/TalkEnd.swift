internal import RTP
internal import Session
internal import Wire

/// The last frames and events of mode `repair`, and the closing markers behind them (`ClosingMarker`): the peer answers the one
/// that leaves nothing missing.
///
/// SRTP acknowledges nothing, so nobody knows what the peer misses until it asks, and on a network that loses the frames its
/// requests are lost, too. Markers therefore carry the very last frames; once an answer is overdue, every other one reaches further
/// back, turn by turn.
struct TalkEnd {
    private var schedule = ClosingSchedule()
    private(set) var last: UInt16 = 0
    private var events: BoundedQueue<SentEvent>
    /// Frames of the talk that goes on.
    private var spoken = 0
    /// Frames of the talk that is over, as many as markers may carry.
    private var carried = 0
    private var eventCount: UInt16 = 0
    private var began = Instant.zero
    /// The next marker reaches back, where there is need.
    private var reachesBack = false
    /// How many frames before the end of the talk the next marker that reaches back begins.
    private var reach = 0
    /// Markers in the connection's life.
    private(set) var count: UInt16 = 0

    private struct SentEvent {
        var copy: ClosingMarker.EventCopy
        var sent: Instant
    }

    private enum Limits {
        /// How far back markers reach: 2 s of 20 ms.
        static let frames = 100
        static let events = 16
        /// The payload of the longest marker.
        static let byteCount = 1_050
        /// How much older than a round trip before the talk's end an event is that no marker carries.
        static let eventAge = Duration.milliseconds(100)
    }

    init() { events = BoundedQueue(limit: Limits.events) }

    /// When the next marker is due; `nil` when none is needed.
    var next: Instant? { schedule.next }

    mutating func spoke(_ sequence: UInt16) {
        // A session that moved sends frames once more, behind newer ones.
        if spoken == 0 || Int16(bitPattern: sequence &- last) > 0 { last = sequence }
        spoken += 1
    }

    mutating func append(_ event: [UInt8], now: Instant) {
        if events.count == events.limit { _ = events.popFirst() }
        events.append(SentEvent(copy: ClosingMarker.EventCopy(index: eventCount, bytes: event), sent: now))
        eventCount &+= 1
    }

    /// The talk is over.
    mutating func end(roundTrip: Duration, now: Instant) {
        guard spoken > 0 else { return }
        carried = min(spoken, Limits.frames)
        spoken = 0
        reach = 0
        reachesBack = false
        began = now
        schedule.begin(roundTrip: roundTrip, now: now)
    }

    /// The peer has all up to `last` and so many events.
    mutating func received(last: UInt16, events: UInt16) {
        guard last == self.last, Int16(bitPattern: events &- eventCount) >= 0 else { return }
        schedule.end()
    }

    /// The marker that is due; `nil` when it was the last.
    /// - Parameter sent: the packets of the talk.
    mutating func marker(of sent: SentPackets, roundTrip: Duration, now: Instant) -> ClosingMarker? {
        let isOverdue = schedule.isOverdue(roundTrip: roundTrip, now: now)
        guard schedule.take(roundTrip: roundTrip, now: now) else { return nil }
        let isOfTheEnd = !reachesBack || reach >= carried
        reachesBack = isOverdue && !reachesBack
        count &+= 1
        let events = eventCopies(sentAfter: began.advanced(by: .zero - roundTrip - Limits.eventAge))
        let room = Limits.byteCount - ClosingMarker.headByteCount - events.reduce(0) { $0 + $1.byteCount }
        let frames = frameCopies(of: sent, from: isOfTheEnd ? 0 : reach, room: room)
        if !isOfTheEnd {
            reach += frames.count
        } else if reach == 0 || reach >= carried {
            reach = frames.count
        }
        return ClosingMarker(last: last, content: .copies(frames: frames, events: events))
    }

    private mutating func eventCopies(sentAfter youngest: Instant) -> [ClosingMarker.EventCopy] {
        var room = Limits.byteCount - ClosingMarker.headByteCount
        var copies: [ClosingMarker.EventCopy] = []
        for _ in 0..<events.count {
            guard let event = events.popFirst() else { break }
            events.append(event)
            guard event.sent >= youngest, event.copy.byteCount <= room else { continue }
            room -= event.copy.byteCount
            copies.append(event.copy)
        }
        return copies
    }

    /// As many frames as fit, the oldest first.
    /// - Parameter start: how many frames before the last one the youngest of them is.
    private func frameCopies(of sent: SentPackets, from start: Int, room: Int) -> [ClosingMarker.FrameCopy] {
        var room = room
        var copies: [ClosingMarker.FrameCopy] = []
        for distance in start..<max(start, carried) {
            guard copies.count < ClosingMarker.copyLimit, let bytes = sent.packet(beforeLast: distance),
                let packet = try? RTPPacket(parsing: bytes.span)
            else { break }
            let copy = ClosingMarker.FrameCopy(
                sequence: packet.header.sequence, timestamp: packet.header.timestamp, marker: packet.header.marker,
                payload: [UInt8](packet.payload(in: bytes.span)))
            guard copy.byteCount <= room else { break }
            room -= copy.byteCount
            copies.append(copy)
        }
        return copies.reversed()
    }
}
