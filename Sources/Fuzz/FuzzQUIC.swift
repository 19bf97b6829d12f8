internal import QUIC
internal import Wire

/// A datagram before any connection is known: what our own reader and ngtcp2 say of it, and the stateless answers.
func fuzzQUICPacket(_ input: Span<UInt8>) throws(FuzzFinding) -> Bool {
    let header = try? QUICPacketHeader(parsing: input, shortIDByteCount: ConnectionIDLayout.byteCount)
    let layout = ConnectionIDLayout(configuration: 0, key: [UInt8](0..<16))
    if let header { _ = layout.place(of: header.destination) }

    let replies = StatelessReplies(resetSecret: [UInt8](repeating: 1, count: 32), tokenSecret: [UInt8](repeating: 2, count: 32))
    var entropy = Entropy(seed: 1)
    if let header {
        let reset = replies.reset(destination: header.destination, byteCount: input.count, entropy: &entropy)
        try expect(reset.isEmpty || reset.count < input.count, "a reset is shorter than what it answers")
    }
    if case .long(_, let destination, let source) = header {
        let answer = replies.versionNegotiation(destination: destination, source: source, entropy: &entropy)
        let expected = QUICPacketHeader.long(version: 0, destination: source, source: destination)
        try expect((try? longHeader(of: answer)) == expected, "version negotiation swaps the connection IDs")
    }

    guard let initial = input.withUnsafeBytes({ replies.acceptableInitial($0) }) else { return false }
    let agreed = QUICPacketHeader.long(version: initial.version, destination: initial.destination, source: initial.source)
    try expect(header == agreed, "ngtcp2 reads the same header")
    let client = PeerAddress(ipv4: 192, 0, 2, 1, port: 4433)
    let forged = replies.validate(initial, client: client, now: .zero)
    try expect(forged == nil, "nobody guesses a token")
    let place = layout.make(at: ServerPlace(server: 1, shard: 0), entropy: &entropy)
    for answer in [
        replies.retry(initial, retrySource: place, client: client, now: .zero), replies.refusal(initial),
        replies.invalidToken(initial),
    ] {
        guard case .long(_, let destination, _) = try? longHeader(of: answer) else {
            throw FuzzFinding(description: "broken: an answer to an Initial has a long header")
        }
        try expect(destination == initial.source, "an answer goes to the client's connection ID")
    }
    return true
}

private func longHeader(of packet: [UInt8]) throws(ParseError) -> QUICPacketHeader {
    try QUICPacketHeader(parsing: packet.span, shortIDByteCount: ConnectionIDLayout.byteCount)
}
