package import Wire

/// An RTCP packet, as far as a voice session uses it (RFC 3550 section 6, RFC 4585 section 6). Every other kind is skipped.
package enum RTCPPacket: Hashable, Sendable {
    /// What a sender has sent, and what it received meanwhile (RFC 3550 section 6.4.1).
    case senderReport(SenderReport)
    /// What a receiver received (section 6.4.2).
    case receiverReport(ssrc: UInt32, reports: [ReportBlock])
    /// Who the sources are (section 6.5); of their items only CNAME is kept.
    case sourceDescription([SourceDescription])
    /// Sources that leave (section 6.6). The reason is skipped.
    case goodbye(ssrcs: [UInt32])
    /// Packets of `media` that `sender` of this RTCP packet misses: generic NACK (RFC 4585 section 6.2.1).
    case negativeAcknowledgement(sender: UInt32, media: UInt32, missing: [UInt16])
}

extension RTCPPacket {
    package struct SenderReport: Hashable, Sendable {
        package var ssrc: UInt32
        /// When the report was made.
        package var ntpTime: NTPTime
        /// The same moment on the clock of the media.
        package var timestamp: MediaTime
        package var packetCount: UInt32
        /// Bytes of payload, without headers and padding.
        package var octetCount: UInt32
        package var reports: [ReportBlock]

        package init(
            ssrc: UInt32, ntpTime: NTPTime, timestamp: MediaTime, packetCount: UInt32, octetCount: UInt32, reports: [ReportBlock] = []
        ) {
            self.ssrc = ssrc
            self.ntpTime = ntpTime
            self.timestamp = timestamp
            self.packetCount = packetCount
            self.octetCount = octetCount
            self.reports = reports
        }
    }

    /// What was received of one source (RFC 3550 section 6.4.1).
    package struct ReportBlock: Hashable, Sendable {
        /// The source that the block is about.
        package var ssrc: UInt32
        /// Lost since the report before, in 256ths.
        package var fractionLost: UInt8
        /// Lost since the beginning, 24 bits with a sign: duplicates make it negative.
        package var cumulativeLost: Int32
        /// The highest sequence number received, with its cycles in the upper 16 bits.
        package var highestSequence: UInt32
        /// In units of the RTP clock.
        package var jitter: UInt32
        /// The middle 32 bits of the last sender report's NTP time; 0 where none has come.
        package var lastSenderReport: UInt32
        /// The time since then, in 65,536ths of a second.
        package var delaySinceLastSenderReport: UInt32

        package init(
            ssrc: UInt32, fractionLost: UInt8 = 0, cumulativeLost: Int32 = 0, highestSequence: UInt32 = 0, jitter: UInt32 = 0,
            lastSenderReport: UInt32 = 0, delaySinceLastSenderReport: UInt32 = 0
        ) {
            self.ssrc = ssrc
            self.fractionLost = fractionLost
            self.cumulativeLost = cumulativeLost
            self.highestSequence = highestSequence
            self.jitter = jitter
            self.lastSenderReport = lastSenderReport
            self.delaySinceLastSenderReport = delaySinceLastSenderReport
        }

        /// The round trip that a sender reads from a report on it (section 6.4.1, figure 2); `nil` where the block names no
        /// sender report, or one from the future.
        package func roundTrip(at now: NTPTime) -> Duration? {
            guard lastSenderReport != 0 else { return nil }
            let elapsed = now.middle &- lastSenderReport &- delaySinceLastSenderReport
            // The clock of 16 bits of seconds wraps: more than half of it is a negative time.
            guard elapsed < 1 << 31 else { return nil }
            return .nanoseconds((Int64(elapsed) * 1_000_000_000) >> 16)
        }
    }

    package struct SourceDescription: Hashable, Sendable {
        package var ssrc: UInt32
        /// The canonical name: the same for all streams of one participant. At most 255 bytes of UTF-8.
        package var canonicalName: String?

        package init(ssrc: UInt32, canonicalName: String?) {
            self.ssrc = ssrc
            self.canonicalName = canonicalName
        }
    }
}

/// Time in RTCP: 32 bits of seconds, 32 bits of their fraction (RFC 3550 section 4).
///
/// An endpoint here has no wall clock. It gives the time since the clock's origin instead, as section 6.4.1 allows.
package struct NTPTime: Hashable, Sendable {
    package var bits: UInt64

    package init(bits: UInt64) { self.bits = bits }

    package init(_ instant: Instant) {
        let (seconds, nanoseconds) = instant.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        bits = seconds << 32 | (nanoseconds << 32) / 1_000_000_000
    }

    /// The middle 32 bits, by which a report block names a sender report.
    package var middle: UInt32 { UInt32(truncatingIfNeeded: bits >> 16) }
}
