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

func fuzzRTCP(_ input: Span<UInt8>) throws(FuzzFinding) -> Bool {
    guard let packets = try? RTCPCompound.parse(input) else { return false }
    var written: [UInt8] = []
    RTCPCompound.write(packets, into: &written)
    try expect(written.count % 4 == 0, "RTCP is a number of words")
    guard !packets.isEmpty else { return true }
    let again = try? RTCPCompound.parse(written.span)
    try expect(again?.count == packets.count, "no packet is lost on the round trip")
    var rewritten: [UInt8] = []
    RTCPCompound.write(again ?? [], into: &rewritten)
    try expect(rewritten == written, "what was written once is written the same again")
    return true
}

/// The input is an RTP packet, whatever its payload type, whose payload is read as RED.
func fuzzRED(_ input: Span<UInt8>) throws(FuzzFinding) -> Bool {
    guard let packet = try? RTPPacket(parsing: input) else { return false }
    let payload = packet.payload(in: input)
    guard let blocks = try? RedundantPayload.parse(payload, header: packet.header) else { return false }
    try expect(blocks.count <= RedundantPayload.blockLimit, "blocks have a limit")
    try expect(blocks.last?.sequence == packet.header.sequence, "the last block is the packet's own")
    var end = blocks.first?.range.lowerBound ?? 0
    var history = RedundancyHistory()
    for block in blocks {
        try expect(block.range.lowerBound == end && block.range.upperBound <= payload.count, "blocks lie one behind the other")
        end = block.range.upperBound
        var written: [UInt8] = []
        history.write(
            [UInt8](payload.extracting(block.range)), sequence: block.sequence, timestamp: block.timestamp, payloadType: 111, depth: 8,
            maximumByteCount: 1_200, into: &written)
        let header = RTPHeader(payloadType: 63, sequence: block.sequence, timestamp: block.timestamp, marker: false, ssrc: 0)
        let again = try? RedundantPayload.parse(written.span, header: header)
        try expect(again?.last?.timestamp == block.timestamp, "what the history writes can be read")
    }
    return true
}

/// The input is the payload of a closing marker.
func fuzzClosing(_ input: Span<UInt8>) throws(FuzzFinding) -> Bool {
    guard let marker = try? ClosingMarker(parsing: input) else { return false }
    if case .copies(let frames, let events) = marker.content {
        try expect(frames.count + events.count <= ClosingMarker.copyLimit, "copies have a limit")
        let bytes = frames.reduce(0) { $0 + $1.payload.count } + events.reduce(0) { $0 + $1.bytes.count }
        try expect(bytes <= input.count, "copies lie within the marker")
    }
    var written: [UInt8] = []
    marker.write(into: &written)
    try expect((try? ClosingMarker(parsing: written.span)) == marker, "a marker survives the round trip")
    return true
}
