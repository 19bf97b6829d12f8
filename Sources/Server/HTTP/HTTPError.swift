internal import Endpoint
internal import Session

/// Why a request has no better answer, in OpenAI's form: `{"error": {type, code, message, param}}`.
package struct HTTPError: Error, Hashable, Sendable {
    package var status: Int
    /// A word for programs; stable.
    package var code: String
    /// For people: what happened, and what to do.
    package var message: String
    /// The part of the request that is wrong.
    package var param: String?
    /// What the status wants beside the body: `Allow`, `Retry-After`.
    package var fields: [HTTPAnswer.Field] = []

    package init(_ status: Int, _ code: String, _ message: String, param: String? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.param = param
    }

    var answer: HTTPAnswer {
        struct Body: Encodable {
            struct Detail: Encodable {
                var type: String
                var code: String
                var message: String
                var param: String?

                private enum CodingKeys: String, CodingKey { case type, code, message, param }
                /// `param` is null where there is none, as OpenAI has it.
                func encode(to encoder: any Encoder) throws {
                    var container = encoder.container(keyedBy: CodingKeys.self)
                    try container.encode(type, forKey: .type)
                    try container.encode(code, forKey: .code)
                    try container.encode(message, forKey: .message)
                    try container.encode(param, forKey: .param)
                }
            }
            var error: Detail
        }
        let type = status < 500 ? EventError.Kind.invalidRequest : .server
        var answer = HTTPAnswer(
            status: status, json: Body(error: Body.Detail(type: type.rawValue, code: code, message: message, param: param)))
        answer.fields += fields
        return answer
    }

    private func with(_ name: String, _ value: String) -> HTTPError {
        var error = self
        error.fields.append(HTTPAnswer.Field(name: name, value: value))
        return error
    }

    // MARK: Those of HTTP itself

    static let notFound = HTTPError(
        404, "not_found", "There is nothing at this path: calls are made by POST /v1/realtime/calls or /whip.")

    static func methodNotAllowed(_ method: String, allowed: [String]) -> HTTPError {
        let names = allowed.joined(separator: ", ")
        return HTTPError(405, "method_not_allowed", "\(method.prefix(16)) is not offered here; these are: \(names).").with("Allow", names)
    }

    static func bodyTimeout(seconds: Int64) -> HTTPError {
        HTTPError(408, "request_timeout", "The body did not end within \(seconds) s of the header: send it without pauses.")
    }

    static func tooLarge(_ what: String, limit: Int, param: String? = nil) -> HTTPError {
        HTTPError(413, "request_too_large", "\(what) has more than \(limit) bytes.", param: param)
    }

    static func mediaType(_ given: String?, wanted: [String]) -> HTTPError {
        let got = given.map { "'\($0.prefix(64))'" } ?? "none"
        return HTTPError(
            415, "unsupported_media_type", "The Content-Type is \(got); it must be \(wanted.joined(separator: " or ")).", param: "Content-Type")
    }

    /// RFC 9110 section 15.5.22, RFC 6455 section 4.4.
    static let upgradeRequired = HTTPError(
        426, "upgrade_required",
        "This path speaks WebSocket, version 13, by HTTP/1.1: connect with a WebSocket client; calls are made by POST /v1/realtime/calls."
    ).with("Upgrade", "websocket").with("Sec-WebSocket-Version", "13")

    static let notAcceptingText = HTTPError(400, "invalid_encoding", "The body is not UTF-8 text.")
}

extension HTTPError {
    init(_ error: EventError) {
        self.init(error.code == .tooLarge ? 413 : 400, error.code.text, error.message, param: error.param)
    }

    /// The status of each refusal, as RFC 9725 section 4 and OpenAI's clients expect it.
    init(_ refusal: CallRefusal) {
        switch refusal {
        case .malformedOffer(let code, let message, let param): self.init(400, code, message, param: param)
        case .unauthorized(let message):
            // RFC 9110 section 15.5.2: a 401 names the scheme.
            self = HTTPError(401, "invalid_api_key", message, param: "Authorization").with("WWW-Authenticate", "Bearer")
        case .full(let seconds):
            self = HTTPError(503, "server_full", "The server has no room; try again in \(seconds) s.").with("Retry-After", "\(seconds)")
        case .draining:
            self = HTTPError(503, "server_draining", "The server is going away: ask another.").with("Retry-After", "5")
        case .unknownCall: self.init(404, "call_not_found", "There is no such call: it has ended, or never was.")
        case .preconditionFailed:
            self.init(412, "precondition_failed", "If-Match names another ICE session than the present one.", param: "If-Match")
        case .preconditionRequired:
            self.init(428, "precondition_required", "Name the ICE session by If-Match: the ETag of the last answer, or *.", param: "If-Match")
        case .resumeRefused(let refusal): self.init(refusal.status, refusal.code.text, refusal.message, param: "resume")
        case .unsupported(let message): self.init(422, "unsupported", message)
        }
    }
}
