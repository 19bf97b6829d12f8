internal import RTP
internal import Wire

func fuzzRTP(_ input: Span<UInt8>) throws(FuzzFinding) -> Bool {
    guard let packet = try? RTPPacket(parsing: input) else { return false }
    let payload = packet.payload(in: input)
    try expect(payload.count == packet.payloadRange.count, "the payload lies within the packet")
    try expect(packet.payloadRange.lowerBound >= RTP.headerByteCount, "the payload lies after the header")
    var written: [UInt8] = []
    RTPPacket.write(packet.header, payload: payload, into: &written)
    let again = try? RTPPacket(parsing: written.span)
    try expect(again?.header == packet.header, "the header survives the round trip")
    try expect(again?.payload(in: written.span).count == payload.count, "the payload survives the round trip")
    return true
}
