import RTP
import Testing
import Wire

@Suite struct RTCPTests {
    /// A sender report with one block, an SDES with CNAME `a@b` among other items, a NACK of 5, 6 and 21, and a BYE.
    private static let vector: [UInt8] = [
        0x81, 200, 0, 12, 0, 0, 0, 1, 0xE0, 0, 0, 2, 0x80, 0, 0, 0, 0, 0, 3, 0xC0, 0, 0, 0, 9, 0, 0, 3, 0x84,
        0, 0, 0, 2, 0x40, 0xFF, 0xFF, 0xFE, 0, 1, 0, 7, 0, 0, 0, 48, 0, 2, 0x80, 0, 0, 1, 0, 0,
        0x81, 202, 0, 4, 0, 0, 0, 1, 2, 1, 0x78, 1, 3, 0x61, 0x40, 0x62, 0, 0, 0, 0,
        0x81, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 5, 0x80, 1,
        0x82, 203, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3,
    ]

    private static let packets: [RTCPPacket] = [
        .senderReport(.init(
            ssrc: 1, ntpTime: NTPTime(bits: 0xE000_0002_8000_0000), timestamp: MediaTime(ticks: 960), packetCount: 9, octetCount: 900,
            reports: [.init(
                ssrc: 2, fractionLost: 64, cumulativeLost: -2, highestSequence: 0x1_0007, jitter: 48,
                lastSenderReport: 0x2_8000, delaySinceLastSenderReport: 0x1_0000)])),
        .sourceDescription([.init(ssrc: 1, canonicalName: "a@b")]),
        .negativeAcknowledgement(sender: 1, media: 2, missing: [5, 6, 21]),
        .goodbye(ssrcs: [1, 3]),
    ]

    @Test func `the vector of a compound is read field by field`() throws {
        let packets = try RTCPCompound.parse(Self.vector.span)
        #expect(packets == Self.packets)
    }

    @Test func `what is written is read again`() throws {
        let packets = Self.packets + [.receiverReport(ssrc: 7, reports: [.init(ssrc: 8), .init(ssrc: 9, cumulativeLost: 0x7F_FFFF)])]
        var bytes: [UInt8] = []
        RTCPCompound.write(packets, into: &bytes)
        let again = try RTCPCompound.parse(bytes.span)
        #expect(again == packets)
        #expect(bytes.count % 4 == 0)
    }

    @Test(arguments: [0, 1, 2, 3, 4, 255, 300])
    func `a CNAME of any length keeps the words aligned`(length: Int) throws {
        let name = String(repeating: "x", count: length)
        var bytes: [UInt8] = []
        RTCPCompound.write([.sourceDescription([.init(ssrc: 1, canonicalName: name)]), .goodbye(ssrcs: [1])], into: &bytes)
        let packets = try RTCPCompound.parse(bytes.span)
        #expect(packets == [.sourceDescription([.init(ssrc: 1, canonicalName: String(name.prefix(255)))]), .goodbye(ssrcs: [1])])
    }

    @Test func `a NACK names runs and wraps around with few entries`() throws {
        let missing: [UInt16] = Array(65_530...65_535) + Array(0...10) + [100]
        var bytes: [UInt8] = []
        RTCPCompound.write([.negativeAcknowledgement(sender: 1, media: 2, missing: missing)], into: &bytes)
        #expect(bytes.count == 12 + 2 * 4)
        let packets = try RTCPCompound.parse(bytes.span)
        #expect(packets == [.negativeAcknowledgement(sender: 1, media: 2, missing: missing)])
    }

    @Test func `kinds that nobody uses are skipped, padding is cut off`() throws {
        let bytes: [UInt8] =
            [0x80, 201, 0, 1, 0, 0, 0, 5]
            + [0x8F, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0x52, 0x45, 0x4D, 0x42]  // payload-specific feedback
            + [0x85, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]  // transport feedback that is no generic NACK
            + [0xA1, 203, 0, 2, 0, 0, 0, 9, 0, 0, 0, 4]
        let packets = try RTCPCompound.parse(bytes.span)
        #expect(packets == [.receiverReport(ssrc: 5, reports: []), .goodbye(ssrcs: [9])])
    }

    @Test func `every prefix is whole packets or an error`() {
        var whole = 0
        for count in 0...Self.vector.count {
            let prefix = Array(Self.vector.prefix(count))
            guard let packets = try? RTCPCompound.parse(prefix.span) else { continue }
            whole += 1
            #expect(packets == Array(Self.packets.prefix(packets.count)))
        }
        #expect(whole == Self.packets.count)
    }

    @Test func `every mangled byte gives packets or an error, never a trap`() {
        for index in Self.vector.indices {
            for value in UInt8.min...UInt8.max {
                var bytes = Self.vector
                bytes[index] = value
                let packets = try? RTCPCompound.parse(bytes.span)
                #expect((packets?.count ?? 0) <= 23)
            }
        }
    }

    @Test func `impossible padding is malformed`() {
        for (count, isLast) in [(0, true), (3, true), (12, true), (4, false)] as [(UInt8, Bool)] {
            var bytes: [UInt8] = [0xA1, 203, 0, 2, 0, 0, 0, 9, 0, 0, 0, count]
            if !isLast { bytes += [0x80, 203, 0, 0] }
            #expect(throws: ParseError.self) { try RTCPCompound.parse(bytes.span) }
        }
    }

    @Test func `a flood of NACK entries is refused as a whole`() {
        var bytes: [UInt8] = []
        for start in stride(from: 0, to: 4096, by: 32) {
            bytes += [0x81, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2]
            bytes.append(bigEndian: UInt16(start))
            bytes += [0xFF, 0xFF]
        }
        #expect(throws: ParseError.overLimit("a datagram asks for too many packets")) { try RTCPCompound.parse(bytes.span) }
    }

    @Test func `RTCP is told from RTP by its second byte`() {
        let rtp: [UInt8] = [0x80, 0x80 | 63, 0, 1]
        let short: [UInt8] = [0x80, 200, 0]
        let isRTCP = [Self.vector, rtp, short].map { RTCPCompound.isRTCP($0.span) }
        #expect(isRTCP == [true, false, false])
    }

    @Test func `the round trip of the RFC's figure is 6,125 s`() {
        // RFC 3550 section 6.4.1, figure 2.
        let block = RTCPPacket.ReportBlock(ssrc: 1, lastSenderReport: 0xB705_2000, delaySinceLastSenderReport: 0x0005_4000)
        let roundTrip = block.roundTrip(at: NTPTime(bits: 0xB710_8000 << 16))
        #expect(roundTrip == .milliseconds(6_125))
        #expect(RTCPPacket.ReportBlock(ssrc: 1).roundTrip(at: NTPTime(bits: 1)) == nil)
        #expect(block.roundTrip(at: NTPTime(bits: 0xB705_0000 << 16)) == nil)
    }

    @Test func `an instant becomes seconds and their fraction`() {
        #expect(NTPTime(Instant(nanoseconds: 2_500_000_000)).bits == 2 << 32 | 1 << 31)
        #expect(NTPTime(Instant(nanoseconds: 2_500_000_000)).middle == 2 << 16 | 1 << 15)
    }
}
