import Framing
import Testing
import Wire

@Suite struct WebSocketReaderTests {
    private func read(
        _ pieces: [[UInt8]], expectsMask: Bool = false, maximumByteCount: Int = 1_000
    ) -> (messages: [WebSocketMessage], error: WebSocketError?) {
        var reader = WebSocketReader(expectsMask: expectsMask, maximumByteCount: maximumByteCount)
        var messages: [WebSocketMessage] = []
        do throws(WebSocketError) {
            for piece in pieces {
                reader.append(piece)
                while let message = try reader.next() { messages.append(message) }
            }
            return (messages, nil)
        } catch {
            return (messages, error)
        }
    }

    private func frame(_ kind: WebSocketFrame.Kind, _ payload: [UInt8], mask: UInt32? = nil) -> [UInt8] {
        var bytes: [UInt8] = []
        WebSocketFrame.write(kind, payload.span, mask: mask, into: &bytes)
        return bytes
    }

    /// "Hel" and "lo" with a ping between, 200 bytes, and a close: RFC 6455 section 5.7 has the first three.
    private var sample: [UInt8] {
        [0x01, 0x03, 0x48, 0x65, 0x6C] + [0x89, 0x02, 0x48, 0x69] + [0x80, 0x02, 0x6C, 0x6F]
            + frame(.binary, [UInt8](repeating: 7, count: 200)) + [0x88, 0x04, 0x03, 0xE8, 0x6F, 0x6B]
    }

    private let expected: [WebSocketMessage] = [
        .ping(Array("Hi".utf8)), .text(Array("Hello".utf8)), .binary([UInt8](repeating: 7, count: 200)), .close(code: 1000, reason: "ok"),
    ]

    @Test func `messages come out whole, however the stream is cut`() {
        for pieces in splits(of: sample) + [pieces(of: sample, size: 1)] {
            let result = read(pieces)
            #expect(result.messages == expected)
            #expect(result.error == nil)
        }
    }

    @Test func `the masked Hello of RFC 6455 section 5-7 is read and written`() {
        let bytes: [UInt8] = [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58]
        #expect(read([bytes], expectsMask: true).messages == [.text(Array("Hello".utf8))])
        #expect(frame(.text, Array("Hello".utf8), mask: 0x37FA_213D) == bytes)
    }

    @Test(arguments: [0, 1, 125, 126, 127, 65_535, 65_536])
    func `every length has one form, and survives`(count: Int) {
        let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        let bytes = frame(.binary, payload, mask: 0x0102_0304)
        #expect(bytes.count == count + 6 + (count < 126 ? 0 : count < 65_536 ? 2 : 8))
        #expect(read([bytes], expectsMask: true, maximumByteCount: 70_000).messages == [.binary(payload)])
    }

    @Test(arguments: [
        // Reserved bit, unknown opcode, masked by a server.
        ([0xC1, 0x00], 1002), ([0x83, 0x00], 1002), ([0x81, 0x80, 0, 0, 0, 0], 1002),
        // Control frames: in pieces, too long.
        ([0x09, 0x00], 1002), ([0x89, 126, 0, 126], 1002),
        // A continuation of nothing; a message inside another.
        ([0x80, 0x00], 1002), ([0x01, 0x00, 0x81, 0x00], 1002),
        // Lengths in a form that is too long, or with the highest bit.
        ([0x82, 126, 0, 125], 1002), ([0x82, 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], 1002),
        ([0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0], 1002),
        // Over the limit, at once and in sum.
        ([0x82, 126, 0x04, 0x00], 1009), ([0x82, 127, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], 1009),
        // Not UTF-8; closes.
        ([0x81, 0x02, 0xC0, 0x80], 1007), ([0x88, 0x01, 0x03], 1002), ([0x88, 0x02, 0x03, 0xED], 1002),
        ([0x88, 0x03, 0x03, 0xE8, 0xFF], 1007),
    ] as [([UInt8], UInt16)])
    func `what breaks the protocol has the code of RFC 6455`(bytes: [UInt8], code: UInt16) {
        for pieces in [[bytes], pieces(of: bytes, size: 1)] {
            #expect(read(pieces).error?.code == code)
        }
    }

    @Test func `a message in pieces is limited as a whole`() {
        let half = [UInt8](repeating: 1, count: 600)
        var first = frame(.binary, half)
        first[0] = 0x02
        var second = frame(.continuation, half)
        #expect(read([first + second]).error?.code == 1009)
        second = frame(.continuation, Array(half.prefix(400)))
        #expect(read([first + second]).messages == [.binary(half + half.prefix(400))])
    }

    @Test func `a client's frame must be masked`() {
        #expect(read([frame(.text, [])], expectsMask: true).error?.code == 1002)
    }

    @Test func `nothing is read after a close`() {
        let result = read([[0x88, 0x00, 0xFF, 0xFF, 0xFF]])
        #expect(result.messages == [.close(code: nil, reason: "")])
        #expect(result.error == nil)
    }

    @Test func `a close reason is cut at a character's border`() {
        var bytes: [UInt8] = []
        WebSocketFrame.writeClose(1000, String(repeating: "ü", count: 100), mask: nil, into: &bytes)
        #expect(bytes.count == 2 + 2 + 122)
        #expect(read([bytes]).messages == [.close(code: 1000, reason: String(repeating: "ü", count: 61))])
    }

    @Test func `no mangled byte traps, and cutting changes nothing`() {
        for mutated in mutations(of: sample) {
            let whole = read([mutated])
            let bytewise = read(pieces(of: mutated, size: 1))
            #expect(whole.messages == bytewise.messages)
            #expect(whole.error == bytewise.error)
        }
    }
}
