internal import RTP
internal import Session
package import Wire

// Mode `repair`: SRTP with resends, what is asked for again on a reliable channel, and closing markers behind a talk.

extension WebRTCPeer {
    /// The talk is over: nothing follows that would show the loss of what was sent. In mode `repair` closing markers follow,
    /// where the peer knows our channel of frames: others have no use for them.
    package func endTalk(now: Instant) {
        guard case .open = state, channels.repairIsKnown else { return }
        sender?.talk.end(roundTrip: assumedRoundTrip, now: now)
    }

    /// The peer misses a packet: it goes again at once, and what is still missed later by the reliable channel, too.
    func resend(_ sequence: UInt16, now: Instant) {
        guard let bytes = sender?.resend(sequence, now: now) else { return }
        outgoing.append(.rtp(bytes))
        guard channels.repairIsKnown, let packet = sender?.repair(sequence, now: now) else { return }
        waitingFrames.append(WaitingFrame(packet: packet, kind: .repair, expiry: nil))
        flushChannels(now: now)
        lower(now: now)
    }

    func sendMarker(now: Instant) {
        guard let (marker, count) = sender?.closingMarker(roundTrip: assumedRoundTrip, now: now) else { return }
        write(marker, count: count)
    }

    /// A closing marker has come: takes what is missing, and says so when nothing is any more.
    func receive(_ marker: ClosingMarker, now: Instant) {
        switch marker.content {
        case .received(let events): sender?.talk.received(last: marker.last, events: events)
        case .copies(let frames, let events):
            for copy in frames { receiver?.receive(copy, now: now, into: &output) }
            receiver?.expect(through: marker.last, now: now)
            output.append(.framesAnnounced(through: marker.last))
            for copy in events where eventOrder.takeCopy(index: copy.index) { output.append(.event(copy.bytes)) }
            if receiver?.hasAll(through: marker.last) == true {
                answerCount &+= 1
                write(ClosingMarker(last: marker.last, content: .received(events: eventOrder.count)), count: answerCount, isAnswer: true)
            }
            askForLost(now: now)
        }
    }

    /// How far the sources of markers and of answers to them lie from that of frames.
    static let markerSource: UInt32 = 2
    static let answerSource: UInt32 = 3

    /// Markers have a source and numbers of their own: under AES-GCM no number may leave twice.
    private func write(_ marker: ClosingMarker, count: UInt16, isAnswer: Bool = false) {
        let header = RTPHeader(
            payloadType: RTP.closingPayloadType, sequence: count, timestamp: MediaTime(ticks: 0), marker: false,
            ssrc: ssrc &+ (isAnswer ? Self.answerSource : Self.markerSource))
        var payload: [UInt8] = []
        marker.write(into: &payload)
        var bytes: [UInt8] = []
        RTPPacket.write(header, payload: payload.span, into: &bytes)
        outgoing.append(.rtp(bytes))
    }

    /// Whether a packet is a closing marker: its payload type is free for us where no codec of the descriptions has it.
    func isMarker(_ packet: Span<UInt8>) -> Bool {
        guard packet.count > 1, packet[1] & 0x7F == RTP.closingPayloadType, let audio = agreement?.audio else { return false }
        return audio.payloadType != RTP.closingPayloadType && audio.redPayloadType != RTP.closingPayloadType
    }
}
