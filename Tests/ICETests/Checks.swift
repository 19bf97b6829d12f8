import ICE
import Wire

/// Who speaks in these tests, and the checks they send.
enum Checks {
    static let server = ICECredentials(ufrag: "AAAAserverufr", password: "serverpasswordserverpass")
    static let client = ICECredentials(ufrag: "clientuf", password: "clientpasswordclientpass")
    static let home = PeerAddress(ipv4: 192, 0, 2, 7, port: 40_000)
    static let away = PeerAddress(ipv4: 198, 51, 100, 9, port: 50_000)
    static let listening = PeerAddress(ipv4: 203, 0, 113, 1, port: 4_433)

    static func id(_ number: UInt64) -> STUNTransactionID { STUNTransactionID(high: number, low: 7) }

    /// A check of the client's, as it would go to the server; `change` may spoil it.
    static func check(
        _ number: UInt64, to credentials: ICECredentials = server, password: String? = nil, nominates: Bool = false,
        change: (inout STUNMessage) -> Void = { _ in }
    ) -> [UInt8] {
        var message = STUNMessage(kind: .request, transactionID: id(number))
        message.attributes.username = "\(credentials.ufrag):\(client.ufrag)"
        message.attributes.priority = ICEPriority.peerReflexive
        message.attributes.role = .controlling(tieBreaker: 5)
        message.attributes.usesCandidate = nominates
        change(&message)
        return message.bytes(password: password ?? credentials.password)
    }

    /// Whether `bytes` are a message with right integrity.
    static func isAuthentic(_ bytes: [UInt8], _ password: String) -> Bool {
        (try? STUNMessage(parsing: bytes.span))?.hasIntegrity(password: password, in: bytes.span) == true
    }

    static func message(_ bytes: [UInt8]) throws -> STUNMessage { try STUNMessage(parsing: bytes.span) }
}

/// An agent that a test's macros can call: they capture no mutating call on a value.
final class LiteProbe {
    private(set) var agent: ICELiteAgent

    init(_ agent: ICELiteAgent) { self.agent = agent }

    func receive(_ bytes: [UInt8], from source: PeerAddress, at seconds: Double) -> ICELiteOutcome {
        agent.receive(bytes.span, from: source, now: .zero + .seconds(seconds))
    }

    func handleTimeout(at seconds: Double) -> ICEEnd? { agent.handleTimeout(now: .zero + .seconds(seconds)) }

    func restart(local: ICECredentials, remote: ICECredentials) { agent.restart(local: local, remote: remote) }
}

/// The same for the client.
final class ClientProbe {
    private(set) var agent: ICEControllingAgent

    init(_ agent: ICEControllingAgent) { self.agent = agent }

    @discardableResult
    func receive(_ bytes: [UInt8], from source: PeerAddress, now: Instant = .zero) -> ICEIgnored? {
        agent.receive(bytes.span, from: source, now: now)
    }

    func handleTimeout(now: Instant) { agent.handleTimeout(now: now) }
    func pollTransmit() -> (bytes: [UInt8], to: PeerAddress)? { agent.pollTransmit() }
    func pollEvent() -> ICEEvent? { agent.pollEvent() }
}

extension ICELiteOutcome {
    var code: Int? { if case .replyError(_, let code) = self { code.number } else { nil } }
    var isReply: Bool { if case .reply = self { true } else { false } }
    /// The bytes to send back, of whatever kind.
    var bytes: [UInt8]? {
        switch self {
        case .reply(let bytes, _), .replyError(let bytes, _): bytes
        case .ignored: nil
        }
    }
}
