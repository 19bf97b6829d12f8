internal import RTP
internal import Session
internal import Wire

/// Reads frames from the RTP packets of one peer, and knows which packets have not come.
struct MediaReceiver {
    /// The payload types that the descriptions agreed on; `nil` for RED where it was not.
    private let payloadType: UInt8
    private let redPayloadType: UInt8?
    private let limits: MissingSequences.Limits
    private let reorderAllowance: Duration
    /// The peer's source: the first that sends frames. Others are ignored until it says goodbye.
    private(set) var ssrc: UInt32?
    private var statistics: ReceptionStatistics?
    private var received = ReceivedSequences()
    private var reported = ReportedTail()
    /// There while lost packets are asked for, or may be: until the mode is known they are noted.
    private var missing: MissingSequences?
    /// When gaps are no losses any more, after a change to a mode that asks for none.
    private var gapsEnd: Instant?
    /// Whether it has been said if lost packets are asked for.
    private(set) var isDecided = false
    private var roundTrip = Duration.zero
    /// Frames that were asked for and then came by other means: the answers under way are no duplicates of the sender's.
    private var overtaken = BoundedQueue<UInt16>(limit: 64)
    /// Whether anything came since the last report.
    private(set) var hasNews = false
    /// Packets that were of no use: other sources, other payload types, malformed.
    private(set) var ignoredCount = 0

    init(payloadType: UInt8, redPayloadType: UInt8?, limits: MissingSequences.Limits, reorderAllowance: Duration) {
        self.payloadType = payloadType
        self.redPayloadType = redPayloadType
        self.limits = limits
        self.reorderAllowance = reorderAllowance
        missing = MissingSequences(patience: Self.undecidedPatience, reorderAllowance: reorderAllowance, limits: limits)
    }

    /// How long after a change of mode frames of the mode before may come.
    private static let changePatience = Duration.seconds(2)

    /// As long as early packets are kept, and longer.
    private static let undecidedPatience = Duration.seconds(30)

    // MARK: Packets

    /// Reads one RTP packet.
    mutating func receive(_ packet: Span<UInt8>, now: Instant, into events: inout TransportEventQueue) {
        guard let rtp = try? RTPPacket(parsing: packet), isOurs(rtp.header) else {
            ignoredCount += 1
            return
        }
        let header = rtp.header
        hasNews = true
        if let end = gapsEnd, end <= now {
            gapsEnd = nil
            missing?.ignoresGaps = true
        }
        statistics?.received(sequence: header.sequence, timestamp: header.timestamp, arrival: now)
        reported.received(header)
        let recovery = noteArrival(header, now: now)
        guard !received.contains(header.sequence) || !isOvertaken(header.sequence) else { return }
        if header.payloadType == redPayloadType {
            receiveRedundant(rtp.payload(in: packet), header, recovery, now: now, into: &events)
        } else {
            received.insert(header.sequence, header.timestamp)
            events.append(.frame(frame(header, rtp.payload(in: packet), recovery)))
        }
    }

    /// A frame that came by a data channel: it counts as come, and is not asked for.
    mutating func receivedElsewhere(_ frame: MediaFrame, now: Instant) {
        received.insert(frame.sequence, frame.timestamp)
        noteOvertaken(missing?.received(frame.sequence, now: now))
    }

    private mutating func noteOvertaken(_ packet: MissingSequences.Missing?) {
        guard let packet, packet.askedCount > 0 else { return }
        if overtaken.count == overtaken.limit { _ = overtaken.popFirst() }
        overtaken.append(packet.sequence)
    }

    /// Whether this is the answer to a request whose frame has come by other means.
    private mutating func isOvertaken(_ sequence: UInt16) -> Bool {
        guard !overtaken.isEmpty else { return false }
        var isFound = false
        for _ in 0..<overtaken.count {
            guard let next = overtaken.popFirst() else { break }
            if next == sequence { isFound = true } else { overtaken.append(next) }
        }
        return isFound
    }

    private mutating func isOurs(_ header: RTPHeader) -> Bool {
        guard header.payloadType == payloadType || header.payloadType == redPayloadType else { return false }
        if let ssrc { return header.ssrc == ssrc }
        ssrc = header.ssrc
        statistics = ReceptionStatistics(ssrc: header.ssrc)
        return true
    }

    /// - Returns: how the packet came, when it is one that was asked for again.
    private mutating func noteArrival(_ header: RTPHeader, now: Instant) -> MediaFrame.Recovery? {
        guard let packet = missing?.received(header.sequence, isMarked: header.marker, now: now), packet.askedCount > 0 else { return nil }
        return .nack
    }

