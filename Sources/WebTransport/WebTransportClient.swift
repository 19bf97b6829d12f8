internal import Framing
internal import HTTP3
internal import MediaStreams
package import QUIC
internal import Session
internal import Wire

/// The client's end of one connection that carries one WebTransport session.
///
/// SETTINGS, CONNECT and the stream of events leave with the handshake's last flight, and events and frames may follow at
/// once: `opened` comes before the server's answer (draft-ietf-webtrans-http3-16 section 4). A refusal comes as
/// `closed` with the HTTP status as its code. After `closed` go on handing events over, as with the server.
package final class WebTransportClient: WebTransportEnd {
    /// Where the connection stands.
    private enum State {
        /// Not established, or waiting for the server's SETTINGS.
        case connecting
        /// The CONNECT is out; `isAnswered` once the 200 is here.
        case requested(StreamID, isAnswered: Bool)
        case over
    }

    private let configuration: WebTransportClientConfiguration
    private var state = State.connecting

    package init(quic: QUICConnection, configuration: WebTransportClientConfiguration) {
        self.configuration = configuration
        super.init(role: .client, quic: quic, settings: configuration.settings, limits: configuration.limits)
        if !configuration.rememberedSettings.isEmpty {
            http.rememberedSettings = try? HTTP3Settings(parsing: configuration.rememberedSettings.span)
        }
    }

    /// The server's SETTINGS as they travelled, for the next connection's `rememberedSettings`; `nil` before they are here.
    package var settings: [UInt8]? { http.peerSettings?.payload }

    /// Whether the server has answered with a 200.
    package var isAnswered: Bool { if case .requested(_, isAnswered: true) = state { true } else { false } }

    override func end(_ close: TransportClose) {
        if case .over = state { return }
        state = .over
        super.end(close)
    }

    override func handleHTTP(_ event: QUICEvent) {
        guard case .earlyData = event else {
            http.handle(event)
            if case .established = event, case .connecting = state, !waitsForSettings { connect() }
            while let event = http.pollEvent() { handle(event) }
            return
        }
        // Without remembered SETTINGS the server may speak no WebTransport: the handshake is waited for.
        guard http.rememberedSettings.map({ $0.allowsWebTransport && $0.allowsDatagrams }) == true else { return }
        http.handle(event)
        if !configuration.asksForSessionFlowControl { connect() }
    }
}

// MARK: Input

extension WebTransportClient {
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
}
