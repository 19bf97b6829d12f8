package import Wire

/// What a receiver counts of one source for its reports (RFC 3550 appendix A.1, A.3 and A.8).
package struct ReceptionStatistics: Sendable {
    private let ssrc: UInt32
    private var sequence: Sequence?
    private var receivedCount: UInt64 = 0
    private var expectedAtReport: UInt64 = 0
    private var receivedAtReport: UInt64 = 0
    private var transit: UInt32?
    /// Sixteen times the jitter, so that integers do.
    private var scaledJitter: UInt32 = 0
    private var lastSenderReport: (middle: UInt32, arrival: Instant)?

    private struct Sequence {
        var base: UInt16
        var highest: UInt16
        /// 65,536 for each time around.
        var cycles: UInt32 = 0
        /// The number that would prove that the source began anew.
        var restart: UInt16?
    }

    /// A jump of fewer numbers is a loss, of more a source that began anew (MAX_DROPOUT).
    private static let dropoutLimit: UInt16 = 3000
    /// A packet that is late by fewer numbers is out of order (MAX_MISORDER).
    private static let misorderLimit: UInt16 = 100

    package init(ssrc: UInt32) { self.ssrc = ssrc }

    /// Jitter in units of the RTP clock.
    package var jitter: UInt32 { scaledJitter >> 4 }

    /// Counts one packet of the source.
    package mutating func received(sequence number: UInt16, timestamp: MediaTime, arrival: Instant) {
        guard place(number) else { return }
        receivedCount &+= 1
        let arrivalTicks = UInt32(truncatingIfNeeded: arrival.nanoseconds / 1_000 &* UInt64(MediaTime.rate) / 1_000_000)
        let transit = arrivalTicks &- timestamp.ticks
        if let previous = self.transit {
            let difference = Int32(bitPattern: transit &- previous).magnitude
            scaledJitter = scaledJitter &+ difference &- (scaledJitter &+ 8) >> 4
        }
        self.transit = transit
    }

    package mutating func received(_ report: RTCPPacket.SenderReport, arrival: Instant) {
        lastSenderReport = (report.ntpTime.middle, arrival)
    }

    /// The block of the next report, and the beginning of another interval; `nil` before the first packet.
    package mutating func report(now: Instant) -> RTCPPacket.ReportBlock? {
        guard let sequence else { return nil }
        let highest = sequence.cycles &+ UInt32(sequence.highest)
        let expected = UInt64(highest &- UInt32(sequence.base)) + 1
        let lost = Int64(expected) - Int64(receivedCount)
        let expectedNow = expected &- expectedAtReport
        let lostNow = Int64(expectedNow) - Int64(receivedCount &- receivedAtReport)
        expectedAtReport = expected
        receivedAtReport = receivedCount
        let fraction = expectedNow == 0 || lostNow <= 0 ? 0 : UInt8(clamping: lostNow * 256 / Int64(expectedNow))
        var block = RTCPPacket.ReportBlock(
            ssrc: ssrc, fractionLost: fraction, cumulativeLost: Int32(max(-0x80_0000, min(0x7F_FFFF, lost))),
            highestSequence: highest, jitter: jitter)
        if let lastSenderReport {
            block.lastSenderReport = lastSenderReport.middle
            let delay = max(0, now.since(lastSenderReport.arrival).nanoseconds)
            block.delaySinceLastSenderReport = UInt32(clamping: delay / 1_000 * 65_536 / 1_000_000)
        }
        return block
    }

    /// Moves the highest number on; `false` for a packet that does not count (appendix A.1).
    private mutating func place(_ number: UInt16) -> Bool {
        guard var sequence else {
            self.sequence = Sequence(base: number, highest: number)
            return true
        }
        let step = number &- sequence.highest
        if step < Self.dropoutLimit {
            if number < sequence.highest { sequence.cycles &+= 1 << 16 }
            sequence.highest = number
        } else if step <= 0 &- Self.misorderLimit {
            // Two in a row from far away: the source began anew without a word.
            guard number == sequence.restart else {
                self.sequence?.restart = number &+ 1
                return false
            }
            sequence = Sequence(base: number, highest: number)
            receivedCount = 0
            expectedAtReport = 0
            receivedAtReport = 0
        }
        sequence.restart = nil
        self.sequence = sequence
        return true
    }
}
