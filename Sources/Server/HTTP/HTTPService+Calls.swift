internal import Endpoint
internal import Framing
internal import Session

// Calls, as OpenAI's clients make them and as WHIP has it (RFC 9725): one handler serves both.
extension HTTPService {
    /// `POST /v1/realtime/calls` and `POST /whip`: an offer in, 201 with the answer and the call's resource.
    func makeCall(_ call: HTTPCall, path: String) async throws(HTTPError) -> HTTPAnswer {
        let wanted = try readOffer(call)
        var request = AttachRequest(secret: call.bearer, model: call.query["model"])
        if let model = wanted.session?.model { request.model = model }
        request.resume = wanted.session?.resume ?? ResumeRequest(call.query)
        let result = await desk.answer(
            CallOffer(
                sdp: wanted.sdp, request: request, proposal: wanted.session,
                localAddress: offer.candidateAddress(reachedAt: call.localAddress), remoteAddress: call.remoteAddress))
        let made = try Self.value(result)
        var answer = HTTPAnswer(status: 201, text: made.sdp, type: HTTPMedia.sdp)
        // Relative, so that it holds behind a proxy; OpenAI's clients read the call's id from its last segment.
        answer["Location"] = "\(path)/\(made.callID)"
        answer["ETag"] = "\"\(made.entityTag)\""
        answer["Accept-Patch"] = HTTPMedia.fragment
        return answer
    }

    /// `PATCH` on a call: candidates, or a restart of ICE (RFC 9725 section 4.3).
    func patch(_ call: HTTPCall, id: String) async throws(HTTPError) -> HTTPAnswer {
        let type = call.fields["content-type"].map(FieldParameters.init)?.value
        guard type == HTTPMedia.fragment else { throw .mediaType(type, wanted: [HTTPMedia.fragment]) }
        let fragment = try sdpText(call.body, param: nil)
        switch try Self.value(await desk.patch(id, fragment, call.fields["if-match"].map(Self.entityTag))) {
        case .noContent: return HTTPAnswer(status: 204)
        case .restarted(let fragment, let tag):
            var answer = HTTPAnswer(text: fragment, type: HTTPMedia.fragment)
            answer["ETag"] = "\"\(tag)\""
            return answer
        }
    }

    /// `DELETE` on a call, and `POST …/hangup`. Whoever knows the id may: only the caller was told it.
    func hangUp(_ id: String) async throws(HTTPError) -> HTTPAnswer {
        _ = try Self.value(await desk.hangUp(id))
        return HTTPAnswer(status: 200)
    }

    static func value<Value>(_ result: Result<Value, CallRefusal>) throws(HTTPError) -> Value {
        switch result {
        case .success(let value): return value
        case .failure(let refusal): throw HTTPError(refusal)
        }
    }

    // MARK: Reading

    private struct Offer {
        var sdp: String
        var session: SessionProposal?
    }

    /// The offer alone as `application/sdp`; with a session as a form, or as the JSON that openai-python posts.
    private func readOffer(_ call: HTTPCall) throws(HTTPError) -> Offer {
        let type = call.fields["content-type"].map(FieldParameters.init)
        switch type?.value {
        case HTTPMedia.sdp: return Offer(sdp: try sdpText(call.body, param: nil))
        case HTTPMedia.json:
            struct Body: Decodable {
                var sdp: String
                var session: SessionProposal?
            }
            let body = try json(Body.self, from: call.body)
            return Offer(sdp: try sdpText(Array(body.sdp.utf8), param: "sdp"), session: body.session)
        case HTTPMedia.form: return try readForm(call.body, type: type ?? FieldParameters(""))
        case let other: throw .mediaType(other, wanted: [HTTPMedia.sdp, HTTPMedia.form])
        }
    }

    private func readForm(_ body: [UInt8], type: FieldParameters) throws(HTTPError) -> Offer {
        let form: MultipartForm
        do throws(MultipartForm.Malformed) {
            form = try MultipartForm(parsing: body.span, contentType: type)
        } catch {
            throw HTTPError(400, "invalid_multipart", "The form cannot be read: \(error.description).")
        }
        guard let sdp = form.part("sdp") else {
            throw HTTPError(400, "missing_required_parameter", "Missing required parameter: 'sdp'.", param: "sdp")
        }
        // The types of the parts are not looked at: clients differ in what they call them.
        return Offer(sdp: try sdpText(sdp.body, param: "sdp"), session: try form.part("session").map(proposal))
    }

    private func proposal(_ part: MultipartForm.Part) throws(HTTPError) -> SessionProposal {
        do throws(EventError) {
            return try SessionProposal(parsing: part.body, limits: SessionLimits())
        } catch {
            throw HTTPError(error)
        }
    }

    private func sdpText(_ bytes: [UInt8], param: String?) throws(HTTPError) -> String {
        guard bytes.count <= limits.sdpBytes else { throw .tooLarge("The SDP", limit: limits.sdpBytes, param: param) }
        guard !bytes.isEmpty else { throw HTTPError(400, "empty_sdp", "The SDP is empty.", param: param) }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw HTTPError(400, "invalid_sdp", "The SDP is not UTF-8 text.", param: param)
        }
        return text
    }

    func json<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws(HTTPError) -> Value {
        do throws(EventError) {
            return try JSON.decode(type, from: bytes, depthLimit: SessionLimits().eventDepth)
        } catch {
            var error = error
            if error.code == .invalidJSON { error.message = "The body is not a JSON object." }
            throw HTTPError(error)
        }
    }

    /// The opaque tag of `If-Match` (RFC 9110 section 8.8.3), or `*`. A weak tag never matches strongly, so it is kept as it is.
    private static func entityTag(_ field: String) -> String {
        guard field.count >= 2, field.hasPrefix("\""), field.hasSuffix("\"") else { return field }
        return String(field.dropFirst().dropLast())
    }
}
