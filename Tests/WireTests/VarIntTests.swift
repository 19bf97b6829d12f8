import Testing
import Wire

@Suite struct VarIntTests {
    /// RFC 9000 appendix A.1.
    @Test(arguments: [
        ([0xC2, 0x19, 0x7C, 0x5E, 0xFF, 0x14, 0xE8, 0x8C], 151_288_809_941_952_652),
        ([0x9D, 0x7F, 0x3E, 0x7D], 494_878_333),
        ([0x7B, 0xBD], 15293),
        ([0x25], 37),
    ] as [([UInt8], UInt64)])
    func `the RFC's vectors decode and encode`(bytes: [UInt8], value: UInt64) throws {
        var reader = ByteReader(bytes.span)
        let read = try reader.readVarInt()
        #expect(read == value)
        var written: [UInt8] = []
        written.append(varInt: value)
        #expect(written == bytes)
    }

    @Test(arguments: [0, 63, 64, 16383, 16384, 1 << 30 - 1, 1 << 30, VarInt.max] as [UInt64])
    func `every width survives the round trip, and no shorter prefix parses`(value: UInt64) throws {
        var written: [UInt8] = []
        written.append(varInt: value)
        #expect(written.count == VarInt.length(of: value))
        var reader = ByteReader(written.span)
        let read = try reader.readVarInt()
        #expect(read == value)
        for length in 0..<written.count {
            let prefix = Array(written.prefix(length))
            #expect(throws: ParseError.truncated) {
                var reader = ByteReader(prefix.span)
                _ = try reader.readVarInt()
            }
        }
    }
}
