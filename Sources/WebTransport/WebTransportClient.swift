internal import Framing
internal import HTTP3
package import MediaStreams
package import QUIC
package import Session
package import Wire

/// The client's end of one connection that carries one WebTransport session.
///
/// SETTINGS, CONNECT and the stream of events leave with the handshake's last flight, and events and frames may follow at
/// once: `opened` comes before the server's answer (draft-ietf-webtrans-http3-16 section 4). A refusal comes as
/// `closed` with the HTTP status as its code. After `closed` go on handing events over, as with the server.
package final class WebTransportClient {
    /// Where the connection stands.
    private enum State {
        /// Not established, or waiting for the server's SETTINGS.
        case connecting
        /// The CONNECT is out; `isAnswered` once the 200 is here.
        case requested(StreamID, isAnswered: Bool)
        case over
    }

    private let quic: QUICConnection
    private let configuration: WebTransportClientConfiguration
    private var http: HTTP3Connection
    private var state = State.connecting
    /// Set from the CONNECT on; apart from the state so that the packet path changes it in place.
    private var session: WebTransportSession?
    private var output = TransportEventQueue()
    private var hasReportedClose = false

    package init(quic: QUICConnection, configuration: WebTransportClientConfiguration) {
        self.quic = quic
        self.configuration = configuration
        http = HTTP3Connection(role: .client, quic: quic, settings: configuration.settings, limits: configuration.limits.http)
        if !configuration.rememberedSettings.isEmpty {
            http.rememberedSettings = try? HTTP3Settings(parsing: configuration.rememberedSettings.span)
        }
    }

    package var capabilities: Capabilities { .webTransport(over: quic) }

    /// The server's SETTINGS as they travelled, for the next connection's `rememberedSettings`; `nil` before they are here.
    package var settings: [UInt8]? { http.peerSettings?.payload }

    /// Whether the server has answered with a 200.
    package var isAnswered: Bool { if case .requested(_, isAnswered: true) = state { true } else { false } }

    package func pollEvent() -> TransportEvent? {
        while let event = output.popFirst() {
            guard !hasReportedClose else { continue }
            if case .closed = event { hasReportedClose = true }
            return event
        }
        return nil
    }
}

// MARK: Input

extension WebTransportClient {
    /// Takes one event of the connection.
    package func handle(_ event: QUICEvent, now: Instant) {
        switch event {
        case .datagram(let bytes): session?.receive(datagram: bytes, &http, into: &output)
        case .datagramAcknowledged(let id):
            session?.acknowledged(id, into: &output)
        case .datagramLost(let id):
            session?.lost(id, now: now, into: &output)
        case .writable, .streamsAvailable: session?.flush()
        case .pathChanged, .ticket: break
        case .closed(let close): end(TransportClose(close))
        // Without remembered SETTINGS the server may speak no WebTransport: the handshake is waited for.
        case .earlyData:
            guard http.rememberedSettings.map({ $0.allowsWebTransport && $0.allowsDatagrams }) == true else { break }
            http.handle(event)
            if !configuration.asksForSessionFlowControl { connect() }
        case .established, .streamData, .streamReset, .stopSending, .streamClosed:
            http.handle(event)
            if case .established = event, case .connecting = state, !waitsForSettings { connect() }
            while let event = http.pollEvent() { handle(event) }
        }
        if let failure = http.failure {
            end(TransportClose(code: failure.code.rawValue, reason: failure.reason.description, origin: .transportError))
        }
    }

    private var waitsForSettings: Bool { configuration.waitsForSettings || configuration.asksForSessionFlowControl }

    private func handle(_ event: HTTP3Event) {
        switch event {
        case .settings(let settings): receive(settings)
        case .response(let stream, let response): receive(response, on: stream)
        default: session?.handle(event, &http, into: &output)
        }
    }

