internal import RTP
internal import Session
internal import Wire

/// The closing markers behind a talk: when the next is due, and what each carried.
struct Closing {
    private var schedule = ClosingSchedule()
    /// The events before this one the peer has by a marker.
    private(set) var delivered: UInt64 = 0
    /// Markers in the attachment's life.
    private(set) var count: UInt64 = 0
    /// One marker follows in any case: it names the last frame.
    private var owesFirst = false
    private var carried: [UInt64: (frames: [UInt16], events: UInt64?)] = [:]

    /// When the next marker is due; `nil` when none is needed.
    var next: Instant? { schedule.next }

    /// A talk has ended.
    mutating func begin(roundTrip: Duration, now: Instant) {
        owesFirst = true
        schedule.begin(roundTrip: roundTrip, now: now)
    }

    /// Takes the turn that is due.
    /// - Parameter isNeeded: whether the peer has not acknowledged everything.
    /// - Returns: whether a marker is to be sent.
    mutating func take(isNeeded: Bool, roundTrip: Duration, now: Instant) -> Bool {
        guard isNeeded || owesFirst, schedule.take(roundTrip: roundTrip, now: now) else {
            schedule.end()
            carried = [:]
            return false
        }
        owesFirst = false
        return true
    }

    /// Markers have identifiers that no frame's datagram has.
    private static let markerBit: UInt64 = 1 << 63

    static func isMarker(_ datagram: UInt64) -> Bool { datagram & markerBit != 0 }

    /// Notes what the next marker carries.
    /// - Parameter events: one past its last event.
    /// - Returns: the identifier of its datagram.
    mutating func carry(frames: [UInt16], events: UInt64?) -> UInt64 {
        let id = Self.markerBit | count
        count += 1
        carried[id] = (frames, events)
        return id
    }

    /// The peer has this marker.
    /// - Returns: the frames that it carried.
    mutating func acknowledged(_ datagram: UInt64) -> [UInt16] {
        guard let found = carried.removeValue(forKey: datagram) else { return [] }
        if let events = found.events { delivered = max(delivered, events) }
        return found.frames
    }

    mutating func lost(_ datagram: UInt64) { carried[datagram] = nil }
}

extension ClosingMarker.FrameCopy {
    init(_ frame: MediaFrame) {
        self.init(sequence: frame.sequence, timestamp: frame.timestamp, marker: frame.marker, payload: frame.payload)
    }
}