    /// The earlier frames of a RED packet count only where they did not come by themselves.
    private mutating func receiveRedundant(
        _ payload: Span<UInt8>, _ header: RTPHeader, _ recovery: MediaFrame.Recovery?, now: Instant,
        into events: inout TransportEventQueue
    ) {
        guard let blocks = try? RedundantPayload.parse(payload, header: header) else {
            ignoredCount += 1
            return
        }
        for block in blocks where block.payloadType == payloadType {
            var header = header
            header.sequence = block.sequence
            header.timestamp = block.timestamp
            let isPrimary = block.range == blocks.last?.range
            if !isPrimary {
                guard !block.range.isEmpty, !received.contains(block.sequence), received.agrees(block.sequence, block.timestamp)
                else { continue }
                header.marker = false
                noteOvertaken(missing?.received(block.sequence, now: now))
            }
            received.insert(block.sequence, block.timestamp)
            events.append(.frame(frame(header, payload.extracting(block.range), isPrimary ? recovery : .red)))
        }
    }

    private func frame(_ header: RTPHeader, _ payload: Span<UInt8>, _ recovery: MediaFrame.Recovery?) -> MediaFrame {
        MediaFrame(
            sequence: header.sequence, timestamp: header.timestamp, marker: header.marker, payload: [UInt8](payload),
            recovery: recovery)
    }

    // MARK: Asking again

    /// From now on lost packets are asked for while they are younger than `patience`; `nil` asks for none.
    mutating func askForLost(within patience: Duration?, now: Instant) {
        defer { isDecided = true }
        guard let patience else {
            // What the mode before promised is still asked for; the sender changes its mode only when it has heard of it.
            if isDecided, missing != nil { gapsEnd = now + Self.changePatience } else { missing = nil }
            return
        }
        gapsEnd = nil
        missing?.ignoresGaps = false
        if missing != nil {
            missing?.patience = patience
        } else {
            missing = MissingSequences(patience: patience, reorderAllowance: reorderAllowance, limits: limits)
            missing?.roundTrip = roundTrip
            // The mode has changed in the midst of a talk: only what comes from now on can be missed.
            if let highest = received.highestSequence { missing?.received(highest, now: now) }
        }
    }

    /// Whether every frame up to this one is there, as far as lost ones are asked for.
    func hasAll(through sequence: UInt16) -> Bool { missing?.hasAll(through: sequence) ?? received.contains(sequence) }

    /// Takes the copy of a frame, where the frame has not come.
    mutating func receive(_ copy: ClosingMarker.FrameCopy, now: Instant, into events: inout TransportEventQueue) {
        guard !received.contains(copy.sequence) else { return }
        let frame = MediaFrame(
            sequence: copy.sequence, timestamp: copy.timestamp, marker: copy.marker, payload: copy.payload, recovery: .repair)
        receivedElsewhere(frame, now: now)
        events.append(.frame(frame))
    }

    mutating func expect(from first: UInt16, through last: UInt16, now: Instant) {
        missing?.expect(from: first, through: last, now: now)
    }

    mutating func expect(through sequence: UInt16, now: Instant) { missing?.expect(through: sequence, now: now) }

    /// Whether a frame with this number has come, as far as anybody can tell.
    func hasReceived(_ sequence: UInt16) -> Bool { received.contains(sequence) }

    /// A packet of the peer's has told of its source before the source's first frame came: lost ones can be asked for.
    mutating func begin(source: UInt32) {
        guard ssrc == nil else { return }
        ssrc = source
        statistics = ReceptionStatistics(ssrc: source)
    }

    mutating func updateRoundTrip(_ roundTrip: Duration) {
        self.roundTrip = roundTrip
        missing?.roundTrip = roundTrip
    }

    /// When `requests` has something to ask for.
    var deadline: Instant? { isDecided ? missing?.deadline : nil }

    mutating func requests(now: Instant) -> [UInt16] {
        guard isDecided, let requests = missing?.requests(now: now) else { return [] }
        if !requests.isEmpty { reported.stop() }
        return requests
    }

    // MARK: Reports

    /// - Returns: the last frame that the peer has sent by now, where the report tells of one that has not come.
    mutating func received(_ report: RTCPPacket.SenderReport, now: Instant) -> UInt16? {
        guard report.ssrc == ssrc else { return nil }
        statistics?.received(report, arrival: now)
        return reported.last(by: report.packetCount, highest: received.highestSequence)
    }

    /// The peer's source has left (RFC 3550 section 6.6): another one may follow.
    mutating func left(_ ssrcs: [UInt32]) {
        guard let ssrc, ssrcs.contains(ssrc) else { return }
        self.ssrc = nil
        statistics = nil
        reported = ReportedTail()
        received = ReceivedSequences()
    }

    mutating func report(now: Instant) -> RTCPPacket.ReportBlock? {
        hasNews = false
        return statistics?.report(now: now)
    }
}
