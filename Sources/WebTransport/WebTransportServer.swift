internal import Framing
internal import HTTP3
internal import MediaStreams
package import QUIC
internal import Session
internal import Wire

/// The server's end of one connection that carries one WebTransport session (draft-ietf-webtrans-http3-16 and its forerunners).
///
/// Hand each event of the connection to `handle`, `earlyData` and `established` included, then drain `pollEvent`. A CONNECT for a session
/// gives `requested`; answer it by `accept` or `refuse`. What the client sent before the answer is kept within limits and
/// follows `opened`. After `closed` go on handing events over: the connection closes itself when the peer has the
/// last bytes, or when it times out.
package final class WebTransportServer: WebTransportEnd {
    /// Where the connection stands.
    ///
    ///     idle ─CONNECT─▶ awaitingSettings ─SETTINGS─▶ requested ─accept─▶ accepted
    ///      ▲                   (skipped when they are here)     └─refuse─▶ over
    ///      └── any other request is answered by its status
    private enum State {
        case idle
        /// Section 3.1 of the draft: no CONNECT is acted on before the client's SETTINGS are here.
        case awaitingSettings(StreamID, HTTPRequest)
        case requested(StreamID, HTTPRequest)
        case accepted
        case over
    }

    private let configuration: WebTransportServerConfiguration
    private var state = State.idle
    private var early: EarlyArrivals

    package init(quic: QUICConnection, configuration: WebTransportServerConfiguration = WebTransportServerConfiguration()) {
        self.configuration = configuration
        early = EarlyArrivals(limits: configuration.limits)
        super.init(role: .server, quic: quic, settings: configuration.settings, limits: configuration.limits)
    }

    override func end(_ close: TransportClose) {
        if case .over = state { return }
        state = .over
        super.end(close)
    }

    override func handleHTTP(_ event: QUICEvent) {
        http.handle(event)
        while let event = http.pollEvent() { handle(event) }
    }

    override func receiveEarly(datagram: [UInt8]) {
        if case .over = state { return }
        early.append(datagram: datagram)
    }

    override func closeUnopened(code: UInt32, reason: String) {
        if case .requested = state { return refuse(status: 503) }
        super.closeUnopened(code: code, reason: reason)
    }

    /// Says that the session will end soon and that this connection takes no other.
    package override func drain() {
        super.drain()
        http.sendGoaway()
    }
}

// MARK: Input

extension WebTransportServer {
    private func handle(_ event: HTTP3Event) {
        switch event {
        case .settings:
            if case .awaitingSettings(let stream, let request) = state { consider(request, on: stream) }
        case .request(let stream, let request): receive(request, on: stream)
        case .webTransportData(let stream, let bytes, let isFinal) where session == nil:
            receiveEarly(EarlyArrivals.Piece(stream: stream, bytes: bytes, isFinal: isFinal))
        case .reset(let stream, _):
            guard session == nil else { break }
            early.forget(stream)
            withdraw(stream)
        // The client's end before the answer: it wants none.
        case .finished(let stream), .streamClosed(let stream): if session == nil { withdraw(stream) }
        default: break
        }
        session?.handle(event, &http, into: &output)
    }

    private func receiveEarly(_ piece: EarlyArrivals.Piece) {
        if case .over = state { return http.abort(piece.stream, .sessionGone) }
        switch early.append(piece) {
        case .kept: break
        case .overLimit: http.abort(piece.stream, .bufferedStreamRejected)
        case .ofNoSession: http.fail(HTTP3Error(.idError, "a stream of no session"))
        }
    }

    /// The client took its request back before it was answered.
    private func withdraw(_ stream: StreamID) {
        switch state {
        case .awaitingSettings(stream, _): state = .idle
        case .requested(stream, _):
            http.abort(stream, .requestCancelled)
            end(TransportClose(code: HTTP3ErrorCode.requestCancelled.rawValue, reason: "the request was withdrawn", origin: .peer))
        default: break
        }
    }
}

// MARK: Requests

