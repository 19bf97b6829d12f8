/// The resources that there are, one a path. Methods are decided where a request is answered.
enum HTTPRoute: Hashable, Sendable {
    case health
    case transports
    /// Where WebSockets are opened.
    case realtime
    case clientSecrets
    /// Where calls are made: OpenAI's path, or WHIP's endpoint (RFC 9725 section 4.2). They differ in name only.
    case calls(path: String)
    /// A call: WHIP's session resource, and OpenAI's under the other path.
    case call(id: String)
    case hangUp(id: String)
    /// OpenAI's verbs for calls that come in by telephone, which nobody here can place.
    case telephoneVerb(String)
    /// `OPTIONS *` (RFC 9110 section 9.3.7).
    case server

    static let callPaths = ["/v1/realtime/calls", "/whip"]

    init?(path: String) {
        switch path {
        case "/healthz": self = .health
        case "/v1/realtime/transports": self = .transports
        case "/v1/realtime": self = .realtime
        case "/v1/realtime/client_secrets": self = .clientSecrets
        case "*": self = .server
        default:
            guard let base = Self.callPaths.first(where: { path == $0 || path.hasPrefix($0 + "/") }) else { return nil }
            let segments = path.dropFirst(base.count).split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init)
            switch (segments.count, segments.first, segments.last) {
            case (0, _, _): self = .calls(path: base)
            case (1, let id?, _) where !id.isEmpty: self = .call(id: id)
            case (2, let id?, "hangup"?) where !id.isEmpty: self = .hangUp(id: id)
            case (2, let id?, let verb?) where !id.isEmpty && ["accept", "reject", "refer"].contains(verb): self = .telephoneVerb(verb)
            default: return nil
            }
        }
    }

    /// What `Allow` names. GET and HEAD on calls stay reserved, as WHIP demands.
    var allowedMethods: [String] {
        switch self {
        case .health, .transports: ["GET", "HEAD", "OPTIONS"]
        case .realtime: ["GET", "OPTIONS"]
        case .clientSecrets, .calls, .hangUp, .telephoneVerb: ["POST", "OPTIONS"]
        case .call: ["PATCH", "DELETE", "OPTIONS"]
        case .server: ["OPTIONS"]
        }
    }

    /// What OPTIONS tells beside `Allow`.
    var acceptFields: [HTTPAnswer.Field] {
        switch self {
        case .calls: [HTTPAnswer.Field(name: "Accept-Post", value: HTTPMedia.sdp)]
        case .call: [HTTPAnswer.Field(name: "Accept-Patch", value: HTTPMedia.fragment)]
        default: []
        }
    }
}

/// The media types that signalling uses.
enum HTTPMedia {
    static let sdp = "application/sdp"
    static let fragment = "application/trickle-ice-sdpfrag"
    static let form = "multipart/form-data"
    static let json = "application/json"
}
