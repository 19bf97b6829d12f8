internal import RTP

/// What sender reports tell of frames that were sent and have not come (RFC 3550 section 6.4.1): a report counts the packets of
/// its source, and the first of them is known by its marker bit.
///
/// The count is believed only after a report has agreed with what came, since packets before the first that came would be in
/// it; and no longer once something was asked for again, since some senders count that, too.
struct ReportedTail {
    private enum State {
        case awaitingFirst
        /// The source's first packet, and whether a report has agreed.
        case counting(first: UInt16, isProven: Bool)
        case stopped
    }

    private var state = State.awaitingFirst

    mutating func received(_ header: RTPHeader) {
        guard case .awaitingFirst = state else { return }
        state = header.marker ? .counting(first: header.sequence, isProven: false) : .stopped
    }

    mutating func stop() { state = .stopped }

    /// The number of the last packet by a report's count, where that lies beyond the highest that came.
    mutating func last(by packetCount: UInt32, highest: UInt16?) -> UInt16? {
        guard case .counting(let first, let isProven) = state, let highest, packetCount > 0 else { return nil }
        let last = first &+ UInt16(truncatingIfNeeded: packetCount &- 1)
        if last == highest { state = .counting(first: first, isProven: true) }
        return isProven && Int16(bitPattern: last &- highest) > 0 ? last : nil
    }
}
