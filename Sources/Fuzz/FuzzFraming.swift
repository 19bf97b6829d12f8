internal import Framing
internal import HTTP3
internal import Wire

// A stream's bytes come in pieces of any size, and the pieces must not matter. Every stream reader here is fed the input
// once whole and once in pieces, whose lengths the input's own bytes choose, and must answer the same.

/// Frames of a request or control stream.
func fuzzHTTP3Frames(_ input: Span<UInt8>) throws(FuzzFinding) -> Bool {
    let whole = frames([[UInt8](input)])
    let pieces = frames(split(input))
    try expect(whole.error == pieces.error, "the pieces do not matter for the error")
    try expect(joined(whole.frames) == joined(pieces.frames), "the pieces do not matter for the frames")
    return whole.error == nil
}

private func frames(_ pieces: [[UInt8]]) -> (frames: [HTTP3Frame], error: HTTP3Error?) {
    var reader = HTTP3FrameReader()
    var frames: [HTTP3Frame] = []
    do throws(HTTP3Error) {
        for piece in pieces {
            reader.append(piece)
            while let frame = try reader.next() { frames.append(frame) }
        }
        try reader.finish()
    } catch {
        return (frames, error)
    }
    return (frames, nil)
}

/// `frames` with the pieces of DATA put together.
private func joined(_ frames: [HTTP3Frame]) -> [HTTP3Frame] {
    var result: [HTTP3Frame] = []
    for frame in frames {
        if case .data(let more) = frame, case .data(let bytes) = result.last {
            result[result.count - 1] = .data(bytes + more)
        } else {
            result.append(frame)
        }
    }
    return result
}

func fuzzHTTP3Settings(_ input: Span<UInt8>) throws(FuzzFinding) -> Bool {
    guard let settings = try? HTTP3Settings(parsing: input) else { return false }
    let payload = settings.payload
    let again = try? HTTP3Settings(parsing: payload.span)
    try expect(again == settings, "settings survive the round trip")
    return true
}

func fuzzCapsules(_ input: Span<UInt8>) throws(FuzzFinding) -> Bool {
    let whole = capsules([[UInt8](input)])
    let pieces = capsules(split(input))
    try expect(whole.error == pieces.error, "the pieces do not matter for the error")
    try expect(whole.capsules == pieces.capsules, "the pieces do not matter for the capsules")
    for capsule in whole.capsules {
        if case .closeSession(_, let reason) = capsule, reason.utf8.count > Capsule.maximumReasonByteCount { continue }
        try expect(capsules([capsule.bytes]).capsules == [capsule], "a capsule survives the round trip")
    }
    return whole.error == nil
}

private func capsules(_ pieces: [[UInt8]]) -> (capsules: [Capsule], error: HTTP3Error?) {
    var reader = CapsuleReader()
    var capsules: [Capsule] = []
    do throws(HTTP3Error) {
        for piece in pieces {
            reader.append(piece)
            while let capsule = try reader.next() { capsules.append(capsule) }
        }
        try reader.finish()
    } catch {
        return (capsules, error)
    }
    return (capsules, nil)
}

/// nghttp3's decoder through its wrapper.
func fuzzQPACK(_ input: Span<UInt8>) throws(FuzzFinding) -> Bool {
    guard let decoder = try? QPACKDecoder(), let encoder = try? QPACKEncoder() else {
        throw FuzzFinding(description: "no memory for QPACK")
    }
    guard let fields = try? decoder.decode([UInt8](input), stream: 0) else { return false }
    try expect(fields.count <= decoder.limits.fieldCount, "no more fields than the limit")
    let section = try? encoder.encode(fields, stream: 4)
    let again = section.flatMap { try? decoder.decode($0, stream: 4) }
    try expect(again == fields, "fields survive the round trip")
    return true
}

/// Lines of events.
func fuzzLines(_ input: Span<UInt8>) throws(FuzzFinding) -> Bool {
    let whole = lines([[UInt8](input)])
    try expect(whole == lines(split(input)), "the pieces do not matter")
    return whole != nil
}

private func lines(_ pieces: [[UInt8]]) -> [[UInt8]]? {
    var reader = LineReader(maximumByteCount: 64)
    var lines: [[UInt8]] = []
    for piece in pieces {
        reader.append(piece)
        do throws(LineReader.LineTooLong) {
            while let line = try reader.next() { lines.append(line) }
        } catch {
            return nil
        }
    }
    if let rest = reader.finish() { lines.append(rest) }
    return lines
}

/// A stream of RTP over QUIC: flow, then packets.
func fuzzRoQStream(_ input: Span<UInt8>) throws(FuzzFinding) -> Bool {
    let whole = packets([[UInt8](input)])
    let pieces = packets(split(input))
    try expect(whole.error == pieces.error, "the pieces do not matter for the error")
    try expect(whole.packets == pieces.packets, "the pieces do not matter for the packets")
    return whole.error == nil
}

private func packets(_ pieces: [[UInt8]]) -> (packets: [[UInt8]], error: RoQError?) {
    var reader = RoQStreamReader()
    var packets: [[UInt8]] = []
    do throws(RoQError) {
        for piece in pieces {
            reader.append(piece)
            while let packet = try reader.next(maximumByteCount: 1_500, { [UInt8]($0) }) { packets.append(packet) }
        }
        try reader.finish()
    } catch {
        return (packets, error)
    }
    return (packets, nil)
}

/// The first bytes of datagrams: RTP over QUIC's flow and HTTP's quarter stream id.
func fuzzDatagramHeaders(_ input: Span<UInt8>) throws(FuzzFinding) -> Bool {
    var roq = ByteReader(input)
    let flow = try? RoQDatagram.readFlow(&roq)
    var http = ByteReader(input)
    let stream = try? HTTPDatagramHeader.readStream(&http)
    try expect(flow != nil || stream == nil, "both forms begin with the same integer")
    if let stream {
        try expect(WebTransportStreamHeader.isSessionID(stream) && stream <= VarInt.max, "the id is one of a request stream")
    }
    return stream != nil
}

/// DCEP, the opening of data channels.
func fuzzDataChannelMessage(_ input: Span<UInt8>) throws(FuzzFinding) -> Bool {
    guard let message = try? DataChannelMessage(parsing: input) else { return false }
    let bytes = message.bytes
    try expect(bytes.count == input.count, "a message written again is as long")
    let again = try? DataChannelMessage(parsing: bytes.span)
    try expect(again == message, "a message survives the round trip")
    return true
}

/// `input` in pieces of 1 to 16 bytes.
private func split(_ input: Span<UInt8>) -> [[UInt8]] {
    var pieces: [[UInt8]] = []
    var start = 0
    while start < input.count {
        let end = min(input.count, start + 1 + Int(input[start] & 15))
        pieces.append([UInt8](input.extracting(start..<end)))
        start = end
    }
    return pieces
}
