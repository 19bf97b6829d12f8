import RTP
import Testing
import Wire

@Suite struct RedundantPayloadTests {
    private static func header(sequence: UInt16 = 10, ticks: UInt32 = 9_600) -> RTPHeader {
        RTPHeader(
            payloadType: RTP.redundantPayloadType, sequence: sequence, timestamp: MediaTime(ticks: ticks), marker: false, ssrc: 1)
    }

    /// Two earlier blocks of three and two bytes, 1920 and 960 ticks before, then four bytes of the packet's own.
    private static let vector: [UInt8] = [
        0x80 | 111, 0x1E, 0x00, 0x03, 0x80 | 111, 0x0F, 0x00, 0x02, 111,
        1, 2, 3, 4, 5, 6, 7, 8, 9,
    ]

    @Test func `blocks come oldest first, with the numbers before the packet's`() throws {
        let blocks = try RedundantPayload.parse(Self.vector.span, header: Self.header())
        #expect(blocks == [
            RedundantBlock(payloadType: 111, sequence: 8, timestamp: MediaTime(ticks: 7_680), range: 9..<12),
            RedundantBlock(payloadType: 111, sequence: 9, timestamp: MediaTime(ticks: 8_640), range: 12..<14),
            RedundantBlock(payloadType: 111, sequence: 10, timestamp: MediaTime(ticks: 9_600), range: 14..<18),
        ])
    }

    @Test func `the history writes the vector`() {
        var history = RedundancyHistory()
        history.remember([1, 2, 3], sequence: 8, timestamp: MediaTime(ticks: 7_680))
        history.remember([4, 5], sequence: 9, timestamp: MediaTime(ticks: 8_640))
        let bytes = history.payload([6, 7, 8, 9], 10, depth: 2)
        #expect(bytes == Self.vector)
    }

    @Test(arguments: 0...10)
    func `a packet carries as many earlier frames as the depth says, at most eight`(depth: Int) throws {
        var history = RedundancyHistory()
        // Over the wrap of numbers and times.
        for step in 0..<20 {
            let sequence = UInt16(truncatingIfNeeded: 65_530 + step)
            let ticks = UInt32.max - 4_000 &+ UInt32(step) * 960
            var bytes: [UInt8] = []
            history.write(
                [UInt8(step), 1], sequence: sequence, timestamp: MediaTime(ticks: ticks), payloadType: 111, depth: depth,
                maximumByteCount: 1200, into: &bytes)
            let blocks = try RedundantPayload.parse(bytes.span, header: Self.header(sequence: sequence, ticks: ticks))
            let count = min(depth, step, 8)
            #expect(blocks.map(\.sequence) == (0...count).map { sequence &- UInt16(count - $0) })
            #expect(blocks.map(\.timestamp.ticks) == (0...count).map { ticks &- UInt32(count - $0) * 960 })
            #expect(blocks.map { bytes[$0.range.lowerBound] } == (0...count).map { UInt8(step - count + $0) })
        }
    }

    @Test func `what is too old, too long or has no room is left out, with all before it`() throws {
        // 400 ms of silence between 1 and 2.
        var history = RedundancyHistory()
        history.remember([1], sequence: 1, timestamp: MediaTime(ticks: 0))
        history.remember([2], sequence: 2, timestamp: MediaTime(ticks: 19_200))
        #expect(history.payload([3], 3, ticks: 20_160, depth: 8) == [0x80 | 111, 0x0F, 0, 1, 111, 2, 3])
        // A block of 1,024 bytes has no length in ten bits.
        history = RedundancyHistory()
        history.remember([1], sequence: 1, timestamp: MediaTime(ticks: 960))
        history.remember([UInt8](repeating: 2, count: 1_024), sequence: 2, timestamp: MediaTime(ticks: 1_920))
        #expect(history.payload([3], 3, ticks: 2_880, depth: 8) == [111, 3])
        history = RedundancyHistory()
        history.remember([1], sequence: 1, timestamp: MediaTime(ticks: 960))
        history.remember([2, 2], sequence: 2, timestamp: MediaTime(ticks: 1_920))
        #expect(history.payload([3], 3, ticks: 2_880, depth: 8, maximumByteCount: 8) == [0x80 | 111, 0x0F, 0, 2, 111, 2, 2, 3])
        // A gap in the numbers: places would say wrong ones.
        history = RedundancyHistory()
        history.remember([1], sequence: 1, timestamp: MediaTime(ticks: 960))
        #expect(history.payload([3], 3, ticks: 2_880, depth: 8) == [111, 3])
    }

    @Test func `blocks out of the order of time are malformed`() {
        for (first, second) in [(960, 1920), (960, 960), (960, 0), (0, 0)] as [(UInt32, UInt32)] {
            var bytes: [UInt8] = []
            for offset in [first, second] {
                bytes.append(0x80 | 111)
                bytes.append(UInt8(offset >> 6))
                bytes.append(bigEndian: UInt16(truncatingIfNeeded: offset << 10 | 1))
            }
            bytes += [111, 1, 2, 3]
            #expect(throws: ParseError.malformed("redundant blocks that are not in the order of time")) {
                try RedundantPayload.parse(bytes.span, header: Self.header())
            }
        }
    }

    @Test func `RED within RED is malformed, and a chain of blocks has an end`() {
        let nested: [UInt8] = [RTP.redundantPayloadType, 1]
        #expect(throws: ParseError.malformed("a redundant payload within another")) {
            try RedundantPayload.parse(nested.span, header: Self.header())
        }
        var chain: [UInt8] = []
        for offset in stride(from: UInt32(4_000), to: 0, by: -100) {
            chain.append(0x80 | 111)
            chain.append(UInt8(offset >> 6))
            chain.append(bigEndian: UInt16(truncatingIfNeeded: offset << 10))
        }
        chain.append(111)
        #expect(throws: ParseError.overLimit("too many blocks in a redundant payload")) {
            try RedundantPayload.parse(chain.span, header: Self.header())
        }
    }

    @Test func `every prefix is an error or ends in the last block`() {
        for count in 0..<Self.vector.count {
            let prefix = Array(Self.vector.prefix(count))
            let blocks = try? RedundantPayload.parse(prefix.span, header: Self.header())
            if count < 14 { #expect(blocks == nil) } else { #expect(blocks?.last?.range == 14..<count) }
        }
    }

    @Test func `every mangled byte gives blocks that lie inside, or an error`() {
        for index in Self.vector.indices {
            for value in UInt8.min...UInt8.max {
                var bytes = Self.vector
                bytes[index] = value
                guard let blocks = try? RedundantPayload.parse(bytes.span, header: Self.header()) else { continue }
                #expect(blocks.allSatisfy { $0.range.upperBound <= bytes.count })
                #expect(blocks.last?.sequence == 10)
            }
        }
    }

    @Test func `a resend keeps the number of the original before its payload`() throws {
        var bytes: [UInt8] = []
        let payload: [UInt8] = [7, 8]
        RetransmissionPayload.write(originalSequence: 0x1234, payload: payload.span, into: &bytes)
        #expect(bytes == [0x12, 0x34, 7, 8])
        let parsed = try RetransmissionPayload(parsing: bytes.span)
        #expect(parsed == (try RetransmissionPayload(parsing: bytes.span)))
        #expect(parsed.originalSequence == 0x1234)
        #expect(parsed.range == 2..<4)
        let short: [UInt8] = [1]
        #expect(throws: ParseError.truncated) { try RetransmissionPayload(parsing: short.span) }
    }
}

extension RedundancyHistory {
    fileprivate mutating func payload(
        _ bytes: [UInt8], _ sequence: UInt16, ticks: UInt32 = 9_600, depth: Int, maximumByteCount: Int = 1_200
    ) -> [UInt8] {
        var output: [UInt8] = []
        write(
            bytes, sequence: sequence, timestamp: MediaTime(ticks: ticks), payloadType: 111, depth: depth,
            maximumByteCount: maximumByteCount, into: &output)
        return output
    }
}
