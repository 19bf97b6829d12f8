internal import RTP
internal import Session
internal import Wire

/// The last frames and events of mode `repair`, and the closing markers behind them (`ClosingMarker`): the peer answers the one
/// that leaves nothing missing. What is older, the peer has had the time to ask for.
struct TalkEnd {
    /// When the next marker is due; `nil` when none is needed.
    private(set) var next: Instant?
    private(set) var last: UInt16 = 0
    private var frames: BoundedQueue<Sent<MediaFrame>>
    private var events: BoundedQueue<Sent<ClosingMarker.EventCopy>>
    private var hasSpoken = false
    private var eventCount: UInt16 = 0
    private var left = 0
    private var began = Instant.zero
    /// Markers in the connection's life.
    private(set) var count: UInt16 = 0

    private struct Sent<Value> {
        var value: Value
        var sent: Instant
    }

    private enum Limits {
        static let frames = 64
        static let events = 16
        static let markers = 50
        static let interval = Duration.milliseconds(20)
        /// The payload of the longest marker.
        static let byteCount = 1_050
        /// How much older than a round trip before the talk's end a frame or event is that no marker carries.
        static let age = Duration.milliseconds(100)
    }

    init() {
        frames = BoundedQueue(limit: Limits.frames)
        events = BoundedQueue(limit: Limits.events)
    }

    mutating func append(_ frame: MediaFrame, now: Instant) {
        if frames.count == frames.limit { _ = frames.popFirst() }
        frames.append(Sent(value: frame, sent: now))
        last = frame.sequence
        hasSpoken = true
    }

    mutating func append(_ event: [UInt8], now: Instant) {
        if events.count == events.limit { _ = events.popFirst() }
        events.append(Sent(value: ClosingMarker.EventCopy(index: eventCount, bytes: event), sent: now))
        eventCount &+= 1
    }

    /// The talk is over.
    mutating func end(now: Instant) {
        guard hasSpoken else { return }
        hasSpoken = false
        left = Limits.markers
        began = now
        next = now + Limits.interval
    }

    /// The peer has all up to `last` and so many events.
    mutating func received(last: UInt16, events: UInt16) {
        guard last == self.last, Int16(bitPattern: events &- eventCount) >= 0 else { return }
        next = nil
    }

    /// The marker that is due; `nil` when it was the last.
    mutating func marker(roundTrip: Duration, now: Instant) -> ClosingMarker? {
        guard left > 0 else {
            next = nil
            return nil
        }
        left -= 1
        count &+= 1
        next = now + Limits.interval
        let youngest = began.advanced(by: .zero - roundTrip - Limits.age)
        var room = Limits.byteCount - ClosingMarker.headByteCount
        var eventCopies: [ClosingMarker.EventCopy] = []
        for _ in 0..<events.count {
            guard let event = events.popFirst() else { break }
            events.append(event)
            guard event.sent >= youngest, event.value.byteCount <= room else { continue }
            room -= event.value.byteCount
            eventCopies.append(event.value)
        }
        return ClosingMarker(last: last, content: .copies(frames: copies(after: youngest, room: room), events: eventCopies))
    }

    /// In turn, where not all fit.
    private mutating func copies(after youngest: Instant, room: Int) -> [ClosingMarker.FrameCopy] {
        var room = room
        var copies: [ClosingMarker.FrameCopy] = []
        for _ in 0..<frames.count {
            guard let first = frames.first else { break }
            let copy = ClosingMarker.FrameCopy(
                sequence: first.value.sequence, timestamp: first.value.timestamp, marker: first.value.marker, payload: first.value.payload)
            if first.sent >= youngest {
                guard copy.byteCount <= room else { break }
                room -= copy.byteCount
                copies.append(copy)
                frames.append(first)
            }
            _ = frames.popFirst()
        }
        return copies
    }
}
