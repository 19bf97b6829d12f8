/// The parsers that read what strangers send. The raw value names a parser's folder of inputs and its argument on the
/// command line.
package enum FuzzTarget: String, CaseIterable, Sendable {
    case varInt = "varint"
    case wav
    case ogg
    case opusPacket = "opus-packet"
    case http3Frames = "http3-frames"
    case http3Settings = "http3-settings"
    case capsules
    case qpack
    case lines
    case roqStream = "roq-stream"
    case datagramHeaders = "datagram-headers"
    case flows
    case quicPacket = "quic-packet"
    case dataChannelMessage = "data-channel-message"
    case rtp, rtcp, red, closing
    case stun, sdp, trickle
    case webSocket = "websocket"
    case webSocketUpgrade = "websocket-upgrade"
    case webSocketEnd = "websocket-end"
    case tickets
    case ticketMessages = "ticket-messages"
    case resumption
    case json
    case form
    case dtls
    case sctpPacket = "sctp-packet"
    case sctpAssociation = "sctp-association"
    case session
    case client

    /// Whether running it starts usrsctp, of which there is one a process.
    package var ownsSCTP: Bool { self == .sctpAssociation }

    /// Gives `input` to the parser and checks what must hold of its answer.
    /// - Returns: Whether the parser took the input, all of it; `false` where it threw or asked for more.
    /// - Throws: `FuzzFinding` where the answer breaks a rule. A trap is a finding, too, and needs no check.
    package func run(_ input: Span<UInt8>) throws(FuzzFinding) -> Bool {
        switch self {
        case .varInt: try fuzzVarInt(input)
        case .wav: try fuzzWAV(input)
        case .ogg: try fuzzOgg(input)
        case .opusPacket: try fuzzOpusPacket(input)
        case .http3Frames: try fuzzHTTP3Frames(input)
        case .http3Settings: try fuzzHTTP3Settings(input)
        case .capsules: try fuzzCapsules(input)
        case .qpack: try fuzzQPACK(input)
        case .lines: try fuzzLines(input)
        case .roqStream: try fuzzRoQStream(input)
        case .datagramHeaders: try fuzzDatagramHeaders(input)
        case .flows: try fuzzFlows(input)
        case .quicPacket: try fuzzQUICPacket(input)
        case .dataChannelMessage: try fuzzDataChannelMessage(input)
        case .rtp: try fuzzRTP(input)
        case .stun: try fuzzSTUN(input)
        case .sdp: try fuzzSDP(input)
        case .trickle: try fuzzTrickle(input)
        case .rtcp: try fuzzRTCP(input)
        case .red: try fuzzRED(input)
        case .closing: try fuzzClosing(input)
        case .webSocket: try fuzzWebSocket(input)
        case .webSocketUpgrade: try fuzzWebSocketUpgrade(input)
        case .webSocketEnd: try fuzzWebSocketEnd(input)
        case .tickets: try fuzzTickets(input)
        case .ticketMessages: try fuzzTicketMessages(input)
        case .resumption: try fuzzResumption(input)
        case .json: try fuzzJSON(input)
        case .form: try fuzzForm(input)
        case .dtls: try fuzzDTLS(input)
        case .sctpPacket: try fuzzSCTPPacket(input)
        case .sctpAssociation: try fuzzSCTPAssociation(input)
        case .session: try fuzzSession(input)
        case .client: try fuzzClient(input)
        }
    }
}

/// A rule that a parser's answer breaks.
package struct FuzzFinding: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
}

/// - Throws: `FuzzFinding` where `condition` does not hold.
func expect(_ condition: Bool, _ rule: StaticString) throws(FuzzFinding) {
    guard condition else { throw FuzzFinding(description: "broken: \(rule)") }
}
