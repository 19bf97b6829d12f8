internal import Framing
internal import Session
internal import WebSocket
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

/// The head of a request: what asks for a WebSocket by it, and which session.
func fuzzWebSocketUpgrade(_ input: Span<UInt8>) throws(FuzzFinding) -> Bool {
    let bytes = [UInt8](input)
    guard let head = WebSocketHead(bytes) else { return false }
    try expect(head.byteCount <= bytes.count, "a head ends where its bytes do, or before")
    try expect(WebSocketHead(Array(bytes.prefix(head.byteCount))) == head, "what follows a head does not matter")
    _ = ResumeRequest(head.query)
    guard let upgrade = try? WebSocketUpgrade(fields: head.fields) else { return false }
    let answer = WebSocketHead(upgrade.response)
    try expect(answer?.status == 101, "a request that is taken is answered by 101")
    try expect(answer?.fields["sec-websocket-accept"] == WebSocketUpgrade.accept(upgrade.key), "the answer proves that it was read")
    try expect(answer?.fields["sec-websocket-protocol"] == upgrade.subprotocol, "the answer names a sub-protocol that was offered")
    return true
}

/// One end of a WebSocket, and all that its peer sends. The first byte says which end, which form, and in pieces of which size.
func fuzzWebSocketEnd(_ input: Span<UInt8>) throws(FuzzFinding) -> Bool {
    guard input.count > 0 else { return false }
    let now = Instant.zero
    let form: WebSocketForm = input[0] & 2 == 0 ? .rtp : .openAI
    let peer = PeerAddress(ipv4: 192, 0, 2, 66, port: 9)
    let end: WebSocketTransport
    if input[0] & 1 == 1 {
        end = WebSocketTransport(
            serving: AttachRequest(), form: form, remote: peer, configuration: WebSocketServerConfiguration(), entropy: Entropy(seed: 1), now: now)
        end.accept()
    } else {
        var configuration = WebSocketClientConfiguration(authority: "localhost")
        configuration.form = form
        end = WebSocketTransport(connectingWith: configuration, remote: peer, entropy: Entropy(seed: 1), now: now)
    }
    var account = EndAccount()
    let bytes = [UInt8](input.extracting(droppingFirst: 1))
    let pieceByteCount = max(1, Int(input[0] >> 2) * 8)
    for start in stride(from: 0, to: bytes.count, by: pieceByteCount) {
        end.receive(Array(bytes[start..<min(start + pieceByteCount, bytes.count)]), now: now)
        try account.drain(end, now: now)
    }
    let isTaken = account.didOpen && !account.isClosed
    end.streamEnded(now: now)
    try account.drain(end, now: now)
    try expect(account.isClosed, "the stream's end is the end")
    return isTaken
}

/// What one end of a WebSocket has told.
private struct EndAccount {
    var didOpen = false
    var isClosed = false

    mutating func drain(_ end: WebSocketTransport, now: Instant) throws(FuzzFinding) {
        // One frame of a long append each turn is the slowest that it may go.
        for _ in 0..<100_000 {
            var isIdle = true
            while let event = end.pollEvent() {
                isIdle = false
                try expect(!isClosed, "nothing is told after the end")
                switch event {
                case .opened:
                    try expect(!didOpen, "an end opens once")
                    didOpen = true
                case .closed: isClosed = true
                default: break
                }
            }
            while end.pollWrite(65_536, now: now) != nil { isIdle = false }
            if let deadline = end.deadline, deadline <= now { end.handleTimeout(now: now) } else if isIdle { return }
        }
        throw FuzzFinding(description: "broken: draining an end comes to its end")
    }
}
