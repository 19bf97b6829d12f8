internal import Wire

/// Variable-length integers, one after the other: what is read is written again in no more bytes and read back.
func fuzzVarInt(_ input: Span<UInt8>) throws(FuzzFinding) -> Bool {
    var reader = ByteReader(input)
    var written: [UInt8] = []
    var values: [UInt64] = []
    while let value = try? reader.readVarInt() {
        values.append(value)
        written.append(varInt: value)
    }
    try expect(written.count <= reader.offset, "the shortest form is no longer than the one read")
    var again = ByteReader(written.span)
    for value in values { try expect((try? again.readVarInt()) == value, "an integer survives the round trip") }
    try expect(again.isAtEnd, "nothing is left over")
    return reader.isAtEnd
}
