internal import RTP
internal import Session
internal import Wire

/// Writes frames as RTP packets, and keeps what the peer may ask for again.
struct MediaSender {
    let ssrc: UInt32
    private let payloadType: UInt8
    private let redPayloadType: UInt8?
    private var history = RedundancyHistory()
    private var sent: SentPackets
    private var numbers = SentNumbers()
    /// The end of the talk in mode `repair`, for closing markers.
    var talk = TalkEnd()
    private var packetCount: UInt32 = 0
    private var octetCount: UInt32 = 0
    /// The newest frame's media time, and when it was sent: ties the media clock to ours in sender reports.
    private var newest: (timestamp: MediaTime, sent: Instant)?
    /// Whether anything was sent since the last report.
    private(set) var hasNews = false

    /// How long a frame of mode `repair` may be asked for: as long as a commit waits for it.
    private static let repairedAge = Duration.seconds(30)

    /// Room for SRTP's tag, DTLS's overhead apart, in a packet that every path takes (RFC 8831 section 5).
    private static let payloadByteLimit = 1_200 - 12 - 16 - 40

    init(ssrc: UInt32, payloadType: UInt8, redPayloadType: UInt8?, limits: SentPackets.Limits) {
        self.ssrc = ssrc
        self.payloadType = payloadType
        self.redPayloadType = redPayloadType
        sent = SentPackets(age: .zero, limits: limits)
    }

    /// The RTP packet of one frame; `nil` for a frame whose number has left already.
    /// - Throws: `.tooLarge` for a frame that fits no datagram.
    mutating func packet(_ frame: MediaFrame, _ delivery: Delivery, now: Instant) throws(SendRefusal) -> [UInt8]? {
        guard frame.payload.count <= Self.payloadByteLimit else {
            throw .tooLarge(maximum: Self.payloadByteLimit + RTP.headerByteCount)
        }
        guard numbers.take(frame.sequence) else { return nil }
        var header = RTPHeader(
            payloadType: payloadType, sequence: frame.sequence, timestamp: frame.timestamp, marker: frame.marker, ssrc: ssrc)
        var bytes: [UInt8] = []
        if case .redundant(let depth) = delivery, let redPayloadType {
            header.payloadType = redPayloadType
            var payload: [UInt8] = []
            history.write(
                frame.payload, sequence: frame.sequence, timestamp: frame.timestamp, payloadType: payloadType, depth: depth,
                maximumByteCount: Self.payloadByteLimit, into: &payload)
            RTPPacket.write(header, payload: payload.span, into: &bytes)
        } else {
            RTPPacket.write(header, payload: frame.payload.span, into: &bytes)
        }
        switch delivery {
        case .resent(let age): keep(bytes, frame.sequence, age: age, now: now)
        case .repaired:
            keep(bytes, frame.sequence, age: Self.repairedAge, now: now)
            talk.spoke(frame.sequence)
        case .datagram, .redundant, .streamPerFrame, .expiring, .stream: break
        }
        packetCount &+= 1
        octetCount &+= UInt32(truncatingIfNeeded: bytes.count - RTP.headerByteCount)
        newest = (frame.timestamp, now)
        hasNews = true
        return bytes
    }

    private mutating func keep(_ bytes: [UInt8], _ sequence: UInt16, age: Duration, now: Instant) {
        // What was sent in another mode keeps its time.
        sent.age = max(sent.age, age)
        sent.insert(bytes, sequence: sequence, now: now)
    }

    /// The frame that the peer still misses, to be sent on the reliable channel, too (RFC 4588's payload); once each.
    mutating func repair(_ sequence: UInt16, now: Instant) -> [UInt8]? {
        guard let bytes = sent.repair(sequence, now: now), let packet = try? RTPPacket(parsing: bytes.span) else { return nil }
        var payload: [UInt8] = []
        RetransmissionPayload.write(originalSequence: sequence, payload: packet.payload(in: bytes.span), into: &payload)
        var header = packet.header
        header.payloadType = RTP.retransmissionPayloadType
        header.ssrc = ssrc &+ 1
        var repair: [UInt8] = []
        RTPPacket.write(header, payload: payload.span, into: &repair)
        return repair
    }

    /// The closing marker that is due, and its number; `nil` when it was the last.
    mutating func closingMarker(roundTrip: Duration, now: Instant) -> (marker: ClosingMarker, count: UInt16)? {
        guard let marker = talk.marker(of: sent, roundTrip: roundTrip, now: now) else { return nil }
        return (marker, talk.count)
    }

    /// The packet that the peer misses, the same bytes under the same number, as libwebrtc sends audio again.
    mutating func resend(_ sequence: UInt16, now: Instant) -> [UInt8]? { sent.resend(sequence, now: now) }

    /// The sender report of now; `nil` before the first frame.
    mutating func report(_ blocks: [RTCPPacket.ReportBlock], now: Instant) -> RTCPPacket.SenderReport? {
        guard let newest else { return nil }
        hasNews = false
        return RTCPPacket.SenderReport(
            ssrc: ssrc, ntpTime: NTPTime(now), timestamp: newest.timestamp.advanced(by: now - newest.sent),
            packetCount: packetCount, octetCount: octetCount, reports: blocks)
    }
}
