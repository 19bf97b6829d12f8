internal import Endpoint
internal import Session

extension HTTPService {
    /// `POST /v1/realtime/client_secrets`, with OpenAI's fields both ways.
    func mintClientSecret(_ call: HTTPCall) async throws(HTTPError) -> HTTPAnswer {
        let wish = call.body.isEmpty ? SecretRequest() : try json(SecretRequest.self, from: call.body)
        if let anchor = wish.expiresAfter?.anchor, anchor != "created_at" {
            throw HTTPError(400, "invalid_value", "The anchor is 'created_at'.", param: "expires_after.anchor")
        }
        let minted = try Self.value(await desk.mint(call.bearer, wish.session, wish.expiresAfter?.seconds))
        return HTTPAnswer(json: SecretAnswer(value: minted.value, expiresAt: minted.expiresAtUnixSeconds, session: minted.session))
    }
}

private struct SecretRequest: Decodable {
    struct ExpiresAfter: Decodable {
        var anchor: String?
        var seconds: Int?
    }
    var expiresAfter: ExpiresAfter?
    var session: SessionProposal?

    private enum CodingKeys: String, CodingKey { case expiresAfter = "expires_after", session }
}

private struct SecretAnswer: Encodable {
    var value: String
    var expiresAt: Int
    var session: SessionObject

    private enum CodingKeys: String, CodingKey { case value, expiresAt = "expires_at", session }
}
