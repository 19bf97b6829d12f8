internal import RTP
internal import Session
internal import SRTP
internal import Wire

// RTP and RTCP: frames, resends, reports.

extension WebRTCPeer {
    func receiveSRTP(_ datagram: UnsafeRawBufferPointer, now: Instant) {
        guard let srtp else {
            // A packet may overtake the flight that makes the keys.
            if case .connecting = state { early.append([UInt8](datagram)) }
            return
        }
        guard datagram.count <= scratch.count else { return }
        scratch.copyMemory(from: datagram)
        let isControl = RTCPCompound.isRTCP(datagram.bindMemory(to: UInt8.self).span)
        let count = try? isControl
            ? srtp.unprotectRTCP(scratch, count: datagram.count) : srtp.unprotectRTP(scratch, count: datagram.count)
        guard let count else { return }
        let packet = UnsafeRawBufferPointer(rebasing: scratch[..<count]).bindMemory(to: UInt8.self).span
        if isControl {
            receiveControl(packet, now: now)
        } else if isAttached, isMarker(packet) {
            guard let rtp = try? RTPPacket(parsing: packet), let marker = try? ClosingMarker(parsing: rtp.payload(in: packet)) else { return }
            if case .copies = marker.content { receiver?.begin(source: rtp.header.ssrc &- Self.markerSource) }
            receive(marker, now: now)
        } else if isAttached {
            receiver?.receive(packet, now: now, into: &output)
            scheduleReport(now: now)
            if let due = receiver?.deadline, due <= now { askForLost(now: now) }
        }
    }

    /// A frame that came by a data channel, as an RTP packet.
    func receiveOnChannel(_ packet: [UInt8], now: Instant) {
        let span = packet.span
        guard isAttached, let rtp = try? RTPPacket(parsing: span) else { return }
        var frame = MediaFrame(
            sequence: rtp.header.sequence, timestamp: rtp.header.timestamp, marker: rtp.header.marker, payload: [])
        switch rtp.header.payloadType {
        case RTP.opusPayloadType: frame.payload = [UInt8](rtp.payload(in: span))
        case RTP.retransmissionPayloadType:
            // What SRTP has lost (mode `repair`).
            let payload = rtp.payload(in: span)
            guard let resend = try? RetransmissionPayload(parsing: payload) else { return }
            frame.sequence = resend.originalSequence
            frame.payload = [UInt8](payload.extracting(resend.range))
            frame.recovery = .repair
            // SRTP's answer to the same request may have come before: no duplicate of the sender's.
            guard receiver?.hasReceived(frame.sequence) != true else { return }
        default: return
        }
        receiver?.receivedElsewhere(frame, now: now)
        output.append(.frame(frame))
    }

    private func receiveControl(_ packet: Span<UInt8>, now: Instant) {
        guard let packets = try? RTCPCompound.parse(packet) else { return }
        for packet in packets {
            switch packet {
            case .senderReport(let report):
                if let last = receiver?.received(report, now: now) { output.append(.framesAnnounced(through: last)) }
                measure(report.reports, now: now)
            case .receiverReport(_, let reports): measure(reports, now: now)
            case .goodbye(let ssrcs): receiver?.left(ssrcs)
            case .negativeAcknowledgement(_, let media, let missing):
                guard media == ssrc else { continue }
                for sequence in missing { resend(sequence, now: now) }
            case .sourceDescription: break
            }
        }
    }

    private func measure(_ reports: [RTCPPacket.ReportBlock], now: Instant) {
        for report in reports where report.ssrc == ssrc {
            if let roundTrip = report.roundTrip(at: NTPTime(now)) { sample(roundTrip) }
        }
    }

    /// Generic NACKs for what is missed (RFC 4585 section 6.2.1), behind the report that a compound packet begins with.
    func askForLost(now: Instant) {
        guard let missing = receiver?.requests(now: now), !missing.isEmpty, let media = receiver?.ssrc else { return }
        write([
            .receiverReport(ssrc: ssrc, reports: []), .negativeAcknowledgement(sender: ssrc, media: media, missing: missing),
        ])
    }

    // MARK: Reports

    /// RTCP goes out about once a second while media flows: 5 % of a voice's bandwidth (RFC 3550 section 6.2), spread by
    /// half so that many peers do not report in step (section 6.3.1).
    func scheduleReport(now: Instant) {
        guard nextReport == nil else { return }
        nextReport = now + .milliseconds(500 + Int(entropy.next() % 1_000))
    }

    func report(now: Instant) {
        nextReport = nil
        guard sender?.hasNews == true || receiver?.hasNews == true else { return }
        scheduleReport(now: now)
        write([makeReport(now: now), .sourceDescription([.init(ssrc: ssrc, canonicalName: canonicalName)])])
    }

    func makeReport(now: Instant) -> RTCPPacket {
        let blocks = receiver?.report(now: now).map { [$0] } ?? []
        if sender?.hasNews == true, let report = sender?.report(blocks, now: now) { return .senderReport(report) }
        return .receiverReport(ssrc: ssrc, reports: blocks)
    }

    func write(_ packets: [RTCPPacket]) {
        guard srtp != nil else { return }
        var bytes: [UInt8] = []
        RTCPCompound.write(packets, into: &bytes)
        outgoing.append(.rtcp(bytes))
    }
}
