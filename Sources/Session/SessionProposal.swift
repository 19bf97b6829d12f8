/// The session that a client asks for by HTTP, before there is a connection: the `session` of
/// `POST /v1/realtime/client_secrets` and the multipart part of that name at `/v1/realtime/calls`.
package struct SessionProposal: Hashable, Sendable {
    /// Fixed once the session has begun, so no part of an update.
    package var model: String?
    package var update: SessionUpdate
    /// `parallax.resume`: the session that is to go on, instead of a new one.
    package var resume: ResumeRequest?

    package init(model: String? = nil, update: SessionUpdate = SessionUpdate()) {
        self.model = model
        self.update = update
    }

    /// Reads one JSON object in OpenAI's form.
    /// - Throws: `EventError` whose `param` begins with `session`.
    package init(parsing bytes: [UInt8], limits: SessionLimits) throws(EventError) {
        guard bytes.count <= limits.eventBytes else {
            throw EventError(
                code: .tooLarge, message: "The session has \(bytes.count) bytes; the limit is \(limits.eventBytes).", param: "session")
        }
        do throws(EventError) {
            self = try JSON.decode(SessionProposal.self, from: bytes, depthLimit: limits.eventDepth)
        } catch {
            var error = error
            error.param = error.param.map { "session.\($0)" } ?? "session"
            throw error
        }
    }

    /// The configuration that a session with these wishes would begin with.
    /// - Throws: `EventError` for the first wish that cannot be granted.
    package func object(
        id: String, configuration: SessionConfiguration, capabilities: Capabilities, limits: SessionLimits
    ) throws(EventError) -> SessionObject {
        var object = SessionObject(id: id, model: model ?? configuration.model, instructions: configuration.instructions)
        object.parallax.reliability.mode = configuration.mode
        return try update.merged(into: object, capabilities: capabilities, limits: limits)
    }
}

extension SessionProposal: Decodable {
    private enum Key: String, CodingKey { case model, parallax }
    private struct Parallax: Decodable { var resume: ResumeRequest? }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        model = try container.decodeIfPresent(String.self, forKey: .model)
        resume = try container.decodeIfPresent(Parallax.self, forKey: .parallax)?.resume
        update = try SessionUpdate(from: decoder)
    }
}
