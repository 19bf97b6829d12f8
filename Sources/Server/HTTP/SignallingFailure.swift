package import Session

/// Why a call was not placed. `code` is stable and meant for programs, `description` says what happened and what to do.
package enum SignallingFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// Nothing listens there, or no such host.
    case unreachable(url: String)
    case timeout(url: String, after: Duration)
    /// The certificate is not the one that was named, or nobody vouches for it.
    case untrusted(url: String)
    /// Something answers there, but it does not signal calls.
    case notSignalling(url: String, reason: String)
    /// The server understood and refused.
    case refused(status: Int, RefusalText)
    case broken(url: String, reason: String)

    package var code: String {
        switch self {
        case .unreachable: "signalling_unreachable"
        case .timeout: "signalling_timeout"
        case .untrusted: "certificate_untrusted"
        case .notSignalling: "not_signalling"
        case .refused(_, let text): text.code
        case .broken: "signalling_failed"
        }
    }

    package var description: String {
        switch self {
        case .unreachable(let url): "nothing listens at \(url): start a server with `parallax serve`, or check host and port (TCP)"
        case .timeout(let url, let limit): "\(url) did not answer within \(limit.components.seconds) s: check host and port, and that TCP passes"
        case .untrusted(let url):
            "the certificate of \(url) is not trusted: give --certificate-sha256 with the hash that serve printed, or for tests --insecure"
        case .notSignalling(let url, let reason): "\(url) does not signal calls: \(reason); is it a WHIP endpoint or /v1/realtime/calls?"
        case .refused(let status, let text): "the server refused the call with \(status): \(text.message)"
        case .broken(let url, let reason): "signalling with \(url) failed: \(reason)"
        }
    }
}

extension TransportClose {
    /// Why there is no connection: the server's refusal of a call, with its status, or what went wrong on our side.
    package init(opening error: any Error) {
        if case .refused(let status, _)? = error as? SignallingFailure {
            self.init(code: UInt64(max(0, status)), reason: "\(error)", origin: .peer)
        } else {
            self.init(code: 0, reason: "\(error)", origin: .local)
        }
    }
}

/// What a refusal's body says: `code` and `message` of `{"error": …}`, or what can be had of another body.
package struct RefusalText: Hashable, Sendable {
    package var code: String
    package var message: String

    init(body: String) {
        struct Body: Decodable {
            struct Detail: Decodable {
                var code: String?
                var message: String?
            }
            var error: Detail
        }
        let detail = (try? JSON.decode(Body.self, from: Array(body.utf8), depthLimit: 16))?.error
        code = detail?.code ?? "signalling_refused"
        message = detail?.message ?? (body.isEmpty ? "it gave no reason" : String(body.prefix(200)))
    }
}
