import Testing
import Wire

func header(_ packet: [UInt8]) throws(ParseError) -> OpusPacketHeader { try OpusPacketHeader(packet.span) }

@Suite struct OpusPacketHeaderTests {
    @Test func `the 32 configurations have the frame sizes of RFC 6716 table 2`() throws {
        let silk = [480, 960, 1920, 2880], hybrid = [480, 960], celt = [120, 240, 480, 960]
        let table = silk + silk + silk + hybrid + hybrid + celt + celt + celt + celt
        for configuration in 0..<32 {
            let header = try header([UInt8(configuration << 3), 0])
            #expect(header.configuration == configuration)
            #expect(header.sampleCount == table[configuration])
        }
    }

    @Test func `the four codes count frames as RFC 6716 section 3.2 says`() throws {
        let cases: [([UInt8], Int)] = [
            ([0x48], 1),  // code 0, a frame of no bytes
            ([0x48, 1, 2, 3], 1),
            ([0x49, 1, 2], 2),  // code 1
            ([0x4A, 1, 9, 9, 9], 2),  // code 2
            ([0x4A, 252, 0] + [UInt8](repeating: 9, count: 252), 2),  // a length in two bytes
            ([0x4B, 0x03, 1, 2, 3], 3),  // code 3, equal frames
            ([0x4B, 0x83, 1, 2, 9, 9, 9, 9], 3),  // code 3, given lengths
            ([0x4B, 0x42, 2, 1, 2, 0, 0], 2),  // code 3 with padding
            ([0x4B, 0x41, 255, 1] + [UInt8](repeating: 0, count: 255), 1),  // padding of 254 + 1
        ]
        for (packet, frames) in cases {
            let header = try header(packet)
            #expect(header.frameCount == frames, "\(packet.prefix(6))")
            #expect(header.duration == .milliseconds(20 * frames))
        }
        #expect(try header([0x4C]).isStereo)
    }

    @Test(arguments: [
        [],  // R1: no TOC
        [0x48] + [UInt8](repeating: 0, count: 1276),  // R2: a frame over 1275 bytes
        [0x49, 1],  // R3: code 1 needs an even rest
        [0x4A], [0x4A, 252], [0x4A, 2, 9],  // R4: a length that does not fit
        [0x4B], [0x4B, 0],  // R5: no frame
        [0x4B, 7, 0],  // R5: 7 frames of 20 ms are 140 ms
        [0x1B, 3, 1, 1, 1],  // R5: 3 of 60 ms
        [0x4B, 0x02, 1, 2, 3],  // R6: 3 bytes for 2 equal frames
        [0x4B, 0x41], [0x4B, 0x41, 2, 1], [0x4B, 0x41, 255],  // R6: padding that does not fit
        [0x4B, 0x83, 1, 2, 9, 9], [0x4B, 0x82, 252],  // R7: lengths that do not fit
    ] as [[UInt8]])
    func `a packet that no decoder may play is malformed`(packet: [UInt8]) {
        let error = #expect(throws: ParseError.self) { _ = try header(packet) }
        guard case .malformed = error else {
            Issue.record("\(packet.prefix(4)): \(String(describing: error))")
            return
        }
    }

    @Test func `no first two bytes and no length trap`() {
        var read = 0
        for toc in 0...255 {
            for second in 0...255 {
                for length in [2, 3, 9] {
                    let packet = [UInt8(toc), UInt8(second)] + [UInt8](repeating: 3, count: length - 2)
                    guard let header = try? header(packet) else { continue }
                    read += 1
                    if !(120...5760).contains(header.sampleCount) { Issue.record("\(packet)") }
                }
            }
        }
        #expect(read > 10_000)
    }
}
