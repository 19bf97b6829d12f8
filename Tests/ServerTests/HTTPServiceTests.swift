import Endpoint
import Server
import Session
import Testing
import Wire

/// The routes, without a socket, before an endpoint that answers as the test says.
@Suite struct HTTPServiceTests {
    static let sdp = ["content-type": "application/sdp"]
    static let fragment = ["content-type": "application/trickle-ice-sdpfrag", "if-match": "\"tag\""]

    private func service(
        answer: @escaping @Sendable (CallOffer) -> Result<CallAnswer, CallRefusal> = { _ in
            .success(CallAnswer(callID: "rtc_1", sdp: "v=0 answer", entityTag: "tag"))
        },
        isDraining: Bool = false
    ) -> HTTPService {
        let desk = CallDesk(
            answer: { answer($0) },
            patch: { id, fragment, ifMatch in
                guard id == "rtc_1" else { return .failure(.unknownCall) }
                switch ifMatch {
                case nil: return .failure(.preconditionRequired)
                case "*": return .success(.restarted(fragment: "a=ice-ufrag:new", entityTag: "next"))
                case "tag": return .success(.noContent)
                default: return .failure(.preconditionFailed)
                }
            },
            hangUp: { $0 == "rtc_1" ? .success(()) : .failure(.unknownCall) },
            mint: { _, _, _ in .failure(.full(retryAfterSeconds: 7)) },
            status: { ServerStatus(isDraining: isDraining, connections: 2, sessions: 1, counters: ServerCounters()) })
        let offer = TransportOffer(
            address: PeerAddress(ipv4: 127, 0, 0, 1, port: 4433), alpn: ["h3", "roq"],
            certificateSHA256: [UInt8](repeating: 0xAB, count: 32))
        return HTTPService(desk: desk, offer: offer)
    }

    struct Row: Sendable {
        var method: String
        var path: String
        var fields: [String: String] = [:]
        var body = "v=0"
        var status: Int
        var code: String?
    }

