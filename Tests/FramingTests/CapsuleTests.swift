import Framing
import Testing
import Wire

@Suite struct CapsuleTests {
    private func read(_ pieces: [[UInt8]]) -> (capsules: [Capsule], error: HTTP3Error?) {
        var reader = CapsuleReader()
        var capsules: [Capsule] = []
        do throws(HTTP3Error) {
            for piece in pieces {
                reader.append(piece)
                while let capsule = try reader.next() { capsules.append(capsule) }
            }
            try reader.finish()
            return (capsules, nil)
        } catch {
            return (capsules, error)
        }
    }

    private let all: [Capsule] = [
        .maxData(65536), .maxStreams(100, isUnidirectional: false), .maxStreams(100, isUnidirectional: true),
        .dataBlocked(limit: 7), .streamsBlocked(limit: 9, isUnidirectional: false),
        .streamsBlocked(limit: 9, isUnidirectional: true), .drainSession, .unknown(type: 0x17),
        .closeSession(code: 0xDEAD_BEEF, reason: "Grüße"),
    ]

    @Test func `every capsule survives the round trip, however it is cut`() {
        let bytes = all.flatMap(\.bytes)
        #expect(read([bytes]).capsules == all)
        #expect(read(pieces(of: bytes, size: 1)).capsules == all)
        for pieces in splits(of: bytes) { #expect(read(pieces).capsules == all) }
    }

    @Test func `the types have the draft's bytes`() {
        #expect(Capsule.closeSession(code: 1, reason: "x").bytes == [0x68, 0x43, 5, 0, 0, 0, 1, 0x78])
        #expect(Capsule.drainSession.bytes == [0x80, 0, 0x78, 0xAE, 0])
        #expect(Capsule.maxData(1).bytes == [0x99, 0x0B, 0x4D, 0x3D, 1, 1])
    }

    @Test func `a close reason of a gigabyte is refused at its length`() {
        var head: [UInt8] = []
        head.append(varInt: 0x2843)
        head.append(varInt: 1 << 30)
        #expect(read([head]).error == HTTP3Error(.messageError, "a capsule is longer than its type allows"))
    }

    @Test func `a reason is cut to 1024 bytes at a character's border`() {
        let reason = String(repeating: "ü", count: 600)
        let result = read([Capsule.closeSession(code: 0, reason: reason).bytes])
        #expect(result.capsules == [.closeSession(code: 0, reason: String(repeating: "ü", count: 512))])
    }

    @Test func `an unknown capsule of any length is skipped without being kept`() {
        var reader = CapsuleReader()
        var head: [UInt8] = []
        head.append(varInt: 0x1234)
        head.append(varInt: VarInt.max)
        reader.append(head)
        #expect(throws: Never.self) {
            let first = try reader.next()
            #expect(first == .unknown(type: 0x1234))
            for _ in 0..<1000 {
                reader.append([UInt8](repeating: 0, count: 1000))
                let none = try reader.next()
                #expect(none == nil)
            }
        }
    }

    @Test func `nothing may follow a close`() {
        let close = Capsule.closeSession(code: 0, reason: "").bytes
        #expect(read([close + [0]]).error?.code == .messageError)
        #expect(read([close, [0]]).error?.code == .messageError)
        #expect(read([close]).error == nil)
    }

    @Test func `a stream that ends inside a capsule is an error`() {
        let bytes = Capsule.maxData(1 << 20).bytes
        for length in 1..<bytes.count { #expect(read([Array(bytes.prefix(length))]).error?.code == .messageError) }
    }

    @Test func `no mangled byte traps, and cutting changes nothing`() {
        for mutated in mutations(of: all.flatMap(\.bytes)) {
            let whole = read([mutated])
            let bytewise = read(pieces(of: mutated, size: 1))
            #expect(whole.capsules == bytewise.capsules)
            #expect(whole.error == bytewise.error)
        }
    }
}

@Suite struct WebTransportErrorCodeTests {
    /// draft-ietf-webtrans-http3-16 section 4.4, recomputed.
    @Test(arguments: [
        (0, 0x52E4_A40F_A8DB), (29, 0x52E4_A40F_A8F8), (30, 0x52E4_A40F_A8FA), (255, 0x52E4_A40F_A9E2),
        (.max, 0x52E5_AC98_3162),
    ] as [(UInt32, UInt64)])
    func `application codes map both ways`(application: UInt32, http3: UInt64) {
        #expect(WebTransportErrorCode.http3(application).rawValue == http3)
        #expect(WebTransportErrorCode.application(HTTP3ErrorCode(rawValue: http3)) == application)
    }

    @Test func `GREASE points and codes outside the range carry nothing`() {
        for code in [0x52E4_A40F_A8DA, 0x52E4_A40F_A8F9, 0x52E5_AC98_3163, 0, .max] as [UInt64] {
            #expect(WebTransportErrorCode.application(HTTP3ErrorCode(rawValue: code)) == nil)
        }
    }

    @Test func `the first thousand codes are distinct, in order and never GREASE`() {
        var previous: UInt64 = 0
        for application in 0..<1000 as Range<UInt32> {
            let code = WebTransportErrorCode.http3(application)
            #expect(code.rawValue > previous && (code.rawValue - 0x21) % 31 != 0)
            #expect(WebTransportErrorCode.application(code) == application)
            previous = code.rawValue
        }
    }
}

@Suite struct WebTransportHeaderTests {
    @Test func `stream headers have the draft's bytes`() {
        #expect(WebTransportStreamHeader.bytes(type: WebTransportStreamHeader.unidirectionalType, session: 0) == [0x40, 0x54, 0])
        #expect(WebTransportStreamHeader.bytes(type: WebTransportStreamHeader.bidirectionalSignal, session: 4) == [0x40, 0x41, 4])
    }

    @Test func `a datagram names the stream by its quarter`() throws {
        let bytes = HTTPDatagramHeader.bytes(stream: 400) + [9]
        var reader = ByteReader(bytes.span)
        let stream = try HTTPDatagramHeader.readStream(&reader)
        #expect(stream == 400)
        let left = reader.remaining
        #expect(left == 1)
    }

    @Test func `a datagram that names no stream is a datagram error`() {
        var tooLarge: [UInt8] = []
        tooLarge.append(varInt: VarInt.max / 4 + 1)
        for bytes in [[], [0x40], tooLarge] as [[UInt8]] {
            #expect(throws: HTTP3Error(.datagramError, "a datagram without a stream")) {
                var reader = ByteReader(bytes.span)
                _ = try HTTPDatagramHeader.readStream(&reader)
            }
        }
    }
}