    private func receive(_ settings: HTTP3Settings) {
        guard settings.allowsWebTransport, settings.allowsDatagrams else {
            return http.fail(HTTP3Error(.requirementsNotMet, "the server does not speak WebTransport"))
        }
        if case .connecting = state { connect() }
        session?.agreeOnFlowControl(http)
    }

    private func receive(_ response: HTTPResponse, on stream: StreamID) {
        guard case .requested(stream, isAnswered: false) = state else { return }
        guard (200...299).contains(response.status) else {
            http.abort(stream, .requestCancelled)
            end(TransportClose(
                code: UInt64(clamping: response.status), reason: "the server answered \(response.status)", origin: .peer))
            return quic.close(code: HTTP3ErrorCode.noError.rawValue, reason: "")
        }
        state = .requested(stream, isAnswered: true)
    }

    /// The configured path with what the query has to say.
    private var path: String {
        var pairs: [(String, String)] = []
        if let model = configuration.model { pairs.append(("model", model)) }
        if let resume = configuration.resume { pairs += resume.queryItems }
        let query = pairs.map { "\($0)=\(RealtimeRequest.percentEncoded($1))" }.joined(separator: "&")
        guard !query.isEmpty else { return configuration.path }
        return configuration.path + (configuration.path.contains("?") ? "&" : "?") + query
    }

    private func connect() {
        var request = HTTPRequest(
            method: "CONNECT", authority: configuration.authority, path: path,
            connectProtocol: configuration.connectProtocol,
            fields: [HeaderField("sec-webtransport-http3-draft02", "1")])
        if let origin = configuration.origin { request.fields.append(HeaderField("origin", origin)) }
        if let secret = configuration.secret { request.fields.append(HeaderField("authorization", "Bearer \(secret)")) }
        do throws(QUICRefusal) {
            let stream = try http.request(request, isFinal: false)
            var session = WebTransportSession(
                id: stream, role: .client, quic: quic, format: configuration.format, limits: configuration.limits)
            try session.openEventStream(&http)
            self.session = session
            state = .requested(stream, isAnswered: false)
            output.append(.opened)
        } catch {
            http.fail(HTTP3Error(.requirementsNotMet, "the server allows no streams"))
        }
    }

    private func end(_ close: TransportClose) {
        if case .over = state { return }
        state = .over
        session = nil
        output.append(.closed(close))
    }
}

// MARK: Commands

extension WebTransportClient {
    /// Sends one event: JSON text without line feeds.
    package func send(event: [UInt8]) throws(SendRefusal) {
        guard session != nil else { throw .notOpen }
        try session?.send(event: event)
    }

    /// Sends one frame by the primitive that its mode asks for.
    package func send(frame: MediaFrame, delivery: Delivery, now: Instant) throws(SendRefusal) {
        guard session != nil else { throw .notOpen }
        try session?.send(frame: frame, delivery: delivery, now: now)
    }

    /// When `handleTimeout` is wanted, apart from the connection's own deadline.
    package var deadline: Instant? { session?.deadline }

    /// Abandons the frames that are too old.
    package func handleTimeout(now: Instant) { session?.handleTimeout(now: now) }

    /// The talk is over: nothing follows that would show the loss of what was sent.
    package func endTalk(now: Instant) { session?.endTalk(now: now) }

    /// What this end has done for its frames beside sending each once; for tests and metrics.
    package var sendCounters: MediaSender.Counters { session?.sendCounters ?? MediaSender.Counters() }

    /// Ends the session with a code and a reason of at most 1024 bytes.
    package func close(code: UInt32, reason: String) {
        guard session != nil else {
            quic.close(code: HTTP3ErrorCode.noError.rawValue, reason: reason)
            return end(TransportClose(code: UInt64(code), reason: reason, origin: .local))
        }
        session?.close(code: code, reason: reason, origin: .local, http, into: &output)
    }

    /// Says that the session will end soon.
    package func drain() { session?.drain(http) }
}
