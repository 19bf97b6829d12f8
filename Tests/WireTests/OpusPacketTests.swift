import Testing
import Wire

@Suite struct OpusPacketTests {
    /// RFC 6716 table 2: the frame sizes of all 32 configurations.
    @Test func `every configuration has its duration`() {
        let silk = [10_000, 20_000, 40_000, 60_000]
        let celt = [2_500, 5_000, 10_000, 20_000]
        let table = silk + silk + silk + [10_000, 20_000, 10_000, 20_000] + celt + celt + celt + celt
        for (configuration, microseconds) in table.enumerated() {
            let toc = UInt8(configuration << 3)
            #expect(OpusPacket.duration(of: [toc, 0]) == .microseconds(microseconds))
            #expect(OpusPacket.duration(of: [toc | 1, 0]) == .microseconds(2 * microseconds))
            #expect(OpusPacket.duration(of: [toc | 3, 2]) == .microseconds(2 * microseconds))
        }
    }

    @Test(arguments: [[], [3], [3, 0], [0x18 | 3, 3], [0xF8 | 3, 63]] as [[UInt8]])
    func `a packet that is no packet has no duration`(packet: [UInt8]) {
        #expect(OpusPacket.duration(of: packet) == nil)
    }

    @Test func `the bit after those of voice activity says that a copy of the frame before follows`() {
        // (TOC, first byte of the frame, duration of the copy in ms)
        let cases: [(UInt8, UInt8, Int?)] = [
            (1 << 3, 0b0100_0000, 20), (1 << 3, 0b1100_0000, 20), (1 << 3, 0b1010_1111, nil),  // SILK, 20 ms
            (0 << 3, 0b0100_0000, 10),
            (2 << 3, 0b0010_0000, 40), (2 << 3, 0b1100_0000, nil),
            (3 << 3, 0b0001_0000, 60), (3 << 3, 0b1110_1111, nil),
            (15 << 3, 0b0100_0000, 20), (14 << 3, 0b0100_0000, 10),  // hybrid
            (16 << 3, 0xFF, nil), (31 << 3, 0xFF, nil),  // CELT
            (1 << 3 | 4, 0b0100_0000, 20), (1 << 3 | 4, 0b0001_0000, nil),  // stereo: the middle channel comes first
        ]
        for (toc, bits, milliseconds) in cases {
            let expected = milliseconds.map { Duration.milliseconds($0) }
            #expect(OpusPacket.forwardErrorCorrection(in: [toc, bits, 0, 0]) == expected, "\(toc) \(bits)")
        }
    }

    @Test func `the copy is looked for in the first of several frames`() {
        let toc: UInt8 = 1 << 3
        #expect(OpusPacket.forwardErrorCorrection(in: [toc | 1, 0x40, 0]) == .milliseconds(20))
        #expect(OpusPacket.forwardErrorCorrection(in: [toc | 1, 0, 0x40]) == nil)
        #expect(OpusPacket.forwardErrorCorrection(in: [toc | 2, 1, 0x40, 0, 0]) == .milliseconds(20))
        #expect(OpusPacket.forwardErrorCorrection(in: [toc | 2, 0, 0x40, 0]) == nil)
        #expect(OpusPacket.forwardErrorCorrection(in: [toc | 3, 0x82, 1, 0x40, 0]) == .milliseconds(20))
        #expect(OpusPacket.forwardErrorCorrection(in: [toc | 3, 0x41, 1, 0x40, 0]) == .milliseconds(20))
    }

    @Test func `no bytes make the search for a copy trap`() {
        for toc in UInt8.min...UInt8.max {
            for count in 0..<6 {
                for byte in [0, 1, 0x40, 0xFF] as [UInt8] {
                    let copy = OpusPacket.forwardErrorCorrection(in: [toc] + [UInt8](repeating: byte, count: count))
                    #expect(copy == nil || count > 0)
                }
            }
        }
        #expect(OpusPacket.forwardErrorCorrection(in: []) == nil)
    }
}
