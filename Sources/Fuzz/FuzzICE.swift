internal import ICE
internal import Wire

/// A datagram before a lite server and a client that waits for its first answer: as it is, and signed by who knows the password.
func fuzzSTUN(_ input: Span<UInt8>) throws(FuzzFinding) -> Bool {
    let server = ICECredentials(ufrag: "server", password: "serverpasswordserverpass")
    let client = ICECredentials(ufrag: "client", password: "clientpasswordclientpass")
    let stranger = PeerAddress(ipv4: 192, 0, 2, 66, port: 9)
    var lite = ICELiteAgent(local: server, remote: client, now: .zero)
    var full = ICEControllingAgent(
        local: client, remote: server, candidates: [stranger], entropy: Entropy(seed: 1), now: .zero)
    full.handleTimeout(now: .zero)

    let outcome = lite.receive(input, from: stranger, now: .zero)
    full.receive(input, from: stranger, now: .zero)
    try expect(lite.selected == nil && full.selected == nil, "nobody guesses a password")
    guard let message = try? STUNMessage(parsing: input) else {
        if case .ignored(.notSTUN) = outcome { return false }
        throw FuzzFinding(description: "broken: what does not parse is not STUN to an agent")
    }

    try expectRoundTrip(of: message)
    var signed = message
    signed.kind = .request
    signed.method = STUN.binding
    signed.attributes.username = "\(server.ufrag):\(client.ufrag)"
    let bytes = signed.bytes(password: server.password)
    switch lite.receive(bytes.span, from: stranger, now: .zero) {
    case .reply(let reply, let isSelected):
        try expect(isSelected && lite.selected == stranger, "the first valid check makes the path")
        let answer = try? STUNMessage(parsing: reply.span)
        try expect(answer?.attributes.mappedAddress == stranger, "an answer names where the check came from")
        try expect(answer?.transactionID == message.transactionID, "an answer belongs to its check")
    case .replyError(let reply, let code):
        try expect(lite.selected == nil, "a refusal changes no path")
        try expect((try? STUNMessage(parsing: reply.span))?.attributes.errorCode == code, "a refusal says why")
    case .ignored:
        // Only the length may stand in the way: the name can make the message longer than any check.
        try expect(bytes.count > STUN.maximumByteCount, "a check with right integrity is answered")
    }
    return message.hasFingerprint
}

private func expectRoundTrip(of message: STUNMessage) throws(FuzzFinding) {
    let written = message.bytes(password: "secret")
    guard written.count <= STUN.maximumByteCount else { return }
    let again = try? STUNMessage(parsing: written.span)
    try expect(again?.attributes == message.attributes.written, "the attributes survive the round trip")
    try expect(again?.kind == message.kind && again?.method == message.method, "class and method survive the round trip")
    try expect(again?.hasIntegrity(password: "secret", in: written.span) == true, "what we sign is authentic")
}
