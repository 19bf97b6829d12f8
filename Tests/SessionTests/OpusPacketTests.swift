import Session
import Testing

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
}
