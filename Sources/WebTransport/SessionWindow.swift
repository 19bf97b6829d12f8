internal import Framing
internal import Wire

/// What we allow the peer to send in one session, where WebTransport's own flow control is spoken
/// (draft-ietf-webtrans-http3-16 section 5). Credit is renewed when half of it is used, without being asked.
struct SessionWindow: Sendable {
    /// Whether both ends asked for flow control, so that going over a limit is an error. Capsules go out even when only
    /// the peer's draft knows them: Safari sends nothing before it has credit.
    let isEnforced: Bool
    private let byteWindow: UInt64
    private let streamWindow: (unidirectional: UInt64, bidirectional: UInt64)
    private(set) var maximumByteCount: UInt64
    private(set) var maximumStreams: (unidirectional: UInt64, bidirectional: UInt64)
    private var byteCount: UInt64 = 0
    private var openedStreams: (unidirectional: UInt64, bidirectional: UInt64) = (0, 0)
    private var closedStreams: (unidirectional: UInt64, bidirectional: UInt64) = (0, 0)

    init(limits: WebTransportLimits, isEnforced: Bool) {
        self.isEnforced = isEnforced
        byteWindow = limits.sessionWindowByteCount
        streamWindow = (limits.sessionUnidirectionalStreams, limits.sessionBidirectionalStreams)
        maximumByteCount = byteWindow
        maximumStreams = streamWindow
    }

    /// The capsules that tell the peer its first limits.
    var initialCapsules: [Capsule] {
        [
            .maxData(maximumByteCount),
            .maxStreams(maximumStreams.bidirectional, isUnidirectional: false),
            .maxStreams(maximumStreams.unidirectional, isUnidirectional: true),
        ]
    }

    /// Counts bytes after the stream header, which are consumed as soon as they are here.
    mutating func receive(byteCount more: Int) throws(HTTP3Error) -> Capsule? {
        byteCount &+= UInt64(more)
        guard byteCount <= maximumByteCount || !isEnforced else {
            throw HTTP3Error(.flowControlError, "more bytes than the session's credit")
        }
        guard byteCount + byteWindow / 2 >= maximumByteCount else { return nil }
        maximumByteCount = byteCount + byteWindow
        return .maxData(maximumByteCount)
    }

    mutating func open(isUnidirectional: Bool) throws(HTTP3Error) {
        if isUnidirectional { openedStreams.unidirectional += 1 } else { openedStreams.bidirectional += 1 }
        guard !isEnforced
            || openedStreams.unidirectional <= maximumStreams.unidirectional
                && openedStreams.bidirectional <= maximumStreams.bidirectional
        else { throw HTTP3Error(.flowControlError, "more streams than the session's credit") }
    }

    mutating func close(isUnidirectional: Bool) -> Capsule? {
        if isUnidirectional {
            closedStreams.unidirectional += 1
            guard closedStreams.unidirectional + streamWindow.unidirectional / 2 >= maximumStreams.unidirectional else { return nil }
            maximumStreams.unidirectional = closedStreams.unidirectional + streamWindow.unidirectional
            return .maxStreams(maximumStreams.unidirectional, isUnidirectional: true)
        }
        closedStreams.bidirectional += 1
        guard closedStreams.bidirectional + streamWindow.bidirectional / 2 >= maximumStreams.bidirectional else { return nil }
        maximumStreams.bidirectional = closedStreams.bidirectional + streamWindow.bidirectional
        return .maxStreams(maximumStreams.bidirectional, isUnidirectional: false)
    }
}
