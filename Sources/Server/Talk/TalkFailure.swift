package import Session

/// Why a conversation ended without a receipt.
package enum TalkFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// Nothing listens there: the machine answered with "port unreachable".
    case refused
    case notConnected(after: Duration)
    /// The connection ended before the receipt came.
    case closed(TransportClose)
    case noReceipt(after: Duration)
    case noAnswer(after: Duration)
    /// The server answered with an `error` event.
    case rejected(code: String, message: String)
    case interrupted

    package var code: String {
        switch self {
        case .refused: "connection_refused"
        case .notConnected: "connect_timeout"
        case .closed: "connection_closed"
        case .noReceipt: "receipt_timeout"
        case .noAnswer: "answer_timeout"
        case .rejected(let code, _): code
        case .interrupted: "interrupted"
        }
    }

    package var description: String {
        switch self {
        case .refused:
            "nothing listens there: start a server with `parallax serve`, or check host and port"
        case .notConnected(let limit):
            "no connection within \(limit.components.seconds) s: check host and port, and that UDP passes"
        case .closed(let close):
            "the connection was closed (\(close.origin.rawValue), code \(close.code)\(close.reason.isEmpty ? "" : ": " + close.reason)); "
                + "check --certificate-sha256, the secret and the server's log"
        case .noReceipt(let limit):
            "no receipt within \(limit.components.seconds) s of the commit: does the server keep prompt ledgers?"
        case .noAnswer(let limit):
            "the answer stopped for \(limit.components.seconds) s: see the server's log"
        case .rejected(_, let message):
            "the server refused: \(message)"
        case .interrupted:
            "interrupted before the receipt came"
        }
    }
}