    @Test(arguments: [
        Row(method: "GET", path: "/healthz", status: 200),
        Row(method: "HEAD", path: "/healthz", status: 200),
        Row(method: "GET", path: "/v1/realtime/transports", status: 200),
        Row(method: "POST", path: "/healthz", status: 405, code: "method_not_allowed"),
        Row(method: "GET", path: "/", status: 404, code: "not_found"),
        Row(method: "GET", path: "/whipper", status: 404, code: "not_found"),
        Row(method: "POST", path: "/v1/realtime/calls", fields: sdp, status: 201),
        Row(method: "POST", path: "/whip", fields: ["content-type": "Application/SDP; charset=utf-8"], status: 201),
        Row(method: "POST", path: "/whip", fields: sdp, body: "", status: 400, code: "empty_sdp"),
        Row(method: "POST", path: "/whip", status: 415, code: "unsupported_media_type"),
        Row(method: "POST", path: "/whip", fields: ["content-type": "text/plain"], status: 415, code: "unsupported_media_type"),
        Row(method: "POST", path: "/whip", fields: sdp, body: String(repeating: "x", count: 65_537), status: 413, code: "request_too_large"),
        Row(method: "POST", path: "/whip", fields: ["content-type": "multipart/form-data"], status: 400, code: "invalid_multipart"),
        Row(method: "POST", path: "/whip", fields: ["content-type": "application/json"], status: 400, code: "invalid_json"),
        Row(method: "POST", path: "/whip", fields: ["content-type": "application/json"], body: "{}", status: 400, code: "missing_required_parameter"),
        Row(method: "POST", path: "/whip", fields: ["content-type": "application/json"], body: "{\"sdp\":\"v=0\"}", status: 201),
        Row(method: "GET", path: "/whip", status: 405, code: "method_not_allowed"),
        Row(method: "HEAD", path: "/whip/rtc_1", status: 405, code: "method_not_allowed"),
        Row(method: "GET", path: "/v1/realtime/calls/rtc_1", status: 405, code: "method_not_allowed"),
        Row(method: "PATCH", path: "/whip/rtc_1", fields: fragment, status: 204),
        Row(method: "PATCH", path: "/v1/realtime/calls/rtc_1", fields: fragment, status: 204),
        Row(method: "PATCH", path: "/whip/rtc_2", fields: fragment, status: 404, code: "call_not_found"),
        Row(method: "PATCH", path: "/whip/rtc_1", fields: sdp, status: 415, code: "unsupported_media_type"),
        Row(method: "PATCH", path: "/whip/rtc_1", fields: fragment.filter { $0.key == "content-type" }, status: 428, code: "precondition_required"),
        Row(method: "PATCH", path: "/whip/rtc_1", fields: fragment.merging(["if-match": "\"old\""]) { $1 }, status: 412, code: "precondition_failed"),
        Row(method: "PATCH", path: "/whip/rtc_1", fields: fragment.merging(["if-match": "W/\"tag\""]) { $1 }, status: 412, code: "precondition_failed"),
        Row(method: "PATCH", path: "/whip/rtc_1", fields: fragment.merging(["if-match": "*"]) { $1 }, status: 200),
        Row(method: "DELETE", path: "/whip/rtc_1", status: 200),
        Row(method: "DELETE", path: "/whip/rtc_2", status: 404, code: "call_not_found"),
        Row(method: "POST", path: "/v1/realtime/calls/rtc_1/hangup", status: 200),
        Row(method: "POST", path: "/v1/realtime/calls/rtc_1/accept", status: 404, code: "unsupported_endpoint"),
        Row(method: "POST", path: "/v1/realtime/calls/rtc_1/sing", status: 404, code: "not_found"),
        Row(method: "POST", path: "/v1/realtime/calls//hangup", status: 404, code: "not_found"),
        Row(method: "POST", path: "/v1/realtime/client_secrets", body: "", status: 503, code: "server_full"),
        Row(method: "POST", path: "/v1/realtime/client_secrets", body: "[", status: 400, code: "invalid_json"),
        Row(method: "POST", path: "/v1/realtime/client_secrets", body: "{\"expires_after\":{\"anchor\":\"now\"}}", status: 400, code: "invalid_value"),
        Row(method: "OPTIONS", path: "/whip", status: 200),
        Row(method: "OPTIONS", path: "/nowhere", status: 200),
        Row(method: "OPTIONS", path: "*", status: 200),
    ])
    func `each request has its status, and an error its code as JSON`(row: Row) async {
        let answer = await service().answer(HTTPCall(row.method, row.path, fields: row.fields, body: Array(row.body.utf8)))
        #expect(answer.status == row.status)
        #expect(answer["Access-Control-Allow-Origin"] == "*")
        let text = String(decoding: answer.body, as: UTF8.self)
        if let code = row.code {
            #expect(answer["Content-Type"] == "application/json")
            #expect(text.contains("\"code\":\"\(code)\""))
            #expect(text.hasPrefix("{\"error\":{"))
        }
        if row.status == 405 { #expect(answer["Allow"]?.contains("OPTIONS") == true) }
        if row.status == 503 { #expect(answer["Retry-After"] == "7") }
    }

    @Test(arguments: ["/v1/realtime/calls", "/whip"])
    func `a call's resource stands under the path that made it`(path: String) async {
        let answer = await service().answer(HTTPCall("POST", path, fields: Self.sdp, body: Array("v=0".utf8)))
        #expect(answer["Location"] == "\(path)/rtc_1")
        #expect(answer["ETag"] == "\"tag\"")
        #expect(answer["Content-Type"] == "application/sdp")
        #expect(answer.body == Array("v=0 answer".utf8))
    }

    @Test func `a form's session, the model and the bearer reach the endpoint`() async {
        let service = service { offer in
            guard offer.sdp == "v=0", offer.proposal?.model == "echo", offer.request.model == "echo",
                offer.proposal?.update.instructions == .value("hi"), offer.request.secret == "ek_1"
            else { return .failure(.unsupported("\(offer)")) }
            return .success(CallAnswer(callID: "rtc_1", sdp: "v=0", entityTag: "tag"))
        }
        let body =
            "--b\r\nContent-Disposition: form-data; name=\"sdp\"\r\n\r\nv=0\r\n--b\r\nContent-Disposition: form-data; name=\"session\"\r\n\r\n"
            + "{\"type\":\"realtime\",\"model\":\"echo\",\"instructions\":\"hi\"}\r\n--b--"
        let fields = ["content-type": "multipart/form-data; boundary=b", "authorization": "bearer ek_1"]
        let answer = await service.answer(HTTPCall("POST", "/v1/realtime/calls", fields: fields, body: Array(body.utf8)))
        #expect(answer.status == 201, "\(String(decoding: answer.body, as: UTF8.self))")
    }

    @Test(arguments: [
        (.malformedOffer(code: "no_audio", message: "x", param: "sdp"), 400), (.unauthorized("x"), 401), (.unknownCall, 404),
        (.preconditionFailed, 412), (.unsupported("x"), 422), (.preconditionRequired, 428), (.full(retryAfterSeconds: 3), 503), (.draining, 503),
    ] as [(CallRefusal, Int)])
    func `a refusal is never text in the place of an SDP`(refusal: CallRefusal, status: Int) async {
        let answer = await service { _ in .failure(refusal) }.answer(HTTPCall("POST", "/whip", fields: Self.sdp, body: Array("v=0".utf8)))
        #expect(answer.status == status)
        #expect(answer["Content-Type"] == "application/json")
        #expect((answer["WWW-Authenticate"] != nil) == (status == 401))
        #expect((answer["Retry-After"] != nil) == (status == 503))
    }

    @Test func `any page may ask with any fields, and read where its call is`() async {
        let preflight = [
            "origin": "https://page.example", "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,x-openai-agents-sdk", "access-control-request-private-network": "true",
        ]
        let granted = await service().answer(HTTPCall("OPTIONS", "/v1/realtime/calls", fields: preflight))
        #expect(granted["Access-Control-Allow-Origin"] == "https://page.example")
        #expect(granted["Access-Control-Allow-Headers"] == "authorization,x-openai-agents-sdk")
        #expect(granted["Access-Control-Allow-Methods"]?.contains("POST") == true)
        #expect(granted["Access-Control-Allow-Private-Network"] == "true")
        #expect(granted["Accept-Post"] == "application/sdp")
        let refused = await service().answer(HTTPCall("POST", "/whip", fields: ["origin": "https://page.example"]))
        #expect(refused.status == 415)
        #expect(refused["Access-Control-Allow-Origin"] == "https://page.example")
        #expect(refused["Access-Control-Expose-Headers"]?.contains("Location") == true)
    }

    @Test func `a draining server is unhealthy`() async {
        let answer = await service(isDraining: true).answer(HTTPCall("GET", "/healthz"))
        #expect(answer.status == 503)
    }

    @Test(arguments: [
        ("example.org:8433", "https://example.org:4433/v1/realtime"), ("[::1]:80", "https://[::1]:4433/v1/realtime"),
        ("evil\"}", "https://127.0.0.1:4433/v1/realtime"),
    ])
    func `transports are told with the host by which the client came`(host: String, url: String) async {
        let answer = await service().answer(HTTPCall("GET", "/v1/realtime/transports", fields: ["host": host]))
        let text = String(decoding: answer.body, as: UTF8.self)
        #expect(text.contains("\"url\":\"\(url)\""))
        #expect(text.contains("\"sha256_hex\":\"\(String(repeating: "ab", count: 32))\""))
    }
}