extension WebTransportServer {
    private func receive(_ request: HTTPRequest, on stream: StreamID) {
        if let refusal = Refusal(request, configuration) { return answer(refusal.status, refusal.message, to: request, on: stream) }
        guard case .idle = state else {
            // Section 5.2 of the draft: one session a connection, unless flow control was agreed on.
            return http.abort(stream, .requestRejected)
        }
        if http.peerSettings == nil {
            state = .awaitingSettings(stream, request)
        } else {
            consider(request, on: stream)
        }
    }

    private func consider(_ request: HTTPRequest, on stream: StreamID) {
        state = .requested(stream, request)
        output.append(.requested(RealtimeRequest(request).attach))
    }

    private func answer(_ status: Int, _ message: String, to request: HTTPRequest, on stream: StreamID) {
        let body = Array("{\"error\":{\"type\":\"invalid_request_error\",\"message\":\"\(Self.escaped(message))\"}}\n".utf8)
        var fields = [HeaderField("content-type", "application/json"), HeaderField("content-length", String(body.count))]
        if status == 405 { fields.append(HeaderField("allow", "CONNECT")) }
        let content = request.method == "HEAD" ? [] : body
        guard (try? http.respond(HTTPResponse(status: status, fields: fields), content: content, on: stream, isFinal: true)) != nil
        else { return http.abort(stream, .internalError) }
        // RFC 9114 section 4.1.1: the rest of the request is not needed for the answer.
        quic.stopSending(stream, code: HTTP3ErrorCode.noError.rawValue)
    }

    /// `text` as the inside of a JSON string (RFC 8259 section 7); control characters become spaces.
    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": escaped += "\\\(scalar)"
            case "\u{00}"..."\u{1F}": escaped += " "
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// Server, after `requested`: opens the session. The 200 goes out before anything else of it.
    package func accept() {
        guard case .requested(let stream, let request) = state else { return }
        var response = HTTPResponse(status: 200)
        if request.fields.first("sec-webtransport-http3-draft02") == "1" {
            response.fields.append(HeaderField("sec-webtransport-http3-draft", "draft02"))
        }
        guard (try? http.respond(response, on: stream, isFinal: false)) != nil else {
            http.abort(stream, .internalError)
            return end(TransportClose(code: HTTP3ErrorCode.internalError.rawValue, reason: "no room for the answer", origin: .local))
        }
        state = .accepted
        session = WebTransportSession(
            id: stream, role: .server, quic: quic, format: configuration.format, limits: configuration.limits)
        session?.agreeOnFlowControl(http)
        output.append(.opened)
        for piece in early.takePieces() {
            session?.handle(.webTransportData(piece.stream, piece.bytes, isFinal: piece.isFinal), &http, into: &output)
        }
        while let datagram = early.popDatagram() { session?.receive(datagram: datagram, &http, into: &output) }
    }

    /// Server, after `requested`: turns the client away with an HTTP status.
    /// - Parameter message: for people; it goes into the JSON body.
    package func refuse(status: Int, message: String = "The session was refused.") {
        guard case .requested(let stream, let request) = state else { return }
        answer(status, message, to: request, on: stream)
        for piece in early.takePieces() { http.abort(piece.stream, .sessionGone) }
        end(TransportClose(code: UInt64(clamping: status), reason: message, origin: .local))
    }

    /// Why a request can be no session, whatever the core says.
    private struct Refusal {
        var status: Int
        var message: String

        init?(_ request: HTTPRequest, _ configuration: WebTransportServerConfiguration) {
            guard let path = request.path else {
                (status, message) = (405, "This server is no proxy.")
                return
            }
            if path.utf8.prefix(while: { $0 != UInt8(ascii: "?") }).elementsEqual(configuration.path.utf8) == false {
                (status, message) = (404, "There is nothing here. Sessions are at \(configuration.path).")
            } else if request.method != "CONNECT" {
                (status, message) = (405, "Sessions are opened by an extended CONNECT.")
            } else if request.connectProtocol != "webtransport" && request.connectProtocol != "webtransport-h3" {
                // RFC 9220 section 3.
                (status, message) = (501, "The only protocol here is WebTransport.")
            } else if let origin = request.fields.first("origin"), configuration.allowedOrigins?.contains(origin) == false {
                (status, message) = (403, "Pages of this origin may not connect.")
            } else {
                return nil
            }
        }
    }
}
