import Endpoint
import Session
import Wire

/// What HTTPS adds to a call before its first packet: TCP and TLS by their models, the request and the answer byte for byte.
///
/// ```
///  client                                  server
///    | SYN                                    |
///    |                              SYN-ACK   |   one round trip
///    | ClientHello                            |
///    |              ServerHello … Finished    |   two
///    | Finished, POST with the offer          |
///    |                tickets, 201, answer    |   three
/// ```
enum CallExchange {
    /// As OpenAI's clients ask for a session with wishes: `multipart/form-data` (RFC 7578) of `sdp` and `session`.
    static func request(_ request: CallRequest) -> (head: [UInt8], body: [UInt8]) {
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
            Content-Length: \(body.utf8.count)\r
            Connection: close\r
            Accept: application/sdp, application/trickle-ice-sdpfrag, application/json\r
            Content-Type: multipart/form-data; boundary=\(boundary)\r
            \r\n
            """
        return (Array(head.utf8), Array(body.utf8))
    }

    private static let boundary = "parallax-0123456789abcdef"
    private static let delimiter = "\r\n--\(boundary)"

    /// What `request` wrote; this and no other form, since the lab has one client.
    static func readRequest(_ body: Substring) -> CallRequest {
        let parts = body.split(separator: delimiter).map { part in part.split(separator: "\r\n\r\n", maxSplits: 1).last ?? "" }
        return CallRequest(offer: String(parts.first ?? ""), session: String(parts.dropFirst().first ?? ""))
    }

    static func response(_ answer: Result<CallAnswer, CallRefusal>) -> (head: [UInt8], body: [UInt8]) {
        switch answer {
        case .success(let answer):
            let head = """
                HTTP/1.1 201 Created\r
                Content-Type: application/sdp\r
                Location: /v1/realtime/calls/\(answer.callID)\r
                ETag: "\(answer.entityTag)"\r
                Access-Control-Allow-Origin: *\r
                Vary: Origin\r
                Access-Control-Expose-Headers: Location, ETag, Link, Retry-After, Allow, Accept-Post, Accept-Patch\r
                Connection: close\r
                Content-Length: \(answer.sdp.utf8.count)\r
                \r\n
                """
            return (Array(head.utf8), Array(answer.sdp.utf8))
        case .failure(let refusal): return text(refusal)
        }
    }

    /// The status of a token that resumes nothing says why; every other is the same to a trial.
    static func text(_ refusal: CallRefusal) -> (head: [UInt8], body: [UInt8]) {
        var (status, body) = ("400 Bad Request", "\(refusal)")
        if case .resumeRefused(let resume) = refusal { (status, body) = ("\(resume.status) \(resume.code.text)", resume.message) }
        return (Array("HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\r\n".utf8), Array(body.utf8))
    }

    /// A message, cut at the empty line; `nil` while a part of it is missing.
    static func message(in bytes: [UInt8]) -> (head: Substring, body: Substring)? {
        let text = String(decoding: bytes, as: UTF8.self)[...]
        guard let end = text.firstRange(of: "\r\n\r\n"), let field = text[..<end.lowerBound].firstRange(of: "Content-Length: "),
            let length = Int(text[field.upperBound...].prefix { $0.isNumber }), text[end.upperBound...].utf8.count >= length
        else { return nil }
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

    private enum Phase {
        case connecting(CallRequest)
        case waiting(received: [UInt8])
        case over
    }

    private var stream: SecureStream
    private var phase: Phase

    /// Begins to connect.
    init(_ request: CallRequest, clock: KernelClock = KernelClock(), now: Instant) {
        stream = SecureStream(.client, purpose: .call, clock: clock, now: now)
        phase = .connecting(request)
    }

    var deadline: Instant? { stream.deadline }
    mutating func handleTimeout(now: Instant) { stream.handleTimeout(now: now) }
    mutating func pollTransmit(into buffer: UnsafeMutableRawBufferPointer) -> Int? { stream.pollTransmit(into: buffer) }

    /// - Returns: the outcome, once, when the whole answer has come.
    mutating func receive(_ datagram: Span<UInt8>, now: Instant) -> Outcome? {
        stream.receive(datagram, now: now)
        if case .connecting(let request) = phase, stream.canWrite {
            let (head, body) = CallExchange.request(request)
            stream.write([head, body], now: now)
            phase = .waiting(received: [])
        }
        let bytes = stream.read()
        guard case .waiting(let received) = phase, !bytes.isEmpty else { return nil }
        guard let answer = CallExchange.message(in: received + bytes) else {
            phase = .waiting(received: received + bytes)
            return nil
        }
        phase = .over
        stream.finish(now: now)
        let status = answer.head.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return status == 201
            ? .answered(sdp: String(answer.body)) : .refused(status: status, "\(answer.head.prefix { $0 != "\r\n" }) \(answer.body)")
    }
}

/// The server's half of a call's signalling, of one client.
struct CallServer {
    private let clock: KernelClock
    private var stream: SecureStream?
    private var received: [UInt8] = []
    private var hasAnswered = false

    init(clock: KernelClock = KernelClock()) { self.clock = clock }

    var deadline: Instant? { stream?.deadline }
    mutating func handleTimeout(now: Instant) { stream?.handleTimeout(now: now) }
    mutating func pollTransmit(into buffer: UnsafeMutableRawBufferPointer) -> Int? { stream?.pollTransmit(into: buffer) }

    /// - Parameter answer: asked once, when the whole offer has come.
    mutating func receive(
        _ datagram: Span<UInt8>, now: Instant, answer: (CallRequest) -> Result<CallAnswer, CallRefusal>
    ) {
        var stream = stream ?? SecureStream(.server, purpose: .call, clock: clock, now: now)
        defer { self.stream = stream }
        stream.receive(datagram, now: now)
        received += stream.read()
        guard !hasAnswered, let request = CallExchange.message(in: received) else { return }
        hasAnswered = true
        let (head, body) = CallExchange.response(answer(CallExchange.readRequest(request.body)))
        stream.write([head, body], now: now)
        stream.finish(now: now)
    }
}
