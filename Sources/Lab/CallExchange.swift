import Endpoint
import Session
import Wire

/// What HTTPS adds to a call before its first packet: the sizes are those of the real protocols, and of the request and
/// the answer the bytes are.
///
/// ```
///  client                                  server
///    | 0  SYN                                 |
///    |                           SYN-ACK   1  |   one round trip
///    | 2  ClientHello                         |
///    |        ServerHello … Finished       3  |   two
///    | 4  Finished, POST with the offer       |
///    |             tickets, 201, answer    5  |   three
/// ```
enum CallExchange {
    /// The options of a SYN: MSS, SACK permitted, timestamps, window scale. They make the header 40 bytes instead of 32.
    static let synOptionByteCount = 8
    // TLS 1.3 as OpenSSL 3.0's client and server wrote it, with X25519, AES-256-GCM and a certificate of the lab's kind:
    // self-signed, Ed25519, one name. A server with a chain of RSA certificates sends some 3 kB more.
    static let clientHelloByteCount = 258
    static let serverHandshakeByteCount = 722
    /// The client's ChangeCipherSpec and Finished.
    static let clientFinishedByteCount = 80
    /// Two session tickets, which OpenSSL sends as soon as the handshake is over.
    static let ticketsByteCount = 542
    /// A record's header, its content type and its tag (RFC 8446 section 5.2).
    static let recordByteCount = 22

    /// As OpenAI's clients ask for a session with wishes: `multipart/form-data` (RFC 7578) of `sdp` and `session`.
    static func request(_ request: CallRequest) -> [UInt8] {
        let body = """
            --\(boundary)\r
            Content-Disposition: form-data; name="sdp"\r
            Content-Type: application/sdp\r
            \r
            \(request.offer)\(delimiter)\r
            Content-Disposition: form-data; name="session"\r
            Content-Type: application/json\r
            \r
            \(request.session)\(delimiter)--
            """
        let head = """
            POST /v1/realtime/calls HTTP/1.1\r
            Host: localhost:443\r
            Content-Type: multipart/form-data; boundary=\(boundary)\r
            Accept: */*\r
            Content-Length: \(body.utf8.count)\r
            \r\n
            """
        return padding(clientFinishedByteCount + recordByteCount) + Array((head + body).utf8)
    }

    private static let boundary = "parallax-0123456789abcdef"
    private static let delimiter = "\r\n--\(boundary)"

    /// What `request` wrote; this and no other form, since the lab has one client.
    static func readRequest(_ flight: [UInt8]) -> CallRequest {
        let body = message(in: flight, after: clientFinishedByteCount + recordByteCount).body
        let parts = body.split(separator: delimiter).map { part in part.split(separator: "\r\n\r\n", maxSplits: 1).last ?? "" }
        return CallRequest(offer: String(parts.first ?? ""), session: String(parts.dropFirst().first ?? ""))
    }

    static func response(_ answer: Result<CallAnswer, CallRefusal>) -> [UInt8] {
        padding(ticketsByteCount + recordByteCount) + Array(text(answer).utf8)
    }

    private static func text(_ answer: Result<CallAnswer, CallRefusal>) -> String {
        switch answer {
        case .success(let answer):
            """
            HTTP/1.1 201 Created\r
            Content-Type: application/sdp\r
            Location: /v1/realtime/calls/\(answer.callID)\r
            ETag: "\(answer.entityTag)"\r
            Access-Control-Expose-Headers: Location, ETag\r
            Content-Length: \(answer.sdp.utf8.count)\r
            \r
            \(answer.sdp)
            """
        case .failure(let refusal): text(refusal)
        }
    }

    /// The status of a token that resumes nothing says why; every other is the same to a trial.
    static func text(_ refusal: CallRefusal) -> String {
        guard case .resumeRefused(let resume) = refusal else { return "HTTP/1.1 400 Bad Request\r\n\r\n\(refusal)" }
        return "HTTP/1.1 \(resume.status) \(resume.code.text)\r\n\r\n\(resume.message)"
    }

    /// Bytes that stand for a handshake's: nobody looks at them.
    static func padding(_ count: Int) -> [UInt8] { Array(repeating: 0, count: count) }

    /// The text behind the padding, cut at the empty line.
    static func message(in flight: [UInt8], after paddingByteCount: Int) -> (head: Substring, body: Substring) {
        let text = String(decoding: flight.dropFirst(paddingByteCount), as: UTF8.self)[...]
        guard let end = text.firstRange(of: "\r\n\r\n") else { return (text, "") }
        return (text[..<end.lowerBound], text[end.upperBound...])
    }
}

/// What a client posts.
struct CallRequest: Hashable, Sendable {
    var offer: String
    /// The session that it wants, as JSON.
    var session: String
}

/// The client's half of a call's signalling.
struct CallClient {
    enum Outcome: Hashable {
        case answered(sdp: String)
        /// The status, then its line and what the server said.
        case refused(status: Int, String)
    }

    private var connection = SignallingConnection(.client)
    private let request: [UInt8]
    private var flightsReceived = 0

    /// Begins to connect.
    init(_ request: CallRequest, now: Instant) {
        self.request = CallExchange.request(request)
        connection.send(CallExchange.padding(CallExchange.synOptionByteCount), now: now)
    }

    var deadline: Instant? { connection.deadline }
    mutating func handleTimeout(now: Instant) { connection.handleTimeout(now: now) }
    mutating func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Int? {
        connection.pollTransmit(into: buffer, now: now)
    }

    /// - Returns: the outcome, once, when the whole answer has come.
    mutating func receive(_ datagram: Span<UInt8>, now: Instant) -> Outcome? {
        guard let flight = connection.receive(datagram, now: now) else { return nil }
        flightsReceived += 1
        switch flightsReceived {
        case 1: connection.send(CallExchange.padding(CallExchange.clientHelloByteCount), now: now)
        case 2: connection.send(request, now: now)
        default:
            let answer = CallExchange.message(in: flight, after: CallExchange.ticketsByteCount + CallExchange.recordByteCount)
            let status = answer.head.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
            return status == 201
                ? .answered(sdp: String(answer.body)) : .refused(status: status, "\(answer.head.prefix { $0 != "\r\n" }) \(answer.body)")
        }
        return nil
    }
}

/// The server's half of a call's signalling, of one client.
struct CallServer {
    private var connection = SignallingConnection(.server)
    private var flightsReceived = 0

    var deadline: Instant? { connection.deadline }
    mutating func handleTimeout(now: Instant) { connection.handleTimeout(now: now) }
    mutating func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Int? {
        connection.pollTransmit(into: buffer, now: now)
    }

    /// - Parameter answer: asked once, when the whole offer has come.
    mutating func receive(
        _ datagram: Span<UInt8>, now: Instant, answer: (CallRequest) -> Result<CallAnswer, CallRefusal>
    ) {
        guard let flight = connection.receive(datagram, now: now) else { return }
        flightsReceived += 1
        switch flightsReceived {
        case 1: connection.send(CallExchange.padding(CallExchange.synOptionByteCount), now: now)
        case 2: connection.send(CallExchange.padding(CallExchange.serverHandshakeByteCount), now: now)
        default:
            connection.send(CallExchange.response(answer(CallExchange.readRequest(flight))), now: now)
        }
    }
}
