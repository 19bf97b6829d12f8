internal import Framing
internal import Wire

/// Frames of a server's stream, from a client: the first bit of the input says whether they are masked.
func fuzzWebSocket(_ input: Span<UInt8>) throws(FuzzFinding) -> Bool {
    guard input.count > 0 else { return false }
    let expectsMask = input[0] & 1 == 1
    let stream = [UInt8](input.extracting(droppingFirst: 1))
    let whole = read([stream], expectsMask: expectsMask)
    let single = read(stream.map { [$0] }, expectsMask: expectsMask)
    try expect(whole.error == single.error, "the pieces do not matter for the error")
    try expect(whole.messages == single.messages, "the pieces do not matter for the messages")
    for message in whole.messages {
        var bytes: [UInt8] = []
        switch message {
        case .text(let payload): WebSocketFrame.write(.text, payload.span, mask: expectsMask ? 0x1234_5678 : nil, into: &bytes)
        case .binary(let payload): WebSocketFrame.write(.binary, payload.span, mask: expectsMask ? 0x1234_5678 : nil, into: &bytes)
        default: continue
        }
        try expect(read([bytes], expectsMask: expectsMask).messages == [message], "a message survives the round trip")
    }
    return whole.error == nil && !whole.messages.isEmpty
}

private func read(_ pieces: [[UInt8]], expectsMask: Bool) -> (messages: [WebSocketMessage], error: WebSocketError?) {
    var reader = WebSocketReader(expectsMask: expectsMask, maximumByteCount: 256)
    var messages: [WebSocketMessage] = []
    do throws(WebSocketError) {
        for piece in pieces {
            reader.append(piece)
            while let message = try reader.next() { messages.append(message) }
        }
    } catch {
        return (messages, error)
    }
    return (messages, nil)
}
