import Framing
import HTTP3
import Testing
import Wire

@Suite struct QPACKTests {
    private let request = [
        HeaderField(":method", "CONNECT"), HeaderField(":protocol", "webtransport"), HeaderField(":scheme", "https"),
        HeaderField(":authority", "example.org"), HeaderField(":path", "/v1/realtime?model=echo"), HeaderField("origin", ""),
    ]

    @Test func `a request survives the round trip without a dynamic table`() throws {
        let encoder = try QPACKEncoder()
        let decoder = try QPACKDecoder()
        for stream in stride(from: Int64(0), to: 40, by: 4) {
            let section = try encoder.encode(request, stream: stream)
            #expect(section.starts(with: [0, 0]))
            let decoded = try decoder.decode(section, stream: stream)
            #expect(decoded == request)
        }
    }

    /// RFC 9204 appendix B.1: a literal field line with a static name reference.
    @Test func `the RFC's first vector decodes`() throws {
        let section: [UInt8] = [0x00, 0x00, 0x51, 0x0B] + Array("/index.html".utf8)
        let fields = try QPACKDecoder().decode(section, stream: 0)
        #expect(fields == [HeaderField(":path", "/index.html")])
    }

    @Test func `what needs a dynamic table or an unknown static entry is a decompression failure`() throws {
        // Required insert count 1; dynamic index 0; static index 99.
        for section in [[0x02, 0x00, 0x80], [0x00, 0x00, 0x80], [0x00, 0x00, 0xFF, 0x24], [0x00]] as [[UInt8]] {
            #expect { try QPACKDecoder().decode(section, stream: 0) } throws: {
                ($0 as? HTTP3Error)?.code == .qpackDecompressionFailed
            }
        }
    }

    @Test func `every prefix and every mangled byte decodes or fails`() throws {
        let section = try QPACKEncoder().encode(request, stream: 0)
        for length in 0..<section.count { _ = try? QPACKDecoder().decode(Array(section.prefix(length)), stream: 0) }
        for index in section.indices {
            for value in [0x00, 0x3F, 0x7F, 0x80, 0xC0, 0xFF] as [UInt8] {
                var mangled = section
                mangled[index] = value
                _ = try? QPACKDecoder().decode(mangled, stream: 0)
            }
        }
    }

    @Test func `a section over its limits is refused`() throws {
        let encoder = try QPACKEncoder()
        var limits = QPACKDecoder.Limits()
        limits.fieldCount = 3
        let section = try encoder.encode(request, stream: 0)
        #expect(throws: HTTP3Error(.excessiveLoad, "a field section is over its limit")) {
            try QPACKDecoder(limits: limits).decode(section, stream: 0)
        }
        limits.fieldCount = 100
        limits.sectionByteCount = 200
        #expect(throws: HTTP3Error(.excessiveLoad, "a field section is over its limit")) {
            try QPACKDecoder(limits: limits).decode(section, stream: 0)
        }
    }

    @Test func `instructions for a table that does not exist are errors of their streams`() throws {
        let decoder = try QPACKDecoder()
        try decoder.readEncoderStream([0x20])  // capacity 0 is allowed
        #expect(throws: HTTP3Error(.qpackEncoderStreamError, "an instruction on the encoder stream is invalid")) {
            try decoder.readEncoderStream([0x3F, 0xE1, 0x1F])  // capacity 4096
        }
        #expect(throws: HTTP3Error(.qpackDecoderStreamError, "an instruction on the decoder stream is invalid")) {
            try QPACKEncoder().readDecoderStream([0x00])  // insert count increment 0
        }
    }
}
