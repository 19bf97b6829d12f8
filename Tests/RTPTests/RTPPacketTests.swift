import RTP
import Testing
import Wire

@Suite struct RTPPacketTests {
    /// Version 2, marker, PT 111, one CSRC, an extension of one word, three payload bytes, two bytes of padding.
    private static let full: [UInt8] = [
        0b1011_0001, 0x80 | 111, 0x12, 0x34, 0x00, 0x01, 0x02, 0x03, 0xDE, 0xAD, 0xBE, 0xEF,
        1, 1, 1, 1,
        0xBE, 0xDE, 0x00, 0x01, 9, 9, 9, 9,
        0xA, 0xB, 0xC,
        0, 2,
    ]

    @Test func `CSRC list, extension and padding are taken off`() throws {
        let bytes = Self.full
        let packet = try RTPPacket(parsing: bytes.span)
        #expect(packet.header == RTPHeader(
            payloadType: 111, sequence: 0x1234, timestamp: MediaTime(ticks: 0x0001_0203), marker: true, ssrc: 0xDEAD_BEEF))
        #expect(packet.payloadRange == 24..<27)
        let payload = [UInt8](packet.payload(in: bytes.span))
        #expect(payload == [0xA, 0xB, 0xC])
    }

    @Test(arguments: [0, 1, 80, 1275])
    func `what is written is read again`(payloadCount: Int) throws {
        let payload = (0..<payloadCount).map { UInt8(truncatingIfNeeded: $0) }
        for marker in [false, true] {
            let header = RTPHeader(sequence: 65_535, timestamp: MediaTime(ticks: .max), marker: marker, ssrc: 7)
            var bytes: [UInt8] = [1, 2]
            RTPPacket.write(header, payload: payload.span, into: &bytes)
            #expect(bytes.count == 2 + RTP.headerByteCount + payloadCount)
            let packet = try RTPPacket(parsing: bytes.span.extracting(2..<bytes.count))
            #expect(packet.header == header)
            #expect(packet.payloadRange == 12..<(12 + payloadCount))
        }
    }

    @Test func `every prefix is an error or a shorter packet, never a trap`() {
        for count in 0..<Self.full.count {
            let prefix = Array(Self.full.prefix(count))
            let packet = try? RTPPacket(parsing: prefix.span)
            if count < 24 { #expect(packet == nil) }
            if let packet { #expect(packet.payloadRange.upperBound <= count) }
        }
    }

    @Test func `every mangled byte gives a payload that lies inside, or an error`() {
        for index in Self.full.indices {
            for value in UInt8.min...UInt8.max {
                var bytes = Self.full
                bytes[index] = value
                guard let packet = try? RTPPacket(parsing: bytes.span) else { continue }
                #expect(packet.payloadRange.lowerBound >= 12 && packet.payloadRange.upperBound <= bytes.count)
            }
        }
    }

    @Test(arguments: [0, 4, 255] as [UInt8])
    func `padding of no length, or longer than the payload, is malformed`(padding: UInt8) {
        var bytes = Self.full
        bytes[bytes.count - 1] = padding == 4 ? 6 : padding
        #expect(throws: ParseError.self) { try RTPPacket(parsing: bytes.span) }
    }

    @Test(arguments: [0, 1, 3] as [UInt8])
    func `another version is malformed`(version: UInt8) {
        var bytes = Self.full
        bytes[0] = version << 6
        #expect(throws: ParseError.malformed("the RTP version is not 2")) { try RTPPacket(parsing: bytes.span) }
    }
}
