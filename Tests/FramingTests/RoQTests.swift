import Framing
import Testing
import Wire

@Suite struct RoQStreamTests {
    private func read(_ pieces: [[UInt8]], maximumByteCount: Int = 100) -> (flow: UInt64?, packets: [[UInt8]], error: RoQError?) {
        var reader = RoQStreamReader()
        var packets: [[UInt8]] = []
        do throws(RoQError) {
            for piece in pieces {
                reader.append(piece)
                while let packet = try reader.next(maximumByteCount: maximumByteCount, { [UInt8]($0) }) { packets.append(packet) }
            }
            try reader.finish()
            return (reader.flow, packets, nil)
        } catch {
            return (reader.flow, packets, error)
        }
    }

    /// Flow 300, then packets of 1, 70 and 3 bytes.
    private let sample: [UInt8] = [0x41, 0x2C, 1, 7, 0x40, 70] + [UInt8](repeating: 5, count: 70) + [3, 1, 2, 3]
    private let packets: [[UInt8]] = [[7], [UInt8](repeating: 5, count: 70), [1, 2, 3]]

    @Test func `the flow comes once, then packets, however the stream is cut`() {
        for pieces in splits(of: sample) + [pieces(of: sample, size: 1)] {
            let result = read(pieces)
            #expect(result.flow == 300)
            #expect(result.packets == packets)
            #expect(result.error == nil)
        }
    }

    @Test func `a stream ends between packets or is an error`() {
        let ends: Set<Int> = [2, 4, 76, sample.count]
        for length in 0...sample.count {
            let error = read([Array(sample.prefix(length))]).error
            #expect((error == nil) == ends.contains(length))
        }
    }

    @Test func `a packet over the limit is refused at its length`() {
        #expect(read([[0, 0x40, 101]]).error == RoQError(.packetError, "a packet is longer than its limit"))
        #expect(read([[0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]]).error?.code == .packetError)
    }

    @Test func `no mangled byte traps, and cutting changes nothing`() {
        for mutated in mutations(of: sample) {
            let whole = read([mutated])
            let bytewise = read(pieces(of: mutated, size: 1))
            #expect(whole.packets == bytewise.packets)
            #expect(whole.error == bytewise.error)
        }
    }

    @Test func `a datagram begins with its flow`() throws {
        let bytes: [UInt8] = [0x41, 0x2C, 9]
        var reader = ByteReader(bytes.span)
        let flow = try RoQDatagram.readFlow(&reader)
        #expect(flow == 300)
        #expect(throws: RoQError(.packetError, "a datagram without a flow identifier")) {
            let short: [UInt8] = [0x41]
            var reader = ByteReader(short.span)
            _ = try RoQDatagram.readFlow(&reader)
        }
    }
}

@Suite struct LineReaderTests {
    private func read(_ pieces: [[UInt8]], maximumByteCount: Int = 10) -> (lines: [String], isTooLong: Bool) {
        var reader = LineReader(maximumByteCount: maximumByteCount)
        var lines: [String] = []
        do {
            for piece in pieces {
                reader.append(piece)
                while let line = try reader.next() { lines.append(String(decoding: line, as: UTF8.self)) }
            }
        } catch {
            return (lines, true)
        }
        if let rest = reader.finish() { lines.append(String(decoding: rest, as: UTF8.self)) }
        return (lines, false)
    }

    @Test func `lines come out however the stream is cut`() {
        let bytes = Array("{\"a\":1}\n\r\n\n{\"b\":2}\r\nlast".utf8)
        for pieces in splits(of: bytes) + [pieces(of: bytes, size: 1)] {
            #expect(read(pieces).lines == ["{\"a\":1}", "{\"b\":2}", "last"])
        }
    }

    @Test func `a line over the limit is refused, whole or not`() {
        #expect(read([Array("0123456789\n".utf8)]).lines == ["0123456789"])
        #expect(read([Array("01234567890\n".utf8)]).isTooLong)
        #expect(read([Array("01234567890".utf8)]).isTooLong)
    }
}

@Suite struct PendingBytesTests {
    @Test func `what is taken is what was appended, in order`() {
        var pending = PendingBytes()
        var expected: [UInt8] = []
        var taken: [UInt8] = []
        for round in 0..<200 {
            let piece = (0..<(round % 7)).map { UInt8(truncatingIfNeeded: round &* 31 &+ $0) }
            pending.append(piece)
            expected += piece
            taken += pending.take(min(pending.count, round % 5))
        }
        taken += pending.takeAll()
        #expect(taken == expected)
        #expect(pending.isEmpty)
    }
}
